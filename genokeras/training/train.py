"""Training as one call: from a dataset folder and a few names to a run in its work folder."""

import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from genokeras.models import spec as specs
from genokeras.strand_symmetry import turns_strands
from genokeras.training import about, begin, precision, remote_workdir, settings, source
from genokeras.training import optimizer as optimizers
from genokeras.training.best_evaluation import BestEvaluation, best_evaluation
from genokeras.training.claim import RESUME, claimed, find_finished, settings_to_resume
from genokeras.training.coverage_check import check_coverage
from genokeras.training.devices import Devices, Engine, check_batch_size, connect
from genokeras.training.job import Job
from genokeras.training.learner import Learner
from genokeras.training.publisher import Publisher
from genokeras.training.run_files import RESULT_FILE, write
from genokeras.training.runtime import Runtime
from genokeras.training.scoring import evaluate, metrics
from genokeras.training.seeded import seeded
from genokeras.training.stopping import listening
from genokeras.training.summaries import read_rows
from genokeras.training.train_config import LAST, TrainConfig, plan
from genokeras.training.train_result import TrainResult
from genokeras.training.trainer import Trainer
from genokeras.training.workdir import Run
from tfrecords.errors import InputError, check_known
from tfrecords.reader import Dataset, Split
from tfrecords.remote_path import RemotePath, is_remote, path_of

OVERFIT_LOSS = 0.02

Log = Callable[[str], None]
Progress = Callable[[str, int, int], Any]


def recipe(model: str = "cnn_attention", preset: str = "base", **changes: Any) -> TrainConfig:
    """Returns the training configuration that belongs to a preset, with `changes`."""
    specs.preset(model, preset)
    values = dict(specs.load(model).TRAINING.get(preset, {}))
    if changes.keys() & {"steps", "epochs"}:
        lengths = ("steps", "epochs", "min_steps")
        values = {name: value for name, value in values.items() if name not in lengths}
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    for name in sorted(changes):
        check_known("no training setting", name, names, "Settings")
    return TrainConfig(**values | changes)


def train(
    data_dir: str | pathlib.Path,
    workdir: str | pathlib.Path,
    *,
    model: str | None = None,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    training: TrainConfig | None = None,
    runtime: Runtime | None = None,
    resume: str = "auto",
    progress: Progress | None = None,
    log: Log | None = None,
) -> TrainResult:
    """Trains a model on a dataset; the same call again goes on where the run stopped.

    Args:
        data_dir: Folder of the dataset, or its URL.
        workdir: Folder of the run: new, empty, or that of a run with the same settings. Of a URL a
            copy on this machine is trained in, and pushed with every checkpoint.
        model: Name of a model; None: `cnn_attention`, or what suits the run to begin with.
        preset: Name of one of its presets; None: `base`, or that of the run to begin with.
        overrides: Fields of the preset to change, as `name=value`.
        training: How to train; None: as belongs to the preset (see `recipe`).
        runtime: Where to train; None: on what there is.
        resume: What to do about a run that is in `workdir`: `auto` goes on with it, and starts one
            if there is none; `never` deletes it and starts anew; `must` goes on, or else fails.
        progress: Starts a progress bar: `progress(description, total, completed)`.
        log: Takes one-line messages.

    Raises:
        InputError: Something given does not fit (then nothing has been written), or the loss is
            no longer finite, or a file can not be written or read any more.
        Stopped: SIGTERM or Ctrl-C asked for it, and all is saved.
        HostLost: Another host of the run has ended.
    """
    check_known("no resume", resume, RESUME, "There are")
    started, log = time.perf_counter(), log or (lambda line: None)
    home = path_of(workdir)
    with listening(at_once=True):
        local, publisher = _local(home, log)
        dataset = Dataset(data_dir, progress=progress)
        run = _described(dataset, local, model, preset, overrides, training, resume)
        if finished := find_finished(run, settings_to_resume(run, resume), log):
            if publisher:  # The network may have failed at its end.
                remote_workdir.push(local, home)
            return dataclasses.replace(finished, workdir=home)
    runtime = runtime or Runtime()
    devices = connect(runtime)
    if devices.host > 0:
        progress, log = None, lambda line: None
    flags = _flags(run, home, overrides)
    again = "the same command" + (" without --resume=never" if resume == "never" else "")
    with (
        listening(again, at_once=True) as stop,
        precision.scope(training.precision),
        devices.watching_hosts(),
    ):
        run, job, engine, tracker = _prepare(run, dataset, devices, runtime, progress, log)
        job = dataclasses.replace(job, publish=publisher)
        with claimed(run, devices, overrides, flags, resume, log) as (finished, lock):
            if finished:
                return dataclasses.replace(finished, workdir=home, is_chief=devices.host == 0)
            trainer = Trainer(job, engine, tracker)
            if trainer.restore():
                log(f"Going on from step {trainer.step}")
            else:
                trainer.begin(about.opening(run, job.plan, job.manifest, job.model, flags))
            if lock:
                lock.watch(lambda: trainer.step)
            with publisher or contextlib.nullcontext():
                trainer.fit(stop)
            stored = _result(trainer, tracker, job) | {"seconds": time.perf_counter() - started}
            if devices.host == 0:
                write(run.workdir / RESULT_FILE, stored)
                if publisher:
                    remote_workdir.push(local, home)
            devices.exchange(0)  # Nobody ends before the result is there.
    return TrainResult(home, **stored, is_chief=devices.host == 0)


