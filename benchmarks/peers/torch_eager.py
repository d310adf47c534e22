"""The network of preset `conv_v2` in PyTorch, trained eagerly on arrays in memory."""

import numpy as np
import torch
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
from torch import nn
from torch.nn import functional


class Network(nn.Module):
    """One-hot `[B, 4, L]` -> logits `[B, 1]`."""

    def __init__(self, length: int, dropout: float):
        super().__init__()
        self.block_1_conv = nn.Conv1d(4, FILTERS, KERNEL_SIZE, padding="same")
        self.block_1_norm = nn.BatchNorm1d(FILTERS, NORM_EPSILON, 1 - NORM_MOMENTUM)
        self.block_2_conv = nn.Conv1d(FILTERS, FILTERS, KERNEL_SIZE, padding="same")
        self.block_2_norm = nn.BatchNorm1d(FILTERS, NORM_EPSILON, 1 - NORM_MOMENTUM)
        self.dense_1 = nn.Linear(length // 4 * FILTERS, DENSE_UNITS[0])
        self.dense_2 = nn.Linear(*DENSE_UNITS)
        self.head = nn.Linear(DENSE_UNITS[1], 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool1d(_gelu(self.block_1_norm(self.block_1_conv(x))), 2)
        x = functional.max_pool1d(self.block_2_norm(_gelu(self.block_2_conv(x))), 2)
        x = x.flatten(1)
        x = self.dropout(_gelu(self.dense_1(x)))
        x = self.dropout(_gelu(self.dense_2(x)))
        return self.head(x)


def _gelu(x: torch.Tensor) -> torch.Tensor:
    return functional.gelu(x, approximate="tanh")


def build(task: Task, length: int, dropout: float) -> tuple[Network, torch.optim.Optimizer]:
    """Returns the network with the weights of the task, and its optimizer."""
    network = Network(length, dropout)
    parameters = dict(network.named_parameters())
    for name, values in task.weights().items():
        layer, kind = name.split("/")
        if layer == "dense_1" and kind == "kernel":
            # Keras flattens positions and then channels, PyTorch the other way round.
            values = values.reshape(length // 4, FILTERS, -1).swapaxes(0, 1)
            values = values.reshape(FILTERS * (length // 4), -1)
        kind = {"kernel": "weight", "gamma": "weight", "beta": "bias"}.get(kind, kind)
        with torch.no_grad():
            parameters[f"{layer}.{kind}"].copy_(torch.tensor(np.ascontiguousarray(values.T)))
    return network, torch.optim.Adam(network.parameters(), LEARNING_RATE, BETAS, EPSILON)


def train_step(
    network: Network, optimizer: torch.optim.Optimizer, x: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Makes one step and returns the loss."""
    optimizer.zero_grad()
    loss = functional.binary_cross_entropy_with_logits(network(x), targets)
    loss.backward()
    optimizer.step()
    return loss


def main() -> None:
    """Takes part in rounds."""
    task = Task.from_command_line()
    x, targets = (torch.tensor(values) for values in task.checked_batch())
    x, length = x.transpose(1, 2).contiguous(), x.shape[1]
    network, optimizer = build(task, length, dropout=0.0)
    losses = [train_step(network, optimizer, x, targets).item() for _ in range(CHECKED_STEPS)]

    one_hot, targets = (torch.tensor(values) for values in task.data())
    one_hot = one_hot.transpose(1, 2).contiguous()
    network, optimizer = build(task, length, DROPOUT)
    rounds = Rounds(task)
    parameters = sum(values.numel() for values in network.parameters())
    rounds.ready(parameters, losses, ["torch"], threads=torch.get_num_threads())
    for rows in task.batch_rows(len(one_hot)):
        rows = torch.from_numpy(rows)
        train_step(network, optimizer, one_hot[rows], targets[rows])
        rounds.step()
        if rounds.are_over:
            break


if __name__ == "__main__":
    main()
