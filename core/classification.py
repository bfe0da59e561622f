"""How well a classifier tells the ill from the healthy: confusion matrix, ROC, calibration. Plain NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Truth = npt.NDArray[np.int64]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Patients by truth and answer. A share of nobody is NaN."""

    true_positive: int
    false_negative: int
    true_negative: int
    false_positive: int

    @property
    def ill(self) -> int:
        """Number of patients who are ill."""
        return self.true_positive + self.false_negative

    @property
    def healthy(self) -> int:
        """Number of patients who are not ill."""
        return self.true_negative + self.false_positive

    @property
    def sensitivity(self) -> float:
        """Share of the ill who are found."""
        return _share(self.true_positive, self.ill)

    @property
    def specificity(self) -> float:
        """Share of the healthy who are let go."""
        return _share(self.true_negative, self.healthy)

    @property
    def positive_value(self) -> float:
        """Share of the ill among those called ill (PPV)."""
        return _share(self.true_positive, self.true_positive + self.false_positive)

    @property
    def negative_value(self) -> float:
        """Share of the healthy among those called healthy (NPV)."""
        return _share(self.true_negative, self.true_negative + self.false_negative)

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return _share(self.true_positive + self.true_negative, self.ill + self.healthy)


def probabilities(outputs: npt.ArrayLike) -> Array:
    """Return the probability of class 1 (patients,) from logits (patients, 2)."""
    z = np.asarray(outputs, dtype=np.float64)
    difference = z[:, 1] - z[:, 0]
    half = np.exp(-np.abs(difference) / 2)  # exp(-|d|/2): never overflows
    large = 1 / (1 + half**2)
    return np.where(difference >= 0, large, half**2 * large)


def cross_entropy(outputs: npt.ArrayLike, truth: Truth) -> float:
    """Return the mean cross-entropy of logits (patients, 2), a yardstick for any classifier."""
    z = np.asarray(outputs, dtype=np.float64)
    return float(np.mean(np.logaddexp(z[:, 0], z[:, 1]) - z[np.arange(len(z)), truth]))


def confusion(probability: Array, truth: Truth, threshold: float) -> Confusion:
    """Count answers; a patient is called ill from ``threshold`` on."""
    called, ill = probability >= threshold, truth == 1
    found = int(np.count_nonzero(called & ill))
    alarms = int(np.count_nonzero(called))
    return Confusion(
        true_positive=found,
        false_negative=int(np.count_nonzero(ill)) - found,
        false_positive=alarms - found,
        true_negative=len(truth) - int(np.count_nonzero(ill)) - (alarms - found),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Roc:
    """A ROC curve from (0, 0) to (1, 1), and the area under it; arrays (points,). Fawcett (2006).

    ``threshold`` falls from infinity (nobody is called ill); patients who tie change sides together.
    """

    threshold: Array
    sensitivity: Array
    false_alarms: Array
    area: float

    def best(self) -> int:
        """Return the point of greatest sensitivity + specificity − 1. Youden (1950)."""
        return int(np.argmax(self.sensitivity - self.false_alarms))


def roc(probability: Array, truth: Truth) -> Roc:
    """Return the ROC curve of a classifier; NaN rates and area when all patients are alike."""
    order = np.argsort(-probability, kind="stable")
    sorted_probability, ill = probability[order], truth[order] == 1
    last = np.flatnonzero(np.diff(sorted_probability, append=-np.inf))  # of those who tie
    found = np.concatenate([[0], np.cumsum(ill)[last]])
    alarms = np.concatenate([[0], np.cumsum(~ill)[last]])
    with np.errstate(invalid="ignore"):
        sensitivity, false_alarms = found / found[-1], alarms / alarms[-1]
    steps = np.diff(false_alarms)
    area = float(np.sum(steps * (sensitivity[1:] + sensitivity[:-1]) / 2))
    return Roc(
        threshold=np.concatenate([[np.inf], sorted_probability[last]]),
        sensitivity=sensitivity,
        false_alarms=false_alarms,
        area=area,
    )


def corners(curve: Roc) -> npt.NDArray[np.int64]:
    """Return the points at which the curve turns: all that is needed to draw it."""
    steps = np.stack([np.diff(curve.false_alarms), np.diff(curve.sensitivity)])
    turned = steps[0, 1:] * steps[1, :-1] != steps[0, :-1] * steps[1, 1:]
    return np.concatenate([[0], np.flatnonzero(turned) + 1, [len(curve.threshold) - 1]])
