"""What is JAX's own of programs and devices; `test_jax_watching.py` runs this."""

import math
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax._src.cudnn import fused_attention_stablehlo
from jax.experimental import pallas

from genokeras.training.jax_devices import JaxDevices
from genokeras.training.jax_flops import program_flops

SQUARE = jax.ShapeDtypeStruct((4, 4), np.float32)
ONE = 2 * 4 * 4 * 4  # A product of two of them.


def flops(function, *arguments):
    return program_flops(jax.make_jaxpr(function)(*arguments or (SQUARE, SQUARE)).jaxpr)


def test_functions_loops_and_branches():
    inner = jax.jit(jnp.matmul)
    assert flops(lambda a, b: inner(inner(a, b), b)) == 2 * ONE
    assert flops(lambda a, b: jax.lax.scan(lambda x, _: (x @ b, x), a, length=6)) == 6 * ONE
    branches = (lambda a, b: a @ b @ b @ b, lambda a, b: a @ b)
    assert flops(lambda a, b: jax.lax.cond(a[0, 0] > 0, *branches, a, b)) == 3 * ONE
    unknown = flops(lambda a, b: jax.lax.while_loop(lambda x: x[0, 0] < 9, lambda x: x @ b, a))
    assert math.isnan(unknown)
    assert flops(lambda a, b: jax.lax.while_loop(lambda x: x[0, 0] < 9, lambda x: x + b, a)) == 0


def test_kernel_of_pallas_counts_as_often_as_its_grid_has_places():
    def kernel(a, b, out):
        out[...] = a[...] @ b[...]

    whole = pallas.BlockSpec((4, 4), lambda row: (0, 0))
    row = pallas.BlockSpec((4, 4), lambda row: (row, 0))
    tall = jax.ShapeDtypeStruct((12, 4), np.float32)
    call = pallas.pallas_call(
        kernel, tall, grid=(3,), in_specs=[row, whole], out_specs=row, interpret=True
    )
    assert flops(call, tall, SQUARE) == 3 * ONE


@pytest.mark.parametrize("implementation", ["xla", "cudnn"])
def test_attention_that_cudnn_computes_counts_like_that_of_xla(monkeypatch, implementation):
    """It needs a GPU to run, but none to be traced."""
    monkeypatch.setattr(fused_attention_stablehlo, "check_cudnn_version", lambda: 91000)
    monkeypatch.setattr(fused_attention_stablehlo, "check_compute_capability", lambda *_: True)
    queries = jax.ShapeDtypeStruct((2, 128, 4, 64), jnp.bfloat16)
    keys = jax.ShapeDtypeStruct((2, 256, 4, 64), jnp.bfloat16)

    def loss(query, key, value):
        mixed = jax.nn.dot_product_attention(query, key, value, implementation=implementation)
        return (mixed.astype(jnp.float32) ** 2).sum()

    product = 2 * 2 * 4 * 128 * 256 * 64
    assert flops(loss, queries, keys, keys) == 2 * product
    assert flops(jax.grad(loss, (0, 1, 2)), queries, keys, keys) == (2 + 4) * product


def test_devices_have_a_name_and_tell_the_peak_of_their_memory():
    def device(process, stats):
        return types.SimpleNamespace(
            platform="gpu",
            device_kind="NVIDIA L4",
            process_index=process,
            memory_stats=lambda: stats,
        )

    peaks = [(0, {"peak_bytes_in_use": 3}), (0, {"peak_bytes_in_use": 5})]
    elsewhere = (1, {"peak_bytes_in_use": 7})
    found = JaxDevices("multiworker", [device(*what) for what in (*peaks, elsewhere)])
    assert (found.kind(), found.peak_memory_bytes()) == ("NVIDIA L4", 5)
    assert JaxDevices("single", [device(0, None)]).peak_memory_bytes() is None
    assert JaxDevices("single", jax.devices()[:1]).kind() == "CPU"
