"""Penalties that shrink weights: what they cost, and how a proximal step differs from a plain gradient step.

The whole loss is L + λ R(w), with R = Σ|w| (L1: Tibshirani, Regression shrinkage and selection via the
lasso, 1996) or R = Σw² (L2). Nothing here needs torch; ``core.proximal`` carries the runs out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.specs import TableSpec, require_between

Array = npt.NDArray[np.float64]

COLUMNS = (
    "年齢",
    "性別",
    "BMI",
    "平均血圧",
    "総コレステロール",
    "LDL",
    "HDL",
    "TC/HDL比",
    "中性脂肪(対数)",
    "血糖",
)
"""The columns of the diabetes table: age, sex, bmi, bp, and s1 to s6 of the blood."""

STRENGTHS: Array = 10.0 ** (np.arange(61) / 15 - 3)
"""The λ of coefficient paths: 0.001 to 10, fifteen to a factor of ten."""

SMALL = 1e-3
"""Smaller than this, a weight looks like zero in a table of three decimals."""

TAIL = 40
"""How many of the last steps of a plain gradient method are kept."""

TRAINING_ROWS = 265
"""Patients of the diabetes table to train on, when 20 % each are kept for validation and test."""


def l1(weights: npt.ArrayLike) -> float:
    """Return Σ|w|."""
    return float(np.abs(np.asarray(weights, dtype=np.float64)).sum())


def l2(weights: npt.ArrayLike) -> float:
    """Return Σw²."""
    return float(np.square(np.asarray(weights, dtype=np.float64)).sum())


def soft_threshold(values: npt.ArrayLike, threshold: float) -> Array:
    """Pull values towards zero by ``threshold``; those nearer than that become exactly zero.

    It is the w that makes (w − v)² / 2 + threshold · |w| smallest.
    """
    v = np.asarray(values, dtype=np.float64)
    pulled: Array = v - np.clip(v, -threshold, threshold)
    return pulled


def lowest_l1(target: float, strength: float) -> float:
    """Return the w that makes (w − a)² + λ|w| smallest: exactly zero once λ ≥ 2|a|."""
    return float(soft_threshold(target, strength / 2))


def lowest_l2(target: float, strength: float) -> float:
    """Return the w that makes (w − a)² + λw² smallest: a / (1 + λ)."""
    return target / (1 + strength)


@dataclass(frozen=True, kw_only=True)
class WeightSpec:
    """One weight that starts at ``target``, where (w − target)² alone is smallest."""

    target: float = 1.2
    strength: float = 3.0
    lr: float = 0.1
    steps: int = 60

    def __post_init__(self) -> None:
        require_between("罰がないときの谷底 a", self.target, -3.0, 3.0)
        require_between("罰の強さ λ", self.strength, 0.0, 10.0)
        require_between("学習率 η", self.lr, 0.001, 0.4)
        require_between("歩数", self.steps, 10, 500)


@dataclass(frozen=True, kw_only=True, eq=False)
class Walks:
    """Where the weight stood at each step, (steps + 1,), by three methods.

    Attributes:
        proximal: L1, a gradient step on the loss and a soft threshold.
        plain: L1, SGD on loss + λ|w|, whose slope autograd gives.
        squared: L2, SGD on loss + λw².
    """

    proximal: Array = field(repr=False)
    plain: Array = field(repr=False)
    squared: Array = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PathsSpec:
    """Coefficient paths of the diabetes table (Efron et al., 2004): how many patients, and which."""

    patients: int = TRAINING_ROWS
    seed: int = 0
    lr: float = 0.03
    steps: int = 500

    def __post_init__(self) -> None:
        require_between("患者数", self.patients, 20, TRAINING_ROWS)
        require_between("患者の分け方の種", self.seed, 0, 9999)
        require_between("学習率 η", self.lr, 0.0001, 0.1)
        require_between("歩数", self.steps, TAIL, 5000)

    @property
    def table(self) -> TableSpec:
        """Return the table, whose training rows are this many."""
        return TableSpec(name="diabetes", seed=self.seed, train_rows=self.patients)


@dataclass(frozen=True, kw_only=True, eq=False)
class Paths:
    """Weights at each of ``STRENGTHS``, (strengths, columns), by three methods.

    Attributes:
        lasso: L1 by FISTA; ``ridge``: L2, solved exactly; ``plain``: SGD on the loss with λ Σ|w| added.
        tail: (TAIL + 1, strengths, columns), the last steps of ``plain``, float32.
        losses: (3, strengths), MSE on the validation patients: by ``lasso``, ``plain``, ``ridge``.
        vanish: the λ from which on L1 leaves no weight, 2 max|Xᵀy| / N.
        slopes: (strengths, columns), the slope of the training loss alone at ``lasso``.
        iterations: how many steps FISTA took.
    """

    lasso: Array = field(repr=False)
    ridge: Array = field(repr=False)
    plain: Array = field(repr=False)
    tail: npt.NDArray[np.float32] = field(repr=False)
    losses: Array = field(repr=False)
    vanish: float
    slopes: Array = field(repr=False)
    iterations: int


def zeros(weights: Array) -> npt.NDArray[np.int64]:
    """Count the weights that are exactly zero, along the last axis."""
    counts: npt.NDArray[np.int64] = (weights == 0).sum(axis=-1)
    return counts


def nearly_zeros(weights: Array) -> npt.NDArray[np.int64]:
    """Count the weights that are smaller than ``SMALL``, exact zeros among them, along the last axis."""
    counts: npt.NDArray[np.int64] = (np.abs(weights) < SMALL).sum(axis=-1)
    return counts
