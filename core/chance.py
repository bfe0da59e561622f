"""What pure chance gives: the number of right answers when every patient is guessed."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=64)
def binomial_interval(patients: int, share: float = 0.5, level: float = 0.95) -> tuple[int, int]:
    """Return the central interval of a binomial count: quantiles at (1 − level) / 2 and (1 + level) / 2.

    ``patients`` are guessed independently, each right with probability ``share`` (strictly between 0 and 1).
    """
    k = np.arange(patients + 1)
    factorials = np.array([math.lgamma(i + 1.0) for i in range(patients + 1)])
    ways = factorials[-1] - factorials - factorials[::-1]
    below = np.cumsum(np.exp(ways + k * math.log(share) + (patients - k) * math.log(1 - share)))
    edges = np.array([(1 - level) / 2, (1 + level) / 2])
    low, high = np.searchsorted(below, edges * below[-1])
    return int(low), int(high)
