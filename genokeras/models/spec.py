"""What a model must fit, and what a module of this folder must offer to be a model.

A model is one module `genokeras/models/NAME.py`; `--model=NAME` finds it by its name. It has:

- `Config`: frozen dataclass with literal defaults, those of `base`, and a comment behind each field
  that says what it is for (`launch.train --help` shows it); `__post_init__` raises `InputError` for
  values that make no sense. It may inherit from `genokeras.augmentation.Augmentation`. A field
  `rc` says how it goes about the two strands (`genokeras.strand_symmetry`).
- `PRESETS: dict[str, Config]`, a literal, with a comment behind an entry whose name does not say it
  all; among them `base` (the default) and `tiny` (for tests).
- `TRAINING: dict[str, dict]`: fields of the training configuration that belong to a preset.
- `TASK_TYPES`: those of `tfrecords.manifest.TASK_TYPES` that it can learn; `build` refuses others.
- `JIT_ON_CPU = False` (optional): compiled with XLA, its steps are slower on a CPU.
- `build(config, spec) -> keras.Model`: functional, inputs named after the schema (`sequence`:
  packed uint8 `[B, ceil(L/2)]`), the first layer `genokeras.layers.one_hot.OneHot` under the name
  `one_hot`, every layer named, outputs in float32. A layer with the attribute `undecayed = True` is
  spared weight decay. The weights of tasks are in layers of `TASK_LAYERS`, so that a run does
  not begin with those of other tasks.
- `prepare(config, spec, batch, training) -> batch`: from stored sequences to what the network
  reads, on the device. It cuts windows of `spec.length` bp out of `batch["sequence"]`, which holds
  `spec.shift_bp` bp more at either end, and augments. All that is random is a function of
  `batch["key"]`. Without `training` the window is the one in the middle, nothing is random, and
  there may be no key; what the loss itself asks for (masks) is drawn where there is one, that of an
  evaluation being the same in each. It may change `targets` and `weight` as well, where there are
  any. Only what trains hands over stored sequences. Prediction holds windows already, of splits
  those that `tfrecords.sequence.crop` gives: it passes `spec.without_flanks()`.
- `loss(config, model, batch, training) -> (terms, outputs)`: `terms` maps a name to losses `[B]` or
  `[B, T]` that are neither weighted nor reduced: the engine multiplies by `weight`, sums, divides
  by the weight of the whole global batch and adds `model.losses`. It is called inside
  `keyed_random.scope(batch["key"])`, from which dropout draws. `outputs` holds what `scores` needs.
- `encode(config, model, batch, training) -> dict` (only where a loss looks at the whole batch, as a
  contrastive one does): tensors `[B, ...]`, of the local part of the batch. The loss then is
  `loss(config, encoded, batch, training, everyone, first_row) -> (terms, outputs)`: `everyone` has
  the same names, `[G, ...]` of the global batch in its order, through which gradients flow;
  `first_row` is the place there of the local part's first row. Terms and outputs are of the local
  part. So the engine can compile both, gather between them, and, where a batch is too large for the
  memory, encode it piece by piece.
- `embedding(config, model) -> keras.Model`: from the windows that `model` reads to an embedding of
  each, `[B, D]`, in float32 or wider, as in evaluation: the last features before what is made for
  the loss; of positions the mean over those that are no padding. It shares the weights, and is
  blind to the strand where the model is (`genokeras.layers.window_embedding`).
- `notes(config, spec) -> tuple[str, ...]` (optional): what the log is to say before training.
- `scores(spec, outputs, targets, weight) -> dict` (optional): metrics over a whole split.
- `running_scores(spec)` (instead, where a split's outputs are too large to be kept): an object with
  `add(outputs, targets, weight, blocks=None)`, which gets every batch, targets (None: there are
  none) and weight as they are stored, and `result() -> dict`: the same metrics whatever the
  batches.
"""

import dataclasses
import importlib
import pathlib
import types
from typing import Any

import keras

from tfrecords import bins
from tfrecords.errors import InputError, check_known
from tfrecords.manifest import TASK_TYPES, Manifest, is_pairing
from tfrecords.strands import check_cut_sites

# Names of layers, behind a prefix or without, whose weights belong to tasks.
TASK_LAYERS = ("head", "kmer_linear", "log_total", "scale")


