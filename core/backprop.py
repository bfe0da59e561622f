"""Backpropagation along a line of three layers, every local slope by hand. Only ``autograd`` loads torch.

x → (w₁) z₁ → a₁ → (w₂) z₂ → a₂ → (w₃) ŷ → L = (ŷ − target)². Rumelhart, Hinton & Williams (1986).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from core.specs import require_between, require_one_of

ACTIVATIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "sigmoid": (lambda z: _sigmoid(z), lambda z: _sigmoid(z) * _sigmoid(-z)),
    "tanh": (math.tanh, lambda z: 1 / math.cosh(z) ** 2),
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "identity": (lambda z: z, lambda z: 1.0),  # noqa: ARG005
}
"""Each activation and its slope."""


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


@dataclass(frozen=True, kw_only=True)
class LineSpec:
    """A line of three layers, one unit each: its input, its target and its weights."""

    x: float = 1.0
    target: float = 1.0
    weights: tuple[float, float, float] = (0.5, -1.0, 1.5)
    activation: str = "tanh"

    def __post_init__(self) -> None:
        require_between("入力 x", self.x, -10.0, 10.0)
        require_between("正解 t", self.target, -100.0, 100.0)
        for number, weight in enumerate(self.weights, start=1):
            require_between(f"重み w{number}", weight, -20.0, 20.0)
        require_one_of("活性化関数", self.activation, tuple(ACTIVATIONS))


@dataclass(frozen=True, kw_only=True)
class Gradients:
    """∂L by each place of the line: ``nodes`` for x, a₁, a₂, ŷ; ``weights`` for w₁, w₂, w₃."""

    nodes: tuple[float, float, float, float]
    weights: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A pass forward and a pass back.

    Attributes:
        values: x, a₁, a₂, ŷ.
        sums: z₁, z₂, z₃, the input of each layer's activation (z₃ = ŷ: the last layer has none).
        slopes: φ'(z₁), φ'(z₂), 1.
        loss: (ŷ − target)².
        gradients: the products of local slopes.
    """

    values: tuple[float, float, float, float]
    sums: tuple[float, float, float]
    slopes: tuple[float, float, float]
    loss: float
    gradients: Gradients


def walk(spec: LineSpec) -> Walk:
    """Go forward, then multiply local slopes back from the loss to the input."""
    value, slope = ACTIVATIONS[spec.activation]
    values, sums = [spec.x], []
    for weight in spec.weights:
        sums.append(weight * values[-1])
        values.append(value(sums[-1]) if len(sums) < 3 else sums[-1])
    slopes = (slope(sums[0]), slope(sums[1]), 1.0)
    nodes = [2 * (values[3] - spec.target)]  # dL/dŷ
    weights: list[float] = []
    for layer in (2, 1, 0):
        arriving = nodes[0] * slopes[layer]  # dL/dz of this layer
        weights.insert(0, arriving * values[layer])
        nodes.insert(0, arriving * spec.weights[layer])
    return Walk(
        values=(values[0], values[1], values[2], values[3]),
        sums=(sums[0], sums[1], sums[2]),
        slopes=slopes,
        loss=(values[3] - spec.target) ** 2,
        gradients=Gradients(
            nodes=(nodes[0], nodes[1], nodes[2], nodes[3]), weights=(weights[0], weights[1], weights[2])
        ),
    )


def autograd(spec: LineSpec) -> Gradients:
    """Return what ``loss.backward()`` finds, in float64."""
    import torch

    activations = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}
    w = [torch.tensor(weight, dtype=torch.float64, requires_grad=True) for weight in spec.weights]
    x = torch.tensor(spec.x, dtype=torch.float64, requires_grad=True)
    activation = activations.get(spec.activation, lambda z: z)
    a1 = activation(w[0] * x)
    a2 = activation(w[1] * a1)
    guess = w[2] * a2
    found = [float(g) for g in torch.autograd.grad((guess - spec.target) ** 2, [x, a1, a2, guess, *w])]
    return Gradients(nodes=(found[0], found[1], found[2], found[3]), weights=(found[4], found[5], found[6]))
