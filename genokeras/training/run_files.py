"""The files of a run in its work folder, without what reads models: loads no Keras.

`config.json` (all settings, versions, the dataset's hash), `flags.txt` (to be replayed with
`--flagfile`), `checkpoints/`, `tensorboard/`, `metrics.jsonl`, `model.keras` (the best weights),
and `result.json`, which is written last: a run that has it is finished.
"""

import json
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

from genokeras.training.lock import LOCK_FILE
from genokeras.training.settings import CONFIG_FILE, FLAGS_FILE
from genokeras.training.summaries import EVENTS_FOLDER, METRICS_FILE
from tfrecords.errors import InputError
from tfrecords.files import replacing

CHECKPOINTS = "checkpoints"
MODEL_FILE = "model.keras"
RESULT_FILE = "result.json"

# What --resume=never removes; config.json last, so that a folder half emptied is still a run.
_RUN_FILES = (
    RESULT_FILE, CHECKPOINTS, EVENTS_FOLDER, METRICS_FILE, MODEL_FILE, "evaluation", "report.html",
    FLAGS_FILE, CONFIG_FILE,
)  # fmt: skip
# What a run that was killed before it had a config.json has left.
_HALF_STARTED = (LOCK_FILE, FLAGS_FILE, f".writing.{FLAGS_FILE}", f".writing.{CONFIG_FILE}")


def write(path: pathlib.Path, content: Mapping[str, Any] | str) -> None:
    """Writes text or JSON; the file appears by renaming."""
    text = content if isinstance(content, str) else json.dumps(content, indent=1) + "\n"
    with replacing(path) as partial:
        partial.write_text(text)


def check_free(workdir: pathlib.Path) -> None:
    """Raises if `workdir`, which has no config.json, holds anything that no run has left there."""
    found = sorted(workdir.iterdir()) if workdir.is_dir() else []
    foreign = [path.name for path in found if path.name not in _HALF_STARTED or path.is_dir()]
    if workdir.is_file() or foreign:
        what = f"holds {foreign[0]!r} but no run" if foreign else "is a file"
        raise InputError(f"{workdir}: {what}; give another --workdir, one that is new or empty")


def remove_run(workdir: pathlib.Path) -> None:
    """Deletes what a run has written to its folder."""
    for name in _RUN_FILES:
        path = workdir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
