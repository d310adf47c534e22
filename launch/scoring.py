"""Scores of a split as the launchers show them: a table, and where everything is."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from genokeras.evaluation import run_folders
from genokeras.training import remote_workdir
from launch import progress
from tfrecords.remote_path import is_remote

# --strategy, and what it does, of the launchers that predict.
STRATEGIES = ("auto", "single", "mirrored")
WHICH_DEVICES = (
    "Devices of this machine that share the work. single: one. mirrored: all. auto: what is there"
)
# What --reverse_complement does, of the launchers that have it.
BOTH_STRANDS = (
    "Average the logits of both strands. Default: unless the dataset was built with "
    "--reverse_complement=none, whose labels are of the given strand. A model with rc=average "
    "does so by itself, one with rc=equivariant need not, and rc=none means no."
)


def score(workdirs: Sequence[str | os.PathLike], split: str, **options: Any) -> None:
    """Evaluates runs, and prints their scores; to be called when Keras is loaded.

    Args:
        workdirs: Folders of the runs; of more than one, the ensemble is scored.
        split: Split to score.
        **options: Those of `evaluate`.
    """
    # Here, since they load Keras, whose messages the callers hold back.
    from genokeras.evaluation import report
    from genokeras.evaluation.evaluate import evaluate
    from genokeras.evaluation.score_table import score_table

    workdirs = [pathlib.Path(workdir) for workdir in workdirs]
    folder = run_folders.destination(workdirs, options.get("output"))
    result = evaluate(workdirs, split, progress=progress.start, log=progress.log, **options)
    print(score_table(result))
    has_table = (folder / f"{result['split']}.predictions.tsv").is_file()
    has_report = options.get("report", True)
    *parts, last = ["scores", *["predictions"] * has_table, *["pictures"] * has_report]
    what = f"{', '.join(parts)} and {last}" if parts else last
    print(f"\n{what.capitalize()}: {folder}/{result['split']}.*")
    page = run_folders.report_folder(folder, workdirs) / report.FILE
    if has_report and page.is_file():
        print(f"Report: {page}")


def copy_back(folder: str | os.PathLike, workdir: str) -> None:
    """Copies what was written into `folder`, the copy of a run at a URL, beside that run."""
    if is_remote(workdir):
        remote_workdir.push_evaluation(folder, workdir)
        print(f"Copied to {workdir}")
