"""FLOPs of a JAX program: what its matrix products and convolutions multiply and add.

Both count, so a product of `[m, k]` and `[k, n]` has `2 m k n`; all else is left out, and what is
computed again to save memory counts again: as in `tensorflow_flops`. XLA's own cost analysis counts
the body of a loop once, and on a GPU it does not see into what cuDNN and cuBLAS compute.
"""

import math
from collections.abc import Iterator
from typing import Any

# Products of attention, of `[queries, keys]` each, per call of cuDNN's: two forward; four backward,
# without the one that it computes again.
_FUSED_ATTENTION = {"dot_product_attention_fwd": 2, "dot_product_attention_bwd": 4}


def program_flops(program: Any) -> float:
    """Returns the FLOPs of a jaxpr; not a number of a `while` loop around matrix products."""
    return sum(_of(equation) for equation in program.eqns)


def _of(equation: Any) -> float:
    name, parameters = equation.primitive.name, equation.params
    if name == "dot_general":
        return _product(equation)
    if name == "conv_general_dilated":
        return _convolution(equation)
    attention = _FUSED_ATTENTION.get(name.removesuffix("_wrapper"))
    if attention:
        query, key = (value.aval.shape for value in equation.invars[:2])  # [B, length, heads, C]
        return 2.0 * attention * math.prod(query) * key[1]
    inner = [program_flops(program) for program in _programs(parameters)]
    if name == "cond":
        return max(inner)
    if name == "scan":
        return parameters["length"] * sum(inner)
    if name == "while":
        return math.nan if any(inner) else 0.0
    if name == "pallas_call":
        return math.prod(parameters["grid_mapping"].grid) * sum(inner)
    return float(sum(inner))


def _programs(parameters: dict[str, Any]) -> Iterator[Any]:
    """Yields the jaxprs among the parameters of an equation."""
    for value in parameters.values():
        for candidate in value if isinstance(value, tuple | list) else (value,):
            program = getattr(candidate, "jaxpr", candidate)
            if hasattr(program, "eqns"):
                yield program


def _product(equation: Any) -> float:
    (contracted, _), _ = equation.params["dimension_numbers"]
    shape = equation.invars[0].aval.shape
    return 2.0 * equation.outvars[0].aval.size * math.prod(shape[axis] for axis in contracted)


def _convolution(equation: Any) -> float:
    """Returns the count of a convolution, or of one that is the gradient of another.

    With respect to its input that is a convolution of what has zeros between its elements, and
    zeros do not count.
    """
    kernel = equation.invars[1].aval.shape
    channels = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
    zeros = math.prod(equation.params["lhs_dilation"])
    return 2.0 * equation.outvars[0].aval.size * math.prod(kernel) / channels / zeros
