"""The files of an evaluation.

`SPLIT.json` holds the scores, `SPLIT.resamples.npz` what every resample behind the intervals
scored. `SPLIT.predictions.tsv` has a line per example, in the order of the input rows: `row` (whose
file and place there `tfrecords.origin` tells), of windows of a genome `chrom`, `start`, `end`
(0-based, half-open) and `strand`, and, for every task, `_target` (empty where it is missing),
`_probability` and `_logit`, or `_prediction`; of several runs also the standard deviation over
them, `_std`. Where matplotlib is installed there are pictures `SPLIT.*.png` (`split_pictures` says
which), and of one run `learning_curves.png`. `report.html`, written with Jinja if that is
installed, shows all this on one page; it lies in the folder of the run, or beside the rest if that
is somewhere else.

Of coverage there is no table; the picture `SPLIT.windows.png` shows windows with what is true and
what is predicted.
"""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genokeras.evaluation import report, run_folders
from genokeras.evaluation.coverage_scores import ShownWindow
from genokeras.evaluation.scored_split import ScoredSplit
from genokeras.evaluation.split_pictures import draw_pictures
from genokeras.evaluation.split_predictions import write_table
from genokeras.plots import figure
from genokeras.plots.coverage_windows import Window, draw_coverage_windows
from genokeras.plots.learning_curves import draw_learning_curves
from genokeras.training.run_files import write
from genokeras.training.summaries import read_rows
from genokeras.training.workdir import Run

_NO_PICTURES = "No pictures: they need matplotlib; pip install 'genokeras[plot]'."
_NO_REPORT = "No report: it needs jinja2; pip install 'genokeras[plot]'."


def write_evaluation(
    folder: pathlib.Path,
    runs: Sequence[Run],
    result: Mapping[str, Any],
    scored: ScoredSplit,
    with_report: bool,
    log: Callable[[str], None],
) -> None:
    """Writes what `evaluate` returns, the predictions, and with a report pictures as well."""
    split, predictions = result["split"], scored.predictions
    folder.mkdir(parents=True, exist_ok=True)
    write_table(predictions, runs[0].spec, folder / f"{split}.predictions.tsv")
    if with_report:
        if figure.is_available():
            logits = predictions.logits, scored.baseline_logits
            draw_pictures(result, predictions.labels, *logits, folder)
            if len(runs) == 1:
                _draw_learning_curves(runs[0], folder)
        else:
            log(_NO_PICTURES)
        _write_report(folder, runs, result, scored, log)
    # Last, since it says that the evaluation is complete.
    write(folder / f"{split}.json", result)


def write_coverage_evaluation(
    folder: pathlib.Path,
    runs: Sequence[Run],
    result: Mapping[str, Any],
    windows: Sequence[ShownWindow],
    with_report: bool,
    log: Callable[[str], None],
) -> None:
    """Writes what `evaluate` returns of coverage, and with a report pictures as well."""
    folder.mkdir(parents=True, exist_ok=True)
    if with_report:
        _draw_coverage(folder, runs, result, windows, log)
        _write_report(folder, runs, result, windows, log)
    write(folder / f"{result['split']}.json", result)


def _draw_coverage(
    folder: pathlib.Path,
    runs: Sequence[Run],
    result: Mapping[str, Any],
    windows: Sequence[ShownWindow],
    log: Callable[[str], None],
) -> None:
    if not figure.is_available():
        log(_NO_PICTURES)
        return
    if len(runs) == 1:
        _draw_learning_curves(runs[0], folder)
    if windows:
        draw_coverage_windows(
            folder / f"{result['split']}.windows.png",
            title=f"{result['dataset']}, {result['split']} split: {result['model']}",
            tasks=runs[0].spec.tasks,
            bin_bp=runs[0].spec.bin_bp,
            windows=[Window(shown.title, shown.true, shown.predicted) for shown in windows],
        )


def _write_report(
    folder: pathlib.Path,
    runs: Sequence[Run],
    result: Mapping[str, Any],
    details: ScoredSplit | Sequence[ShownWindow],
    log: Callable[[str], None],
) -> None:
    if report.is_available():
        parent = run_folders.report_folder(folder, [run.workdir for run in runs])
        report.write_report(parent / report.FILE, runs, runs[0].manifest, result, details)
    else:
        log(_NO_REPORT)


def _draw_learning_curves(run: Run, folder: pathlib.Path) -> None:
    title = f"{run.model_name}, preset {run.preset}"
    path = folder / "learning_curves.png"
    draw_learning_curves(read_rows(run.workdir), path, title=title, best_step=run.best_step)
