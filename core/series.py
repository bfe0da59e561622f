"""Series of numbers that a forecaster learns from: the article's wave, and a reader's signal."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

ARTICLE_POINTS = 200
ARTICLE_NOISE = 0.2


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Readings on a regular grid. ``values`` has shape (points,), float32, NaN where one is missing.

    The representation leaves the values out, so that a log that names a series holds nothing of it.
    """

    values: FloatArray = field(repr=False)
    unit: str = ""


def article_series() -> Series:
    """Return the article's 200 points: sin over 0 … 10π with normal noise of sd 0.2, NumPy seed 0."""
    generator = np.random.RandomState(0)  # the same stream as np.random.seed(0)
    x = np.linspace(0, 10 * np.pi, ARTICLE_POINTS)
    values = np.sin(x) + generator.normal(0, ARTICLE_NOISE, ARTICLE_POINTS)
    return Series(values=values.astype(np.float32))
