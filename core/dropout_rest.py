"""A small network trained with dropout, a patient a step: who rests, and what the others pass on.

Only ``rest`` loads torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core import simulated
from core.cohorts import COHORTS, Feature
from core.dropout import MOST_RESTING, Array, seeded
from core.specs import require_between

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 60
"""Patients of the small network, one a training step."""
LAYERS = (8, 6)
"""Its hidden units; it has 4 inputs and 2 outputs."""
LR = 0.03
FEATURES: tuple[Feature, ...] = COHORTS["sepsis"].features


@dataclass(frozen=True, kw_only=True)
class RestSpec:
    """A small network trained with dropout ``p``, a patient a step."""

    p: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        require_between("ドロップアウト率", self.p, 0.0, MOST_RESTING)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rest:
    """What happened in each step, before its update.

    Attributes:
        patients: (steps, 4), in clinical units; ``targets`` (steps,) are 0 or 1.
        weights: of each layer, (steps, outputs, inputs).
        passed: of each hidden layer, (steps, units): what dropout lets through in train(); 0 rests.
        called: the same in eval().
        risks: (steps,), predicted probability of class 1 in train(); ``called_risks`` in eval().
        losses: (steps,), cross-entropy in train().
    """

    patients: npt.NDArray[np.float64]
    targets: npt.NDArray[np.int64]
    weights: tuple[Array, ...]
    passed: tuple[Array, ...]
    called: tuple[Array, ...]
    risks: Array
    called_risks: Array
    losses: Array

    @property
    def working(self) -> npt.NDArray[np.bool_]:
        """Return which hidden units work in which step, (steps, units of all layers)."""
        return np.concatenate([layer != 0 for layer in self.passed], axis=1)


def rest_patients() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the patients of the small network in the order in which it meets them, half of them ill."""
    x, y = simulated.sepsis(STEPS, 0.5, 0)
    order = np.random.RandomState(0).permutation(STEPS)
    return x[order], y[order].astype(np.int64)


def rest(spec: RestSpec) -> Rest:
    """Train the small network with Adam, and note which units rest in each step.

    tanh gives no unit an output of exactly 0, so that what is 0 behind ``nn.Dropout`` rests.
    """
    return seeded(spec.seed, lambda: _rest(spec))


def _rest(spec: RestSpec) -> Rest:
    import torch
    from torch import nn

    clinical, classes = rest_patients()
    x = torch.tensor((clinical - clinical.mean(axis=0)) / clinical.std(axis=0), dtype=torch.float32)
    y = torch.tensor(classes)
    first, second = LAYERS
    model = nn.Sequential(
        nn.Linear(len(FEATURES), first),
        nn.Tanh(),
        nn.Dropout(spec.p),
        nn.Linear(first, second),
        nn.Tanh(),
        nn.Dropout(spec.p),
        nn.Linear(second, 2),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    linears = [layer for layer in model if isinstance(layer, nn.Linear)]
    seen: list[Tensor] = []
    for layer in model:
        if isinstance(layer, nn.Dropout):
            layer.register_forward_hook(lambda _, __, output: seen.append(output.detach()[0]))

    def forward(step: int, training: bool) -> tuple[Tensor, list[Tensor]]:
        seen.clear()
        model.train(training)
        return model(x[step : step + 1]), list(seen)

    weights: list[list[Tensor]] = [[], [], []]
    passed: list[list[Tensor]] = [[], []]
    called: list[list[Tensor]] = [[], []]
    risks, called_risks, losses = [], [], []
    for step in range(STEPS):
        for kept, linear in zip(weights, linears, strict=True):
            kept.append(linear.weight.detach().clone())
        with torch.no_grad():
            outputs, layers = forward(step, False)
        called_risks.append(outputs.softmax(1)[0, 1].item())
        for kept, values in zip(called, layers, strict=True):
            kept.append(values)
        outputs, layers = forward(step, True)
        risks.append(outputs.softmax(1)[0, 1].item())
        for kept, values in zip(passed, layers, strict=True):
            kept.append(values)
        loss = nn.functional.cross_entropy(outputs, y[step : step + 1])
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def stacked(parts: list[list[Tensor]]) -> tuple[Array, ...]:
        return tuple(torch.stack(part).numpy() for part in parts)

    return Rest(
        patients=clinical,
        targets=classes,
        weights=stacked(weights),
        passed=stacked(passed),
        called=stacked(called),
        risks=np.array(risks, dtype=np.float32),
        called_risks=np.array(called_risks, dtype=np.float32),
        losses=np.array(losses, dtype=np.float32),
    )


def silent_steps(found: Rest) -> int:
    """Count the steps in which a whole layer rests, so that nothing of the patient reaches the output."""
    nobody = [~(layer != 0).any(axis=1) for layer in found.passed]
    return int(np.any(nobody, axis=0).sum())


def silent_share(p: float) -> float:
    """Return the probability that a whole layer of the small network rests."""
    return 1 - math.prod(1 - p**units for units in LAYERS)
