"""How good is a forecast, and is it better than repeating the last reading?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.series import FloatArray
from core.windows import Windows

VerdictKind = Literal["better", "even", "worse", "perfect_baseline", "diverged"]

EVEN_MARGIN = 0.05


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Mean squared error (unit²) and mean absolute error (unit)."""

    mse: float
    mae: float


def score(truth: FloatArray, forecast: FloatArray) -> Scores:
    """Score ``forecast`` against ``truth``, both of shape (windows,), in double precision."""
    error = forecast.astype(np.float64) - truth.astype(np.float64)
    return Scores(mse=float(np.mean(error**2)), mae=float(np.mean(np.abs(error))))


def persistence(windows: Windows) -> FloatArray:
    """Forecast each target as the last reading of its window; shape (windows,).

    The naive method of Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 5.2.
    """
    return windows.inputs[:, -1]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The judgement of a forecast. ``skill`` is 1 − MAE / MAE of persistence; None when that is undefined."""

    kind: VerdictKind
    skill: float | None


def judge(model: Scores, baseline: Scores) -> Verdict:
    """Compare a model's MAE with the baseline's; within 5 % they count as even."""
    if not np.isfinite(model.mae):
        return Verdict(kind="diverged", skill=None)
    if baseline.mae == 0:
        return Verdict(kind="perfect_baseline", skill=None)
    skill = 1 - model.mae / baseline.mae
    if abs(skill) < EVEN_MARGIN:
        return Verdict(kind="even", skill=skill)
    return Verdict(kind="better" if skill > 0 else "worse", skill=skill)
