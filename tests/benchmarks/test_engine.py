"""The benchmark of what a step costs besides the network runs, and keeps no small result."""


def test_small_run(small_run):
    found = small_run("--steps=5", "--rounds=1")
    names = ["engine", "engine_default", "trainer"]
    assert list(found["microseconds_per_step"]) == ["bare", *names]
    assert list(found["microseconds_more_than_bare"]) == names
