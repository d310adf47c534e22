"""Variables by name, for checkpoints: the same names in every process that builds a model."""

import re
from collections.abc import Iterable, Mapping

import keras
import numpy as np

from tfrecords.errors import InputError


def named(variables: Iterable[keras.Variable]) -> dict[str, keras.Variable]:
    """Returns the variables by path; those with one path are told apart by `~1`, `~2` ... in order.

    Keras numbers seed generators through the whole process; the number is left out, since it would
    depend on what else a notebook has built.
    """
    names: dict[str, keras.Variable] = {}
    for variable in variables:
        path = name = re.sub(r"seed_generator_\d+", "seed_generator", variable.path)
        count = 0
        while name in names:
            count += 1
            name = f"{path}~{count}"
        names[name] = variable
    return names


def read(variables: Iterable[keras.Variable]) -> dict[str, np.ndarray]:
    """Returns the values by name."""
    values = named(variables).items()
    return {name: keras.ops.convert_to_numpy(variable) for name, variable in values}


def assign(
    variables: Iterable[keras.Variable], values: Mapping[str, np.ndarray], where: str
) -> None:
    """Sets the variables to the values of `read`; `where` names their origin in an error."""
    targets = named(variables)
    if set(targets) != set(values):
        differing = sorted(set(targets) ^ set(values))
        raise InputError(
            f"{where}: holds another model than the one of this run; {len(differing)} of its names "
            f"differ, for example {differing[0]!r}"
        )
    for name, variable in targets.items():
        if tuple(variable.shape) != values[name].shape:
            raise InputError(
                f"{where}: {name} has shape {list(values[name].shape)}, "
                f"the model of this run has {list(variable.shape)}"
            )
        variable.assign(values[name])
