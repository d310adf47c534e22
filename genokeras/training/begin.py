"""Beginning with the weights of another run: what is copied, and what has to agree."""

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from genokeras import config as configs
from genokeras.layers.encoder import EncoderConfig
from genokeras.layers.token_encoder import TokenEncoderConfig
from genokeras.models import spec as specs
from genokeras.models.spec import belongs_to_tasks
from genokeras.training import checkpoint, source, tuning, variables
from genokeras.training.run_files import CHECKPOINTS
from genokeras.training.source import Source
from genokeras.training.train_config import TrainConfig
from genokeras.training.workdir import Run
from tfrecords.errors import InputError

# Of an encoder, what does not change what it makes of a window.
_FREE = ("dropout", "recompute", "rc")
# Settings of an encoder that not all models have, and what those do that have them not.
_USUAL = {"kmer": 1, "overlapping": True, "ambiguous": "zero"}


def find(training: TrainConfig, workdir: pathlib.Path, resume: str) -> Source | None:
    """Returns the run to begin with, if there is to be one.

    Args:
        training: With `init_from`, its folder or URL.
        workdir: Folder of the run that begins with it. Once that has a checkpoint it needs no other
            run, and what it has kept of it will do.
        resume: Whether what is in `workdir` is gone on with, as `train` has it.

    Raises:
        InputError: There is no run, or none with a checkpoint.
    """
    if training.init_from is None:
        return None
    is_going_on = resume != "never" and checkpoint.steps(workdir / CHECKPOINTS)
    known = source.kept(training.init_from, workdir) if is_going_on else None
    try:
        run = Run.open(source.folder_of(training.init_from))
        step = run.best_step
        sha256 = source.weights_sha256(checkpoint.folder(run.workdir / CHECKPOINTS, step))
    except InputError:
        if known:
            return known
        raise
    return Source(
        workdir=source.absolute(training.init_from),
        step=step,
        sha256=sha256,
        model=run.model_name,
        preset=run.preset,
        config=dataclasses.asdict(run.config),
        length=run.spec.length,
        tasks=run.spec.tasks,
        new=known.new if known else None,
    )


def configuration(found: Source | None, model: str, preset: str, overrides: Sequence[str]) -> Any:
    """Returns the configuration of a model: that of the preset with `overrides`.

    With weights to begin with it suits them: of the same model it is theirs with `overrides`, of
    another one the preset's with their encoder.

    Raises:
        InputError: `overrides` cannot be, or ask for another encoder than is there.
    """
    config = specs.preset(model, preset)
    if found is None:
        return configs.override(config, overrides)
    theirs = _config_of(found)
    if found.model == model:
        config = theirs
    elif _has_encoder(theirs, config):
        taken = _encoder(theirs) | {"recompute": theirs.recompute}
        if taken["rc"] != "equivariant":
            del taken["rc"]
        names = {field.name for field in dataclasses.fields(config)}
        config = dataclasses.replace(config, **{n: x for n, x in taken.items() if n in names})
    config = configs.override(config, overrides)
    if _has_encoder(theirs, config):
        _check_encoder(found, _encoder(theirs), _encoder(config))
    return config


def begin(model: keras.Model, run: Run) -> tuple[Run, list[str]]:
    """Gives a model that was just built the weights of `run.source`, and lets learn what is to.

    Returns the run, which knows now what is new, and lines for the log. A run that goes on has that
    in its settings already, and its weights in its checkpoint.

    Raises:
        InputError: Nothing agrees, or something has another shape, or nothing would learn.
    """
    if run.source is None:
        return run, []
    lines = []
    if run.source.new is None:
        new = _copy(model, run)
        run = dataclasses.replace(run, source=dataclasses.replace(run.source, new=new))
        lines.append(_copied(model, run.source))
    tuned = tuning.apply(model, run.source.new, run.training)
    return run, [*lines, tuned] if tuned else lines


def _check_encoder(found: Source, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    differing = [name for name in theirs if theirs[name] != ours[name]]
    if not differing:
        return
    there, here = (
        ", ".join(f"{name}={_text(values[name])}" for name in differing)
        for values in (theirs, ours)
    )
    mended = " ".join(f"--set={name}={_text(theirs[name])}" for name in differing)
    raise InputError(
        f"{found.workdir}: its encoder has {there}, that of this run {here}; leave that out, or "
        f"give {mended}"
    )


def _copy(model: keras.Model, run: Run) -> tuple[str, ...]:
    """Assigns what agrees by name; returns the names of all else."""
    found, new = run.source, []
    theirs = {}
    if found.model == run.model_name or _has_encoder(_config_of(found), run.config):
        theirs = Run.open(source.folder_of(found.workdir)).weights(found.step)
    theirs = {_layers_only(name): values for name, values in theirs.items()}
    # Without labels there is one task, whatever the data are labelled with.
    has_same_tasks = found.model == run.model_name and (
        found.tasks == run.spec.tasks or found.model in source.WITH_LABELS
    )
    weights = variables.named(model.weights)
    for name, weight in weights.items():
        values = theirs.get(_layers_only(name))
        if values is None or (belongs_to_tasks(name) and not has_same_tasks):
            new.append(name)
            continue
        _check_shape(name, weight, values, run)
        weight.assign(values)
    if len(new) == len(weights):
        raise InputError(
            f"{found.workdir}: {found.model} and {run.model_name} have no layers in common, so "
            "there is nothing to begin with; leave --model out, and it is one that suits"
        )
    return tuple(new)


def _check_shape(name: str, weight: keras.Variable, values: np.ndarray, run: Run) -> None:
    if tuple(weight.shape) == values.shape:
        return
    found, length = run.source, run.spec.length
    why = "give it the same settings"
    if found.length != length:
        why = (
            f"its windows have {found.length} bp, these {length} bp, and its layers depend on that"
        )
    raise InputError(
        f"{found.workdir}: its {name} has shape {list(values.shape)}, that of this run "
        f"{list(weight.shape)}: {why}"
    )


def _copied(model: keras.Model, found: Source) -> str:
    weights = variables.named(model.weights)
    copied = [weight for name, weight in weights.items() if name not in found.new]
    size = sum(int(np.prod(weight.shape)) for weight in copied)
    new = f"new: {', '.join(found.new)}" if found.new else "nothing is new"
    return (
        f"Beginning with {found.workdir}, {found.model} at step {found.step}: {len(copied)} of "
        f"{len(weights)} variables copied, {size:,} of {model.count_params():,} weights; {new}"
    )


def _layers_only(name: str) -> str:
    """Returns the name of a variable as it is where nothing is recomputed."""
    return re.sub(r"(^|/)recompute_[^/]+/", r"\1", name)


def _config_of(found: Source) -> Any:
    return configs.from_dict(specs.load(found.model).Config, found.config)


def _has_encoder(*given: Any) -> bool:
    return all(isinstance(config, EncoderConfig) for config in given)


def _encoder(config: Any) -> dict[str, Any]:
    """Returns the settings that decide what an encoder makes of a window."""
    names = {field.name for field in dataclasses.fields(TokenEncoderConfig)} - {*_FREE}
    found = {name: getattr(config, name, _USUAL.get(name)) for name in sorted(names | {*_USUAL})}
    # Of an encoder that is not equivariant, what is made of both strands is no part.
    return found | {"rc": "equivariant" if config.rc == "equivariant" else "average"}


def _text(value: Any) -> str:
    """Returns a value as `--set` takes it."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
