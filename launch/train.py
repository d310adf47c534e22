"""Trains a model on a dataset; the same command again goes on where the run stopped.

python -m launch.train --data_dir=runs/tf0/data --workdir=runs/tf0/run

Trains the `base` preset with the recipe that belongs to it. `--preset`, `--set=filters=64` (repeat
it for more) and the training flags change that. While it trains, watch it with
`tensorboard --logdir runs/tf0/run`; the best weights so far are in runs/tf0/run/model.keras.
"""

import dataclasses
import os
import pathlib
import re
from typing import Any

from absl import flags

from genokeras.training import settings, source, tpu_environment, train_result
from genokeras.training.fields import value_type
from genokeras.training.runtime import Runtime
from genokeras.training.stopping import listening
from genokeras.training.train_config import LAST, TrainConfig, plan
from genokeras.training.train_result import TrainResult
from launch import app, cache_flags, model_help, progress, quiet, scoring
from tfrecords.errors import check_known
from tfrecords.manifest import Manifest, split_name
from tfrecords.remote_path import is_remote, path_of

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset, or its URL, as gs://BUCKET/FOLDER.", required=True
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run: new, or one with the same settings.", required=True
)
_MODEL = flags.DEFINE_string(
    "model",
    "cnn_attention",
    "Model: a file of genokeras/models; not given, with --init_from the one that suits that run.",
)
_PRESET = flags.DEFINE_string(
    "preset",
    "base",
    "Preset of the model; below are all of them. Not given, with --init_from that of that run.",
)
_SET = flags.DEFINE_multi_string(
    "set", [], "Field of the preset to change, as name=value; repeat it for more."
)
_RESUME = flags.DEFINE_enum(
    "resume", "auto", ["auto", "never", "must"],
    "What to do about a run that is in workdir: go on with it, or start one if there is none "
    "(auto); delete it and start anew (never); go on with it, or fail if there is none (must).",
)  # fmt: skip
_EVALUATE = flags.DEFINE_string(
    "evaluate", None, "Split to score when the run is done, as launch.evaluate does: test."
)

_DEFINE = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    bool: flags.DEFINE_bool,
}


def _define(field: dataclasses.Field) -> flags.FlagHolder:
    """Defines the flag of a field. Not given, it is None, and the preset or TrainConfig decides."""
    default = "" if field.default in (None, "") else f" Default: {field.default}."
    return _DEFINE[value_type(field)](field.name, None, field.metadata["help"] + default)


def more_help(argv: list[str]) -> str:
    """Returns the presets and the fields of the model, for the end of `--help`.

    The flags are not parsed yet then: of several `--model=` in `argv` the last one counts.
    """
    given = [text.partition("=")[2] for text in argv if re.match("--?model=", text)]
    return model_help.describe(given[-1] if given else _MODEL.default)


_TRAINING = {field.name: _define(field) for field in dataclasses.fields(TrainConfig)}
_RUNTIME = {field.name: _define(field) for field in dataclasses.fields(Runtime)}
FLAG_MODULES = (cache_flags,)
FLAG_GROUPS = {
    "Training, as the recipe of the preset says unless given here": list(_TRAINING),
    "Where to train, which changes nothing of what is learnt": list(_RUNTIME),
}


def main() -> None:
    # What is mistyped should not have to wait for TensorFlow to load.
    with listening(at_once=True):
        given, runtime = asked()
        if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
            tpu_environment.prepare(runtime.tpu, runtime.strategy)
        else:
            app.start_again_when_aborted()
        model, preset = _model_and_preset(given)
        cache_flags.apply()
        manifest = Manifest.load(_DATA_DIR.value)
        if _EVALUATE.value is not None:
            split = split_name(_EVALUATE.value)
            check_known("--evaluate: no split", split, manifest.splits, "Splits")
        names = {"model": model, "preset": preset}
        result = _finished(names, given, manifest)
    result = result or _train(names, given, runtime)
    if not result.is_chief:
        return
    if not result.already_finished:
        print(f"\n{_table(result)}")
    print(f"\nCurves:  tensorboard --logdir {result.workdir}")
    if _EVALUATE.value is not None:
        print()
        strategy = runtime.strategy if runtime.strategy in scoring.STRATEGIES else "auto"
        folder = source.folder_of(_WORKDIR.value)
        scoring.score([folder], _EVALUATE.value, strategy=strategy)
        scoring.copy_back(folder, _WORKDIR.value)
    else:
        print(f"Scores:  python -m launch.evaluate --workdir={result.workdir} --split=test")


