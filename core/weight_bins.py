"""How the weights of a network are spread: counts per bin, and what a penalty would charge for them.

Plain NumPy, for workers and pages alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH = 0.05
"""How wide a bin is; the middle one is centred on 0."""

REACH = 30
"""Bins to each side of the middle one; the outermost also hold everything beyond."""

TINY = 1e-3
"""A weight smaller than this hardly takes part any more."""

SQUARES, SIZES, SMALL, ZERO = range(4)
"""Where ``sums`` holds Σw², Σ|w|, the number of |w| < ``TINY`` and the number of exact zeros."""

Arrays = dict[str, npt.NDArray[Any]]


def centres() -> npt.NDArray[np.float64]:
    """Return the middle of each bin, (bins,), from the most negative to the most positive."""
    found: npt.NDArray[np.float64] = WIDTH * np.arange(-REACH, REACH + 1, dtype=np.float64)
    return found


def tally(weights: npt.NDArray[Any]) -> Arrays:
    """Count ``weights`` (any shape) bin by bin, those that are no number apart.

    ``counts`` (bins,) uint16 holds how many lie in each bin (65,535 at most); ``sums`` (4,) float32 holds
    Σw², Σ|w|, the number of |w| < ``TINY`` and the number of exact zeros.
    """
    w = weights[np.isfinite(weights)].astype(np.float64)
    size = np.abs(w)
    places = np.clip(np.rint(w / WIDTH), -REACH, REACH).astype(np.int64) + REACH
    counts = np.bincount(places, minlength=2 * REACH + 1)
    sums = [np.sum(w**2), np.sum(size), np.sum(size < TINY), np.sum(w == 0)]
    return {
        "counts": np.minimum(counts, np.iinfo(np.uint16).max).astype(np.uint16),
        "sums": np.array(sums, dtype=np.float32),
    }
