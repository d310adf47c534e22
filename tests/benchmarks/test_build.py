"""The benchmark of building runs, and keeps no result of a small run."""


def test_small_run(small_run):
    found = small_run("--rows=2000", "--pairs=1")
    assert found["table_bytes"] == len("sequence,label\n") + 2000 * len(f"{'A' * 200},1\n")
    assert found["build_rows_per_second"]["median"] > 0
    assert list(found["memory"]["peak_bytes"]) == ["500", "2000", "8000"]
