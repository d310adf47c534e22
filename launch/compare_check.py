"""Checks what a comparison asks of launch.train, all of it before the first run starts.

In a process of its own, as flags are global and as fields of models need Keras: reads JSON with
`lines` (pairs of a place and its flags) and `data_dirs` from standard input, and ends as a launcher
does, with one line and exit code 2 at the first mistake.
"""

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

from launch import app, quiet, train
from tfrecords.errors import InputError


def main() -> None:
    """Checks what standard input asks for: first what needs no Keras, which takes seconds."""
    asked = json.load(sys.stdin)
    _for_each(asked, lambda data_dir: train.asked())
    with quiet.loading():
        importlib.import_module("genokeras.training.train")
    _for_each(asked, train.check)


def _for_each(asked: dict[str, Any], check_one: Callable[[str], Any]) -> None:
    for place, words in asked["lines"]:
        app.flags.FLAGS.unparse_flags()
        try:
            for data_dir in asked["data_dirs"]:
                app.parse(["train", *words, f"--data_dir={data_dir}", "--workdir=new"])
                check_one(data_dir)
        except (InputError, app.flags.Error) as error:
            raise InputError(f"{place}: {error}") from None


if __name__ == "__main__":
    with app.one_line_endings():
        main()
