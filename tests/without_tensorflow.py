"""Runs a launcher where no TensorFlow is to be found: `python without_tensorflow.py train ...`."""

import importlib.abc
import runpy
import sys


class NoTensorFlow(importlib.abc.MetaPathFinder):
    """Finds no TensorFlow, whatever is installed."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if __name__ == "__main__":
    sys.meta_path.insert(0, NoTensorFlow())
    del sys.argv[0]
    runpy.run_module(f"launch.{sys.argv[0]}", run_name="__main__", alter_sys=True)
