"""What tests of layers and models share: the other backend, and a check of configurations."""

import inspect
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def on_jax(tmp_path) -> Callable[..., dict[str, np.ndarray]]:
    """Runs code with Keras on JAX: arrays go in as `given`, those of the dict `result` come out."""

    def run(code: str, **given: np.ndarray) -> dict[str, np.ndarray]:
        np.savez(tmp_path / "given.npz", **given)
        frame = f"import numpy as np\ngiven = np.load('given.npz')\n{code}\n"
        script = frame + "np.savez('result.npz', **{k: np.asarray(v) for k, v in result.items()})"
        environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return dict(np.load(tmp_path / "result.npz"))

    return run


@pytest.fixture
def assert_config_complete() -> Callable[[object], None]:
    """Checks that `get_config` holds every argument of `__init__`, and makes the same again."""

    def check(layer: object) -> None:
        config = layer.get_config()
        names = set(inspect.signature(type(layer).__init__).parameters) - {"self", "kwargs"}
        assert names <= set(config), f"not in get_config: {names - set(config)}"
        again = type(layer).from_config(config).get_config()
        assert again == config

    return check
