"""The chain rule on two links: dose → blood pressure → risk of stroke. Only ``autograd`` loads torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.specs import require_between, require_one_of

START_MMHG = 150.0
HALF_MG = 5.0
"""With the curve, this dose has half of the effect that the straight line would give it."""
SHAPES = ("line", "curve")


@dataclass(frozen=True, kw_only=True)
class ChainSpec:
    """Two links and a dose.

    ``first`` is dy/dx at dose 0 (mmHg per mg), ``second`` is dz/dy at the starting pressure (% per mmHg),
    ``dose`` is x (mg). With the shape "curve" both links bend, and their slopes depend on the dose.
    """

    first: float = -2.0
    second: float = 0.5
    dose: float = 1.0
    shape: str = "line"

    def __post_init__(self) -> None:
        require_between("用量 1 mg あたりの血圧の変化", self.first, -5.0, 5.0)
        require_between("血圧 1 mmHg あたりのリスクの変化", self.second, -2.0, 2.0)
        require_between("用量", self.dose, 0.0, 10.0)
        require_one_of("関係の形", self.shape, SHAPES)


@dataclass(frozen=True, kw_only=True)
class Links:
    """The slopes at one dose: dy/dx (mmHg/mg), dz/dy (%/mmHg) and dz/dx (%/mg)."""

    first: float
    second: float
    whole: float


def pressure(spec: ChainSpec, dose: Any) -> Any:
    """Return y, the systolic pressure (mmHg) at ``dose`` (mg): a line, or one that levels off."""
    effect = spec.first * dose
    return START_MMHG + (effect if spec.shape == "line" else effect / (1 + dose / HALF_MG))


def risk(m: Any, spec: ChainSpec, y: Any) -> Any:
    """Return z, the change of the risk (% of that at the start); ``m`` is numpy or torch."""
    change = spec.second * (y - START_MMHG)
    return change if spec.shape == "line" else 100 * (m.exp(change / 100) - 1)


def by_hand(spec: ChainSpec) -> Links:
    """Return the slopes by their formulas, the whole as the product of the links."""
    y = pressure(spec, spec.dose)
    if spec.shape == "line":
        first, second = spec.first, spec.second
    else:
        first = spec.first / (1 + spec.dose / HALF_MG) ** 2
        second = spec.second * float(np.exp(spec.second * (y - START_MMHG) / 100))
    return Links(first=first, second=second, whole=second * first)


def numeric(spec: ChainSpec, step: float = 1e-4) -> Links:
    """Return the slopes as central differences, the whole from the dose straight to the risk."""
    x, y = spec.dose, float(pressure(spec, spec.dose))

    def z(dose: float) -> float:
        return float(risk(np, spec, pressure(spec, dose)))

    return Links(
        first=float(pressure(spec, x + step) - pressure(spec, x - step)) / (2 * step),
        second=float(risk(np, spec, y + step) - risk(np, spec, y - step)) / (2 * step),
        whole=(z(x + step) - z(x - step)) / (2 * step),
    )


def autograd(spec: ChainSpec) -> Links:
    """Return the slopes that PyTorch finds, the whole by going back through both links at once."""
    import torch

    x = torch.tensor(spec.dose, dtype=torch.float64, requires_grad=True)
    y = pressure(spec, x)
    z = risk(torch, spec, y)
    whole, second = torch.autograd.grad(z, (x, y), retain_graph=True)
    (first,) = torch.autograd.grad(y, x)
    return Links(first=float(first), second=float(second), whole=float(whole))
