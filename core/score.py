"""A made-up score for readmission within 30 days, to be differentiated by one input at a time.

It is no clinical score: its only virtue is that at the reference patient its partial derivatives are
+2.1 (blood pressure), −3.5 (ejection fraction), +0.8 (age) and +5.2 (BNP) points per unit, and that they
differ at other patients. Only ``autograd_gradient`` loads torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.specs import require_between

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input: its reference value, and the clinical amount that counts as one unit (BNP: a doubling)."""

    name: str
    reference: float
    unit: float
    low: float
    high: float
    logarithmic: bool = False

    def units(self, value: float) -> float:
        """Return how many units ``value`` lies from the reference."""
        if self.logarithmic:
            return math.log2(value / self.reference)
        return (value - self.reference) / self.unit

    def clinical(self, units: Any) -> Any:
        """Return the value that lies ``units`` from the reference; an array for an array."""
        return self.reference * 2**units if self.logarithmic else self.reference + units * self.unit


INPUTS = (
    Input(name="sbp", reference=130, unit=10, low=90, high=180),
    Input(name="lvef", reference=45, unit=10, low=20, high=70),
    Input(name="age", reference=70, unit=10, low=40, high=95),
    Input(name="bnp", reference=200, unit=2, low=25, high=1600, logarithmic=True),
)
BASE = 50.0
FIRST = (2.1, -3.5, 0.8, 5.2)
"""Partial derivatives at the reference patient, points per unit."""
BEND = (1.0, 1.2, 0.4, 1.3)
"""How much each partial derivative grows per unit of its own input."""
TOGETHER = -0.6
"""How much the partial derivative by LVEF changes per unit of BNP, and that by BNP per unit of LVEF."""


@dataclass(frozen=True, kw_only=True)
class PatientSpec:
    """A patient, in clinical units: mmHg, %, years, pg/mL."""

    sbp: float = 130.0
    lvef: float = 45.0
    age: float = 70.0
    bnp: float = 200.0

    def __post_init__(self) -> None:
        labels = ("収縮期血圧", "LVEF", "年齢", "BNP")
        for label, known, value in zip(labels, INPUTS, self.values, strict=True):
            require_between(label, value, known.low, known.high)

    @property
    def values(self) -> tuple[float, float, float, float]:
        """Return the four inputs in the order of ``INPUTS``."""
        return self.sbp, self.lvef, self.age, self.bnp

    @property
    def units(self) -> Array:
        """Return the four inputs in units from the reference patient."""
        return np.array([known.units(v) for known, v in zip(INPUTS, self.values, strict=True)])


def score(u: Any) -> Any:
    """Return the score (points) at ``u``, four numbers, arrays or tensors in units from the reference."""
    straight = sum(slope * part for slope, part in zip(FIRST, u, strict=True))
    bent = sum(bend / 2 * part**2 for bend, part in zip(BEND, u, strict=True))
    return BASE + straight + bent + TOGETHER * u[1] * u[3]


def formula_gradient(u: Array) -> Array:
    """Return the four partial derivatives (points per unit) by their formulas."""
    gradient = np.array(FIRST) + np.array(BEND) * u
    gradient[1] += TOGETHER * u[3]
    gradient[3] += TOGETHER * u[1]
    return gradient


def numeric_gradient(u: Array, step: float = 1e-4) -> Array:
    """Return the four partial derivatives as central differences: one input moves, the rest are held."""
    moves = step * np.eye(len(u))
    return np.array([(score(u + move) - score(u - move)) / (2 * step) for move in moves])


def autograd_gradient(spec: PatientSpec) -> Array:
    """Return the four partial derivatives that PyTorch finds in one pass back, in float64."""
    import torch

    u = torch.tensor(spec.units, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(score(u), u)
    found: Array = gradient.numpy()
    return found
