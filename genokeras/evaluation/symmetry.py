"""How far a trained network is from the symmetries of DNA, layer by layer.

Windows go through the network as they are, as their reverse complements, and shifted. An error is
the root mean square of what differs, over the standard deviation of what the layer gives: 0 is
exact, 1.4 that of two unrelated outputs. What a symmetry should do to a layer is not asked: of the
ways in which it may act (positions, channels or copies of the batch backwards, tasks swapped) the
one that fits best is taken and named, so a large error means that none does.

Shapes: `N` windows of `L` bp, packed uint8 `[N, ceil(L/2)]`.
"""

import itertools
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from genokeras.evaluation import run_folders
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.models.spec import Spec
from genokeras.training.run_files import write
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.manifest import split_name

# Bases by which windows are shifted. A layer that pools can only follow multiples of its stride.
SHIFTS = (1, 2, 4, 8, 16)
_WINDOWS = 64


def report(
    workdir: str | os.PathLike,
    split: str,
    *,
    output: str | os.PathLike | None = None,
    checkpoint: str | int = "best",
    data_dir: str | os.PathLike | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Measures a run's network on the first 64 windows of a split, and writes what comes out.

    Args:
        workdir: Folder of the run.
        split: `train`, `valid` or `test`.
        output: Folder for SPLIT.symmetry.json; default: `evaluation` in the run.
        checkpoint: `best`, `last` or a step.
        data_dir: Where the dataset is now, if it has moved.
        seed: Of the bases that shifting brings in.

    Returns:
        The rows of `measure`.

    Raises:
        InputError: There is no such run or split, or `measure` cannot judge it.
    """
    run, split = Run.open(workdir, data_dir), split_name(split)
    windows = SplitWindows.each_once(run.dataset(), split)
    packed = next(windows.parts(_WINDOWS, _WINDOWS))["sequence"]
    rows = measure(run.model(checkpoint), run.spec, packed, seed=seed)
    folder = run_folders.destination([run.workdir], output)
    folder.mkdir(parents=True, exist_ok=True)
    result = {"split": split, "step": run.step_of(checkpoint), "windows": len(packed)}
    write(folder / f"{split}.symmetry.json", result | {"layers": rows})
    return rows


def measure(
    model: keras.Model, spec: Spec, packed: np.ndarray, *, seed: int = 0
) -> list[dict[str, Any]]:
    """Returns a row per layer with outputs of numbers, in the order of the network.

    A row holds `layer`, `shape` (without the batch), `reverse_complement` (the error), `action`
    (what turning the input does to this layer), `stride_bp` (None: no positions) and `shifts`: the
    error in the middle half of the positions per shift of `SHIFTS`, None where a shift is not whole
    positions. Errors are None where a layer is constant. New bases at the end of a shifted window
    are random, of `seed`.

    Raises:
        InputError: There are fewer than two windows, or the model reads more than them.
    """
    if len(packed) < 2:
        raise InputError(f"symmetry: got {len(packed)} windows, expected at least 2")
    if len(model.inputs) != 1:
        raise InputError("symmetry: this model reads more than sequences, expected those only")
    network = _all_layers(model)
    given = _outputs(network, packed)
    turned = _outputs(network, sequence.reverse_complement(packed, spec.length))
    fitting = [by for by in SHIFTS if 4 * by <= spec.length]
    shifted = {by: _outputs(network, _shifted(packed, spec.length, by, seed)) for by in fitting}
    rows = []
    for name, output in given.items():
        action, error = _best_action(output, turned[name], len(packed), spec.strand_pairs)
        stride = spec.length // output.shape[1] if output.ndim == 3 else None
        errors = dict.fromkeys(SHIFTS) | {
            by: _shift_error(output, moved[name], len(packed), by, stride)
            for by, moved in shifted.items()
        }
        shape = list(output.shape[1:])
        row = {"layer": name, "shape": shape, "reverse_complement": error, "action": action}
        rows.append(row | {"stride_bp": stride, "shifts": errors})
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Returns the rows of `measure` as text in columns."""
    header = ["layer", "shape", "reverse complement", "action", *(f"+{by} bp" for by in SHIFTS)]
    lines = [header]
    for row in rows:
        errors = [_number(row["shifts"][by]) for by in SHIFTS]
        shape = " x ".join(map(str, row["shape"]))
        error = _number(row["reverse_complement"])
        lines.append([row["layer"], shape, error, row["action"] or "", *errors])
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _number(error: float | None) -> str:
    return "" if error is None else f"{error:.1e}"


def _all_layers(model: keras.Model) -> keras.Model:
    outputs = {}
    for layer in model.layers[1:]:
        output = layer.output
        if isinstance(output, keras.KerasTensor) and output.dtype.startswith(("float", "bfloat")):
            outputs[layer.name] = output
    return keras.Model(model.inputs[0], outputs)


def _outputs(network: keras.Model, packed: np.ndarray) -> dict[str, np.ndarray]:
    found = network(packed, training=False)
    # Symbolic masks do not always say that they are bool.
    return {
        name: keras.ops.convert_to_numpy(x).astype(np.float64)
        for name, x in found.items()
        if keras.backend.standardize_dtype(x.dtype) != "bool"
    }


def _shifted(packed: np.ndarray, length: int, by: int, seed: int) -> np.ndarray:
    """Returns windows that begin `by` bp later, with random bases at their end."""
    rng = np.random.default_rng(seed)
    ends = ["".join(row) for row in rng.choice(list("ACGT"), (len(packed), by))]
    texts = sequence.decode(packed, length)
    return sequence.encode([t[by:] + end for t, end in zip(texts, ends, strict=True)], length)


def _best_action(
    given: np.ndarray, turned: np.ndarray, windows: int, pairs: Sequence[int] | None
) -> tuple[str | None, float | None]:
    """Returns what turning the windows does to an output, and how badly that fits."""
    spread = given.std()
    if not spread > 0:
        return None, None
    # Copies of the batch, as of both strands, are an axis of their own.
    given, turned = (x.reshape(-1, windows, *x.shape[1:]) for x in (given, turned))
    ways = [("copies", 0)] * (len(given) > 1) + [("positions", 2)] * (given.ndim == 4)
    ways += [("channels", -1)] * (given.ndim > 2)
    tasks = pairs is not None and given.shape[-1] == len(pairs)
    found = {}
    for count in range(len(ways) + 1):
        for chosen in itertools.combinations(ways, count):
            image = np.flip(given, [axis for _, axis in chosen])
            name = " and ".join(word for word, _ in chosen)
            found[f"{name} backwards" if name else "none"] = image
            if tasks and not any(word == "channels" for word, _ in chosen):
                text = f"{name} backwards, tasks swapped" if name else "tasks swapped"
                found[text] = image[..., list(pairs)]
    errors = {name: _rms(image - turned) / spread for name, image in found.items()}
    best = min(errors, key=errors.get)
    return best, errors[best]


def _shift_error(
    given: np.ndarray, moved: np.ndarray, windows: int, by: int, stride: int | None
) -> float | None:
    spread = given.std()
    if not spread > 0 or (stride is not None and by % stride):
        return None
    if stride is None:
        return _rms(given - moved) / spread
    steps, positions = by // stride, given.shape[1]
    first, last = positions // 4 + steps, positions - positions // 4
    if first >= last:
        return None
    here, there = slice(first, last), slice(first - steps, last - steps)
    # Copies of the opposite strand move the other way.
    copies = len(given) // windows
    errors = [
        min(_rms(old[:, here] - new[:, there]), _rms(old[:, there] - new[:, here]))
        for old, new in zip(np.split(given, copies), np.split(moved, copies), strict=True)
    ]
    return _rms(np.array(errors)) / spread


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x))))
