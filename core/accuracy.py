"""How far off is a forecast at each horizon? MAE, RMSE, MASE and skill, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Readings = npt.NDArray[np.float64]

Reason = Literal["constant_training", "short_training", "no_truth", "perfect_baseline", "not_finite"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A finite number, or None and the reason."""

    value: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class HorizonScores:
    """The scores ``horizon`` steps ahead, over the ``count`` origins whose truth is known.

    ``mae`` and ``rmse`` are in the unit of the readings; ``mase`` and ``skill`` have none.
    """

    horizon: int
    count: int
    left_out: int
    mae: Score
    rmse: Score
    mase: Score
    skill: Score


def _number(value: float) -> Score:
    return Score(value=float(value)) if np.isfinite(value) else Score(reason="not_finite")


def _ratio(top: Score, bottom: Score, zero: Reason) -> Score:
    """Divide; the first reason that stands in the way wins, and ``zero`` is that of dividing by zero."""
    if top.value is None or bottom.value is None:
        return Score(reason=top.reason or bottom.reason)
    if bottom.value == 0:
        return Score(reason=zero)
    with np.errstate(over="ignore"):
        return _number(float(np.float64(top.value) / np.float64(bottom.value)))


def mae(truth: Readings, forecast: Readings) -> Score:
    """Mean absolute error where ``truth`` is known; both of shape (rows,)."""
    known = np.isfinite(truth)
    if not known.any():
        return Score(reason="no_truth")
    with np.errstate(over="ignore", invalid="ignore"):
        return _number(float(np.mean(np.abs(forecast[known] - truth[known]))))


def rmse(truth: Readings, forecast: Readings) -> Score:
    """Root of the mean squared error where ``truth`` is known; both of shape (rows,)."""
    known = np.isfinite(truth)
    if not known.any():
        return Score(reason="no_truth")
    with np.errstate(over="ignore", invalid="ignore"):
        return _number(float(np.sqrt(np.mean((forecast[known] - truth[known]) ** 2))))


def training_scale(train: npt.ArrayLike, period: int = 1) -> Score:
    """Return the scale of MASE: the mean of |y_t − y_{t−period}| over ``train`` (points,).

    Pairs that touch a missing reading are left out. None with ``short_training`` when no pair is left, and
    with ``constant_training`` when every pair is equal.
    Hyndman and Koehler (2006), Another look at measures of forecast accuracy.

    Raises:
        ValueError: ``period`` is less than 1.
    """
    if period < 1:
        raise ValueError(f"period must be 1 or more, not {period}")
    readings = np.asarray(train, dtype=np.float64)
    earlier, later = readings[:-period], readings[period:]
    both = np.isfinite(earlier) & np.isfinite(later)
    if not both.any():
        return Score(reason="short_training")
    with np.errstate(over="ignore"):
        scale = float(np.mean(np.abs(later[both] - earlier[both])))
    return Score(reason="constant_training") if scale == 0 else _number(scale)


def accuracy(
    truth: npt.ArrayLike, forecast: npt.ArrayLike, persistence: npt.ArrayLike, scale: Score
) -> tuple[HorizonScores, ...]:
    """Score ``forecast`` at each horizon; all three of shape (origins, horizons), ``scale`` of MASE.

    A missing truth is left out and told in ``left_out``. A forecast that is not a number where the truth is
    known makes its scores None (``not_finite``). Skill is 1 − MAE / MAE of ``persistence`` on the same rows.

    Raises:
        ValueError: the shapes differ.
    """
    came, said, repeated = (np.asarray(a, dtype=np.float64) for a in (truth, forecast, persistence))
    if came.ndim != 2 or not came.shape == said.shape == repeated.shape:
        raise ValueError(f"shapes differ: {came.shape}, {said.shape}, {repeated.shape}")

    def at(column: int) -> HorizonScores:
        known = int(np.isfinite(came[:, column]).sum())
        error = mae(came[:, column], said[:, column])
        share = _ratio(error, mae(came[:, column], repeated[:, column]), "perfect_baseline")
        return HorizonScores(
            horizon=column + 1,
            count=known,
            left_out=len(came) - known,
            mae=error,
            rmse=rmse(came[:, column], said[:, column]),
            mase=_ratio(error, scale, "constant_training"),
            skill=share if share.value is None else Score(value=1 - share.value),
        )

    return tuple(at(column) for column in range(came.shape[1]))
