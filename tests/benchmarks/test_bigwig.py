"""The benchmark of binned targets runs, and keeps no result of a small run."""


def test_small_run(small_run):
    found = small_run("--pairs=1")
    assert found["bases"] == 230218 + 813184 + 316620
    sizes = {name: way["num_windows"] for name, way in found["windows"].items()}
    assert sizes == {"end_to_end": 331, "overlapping": 1318, "scattered": 131}
    assert list(found["memory"]["peak_bytes"]) == ["131", "1318"]
