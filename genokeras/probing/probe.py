"""Probes of trained networks: linear models of their embeddings, beside those of simpler features.

Nothing of a network is trained. An encoder's features are in memory while it is probed, one encoder
after the other: of embeddings 4 bytes for each window and dimension (and as much again of the
training split while a fraction of it is fitted), of 6-mers and one-hot DNA 8 for each base.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from genokeras.evaluation import run_folders
from genokeras.evaluation.baseline import K
from genokeras.evaluation.embedder import Embedder, check_length
from genokeras.probing import encoders, invariance, labelled_data, nuisances
from genokeras.probing.encoders import Encoder
from genokeras.probing.features import Features
from genokeras.probing.label_efficiency import Curve, differences, leading_metric, measure
from genokeras.probing.labelled_data import LabelledData
from genokeras.probing.minimality import information_bounds
from genokeras.probing.seen_windows import count_seen
from genokeras.probing.settings import Settings
from genokeras.training.workdir import Run
from tfrecords.manifest import Manifest


def probe(
    workdirs: str | os.PathLike | Sequence[str | os.PathLike],
    data_dir: str | os.PathLike,
    settings: Settings,
    *,
    reference_dir: str | os.PathLike | None = None,
    progress: Callable | None = None,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Probes runs, and beside them untrained networks like them, 6-mers and one-hot DNA.

    Args:
        workdirs: Of the runs: a folder, several, a text with commas, or a pattern.
        data_dir: A dataset with labels, of windows as long as those that the runs read.
        settings: The rest.
        reference_dir: A dataset of the same rows: probed is how embeddings differ from its.
        progress: Starts a progress bar, given a text and a total.
        log: Takes one-line messages.

    Returns:
        `rows` as of `label_efficiency.measure`, those of runs with `minus`, the differences from
        every encoder that is no run; `nuisances` as of `invariance.Sample.measure`; `noise`, of
        every network `lower`, `upper` and `most` of I(Z; X); and `dataset`, `manifest_sha256`,
        `task_type`, `windows`, `settings` and `runs`, with `test_windows_seen` as of `count_seen`.

    Raises:
        InputError: A run, the dataset or a nuisance is not there, or they do not fit together.
    """
    runs = [Run.open(folder) for folder in run_folders.find(workdirs)]
    manifest = Manifest.load(data_dir)
    nuisances.check(settings.nuisances, manifest)
    for run in runs:
        check_length(run, manifest.window_bp)
    reading = {"reference_dir": reference_dir, "max_windows": settings.max_windows}
    reading |= {"without_tasks": settings.nuisances, "progress": progress, "log": log}
    data = labelled_data.read(data_dir, **reading)
    sample = None
    if settings.nuisances:
        sample = invariance.Sample(data, settings.nuisances, seed=settings.seed)
    curves: dict[str, Curve] = {}
    of_nuisances, of_noise = [], []
    # Settled once: a run that still trains may make a better one meanwhile.
    steps = [run.step_of(settings.checkpoint) for run in runs]
    for encoder in _encoders(runs, steps, data, settings, log):
        features = Features.read(encoder, data, progress)
        curves[encoder.name] = _measure(features, data, settings, progress)
        if encoder.is_network:
            of_nuisances += sample.measure(features) if sample else []
            of_noise += _bounds(features, settings)
        del features  # The next ones take as much memory.
    _compare(curves, leading_metric(data))
    return {
        **_about(data_dir, data, runs, steps, settings, reference_dir),
        "rows": [row for curve in curves.values() for row in curve.rows],
        "nuisances": of_nuisances,
        "noise": of_noise,
    }


def _encoders(
    runs: Sequence[Run],
    steps: Sequence[int],
    data: LabelledData,
    settings: Settings,
    log: Callable[[str], None],
) -> Iterator[Encoder]:
    """Yields runs, one untrained network for each architecture, and what there is without any."""
    averaged = settings.reverse_complement
    if averaged is None and data.is_stranded:
        averaged = False
    options = {"batch_size": settings.batch_size, "reverse_complement": averaged}
    for run, step in zip(runs, steps, strict=True):
        embedder = Embedder.load(run, step, **options)
        yield encoders.network(str(run.workdir), encoders.RUN, embedder)
    for name, run in _architectures(runs).items():
        embedder = Embedder.untrained(run, settings.seed, **options)
        yield encoders.network(name, encoders.UNTRAINED, embedder)
    length = data.manifest.window_bp
    if length >= K:
        yield encoders.kmers(length, data.is_stranded)
    else:
        log(f"No {K}-mers: windows of {length} bp hold none.")
    yield encoders.one_hot(length)


def _architectures(runs: Sequence[Run]) -> dict[str, Run]:
    """Returns one run for each network there is, by the name of that network untrained."""
    distinct: list[Run] = []
    for run in runs:
        networks = [(other.model_name, other.config, other.spec) for other in distinct]
        if (run.model_name, run.config, run.spec) not in networks:
            distinct.append(run)
    names = [f"{run.model_name} {run.preset}, untrained" for run in distinct]
    return {
        name if names.count(name) == 1 else f"{name} ({run.workdir})": run
        for name, run in zip(names, distinct, strict=True)
    }


def _measure(
    features: Features, data: LabelledData, settings: Settings, progress: Callable | None
) -> Curve:
    return measure(
        features,
        data,
        fractions=settings.fractions,
        draws=settings.draws,
        num_bootstrap=settings.num_bootstrap,
        seed=settings.seed,
        progress=progress,
    )


def _bounds(features: Features, settings: Settings) -> list[dict[str, Any]]:
    about = {"encoder": features.encoder.name, "kind": features.encoder.kind}
    given = features.parts["train"], features.parts["test"]
    return [
        about | {"noise": noise} | information_bounds(*given, noise, seed=settings.seed)
        for noise in settings.noise
    ]


def _compare(curves: Mapping[str, Curve], metric: str) -> None:
    def is_run(curve: Curve) -> bool:
        return curve.rows[0]["kind"] == encoders.RUN

    others = {name: curve for name, curve in curves.items() if not is_run(curve)}
    for curve in curves.values():
        if is_run(curve):
            differences(curve, others, metric)


def _about(
    data_dir: str | os.PathLike,
    data: LabelledData,
    runs: Sequence[Run],
    steps: Sequence[int],
    settings: Settings,
    reference_dir: str | os.PathLike | None,
) -> dict[str, Any]:
    """Returns of what the rows are."""
    described = [
        {
            "workdir": str(run.workdir),
            "model": run.model_name,
            "preset": run.preset,
            "step": step,
            "test_windows_seen": count_seen(data.parts["test"].windows, data.manifest, run),
        }
        for run, step in zip(runs, steps, strict=True)
    ]
    return {
        "dataset": data.manifest.name,
        "data_dir": str(data_dir),
        "reference_dir": None if reference_dir is None else str(reference_dir),
        "manifest_sha256": data.manifest.sha256,
        "task_type": data.manifest.task_type,
        "windows": {split: len(part.windows) for split, part in data.parts.items()},
        "runs": described,
        "settings": dataclasses.asdict(settings),
    }
