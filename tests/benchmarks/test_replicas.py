"""The benchmark of two devices runs, and keeps no small result."""


def test_small_run(small_run):
    found = small_run("--batch_size=8", "--steps=1", "--rounds=1", "--ways=one,two")
    assert list(found["examples_per_second"]) == ["one", "two"]
    assert list(found["ratio"]) == ["two/one"]
