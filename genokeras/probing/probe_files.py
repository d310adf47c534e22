"""The files of a probe: NAME.json, and beside it the curves as NAME.png and NAME.svg."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from genokeras.evaluation import output_file
from genokeras.plots import figure
from genokeras.plots.label_efficiency import draw_label_efficiency
from genokeras.probing.rows import METRICS, shown_rows
from genokeras.training.run_files import write
from tfrecords.errors import InputError

_PICTURES = (".png", ".svg")


def check_output(output: str | os.PathLike) -> pathlib.Path:
    """Returns where the numbers go; nothing is written yet.

    Raises:
        InputError: It is no name of a JSON file, or cannot be written.
    """
    path = output_file.check(output)
    if path.suffix != ".json":
        raise InputError(f"{output}: expected the name of a file that ends in .json")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path.parent}: no permission to write there; give another output")
    return path


def write_probe(path: pathlib.Path, result: Mapping[str, Any]) -> list[pathlib.Path]:
    """Writes what `probe` returned, and returns the files; no pictures without matplotlib."""
    written = []
    if figure.is_available():
        rows = shown_rows(result)
        metrics = METRICS[result["task_type"]][:2]
        for suffix in _PICTURES:
            picture = path.with_suffix(suffix)
            title = f"Linear probes, {result['dataset']}, test split"
            draw_label_efficiency(rows, metrics, picture, title)
            written.append(picture)
    write(path, result)
    return [path, *written]
