"""Scores trained models on a whole split, beside a baseline, and writes down how they did."""

import functools
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from genokeras.evaluation import ensemble, probes, resamples, run_folders, self_supervised
from genokeras.evaluation.coverage_scores import score_coverage, windows_at_a_time
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.evaluation_files import write_coverage_evaluation, write_evaluation
from genokeras.evaluation.predictor import BATCH_SIZE, Predictor
from genokeras.evaluation.scored_split import score_models
from genokeras.models.spec import Spec
from genokeras.strand_symmetry import is_strand_blind
from genokeras.training.workdir import Run
from tfrecords.errors import InputError
from tfrecords.manifest import split_name
from tfrecords.reader import Dataset

Log = Callable[[str], None]


def evaluate(
    workdir: str | os.PathLike | Sequence[str | os.PathLike],
    split: str = "test",
    *,
    output: str | os.PathLike | None = None,
    reverse_complement: bool | None = None,
    num_bootstrap: int = 1000,
    baseline: bool = True,
    seed: int = 0,
    checkpoint: str | int = "best",
    batch_size: int = BATCH_SIZE,
    data_dir: str | os.PathLike | None = None,
    probe: Sequence[str] = (),
    report: bool = True,
    strategy: str = "auto",
    progress: Callable | None = None,
    log: Log | None = None,
) -> dict[str, Any]:
    """Scores a run's model, or the mean of several, on a split of its dataset.

    Every example counts once, also where the dataset stores both of its strands. What is written
    is said in `evaluation_files`, what is returned in `scored_split.score_models`; of coverage in
    `coverage_scores`; of a model that learned without labels in `self_supervised`.

    Args:
      workdir: Folder of the run, or of several: a list, a text with commas, or a pattern.
      split: `train`, `valid` (or `val`, `dev`) or `test`.
      output: Folder for what is written. Of one run it may be None: then `evaluation` in the run.
      reverse_complement: Whether logits are averaged over both strands; default: yes, unless the
        dataset was built with `none`. A model that does so by itself always does.
      num_bootstrap: Resamples behind the 95% intervals; 0 leaves these out.
      baseline: Whether to fit and score the 6-mer baseline as well.
      seed: Of the resamples, and of what is drawn for the probes.
      checkpoint: `best`, `last` or a step.
      batch_size: Sequences that the model computes at a time; scores do not depend on it.
      data_dir: Where the dataset is now, if it has moved since training.
      probe: Motifs to ask the model about, `NAME:WORD` in IUPAC codes, beside the baseline's own.
      report: Whether to draw pictures and write report.html as well.
      strategy: Which devices of this machine: `single`, `mirrored` (all), or `auto`.
      progress: Starts a progress bar, given a text and a total.
      log: Takes one-line messages.

    Returns:
      The scores, and `dataset`, `manifest_sha256`, `split`, `model`, `preset`, `checkpoint`, `step`
      (of several runs a list), `reverse_complement`, `num_bootstrap`, `seed`, `probe`.

    Raises:
      InputError: There is no such run, checkpoint, dataset or split, runs do not fit together, or
        predictions are not finite.
    """
    log, split = log or (lambda line: None), split_name(split)
    runs = ensemble.open_runs(workdir, data_dir)
    folder = run_folders.destination([run.workdir for run in runs], output)
    options = {"batch_size": windows_at_a_time(runs[0].spec, batch_size), "strategy": strategy}
    scoring = {"num_bootstrap": num_bootstrap, "seed": seed, "progress": progress}
    if self_supervised.is_self_supervised(runs[0]):
        self_supervised.check(runs, probe)
        scoring |= {"baseline": baseline, **options}
        return _evaluate_self_supervised(runs[0], folder, split, checkpoint, report, **scoring)
    words = _words(probe, runs[0].spec)
    datasets = _datasets(runs, split, progress)
    # Settled once: a run that still trains may make a better one meanwhile.
    steps = [run.step_of(checkpoint) for run in runs]
    load = functools.partial(Predictor.load, reverse_complement=reverse_complement, **options)
    models = Ensemble(list(map(load, runs, steps)))
    if runs[0].spec.task_type == "coverage":
        scored = score_coverage(models, datasets[0], split, **scoring)
    else:
        more = {"words": words, "baseline": baseline, "log": log}
        scored = score_models(models, datasets, split, **more, **scoring)
    result = {
        **_about(runs, split, checkpoint, steps),
        "reverse_complement": models.reverse_complement,
        "num_bootstrap": num_bootstrap,
        "seed": seed,
        "probe": list(probe),
        **scored.result,
    }
    _write(folder, runs, result, scored, report, log)
    return result


def _write(
    folder: pathlib.Path,
    runs: Sequence[Run],
    result: dict[str, Any],
    scored: Any,
    with_report: bool,
    log: Log,
) -> None:
    for run, member in zip(runs, result["members"] or (), strict=False):
        member["workdir"] = str(run.workdir)
    resamples.write(folder, result["split"], scored.samples)
    if runs[0].spec.task_type == "coverage":
        write_coverage_evaluation(folder, runs, result, scored.windows, with_report, log)
    else:
        write_evaluation(folder, runs, result, scored, with_report, log)


def _evaluate_self_supervised(
    run: Run,
    folder: pathlib.Path,
    split: str,
    checkpoint: str | int,
    with_report: bool,
    progress: Callable | None,
    **options: Any,
) -> dict[str, Any]:
    [dataset], step = _datasets([run], split, progress), run.step_of(checkpoint)
    scores, samples = self_supervised.score_self_supervised(
        run, dataset, split, step, progress=progress, **options
    )
    settings = {name: options[name] for name in ("num_bootstrap", "seed")}
    about = _about([run], split, checkpoint, [step])
    about["reverse_complement"] = is_strand_blind(run.config, run.spec)
    result = about | settings | {"probe": []} | scores
    resamples.write(folder, split, samples)
    self_supervised.write_self_supervised(folder, run, result, with_report)
    return result


def _words(probe: Sequence[str], spec: Spec) -> dict[str, str]:
    if probe and spec.task_type == "coverage":
        raise InputError("--probe asks about one number per window; this model gives coverage")
    return probes.parse_words(probe, spec.length)


def _about(
    runs: Sequence[Run], split: str, checkpoint: str | int, steps: Sequence[int]
) -> dict[str, Any]:
    """Returns of what the scores are."""
    return {
        "dataset": runs[0].manifest.name,
        "manifest_sha256": runs[0].manifest_sha256,
        "split": split,
        "model": _named(run.model_name for run in runs),
        "preset": _named(run.preset for run in runs),
        "checkpoint": checkpoint,
        "step": steps[0] if len(runs) == 1 else list(steps),
    }


def _datasets(runs: Sequence[Run], split: str, progress: Callable | None) -> list[Dataset]:
    """Opens the dataset of every run, once it is clear that the split is there, and the same."""
    datasets = [run.dataset(progress) for run in runs]
    for dataset in datasets:
        dataset.split(split)
    ensemble.check_same_records(runs, datasets, split)
    return datasets


def _named(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
