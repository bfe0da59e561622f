"""From where a forecast starts, and what came of it.

An origin is the index of the newest reading that is known when the forecast is made.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Readings = npt.NDArray[np.float64]


def complete_origins(values: npt.ArrayLike, first: int, stop: int, length: int) -> Indices:
    """Return the origins in ``first <= t < stop`` whose last ``length`` readings are all there.

    Forecasts that are compared should start from the same ones.
    """
    present = np.isfinite(np.asarray(values, dtype=np.float64))
    total = np.concatenate([[0], np.cumsum(present)])
    origins = np.arange(max(first, length - 1), min(stop, len(present)))
    complete: Indices = origins[total[origins + 1] - total[origins + 1 - length] == length]
    return complete


def truth_at(values: npt.ArrayLike, origins: npt.ArrayLike, horizons: int) -> Readings:
    """Return what came at horizons 1…H after each origin; (origins, horizons), NaN where it is not known."""
    readings = np.concatenate([np.asarray(values, dtype=np.float64), np.full(horizons, np.nan)])
    ahead = np.arange(1, horizons + 1)
    found: Readings = readings[np.asarray(origins, dtype=np.int64)[:, None] + ahead]
    return np.where(np.isfinite(found), found, np.nan)
