"""The networks that the lessons train."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

import torch
from torch import Tensor, nn

from core.augment import Augment
from core.specs import AugmentSpec, ConvSpec, MLPSpec, ModelSpec

T = TypeVar("T")

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Forecaster(nn.Module):
    """A recurrent layer that reads a window of ``features``, and a linear head on its last step.

    SimpleRNN: Elman, Finding structure in time (1990). LSTM: Hochreiter and Schmidhuber (1997).
    GRU: Cho et al. (2014).
    """

    def __init__(self, spec: ModelSpec, features: int = 1, outputs: int = 1) -> None:
        super().__init__()
        self.recurrent = CELLS[spec.name](features, spec.hidden, spec.layers, batch_first=True)
        self.head = nn.Linear(spec.hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map windows (batch, length, features) to what comes next (batch, outputs)."""
        states, _ = self.recurrent(x)  # (batch, length, hidden)
        forecast: Tensor = self.head(states[:, -1])
        return forecast


def count_parameters(model: nn.Module) -> int:
    """Count the numbers that training may change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "linear": nn.Identity,
}


def mlp(spec: MLPSpec, features: int, outputs: int) -> nn.Sequential:
    """Build a perceptron that maps (batch, features) to (batch, outputs).

    A ``ConvSpec`` has convolutions before it, and maps square pictures (batch, 1, side, side) of
    ``features`` pixels. Pooling comes before the activation: the same maximum, from a quarter of the work;
    the channels of a pixel lie side by side in memory, which pooling is several times faster on.
    """
    layers: list[nn.Module] = []
    if isinstance(spec, ConvSpec):
        side, channels = math.isqrt(features), 1
        if spec.augment != AugmentSpec():
            layers.append(Augment(**asdict(spec.augment)))
        for filters in spec.channels:
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.MaxPool2d(2)]
            layers.append(ACTIVATIONS[spec.activation]())
            side, channels = side // 2, filters
        layers.append(nn.Flatten())
        features = channels * side * side
    for units in spec.hidden:
        layers += [nn.Linear(features, units), ACTIVATIONS[spec.activation]()]
        if spec.dropout:
            layers.append(nn.Dropout(spec.dropout))
        features = units
    network = nn.Sequential(*layers, nn.Linear(features, outputs))
    return network.to(memory_format=torch.channels_last) if isinstance(spec, ConvSpec) else network


def build(spec: ModelSpec, seed: int, features: int = 1, outputs: int = 1) -> Forecaster:
    """Build a forecaster with the initial weights that ``torch.manual_seed(seed)`` would give it."""
    return _seeded(seed, lambda: Forecaster(spec, features, outputs))


def build_mlp(spec: MLPSpec, features: int, outputs: int, seed: int) -> nn.Sequential:
    """Build a perceptron with the initial weights that ``torch.manual_seed(seed)`` would give it."""
    return _seeded(seed, lambda: mlp(spec, features, outputs))


def build_mlp_with_random_state(
    spec: MLPSpec, features: int, outputs: int, seed: int
) -> tuple[nn.Sequential, Tensor]:
    """Build a perceptron as ``build_mlp`` does, and return the random state in which that leaves torch."""
    return _seeded(seed, lambda: (mlp(spec, features, outputs), torch.get_rng_state()))


def _seeded(seed: int, make: Callable[[], T]) -> T:
    """Make a network after ``torch.manual_seed(seed)``, leaving the global stream as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