@dataclasses.dataclass(frozen=True)
class Spec:
    """What the data demand of a model.

    `length` is that of the windows that a model reads, in bp; `shift_bp` more are stored at either
    end of each, so that training may shift it.
    `strand_pairs[t]` is the task that task `t` becomes on the opposite strand (None: all tasks are
    strandless). `base_composition` holds the shares of A, C, G, T in the training split.
    `stranded`: targets belong to the given strand and say nothing about the opposite one, so that
    a model must neither be blind to the strand nor average over both.
    Of `coverage` there is a target per bin of `bin_bp`, none in the `crop_bp` at either end of the
    window; stored targets times `target_scale` are in their own unit. Tasks of `cut_sites` move by
    one base on the opposite strand, see `tfrecords.strands.turn`.
    """

    length: int
    tasks: tuple[str, ...]
    task_type: str = "binary"
    strand_pairs: tuple[int, ...] | None = None
    base_composition: tuple[float, ...] | None = None
    stranded: bool = False
    shift_bp: int = 0
    bin_bp: int = 0
    crop_bp: int = 0
    target_scale: tuple[float, ...] = ()
    cut_sites: tuple[int, ...] = ()

    def __post_init__(self):
        if self.task_type not in TASK_TYPES:
            known = ", ".join(TASK_TYPES)
            raise InputError(f"task_type must be one of {known}, got {self.task_type!r}")
        if self.length < 1 or not (self.tasks or self.task_type == "unlabelled"):
            raise InputError(f"need length >= 1 and a task, got {self.length=}, {self.tasks=}")
        if self.task_type == "coverage":
            bins.check(self.length, self.bin_bp, self.crop_bp)
            bins.check_scale(self.target_scale, len(self.tasks))
        if self.shift_bp < 0:
            raise InputError(f"shift_bp must be at least 0, got {self.shift_bp}")
        if self.strand_pairs and not is_pairing(self.strand_pairs, len(self.tasks)):
            raise InputError(f"strand_pairs must swap tasks in pairs, got {self.strand_pairs}")
        check_cut_sites(self.cut_sites, len(self.tasks), self.bin_bp, self.strand_pairs)

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> "Spec":
        """Returns what the dataset described by `manifest` demands."""
        shares = manifest.base_composition
        return cls(
            length=manifest.window_bp,
            tasks=tuple(manifest.tasks),
            task_type=manifest.task_type,
            strand_pairs=manifest.strand_pairs,
            base_composition=tuple(shares[base] for base in "ACGT") if shares else None,
            stranded=manifest.reverse_complement == "none",
            shift_bp=manifest.shift_bp,
            bin_bp=manifest.bin_bp,
            crop_bp=manifest.crop_bp,
            target_scale=manifest.target_scale,
            cut_sites=manifest.cut_sites,
        )

    def require_task_type(self, known: tuple[str, ...]) -> None:
        """Raises `InputError` if a model for tasks of the `known` types does not fit the data."""
        if self.task_type not in known:
            fitting = [name for name in available() if self.task_type in load(name).TASK_TYPES]
            raise InputError(
                f"this model learns from {' or '.join(known)} data, these are {self.task_type}; "
                f"models for them: {', '.join(fitting) or 'none'}"
            )

    def without_flanks(self) -> "Spec":
        """Returns the same for sequences that are windows of `length` bp already."""
        return dataclasses.replace(self, shift_bp=0)

    @property
    def background(self) -> tuple[float, ...] | None:
        """Shares of A, C, G, T in what a model reads, either strand of it unless `stranded`."""
        if self.stranded or self.base_composition is None:
            return self.base_composition
        a, c, g, t = self.base_composition
        return (a + t) / 2, (c + g) / 2, (c + g) / 2, (a + t) / 2

    @property
    def num_tasks(self) -> int:
        """Number of target columns `T`."""
        return len(self.tasks)

    @property
    def num_bins(self) -> int:
        """Bins per window of `coverage`; else 0."""
        return bins.count(self.length, self.bin_bp, self.crop_bp)

    @property
    def packed_width(self) -> int:
        """Bytes of a packed window."""
        return (self.length + 1) // 2


def available() -> list[str]:
    """Returns the names of all models: the modules of this folder."""
    folder = pathlib.Path(__file__).parent
    return sorted(p.stem for p in folder.glob("*.py") if p.stem not in ("__init__", "spec"))


def load(name: str) -> types.ModuleType:
    """Returns the model's module."""
    check_known("no model", name, available(), "Models")
    return importlib.import_module(f"genokeras.models.{name}")


def preset(name: str, preset_name: str) -> Any:
    """Returns the configuration of a model's preset."""
    presets = load(name).PRESETS
    check_known(f"{name} has no preset", preset_name, presets, "Presets")
    return presets[preset_name]


def without_one_hot(model: keras.Model) -> keras.Model:
    """Returns `model` behind its first layer: one-hot `[B, L, 4]` and mask `[B, L]` in, logits out.

    Feed it `model.get_layer("one_hot")(packed)`. It shares its weights with `model`.
    """
    return keras.Model(model.get_layer("one_hot").output, model.outputs[0], name="without_one_hot")


def belongs_to_tasks(name: str) -> bool:
    """Whether a variable of this name has weights of one task and of another."""
    layer = name.split("/")[0]
    return any(layer == kind or layer.endswith(f"_{kind}") for kind in TASK_LAYERS)
