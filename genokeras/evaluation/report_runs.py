"""What a report says of runs and data: settings, layers, and the commands that repeat them."""

import dataclasses
import json
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from genokeras.evaluation import run_folders
from genokeras.models import spec as specs
from genokeras.training import precision, settings
from genokeras.training.about import num_parameters
from genokeras.training.run_files import RESULT_FILE
from genokeras.training.train import recipe
from genokeras.training.workdir import Run
from tfrecords import input_paths
from tfrecords.manifest import Manifest

# The flags of an evaluation at their defaults, by the name that the result has them under.
_EVALUATE_DEFAULTS = {
    "split": "test", "checkpoint": "best", "num_bootstrap": 1000, "seed": 0, "probe": [],
}  # fmt: skip


def describe_model(run: Run) -> dict[str, Any]:
    """Returns the model of a run: settings, those that are not the preset's, parameters, layers."""
    config, training = dataclasses.asdict(run.config), vars(run.training)
    preset_is_known = run.preset in run.model_module.PRESETS
    preset, usual = config, training
    if preset_is_known:
        preset = dataclasses.asdict(specs.preset(run.model_name, run.preset))
        usual = vars(recipe(run.model_name, run.preset))
    with precision.scope(run.training.precision):
        model = run.model_module.build(run.config, run.spec)
    layers = [
        {
            "name": layer.name,
            "kind": type(layer).__name__,
            "shape": _shape(layer),
            "parameters": layer.count_params(),
        }
        for layer in model.layers
    ]
    return {
        "config": config,
        "training": training,
        "preset_is_known": preset_is_known,
        "changed": [
            (name, values[name], before[name])
            for values, before in ((config, preset), (training, usual))
            for name in values
            if values[name] != before[name]
        ],
        "parameters": num_parameters(model),
        "layers": layers,
    }


def describe_run(run: Run) -> dict[str, Any]:
    """Returns where and with what a run was trained, and how it ended (nothing if it has not)."""
    described = settings.require(run.workdir)["environment"]
    path = run.workdir / RESULT_FILE
    return {
        "workdir": str(run.workdir),
        "model": run.model_name,
        "preset": run.preset,
        "seed": run.training.seed,
        "versions": described.get("versions", {}),
        "revision": described.get("revision"),
        "devices": described.get("devices"),
        "result": json.loads(path.read_text()) if path.exists() else {},
    }


def commands(
    runs: Sequence[Run], result: Mapping[str, Any], folder: pathlib.Path
) -> list[tuple[str, str]]:
    """Returns titles and shell commands: build every dataset, train every run, evaluate."""
    found = []
    datasets = {run.data_dir.absolute(): run.manifest for run in runs}
    for number, (data_dir, manifest) in enumerate(datasets.items(), start=1):
        title = "Build the dataset" if len(datasets) == 1 else f"Build dataset {number}"
        paths = input_paths.load(data_dir)
        found.append((title, build_command(manifest, str(data_dir), paths)))
    for number, run in enumerate(runs, start=1):
        title = "Train" if len(runs) == 1 else f"Train member {number}"
        path = run.workdir / settings.FLAGS_FILE
        if path.exists():
            found.append((title, _command("train", path.read_text().splitlines())))
    return [*found, ("Evaluate", _evaluate_command(runs, result, folder))]


def knows_input_paths(runs: Sequence[Run]) -> bool:
    """Whether the datasets of all runs say where their input files lay."""
    return all(input_paths.load(run.data_dir) is not None for run in runs)


def _evaluate_command(runs: Sequence[Run], result: Mapping[str, Any], folder: pathlib.Path) -> str:
    flags = {"workdir": ",".join(str(run.workdir.absolute()) for run in runs)}
    if not folder_of_files(runs, folder):
        flags["output"] = str(folder.absolute())
    if any(_has_moved(run) for run in runs):
        flags["data_dir"] = str(runs[0].data_dir.absolute())
    flags |= {
        name: result[name]
        for name, default in _EVALUATE_DEFAULTS.items()
        if name == "split" or result[name] != default
    }
    words = flags.pop("probe", [])
    lines = [f"--{name}={value}" for name, value in flags.items()]
    lines += [f"--probe={word}" for word in words]
    has_none = result["baseline"] is None and runs[0].spec.task_type != "coverage"
    lines += ["--nobaseline"] if has_none else []
    if result["reverse_complement"] == runs[0].spec.stranded:
        lines.append(f"--{'' if result['reverse_complement'] else 'no'}reverse_complement")
    return _command("evaluate", lines)


def _has_moved(run: Run) -> bool:
    """Whether the dataset is where it was in training; if not, `--data_dir` was given."""
    return settings.require(run.workdir)["data_dir"] != str(run.data_dir.absolute())


def folder_of_files(runs: Sequence[Run], folder: pathlib.Path) -> str:
    """Returns where the scores lie, seen from the report in `folder`: nothing, if beside it."""
    return f"{run_folders.FOLDER}/" if len(runs) == 1 and folder == runs[0].workdir else ""


def build_command(
    manifest: Manifest, data_dir: str, paths: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Returns the flags that the manifest keeps, as launch.build_dataset takes them.

    Args:
      manifest: Of the dataset.
      data_dir: Where it is to be.
      paths: Of the input files by split, as `input_paths.load` returns them; without them the
        command has the names of the files only.
    """
    flags = dict(manifest.flags)
    names = flags.pop("files", None) or {}
    source = flags.pop("source", None)
    named = {
        "source": source,
        **(paths or names),
        "data_dir": data_dir,
        "name": manifest.name,
        **flags,
    }
    return _command(
        "build_dataset",
        [f"--{name}={_value(x)}" for name, x in named.items() if x not in (None, [], "")],
    )


def _command(launcher: str, flags: Sequence[str]) -> str:
    return " \\\n  ".join([f"python -m launch.{launcher}", *map(shlex.quote, flags)])


def _value(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _shape(layer: Any) -> str:
    outputs = layer.output if isinstance(layer.output, list | tuple) else [layer.output]
    shapes = (
        " × ".join("B" if size is None else str(size) for size in output.shape)
        for output in outputs
    )
    return ", ".join(shapes)
