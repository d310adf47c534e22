"""The benchmark of what the JAX engine adds to a step runs, and keeps no small result."""


def test_small_run(small_run, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    found = small_run("--steps=10", "--rounds=1")
    names = ["engine", "engine_default", "engine_ten"]
    for clock in ("", "_of_calling_thread"):
        assert list(found[f"microseconds_per_step{clock}"]) == ["bare", *names]
        assert list(found[f"microseconds_more_than_bare{clock}"]) == names
