"""The network of preset `conv_v2` in Flax (linen) and optax: one jitted step, arrays in memory."""

import functools
from typing import Any

import jax
import optax
from flax import linen as nn
from jax import numpy as jnp
from rounds import (
    BETAS,
    CHECKED_STEPS,
    DENSE_UNITS,
    DROPOUT,
    EPSILON,
    FILTERS,
    KERNEL_SIZE,
    LEARNING_RATE,
    NORM_EPSILON,
    NORM_MOMENTUM,
    Rounds,
    Task,
)

State = tuple[Any, Any, Any]  # Parameters, statistics of the norms, state of the optimizer.


class Network(nn.Module):
    """One-hot `[B, L, 4]` -> logits `[B, 1]`."""

    dropout: float

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        norm = functools.partial(
            nn.BatchNorm, use_running_average=False, momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON
        )
        pool = functools.partial(nn.max_pool, window_shape=(2,), strides=(2,))
        x = nn.Conv(FILTERS, (KERNEL_SIZE,), name="block_1_conv")(x)
        x = pool(nn.gelu(norm(name="block_1_norm")(x)))
        x = nn.Conv(FILTERS, (KERNEL_SIZE,), name="block_2_conv")(x)
        x = pool(norm(name="block_2_norm")(nn.gelu(x)))
        x = x.reshape(len(x), -1)
        for block, units in enumerate(DENSE_UNITS, start=1):
            x = nn.gelu(nn.Dense(units, name=f"dense_{block}")(x))
            x = nn.Dropout(self.dropout, deterministic=False)(x)
        return nn.Dense(1, name="head")(x)


OPTIMIZER = optax.adam(LEARNING_RATE, *BETAS, EPSILON)


def start(task: Task) -> State:
    """Returns the state of training with the weights of the task."""
    parameters: dict[str, dict[str, jax.Array]] = {}
    for name, values in task.weights().items():
        layer, kind = name.split("/")
        kind = {"gamma": "scale", "beta": "bias"}.get(kind, kind)
        parameters.setdefault(layer, {})[kind] = jnp.array(values)
    statistics = {
        f"block_{block}_norm": {"mean": jnp.zeros(FILTERS), "var": jnp.ones(FILTERS)}
        for block in (1, 2)
    }
    return parameters, statistics, OPTIMIZER.init(parameters)


def make_step(dropout: float) -> Any:
    """Returns the jitted step: state, number, batch -> state, loss."""
    network = Network(dropout)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(
        state: State, number: int, x: jax.Array, targets: jax.Array
    ) -> tuple[State, jax.Array]:
        parameters, statistics, optimizer = state
        key = jax.random.fold_in(jax.random.key(0), number)

        def loss_of(parameters: Any) -> tuple[jax.Array, Any]:
            logits, changed = network.apply(
                {"params": parameters, "batch_stats": statistics},
                x,
                mutable=["batch_stats"],
                rngs={"dropout": key},
            )
            losses = optax.sigmoid_binary_cross_entropy(logits, targets)
            return losses.mean(), changed["batch_stats"]

        (loss, statistics), gradients = jax.value_and_grad(loss_of, has_aux=True)(parameters)
        updates, optimizer = OPTIMIZER.update(gradients, optimizer, parameters)
        return (optax.apply_updates(parameters, updates), statistics, optimizer), loss

    return step


def main() -> None:
    """Takes part in rounds."""
    task = Task.from_command_line()
    step, state, batch, losses = make_step(dropout=0.0), start(task), task.checked_batch(), []
    for number in range(CHECKED_STEPS):
        state, loss = step(state, number, *batch)
        losses.append(loss)

    one_hot, targets = task.data()
    step, state = make_step(DROPOUT), start(task)
    parameters = sum(values.size for values in jax.tree.leaves(state[0]))
    rounds = Rounds(task)
    rounds.ready(parameters, losses, ["jax", "flax", "optax"])
    for number, rows in enumerate(task.batch_rows(len(one_hot))):
        state, loss = step(state, number, one_hot[rows], targets[rows])
        rounds.step(finish=loss.block_until_ready)
        if rounds.are_over:
            break


if __name__ == "__main__":
    main()
