"""Intervals around a forecast, from its own errors on a calibration stretch: split conformal prediction.

On exchangeable errors the interval holds the truth with a probability of at least 1 − α (Vovk, Gammerman
and Shafer 2005; Lei et al. 2018, Distribution-free predictive inference for regression). Readings of one
patient in time are not exchangeable: so the coverage on later time is measured, and told beside 1 − α.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.specs import require_between

Readings = npt.NDArray[np.float64]

Reason = Literal["too_few", "not_finite", "no_truth"]


@dataclass(frozen=True, kw_only=True)
class Band:
    """The interval forecast ± ``half_width`` at one horizon, or None and the reason.

    The half-width is the ``rank``-th smallest of ``count`` absolute errors, in the unit of the readings.
    """

    horizon: int
    nominal: float
    count: int
    rank: int
    half_width: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How often the truth lay in the band: ``inside`` of ``count``; ``measured`` is the share, or None."""

    horizon: int
    nominal: float
    inside: int
    count: int
    measured: float | None = None
    reason: Reason | None = None


def conformal_rank(count: int, alpha: float) -> int:
    """Return ⌈(count + 1)(1 − alpha)⌉, exactly: an alpha of 0.1 or of 1 − 0.9 is one tenth.

    Raises:
        SpecError: ``alpha`` is not between 0.001 and 0.999.
    """
    require_between("外れてよい割合", alpha, 0.001, 0.999)
    share = Fraction(alpha).limit_denominator(1_000_000)
    return count + 1 - (count + 1) * share.numerator // share.denominator


def _errors(truth: npt.ArrayLike, forecast: npt.ArrayLike) -> list[Readings]:
    """Return the absolute errors where the truth is known, one array a horizon."""
    came, said = np.asarray(truth, dtype=np.float64), np.asarray(forecast, dtype=np.float64)
    if came.ndim != 2 or came.shape != said.shape:
        raise ValueError(f"shapes differ: {came.shape}, {said.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        off = np.abs(came - said)
    return [off[np.isfinite(came[:, column]), column] for column in range(came.shape[1])]


def calibrate(truth: npt.ArrayLike, forecast: npt.ArrayLike, alpha: float = 0.1) -> tuple[Band, ...]:
    """Find the half-width at each horizon; both of shape (origins, horizons), of the calibration stretch.

    A missing truth is left out. The half-width is None with ``too_few`` when ⌈(n + 1)(1 − alpha)⌉ > n, and
    with ``not_finite`` when a forecast is not a number.

    Raises:
        SpecError: ``alpha`` is not between 0.001 and 0.999.
        ValueError: the shapes differ.
    """

    def band(horizon: int, errors: Readings) -> Band:
        rank = conformal_rank(len(errors), alpha)
        half_width: float | None = None
        reason: Reason | None = None
        if not np.isfinite(errors).all():
            reason = "not_finite"
        elif rank > len(errors):
            reason = "too_few"
        else:
            half_width = float(np.partition(errors, rank - 1)[rank - 1])
        return Band(
            horizon=horizon,
            nominal=1 - alpha,
            count=len(errors),
            rank=rank,
            half_width=half_width,
            reason=reason,
        )

    return tuple(band(h, errors) for h, errors in enumerate(_errors(truth, forecast), 1))


def measure(bands: tuple[Band, ...], truth: npt.ArrayLike, forecast: npt.ArrayLike) -> tuple[Coverage, ...]:
    """Count how often the truth lies in ``bands``; both of shape (origins, horizons), of later time.

    A missing truth is left out; a forecast that is not a number counts as a miss.

    Raises:
        ValueError: the shapes differ, from each other or from the bands.
    """

    def coverage(band: Band, errors: Readings) -> Coverage:
        inside = 0 if band.half_width is None else int((errors <= band.half_width).sum())
        measured: float | None = None
        reason = band.reason
        if reason is None and len(errors) == 0:
            reason = "no_truth"
        if reason is None:
            measured = inside / len(errors)
        return Coverage(
            horizon=band.horizon,
            nominal=band.nominal,
            inside=inside,
            count=len(errors),
            measured=measured,
            reason=reason,
        )

    return tuple(coverage(b, e) for b, e in zip(bands, _errors(truth, forecast), strict=True))
