"""Training as one call: from a dataset folder and a few names to a run in its work folder."""

import contextlib
import dataclasses
import json
import pathlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from genokeras import config as configs
from genokeras.models import spec as specs
from genokeras.training import about, precision, settings
from genokeras.training import optimizer as optimizers
from genokeras.training.best_evaluation import BestEvaluation, best_evaluation
from genokeras.training.coverage_check import check_coverage
from genokeras.training.devices import Devices, Engine, check_batch_size, connect
from genokeras.training.runtime import Runtime
from genokeras.training.scoring import evaluate, metrics
from genokeras.training.summaries import read_rows
from genokeras.training.train_config import LAST, TrainConfig, plan
from genokeras.training.trainer import Job, Trainer
from genokeras.training.workdir import RESULT_FILE, Run, check_free, locked, remove_run, write
from tfrecords.errors import InputError, check_known
from tfrecords.reader import Dataset, Split

OVERFIT_LOSS = 0.02

Log = Callable[[str], None]
Progress = Callable[[str, int, int], Any]


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        workdir: Its folder.
        steps: Steps made; fewer than planned after early stopping.
        loss: Mean training loss since the row of metrics before the last.
        metric: What the best evaluation was chosen by: a metric, or `last` (also if there was no
            valid split).
        best_step: Its step.
        scores: What the valid split scored then; empty without one.
        seconds: How long the call took that ended the run.
        already_finished: Whether the run was complete before, so that nothing was done.
    """

    workdir: pathlib.Path
    steps: int
    loss: float
    metric: str
    best_step: int
    scores: dict[str, Any]
    seconds: float
    already_finished: bool = False


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
    model: str = "cnn_attention",
    preset: str = "base",
    overrides: Sequence[str] = (),
    training: TrainConfig | None = None,
    runtime: Runtime | None = None,
    resume: bool = True,
    progress: Progress | None = None,
    log: Log | None = None,
) -> TrainResult:
    """Trains a model on a dataset; the same call again goes on where the run stopped.

    Args:
        data_dir: Folder of the dataset.
        workdir: Folder of the run: new, empty, or that of a run with the same settings.
        model: Name of a model.
        preset: Name of one of its presets.
        overrides: Fields of the preset to change, as `name=value`.
        training: How to train; None: as belongs to the preset (see `recipe`).
        runtime: Where to train; None: on what there is.
        resume: False deletes the run that is in `workdir` and starts anew.
        progress: Starts a progress bar: `progress(description, total, completed)`.
        log: Takes one-line messages.

    Raises:
        InputError: Something given does not fit (then nothing has been written), or the loss is
            no longer finite.
    """
    started, log = time.perf_counter(), log or (lambda line: None)
    settings.check_local(data_dir=data_dir, workdir=workdir)
    dataset = Dataset(data_dir)
    run = Run(
        workdir=pathlib.Path(workdir),
        data_dir=dataset.data_dir,
        model_name=model,
        preset=preset,
        config=configs.override(specs.preset(model, preset), overrides),
        training=training or recipe(model, preset),
        spec=specs.Spec.from_manifest(dataset.manifest),
        manifest_sha256=dataset.manifest.sha256,
    )
    if finished := _finished(run, _settings_to_resume(run, resume), log):
        return finished
    runtime = runtime or Runtime()
    devices = connect(runtime)
    if devices.host > 0:
        progress, log = None, lambda line: None
    with precision.scope(run.training.precision):
        job, engine, tracker = _prepare(run, dataset, devices, runtime, progress, log)
        with _claimed(run, devices, overrides, resume, log) as finished:
            if finished:
                return finished
            trainer = Trainer(job, engine, tracker)
            if trainer.restore():
                log(f"Going on from step {trainer.step}")
            else:
                flags, manifest = _flags(run, overrides), dataset.manifest
                trainer.begin(about.opening(run, job.plan, manifest, job.model, flags))
            trainer.fit()
            stored = _result(trainer, tracker, job) | {"seconds": time.perf_counter() - started}
            if devices.host == 0:
                write(run.workdir / RESULT_FILE, stored)
            devices.exchange(0)  # Nobody ends before the result is there.
    return TrainResult(run.workdir, **stored)


@contextlib.contextmanager
def _claimed(
    run: Run, devices: Devices, overrides: Sequence[str], resume: bool, log: Log
) -> Iterator[TrainResult | None]:
    """Makes the work folder this run's, by the first host, for which the others wait.

    Gives the result of the run if another process has finished it meanwhile.
    """
    problem: Exception | None = None
    finished: TrainResult | None = None
    with contextlib.ExitStack() as stack:
        if devices.host == 0:
            try:
                stack.enter_context(locked(run.workdir))
                # Once more: until now another process may have made a run here.
                old = _settings_to_resume(run, resume)
                finished = _finished(run, old, log)
                if old is None:
                    _start_run(run, overrides, devices)
                elif changed := settings.changed_environment(old, _environment(devices)):
                    log(f"Changed since the run began, so the last bits may differ: {changed}")
            except (InputError, OSError) as error:
                problem = error
        if devices.exchange(problem is not None)[0]:
            where = f"{run.workdir}: the first host could not begin; it says why"
            raise problem or InputError(where)
        if devices.exchange(finished is not None)[0] and finished is None:
            finished = _finished(run, settings.read(run.workdir), log)
        yield finished


def _settings_to_resume(run: Run, resume: bool) -> dict[str, Any] | None:
    """Returns the settings of the run to go on with, after comparing; None to start a new run."""
    old = settings.read(run.workdir)
    if old is None:
        check_free(run.workdir)
    elif resume:
        settings.check_same(run.workdir, old, settings.describe(run, (), {}))
        return old
    return None


def _finished(run: Run, old: dict[str, Any] | None, log: Log) -> TrainResult | None:
    """Returns the result of the run with the settings `old`, if it has one already."""
    path = run.workdir / RESULT_FILE
    if old is None or not path.exists():
        return None
    try:
        result = TrainResult(run.workdir, **json.loads(path.read_text()), already_finished=True)
    except (ValueError, TypeError):
        raise InputError(
            f"{path}: not the result of a run; delete this file, and the same command makes it "
            "again from the last checkpoint"
        ) from None
    log(f"{run.workdir}: already finished, nothing to do")
    return result


def _prepare(
    run: Run,
    dataset: Dataset,
    devices: Devices,
    runtime: Runtime,
    progress: Progress | None,
    log: Log,
) -> tuple[Job, Engine, BestEvaluation]:
    """Builds what a trainer needs, and checks all that can be checked before the first step."""
    training, module = run.training, run.model_module
    check_coverage(dataset.manifest)
    train_split, valid_split = dataset.split("train"), _valid_split(run, dataset, log)
    steps = plan(training, train_split.num_examples)
    check_batch_size(training, devices)
    with _seeded(training.seed), devices.scope():
        model = module.build(run.config, run.spec)
        precision.check(model, training.precision)
        optimizer = optimizers.build(training, steps, model)
    jit = devices.use_jit(training.jit, steps.steps, getattr(module, "JIT_ON_CPU", True))
    engine = devices.engine(module, run.config, run.spec, model, optimizer, training, jit)
    job = Job(
        module=module,
        model=model,
        spec=run.spec,
        dataset=dataset.manifest.name,
        training=training,
        plan=steps,
        learning_rate=optimizers.schedule(training, steps),
        train=train_split,
        valid=valid_split,
        workdir=run.workdir,
        devices=devices,
        loader=runtime.loader,
        progress=progress,
        log=log,
    )
    known = []
    if valid_split is not None:
        first = evaluate(engine, module, run.spec, valid_split, training.batch_size, 1)
        known = list(metrics(first.scores))
    tracker = best_evaluation(training, run.spec.task_type, known)
    compiler = "compiled with XLA" if jit else "without XLA"
    computing = f"{devices.describe()}, {training.precision}, {compiler}"
    for line in (*about.announcement(run, job, tracker, computing), *engine.notes):
        log(line)
    return job, engine, tracker


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


def _start_run(run: Run, overrides: Sequence[str], devices: Devices) -> None:
    remove_run(run.workdir)
    write(run.workdir / settings.FLAGS_FILE, _flags(run, overrides))
    described = settings.describe(run, overrides, _environment(devices))
    write(run.workdir / settings.CONFIG_FILE, described)


def _flags(run: Run, overrides: Sequence[str]) -> str:
    """Returns the flags of `launch.train` that repeat the run: what differs from the preset."""
    usual = vars(recipe(run.model_name, run.preset))
    values = vars(run.training)
    names = {"data_dir": run.data_dir.absolute(), "workdir": run.workdir.absolute()}
    names |= {"model": run.model_name, "preset": run.preset}
    changed = {name: value for name, value in values.items() if value != usual[name]}
    return settings.flags_text(names | changed, overrides)


def _environment(devices: Devices) -> dict[str, Any]:
    return settings.environment(devices.describe(), devices.num_threads())


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
    }


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Within this context Keras draws the same initial weights; Python's own generator is put back.

    Keras takes the seeds of initialisers from Python's generator.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
