"""Linear autoregression: the next reading as a weighted sum of the last few, by least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.specs import SpecError, require_between

Readings = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Autoregression:
    """``intercept`` + frame @ ``weights`` (order,), oldest reading of the frame first."""

    intercept: float
    weights: Readings

    def predict(self, frames: Readings) -> Readings:
        """Forecast from ``frames`` (rows, order); shape (rows,). A frame with a gap gives NaN."""
        with np.errstate(over="ignore", invalid="ignore"):
            answer: Readings = frames @ self.weights + self.intercept
        return answer


def fit_autoregression(train: Readings, order: int, ahead: int = 1) -> Autoregression:
    """Fit the reading ``ahead`` steps on from the last ``order`` ones, inside ``train`` (points,) alone.

    Rows that touch a missing reading are left out. Where the readings do not settle the weights (a constant,
    a straight line), the smallest weights that fit are taken.

    Raises:
        SpecError: fewer complete rows than the ``order`` + 1 numbers to be found.
    """
    require_between("自己回帰の次数", order, 1, max(1, len(train)))
    length = order + ahead
    rows = np.empty((0, length))
    if len(train) >= length:
        rows = np.lib.stride_tricks.sliding_window_view(train, length)
        rows = rows[np.isfinite(rows[:, :order]).all(axis=1) & np.isfinite(rows[:, -1])]
    if len(rows) <= order:
        raise SpecError(
            f"学習に使う区間に、欠測をまたがない並びが {len(rows)} 組しかなく、次数 {order} の自己回帰を"
            f"求められません({order + 1} 組以上が必要です)。"
            "次数か予測する先の長さを小さくするか、学習に使う区間を長くしてください。"
        )
    level = rows[0, 0]  # taken off first, so that a constant becomes an exact zero
    inputs, targets = rows[:, :order] - level, rows[:, -1] - level
    inputs_mean, target_mean = inputs.mean(axis=0), targets.mean()
    weights = np.linalg.lstsq(inputs - inputs_mean, targets - target_mean, rcond=None)[0]
    intercept = level + target_mean - (inputs_mean + level) @ weights
    return Autoregression(intercept=float(intercept), weights=weights)
