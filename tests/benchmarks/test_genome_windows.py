"""The benchmark of windows of a genome runs, and keeps no result of a small run."""


def test_small_run(small_run):
    found = small_run("--pairs=1")
    assert found["bases"] == 230218 + 813184 + 316620
    # Chromosomes I and II on one strand, III on both.
    sizes = [(length - 200) // 50 + 1 for length in (230218, 813184, 316620)]
    assert found["examples"] == sizes[0] + sizes[1] + 2 * sizes[2]
    assert list(found["memory"]["peak_bytes_by_stride"]) == ["50", "5"]
