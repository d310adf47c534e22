"""`config.json` and `flags.txt`: all settings of a run, and whether two runs are the same."""

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfrecords.errors import InputError
from tfrecords.manifest import Manifest

if TYPE_CHECKING:
    from genokeras.training.train_config import TrainConfig
    from genokeras.training.workdir import Run

CONFIG_FILE = "config.json"
FLAGS_FILE = "flags.txt"
FORMAT_VERSION = 1
DIRTY = "-dirty"
_WAY_OUT = "put the file back from a copy, or give another --workdir"

# What a run is opened with; of `environment` only messages depend.
_KINDS = {
    "model": str, "preset": str, "config": dict, "training": dict, "spec": dict, "data_dir": str,
    "manifest_sha256": str, "environment": dict,
}  # fmt: skip
_COMPARED = ("model", "config", "training")
# Of the training these change nothing but the last bits: a run may go on with others.
_HOW_COMPUTED = ("gradient_accumulation", "jit", "steps_per_execution")
# The place of the run that this one began with: its weights are compared.
_PLACES = ("init_from",)
_HASH_LETTERS = 12
_MOST_DIFFERENCES = 5  # Between two datasets: more say no more.
_PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "tensorflow-tpu", "jax", "numpy", "genokeras")


def describe(
    run: "Run", overrides: Sequence[str], environment: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns what config.json is to hold."""
    settings = {
        "format_version": FORMAT_VERSION,
        "model": run.model_name,
        "preset": run.preset,
        "overrides": list(overrides),
        "config": dataclasses.asdict(run.config),
        "training": dataclasses.asdict(run.training),
        "spec": dataclasses.asdict(run.spec),
        "data_dir": str(run.data_dir.absolute()),
        "manifest_sha256": run.manifest_sha256,
        "init_from": run.source and dataclasses.asdict(run.source),
        "dataset": _dataset(Manifest.load(run.data_dir)),
        "environment": dict(environment),
    }
    return json.loads(json.dumps(settings))


def read(workdir: pathlib.Path) -> dict[str, Any] | None:
    """Returns the content of config.json, or None if there is none."""
    path = workdir / CONFIG_FILE
    if not path.is_file():
        return None
    try:
        settings = {"environment": {}, "init_from": None, **json.loads(path.read_text())}
        version = settings["format_version"]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: not the settings of a run ({error!r}); {_WAY_OUT}") from None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path}: format version {version}, this version of genokeras reads {FORMAT_VERSION}"
        )
    for name, kind in _KINDS.items():
        if not isinstance(settings.get(name), kind):
            problem = f"its {name!r} is no {kind.__name__}" if name in settings else f"no {name!r}"
            raise InputError(f"{path}: not the settings of a run ({problem}); {_WAY_OUT}")
    return settings


def require(workdir: str | os.PathLike) -> dict[str, Any]:
    """Returns the content of config.json; loads no Keras, which takes seconds.

    Raises:
        InputError: There is no run in `workdir`, or its settings cannot be read.
    """
    found = read(pathlib.Path(workdir))
    if found is None:
        raise InputError(f"{workdir}: no run here, it has no {CONFIG_FILE}; launch.train makes one")
    return found


def check_same(workdir: pathlib.Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raises if a run in `workdir` with the settings `old` cannot go on with `new`."""
    differing = _differences(old, new, _COMPARED)
    differing = {
        name: values
        for name, values in differing.items()
        if name.removeprefix("training.") not in (*_HOW_COMPUTED, *_PLACES)
    }
    differing |= _differences(_begun(old), _begun(new), ("init_from",))
    if old["manifest_sha256"] != new["manifest_sha256"]:
        differing |= _other_data(old, new)
    if not differing:
        return
    if "model" in differing:  # Then all is another one, and the rest says no more.
        differing = {"model": differing["model"]}
    listed = _in_words(differing)
    hint = ""
    if {"training.steps", "training.epochs"} & set(differing):
        hint = " (the learning rate depends on the number of steps, so a run cannot be prolonged)"
    raise InputError(
        f"{workdir}: holds a run with other settings: {listed}{hint}. Give another --workdir, or "
        "--resume=never to delete that run and start anew"
    )


def flags_text(values: Mapping[str, Any], overrides: Sequence[str]) -> str:
    """Returns flags as a flag file holds them."""
    lines = [f"--{name}={value}" for name, value in values.items() if value is not None]
    return "".join(f"{line}\n" for line in [*lines, *(f"--set={text}" for text in overrides)])


def environment(
    devices: str, threads: Mapping[str, int], training: "TrainConfig"
) -> dict[str, Any]:
    """Returns what the last bits of results depend on besides the settings that are compared."""
    return {
        "training": {name: getattr(training, name) for name in _HOW_COMPUTED},
        "revision": revision(),
        "versions": versions(),
        "devices": devices,
        "threads": dict(threads),
    }


def changed_environment(settings: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Returns in words how the environment differs from that of the settings, or nothing."""
    then = settings["environment"]
    return _in_words(_differences(then, now, {**then, **now}))


def _dataset(manifest: Manifest) -> dict[str, Any]:
    """Returns by what people tell datasets apart."""
    return {
        "name": manifest.name,
        "examples": {split: manifest.num_examples(split) for split in manifest.splits},
        "flags": dict(manifest.flags),
        "inputs": {entry["file"]: entry["sha256"][:_HASH_LETTERS] for entry in manifest.inputs},
    }


def _other_data(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Returns in what another dataset differs: its place and what it is, else only its hash."""
    found = _differences(old, new, ("data_dir", "dataset"))
    if any(name.startswith("dataset.") for name in found):
        return dict(list(found.items())[:_MOST_DIFFERENCES])
    hashes = (settings["manifest_sha256"][:_HASH_LETTERS] for settings in (old, new))
    return found | {"manifest_sha256": tuple(hashes)}


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], names: Iterable[str]
) -> dict[str, tuple[Any, Any]]:
    """Returns the old and the new value of all that differs, by dotted name."""
    there, now = (flat({name: values.get(name) for name in names}) for values in (old, new))
    return {
        name: (there.get(name), now.get(name))
        for name in {**there, **now}
        if there.get(name) != now.get(name)
    }


def _begun(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns by what the weights that a run began with are told from others."""
    found = settings["init_from"]
    known = found and {"step": found["step"], "sha256": found["sha256"][:_HASH_LETTERS]}
    return {"init_from": known}


def _in_words(differences: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{name} was {a} and is now {b}" for name, (a, b) in differences.items())


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def revision() -> str | None:
    """Returns the git revision of this source, and `DIRTY` if it was changed; None without git."""
    here = pathlib.Path(__file__)
    git = ("git", "-C", str(here.parent))
    try:
        # An installed copy may lie in a repository that does not hold it.
        subprocess.run(
            [*git, "ls-files", "--error-unmatch", here.name], capture_output=True, check=True
        )
        describe = [*git, "describe", "--always", f"--dirty={DIRTY}", "--abbrev=40", "--exclude=*"]
        return subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested values by dotted name."""
    result = {}
    for name, value in values.items():
        nested = isinstance(value, Mapping)
        result |= flat(value, f"{prefix}{name}.") if nested else {f"{prefix}{name}": value}
    return result