def _train(names: dict[str, str], given: dict[str, Any], runtime: Runtime) -> TrainResult:
    with listening(at_once=True), quiet.loading():
        from genokeras.training.train import recipe, train

        training = recipe(**names, **given)

    return train(
        _DATA_DIR.value,
        _WORKDIR.value,
        **names,
        overrides=_SET.value,
        training=training,
        runtime=runtime,
        resume=_RESUME.value,
        progress=progress.start,
        log=progress.log,
    )


def _finished(
    names: dict[str, str], given: dict[str, Any], manifest: Manifest
) -> TrainResult | None:
    """Returns the result of the run if just these flags have made it; else Keras has to tell."""
    if _RESUME.value == "never" or _EVALUATE.value is not None or is_remote(_WORKDIR.value):
        return None
    if "init_from" in given:  # What it holds may have changed.
        return None
    workdir, data_dir = pathlib.Path(_WORKDIR.value), path_of(_DATA_DIR.value)
    where = {"data_dir": data_dir.absolute(), "workdir": workdir.absolute()}
    line = settings.flags_text(where | names | given, _SET.value)
    result = train_result.of_same_flags(workdir, line, manifest.sha256)
    if result:
        progress.log(f"{workdir}: {train_result.NOTHING_TO_DO}")
    return result


def check(data_dir: str) -> None:
    """Raises `InputError` if training cannot begin as the flags say; loads Keras, trains nothing.

    Args:
        data_dir: Of the dataset, whatever the flags say of it.
    """
    from genokeras.models import spec as specs
    from genokeras.training import begin
    from genokeras.training.train import recipe

    given, _ = asked()
    model, preset = _model_and_preset(given)
    manifest, training = Manifest.load(data_dir), recipe(model, preset, **given)
    origin = begin.find(training, pathlib.Path(_WORKDIR.value), _RESUME.value)
    begin.configuration(origin, model, preset, _SET.value)
    spec = specs.Spec.from_manifest(manifest)
    spec.require_task_type(specs.load(model).TASK_TYPES)
    plan(training, manifest.num_examples("train"))


def asked() -> tuple[dict[str, Any], Runtime]:
    """Returns what flags say of training and of devices, checked as far as that needs no Keras."""
    given = _given(_TRAINING)
    TrainConfig(**given)
    runtime = Runtime(**_given(_RUNTIME))
    model_help.check(*_model_and_preset(given), _SET.value)
    return given, runtime


def _model_and_preset(given: dict[str, Any]) -> tuple[str, str]:
    """Returns those asked for, or those that suit the run to begin with."""
    asked = (flag.value if flag.present else None for flag in (_MODEL, _PRESET))
    workdir = pathlib.Path(_WORKDIR.value)
    return source.model_and_preset(given.get("init_from"), workdir, *asked)


def _given(holders: dict[str, flags.FlagHolder]) -> dict[str, Any]:
    return {name: flag.value for name, flag in holders.items() if flag.value is not None}


def _table(result: TrainResult) -> str:
    """Returns the valid scores of the best evaluation as aligned text."""
    if not result.scores:
        return f"{result.steps} steps, training loss {result.loss:.4f}"
    by = f"Best by valid {result.metric}"
    title = "Last" if result.metric == LAST else by
    title += f": step {result.best_step} of {result.steps}"
    scores = {name: x for name, x in result.scores.items() if isinstance(x, float)}
    width = max(map(len, scores))
    return "\n".join([title, *(f"  {name:{width}}  {x:.4f}" for name, x in scores.items())])


if __name__ == "__main__":
    app.run(main)