def _described(
    dataset: Dataset,
    workdir: pathlib.Path,
    model: str | None,
    preset: str | None,
    overrides: Sequence[str],
    training: TrainConfig | None,
    resume: str,
) -> Run:
    """Returns the run that `train` was asked for, with what suits the one that it begins with."""
    init_from = training and training.init_from
    model, preset = source.model_and_preset(init_from, workdir, model, preset)
    training = training or recipe(model, preset)
    origin = begin.find(training, workdir, resume)
    return Run(
        workdir=workdir,
        data_dir=dataset.data_dir,
        model_name=model,
        preset=preset,
        config=begin.configuration(origin, model, preset, overrides),
        training=training,
        spec=specs.Spec.from_manifest(dataset.manifest),
        manifest_sha256=dataset.manifest.sha256,
        source=origin,
    )


def _local(home: pathlib.Path | RemotePath, log: Log) -> tuple[pathlib.Path, Publisher | None]:
    """Returns the folder to train in, and, if it is a copy of a remote one, what pushes it."""
    if not is_remote(home):
        return home, None
    local = remote_workdir.local_folder(home)
    remote_workdir.pull(home, local)
    log(f"The copy of {home} on this machine is {local}")
    return local, Publisher(local, home, log)


def _prepare(
    run: Run,
    dataset: Dataset,
    devices: Devices,
    runtime: Runtime,
    progress: Progress | None,
    log: Log,
) -> tuple[Run, Job, Engine, BestEvaluation]:
    """Builds what a trainer needs, and checks all that can be checked before the first step.

    The run that is returned knows what is new beside the one it begins with.
    """
    training, module = run.training, run.model_module
    check_coverage(dataset.manifest)
    train_split, valid_split = dataset.split("train"), _valid_split(run, dataset, log)
    steps = plan(training, train_split.num_examples)
    if training.train_fraction < 1:
        train_split = train_split.sampled(training.train_fraction, training.seed)
    check_batch_size(training, devices)
    with seeded(training.seed), devices.scope():
        model = module.build(run.config, run.spec)
        precision.check(model, training.precision)
        run, begun = begin.begin(model, run)
        optimizer = optimizers.build(training, steps, model)
    jit = devices.use_jit(training.jit, steps.steps, getattr(module, "JIT_ON_CPU", True))
    engine = devices.engine(Learner(module, run.config, run.spec, model, optimizer, training), jit)
    job = Job(
        module=module,
        model=model,
        spec=run.spec,
        manifest=dataset.manifest,
        training=training,
        plan=steps,
        learning_rate=optimizers.schedule(training, steps),
        train=train_split,
        valid=valid_split,
        workdir=run.workdir,
        devices=devices,
        loader=runtime.loader,
        turns_strands=turns_strands(run.config),
        steps_to_trace=runtime.steps_to_trace,
        progress=progress,
        log=log,
    )
    known = []
    if valid_split is not None:
        scored = (engine, module, run.spec, valid_split, training.batch_size, 1)
        first = evaluate(*scored, **job.hosts)
        known = list(metrics(first.scores))
    tracker = best_evaluation(training, run.spec.task_type, known)
    compiler = "compiled with XLA" if engine.jit else "without XLA"
    computing = f"{devices.describe()}, {training.precision}, {compiler}"
    notes = module.notes(run.config, run.spec) if hasattr(module, "notes") else ()
    for line in (*about.announcement(run, job, tracker, computing), *begun, *engine.notes, *notes):
        log(line)
    return run, job, engine, tracker


def _valid_split(run: Run, dataset: Dataset, log: Log) -> Split | None:
    if run.training.overfit_one_batch:
        reason = "overfit_one_batch makes no evaluations"
    elif not dataset.manifest.splits.get("valid"):
        reason = f"{dataset.data_dir} has no valid split"
    else:
        return dataset.split("valid")
    for name in ("best_metric", "patience"):
        value = getattr(run.training, name)
        if value not in ("loss", LAST, None):
            raise InputError(f"{name}={value} needs evaluations, but {reason}; leave it out")
    log(f"{reason}: the last weights are kept as the best")
    return None


def _flags(run: Run, home: pathlib.Path | RemotePath, overrides: Sequence[str]) -> str:
    """Returns the flags of `launch.train` that repeat the run: what differs from the preset."""
    usual = vars(recipe(run.model_name, run.preset))
    values = vars(run.training)
    names = {"data_dir": run.data_dir.absolute(), "workdir": home.absolute()}
    names |= {"model": run.model_name, "preset": run.preset}
    changed = {name: value for name, value in values.items() if value != usual[name]}
    if run.source:
        changed["init_from"] = run.source.workdir
    return settings.flags_text(names | changed, overrides)


def _result(trainer: Trainer, tracker: BestEvaluation, job: Job) -> dict[str, Any]:
    best_step = tracker.best_step or trainer.step
    scores = {row["step"]: row.get("valid", {}) for row in read_rows(job.workdir)}
    if job.training.overfit_one_batch:
        can = "can" if trainer.last_loss < OVERFIT_LOSS else "can not"
        job.log(
            f"One batch: loss {trainer.last_loss:.4f} after {trainer.step} steps; below "
            f"{OVERFIT_LOSS} shows that model and optimizer can learn, so these {can}"
        )
    return {
        "steps": trainer.step,
        "loss": trainer.last_loss,
        "metric": tracker.criterion,
        "best_step": best_step,
        "scores": scores.get(best_step, {}),
        "parameters": about.num_parameters(job.model),
    }
