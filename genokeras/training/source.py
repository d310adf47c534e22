"""The run that another one begins with (`init_from`), by its settings. Loads no Keras."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

from genokeras.training import checkpoint, settings
from genokeras.training.remote_workdir import copy_to_read
from tfrecords.errors import InputError
from tfrecords.remote_path import is_remote, path_of

# Models that learn from DNA alone, and the one that learns labels with their encoder.
WITH_LABELS = {"mlm": "transformer", "contrastive": "transformer"}
_USUAL_MODEL, _USUAL_PRESET = "cnn_attention", "base"
# Files of a checkpoint that its weights are made of.
_EXPORTED = ("average.npz", "model.npz")


@dataclasses.dataclass(frozen=True)
class Source:
    """A run whose weights another one begins with, as the config.json of the latter keeps it.

    What is kept there is enough to go on without it.

    Attributes:
        workdir: Its folder.
        step: That of its best checkpoint, whose weights are taken.
        sha256: Of the sums of its arrays.
        model: Its model.
        preset: Its preset.
        config: The fields of its configuration.
        length: Of its windows, in bp.
        tasks: Names of its tasks.
        new: Variables of the other run that are not taken from it; None as long as nobody knows.
    """

    workdir: str
    step: int
    sha256: str
    model: str
    preset: str
    config: dict[str, Any]
    length: int
    tasks: tuple[str, ...]
    new: tuple[str, ...] | None = None

    @classmethod
    def from_settings(cls, values: Mapping[str, Any] | None) -> "Source | None":
        """Returns what config.json has under `init_from`; None: nothing."""
        if values is None:
            return None
        lists = {name: tuple(x) for name, x in values.items() if isinstance(x, list)}
        return cls(**{**values, **lists})


def folder_of(init_from: str) -> pathlib.Path:
    """Returns the folder of a run; of one at a URL a copy on this machine."""
    return copy_to_read(init_from) if is_remote(init_from) else pathlib.Path(init_from)


def absolute(init_from: str) -> str:
    """Returns the folder or URL as it is kept."""
    return str(path_of(init_from).absolute())


def kept(init_from: str, workdir: pathlib.Path) -> Source | None:
    """Returns what the run in `workdir` has kept of the run that it began with, if of this one."""
    found = Source.from_settings((settings.read(workdir) or {}).get("init_from"))
    return found if found and found.workdir == absolute(init_from) else None


def model_and_preset(
    init_from: str | None, workdir: pathlib.Path, model: str | None, preset: str | None
) -> tuple[str, str]:
    """Returns model and preset of a run: those given, else those that suit what it begins with.

    Args:
        init_from: The run that it begins with, if there is one.
        workdir: Its own folder.
        model: What was asked for. None: the usual one; on the encoder of a model without labels
            `transformer`; of another run the same model.
        preset: What was asked for. None: the usual one; that of the run to begin with.

    Raises:
        InputError: That has to be looked up, and there is no run in `init_from`.
    """
    if init_from is None or (model and preset):
        return model or _USUAL_MODEL, preset or _USUAL_PRESET
    try:
        described = settings.require(folder_of(init_from))
    except InputError:
        found = kept(init_from, workdir)
        if found is None:
            raise
        described = dataclasses.asdict(found)
    own = described["model"]
    suited = WITH_LABELS.get(own, own)
    # Presets of a model that has nothing of the other run are others.
    theirs = described["preset"] if model in (None, own, suited) else _USUAL_PRESET
    return model or suited, preset or theirs


def weights_sha256(path: pathlib.Path) -> str:
    """Returns a sha256 of the arrays that are exported of the checkpoint in `path`."""
    sums = checkpoint.sums(path)
    text = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums) if name in _EXPORTED)
    return hashlib.sha256(text.encode()).hexdigest()
