"""Simulated curves, and what makes a variant of one: time warping, scaling, noise and masking. Plain NumPy.

The transforms are those of Um et al. (2017), "Data augmentation of wearable sensor data for Parkinson's
disease monitoring using convolutional neural networks". The functions are also written, word for word,
into the script that readers take home: they use ``np`` alone, and hold no comments.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.series_measure import Array


def heartbeats(times: Array, rate: float, waves: Sequence[tuple[float, float, float]]) -> Array:
    """Return the voltage (mV) at ``times`` (s): each beat is a sum of Gaussians (McSharry et al. 2003)."""
    volts = np.zeros_like(times)
    for peak in np.arange(0.35, times[-1] + 1, 60 / rate):
        for centre, height, width in waves:
            near = np.abs(times - peak - centre) < 7 * width
            volts[near] += height * np.exp(-((times[near] - peak - centre) ** 2) / (2 * width**2))
    return volts


def pulse_course(hours: Array) -> Array:
    """Return a heart rate (1/min) over ``hours``: slow swings, and 40 minutes of tachycardia from hour 6."""
    calm = 83 + 3 * np.sin(hours / 2) + 1.2 * np.sin(7 * hours) + 0.8 * np.sin(23 * hours + 1)
    begin, end = 1 / (1 + np.exp(-(hours - 6.0) / 0.02)), 1 / (1 + np.exp(-(hours - 6.7) / 0.02))
    return calm + 26 * (begin - end)


def warped_clock(times: Array, speeds: Array) -> Array:
    """Return a clock at ``times``: it runs at ``speeds``, joined smoothly by cubics, and never goes back."""
    place = times / times[-1] * (len(speeds) - 1)
    left = np.minimum(place.astype(np.int64), len(speeds) - 2)
    u = place - left
    speed = speeds[left] + (speeds[left + 1] - speeds[left]) * u**2 * (3 - 2 * u)
    step = times[1] - times[0]
    return np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2) * step])


def draw_lots(seed: int, number: int, points: int, knots: int) -> tuple[Array, float, Array, float]:
    """Draw what makes one variant: speeds and factor in [-1, 1], noise of sd 1, and a place in [0, 1]."""
    rng = np.random.default_rng([seed, number])
    return rng.uniform(-1, 1, knots), rng.uniform(-1, 1), rng.normal(0, 1, points), rng.uniform(0, 1)


def vary(
    record_times: Array,
    record: Array,
    times: Array,
    lots: tuple[Array, float, Array, float],
    noise: float,
    scale: float,
    warp: float,
    mask: float,
    flat: bool,
) -> Array:
    """Make one variant (points,): warp the clock, scale, add noise, then mask; ``flat`` masks with 0.

    Otherwise the last value before the gap is held.
    """
    speeds, factor, grain, place = lots
    clock = warped_clock(times, 1 + warp * speeds)
    values = np.interp(clock, record_times, record) * (1 + scale * factor) + noise * grain
    begin = place * (times[-1] - mask)
    gap = np.flatnonzero((times >= begin) & (times < begin + mask))
    if len(gap):
        values[gap] = 0.0 if flat else values[max(gap[0] - 1, 0)]
    return values
