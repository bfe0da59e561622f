"""One schematic heartbeat as a sum of five Gaussian waves, and how fast its voltage changes.

The form is that of McSharry, Clifford, Tarassenko & Smith (2003), "A dynamical model for generating
synthetic electrocardiogram signals"; the numbers here are the lab's own, in seconds and millivolts.
Only ``autograd_slopes`` loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.specs import require_between

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Wave:
    """A Gaussian: ``height`` (mV) at ``centre`` (s from the normal R peak), sd ``width`` (s)."""

    name: str
    centre: float
    height: float
    width: float


NORMAL = (
    Wave("P", -0.165, 0.15, 0.022),
    Wave("Q", -0.030, -0.12, 0.009),
    Wave("R", 0.000, 1.20, 0.011),
    Wave("S", 0.033, -0.28, 0.010),
    Wave("T", 0.270, 0.30, 0.045),
)
ONSET = -0.045
"""When the ventricles begin to be excited (s); a delay stretches the QRS waves from here on."""
EDGE = 0.05
"""QRS lasts while Q, R and S together are at least this far (mV) from the baseline."""
SPAN = (-0.30, 0.60)
"""Seconds drawn."""
RATES = (100, 250, 500, 1000)
"""Sampling rates to choose from (Hz)."""


@dataclass(frozen=True, kw_only=True)
class BeatSpec:
    """A beat whose ventricles take ``delay`` percent of the normal time to excite, sampled at ``rate`` Hz."""

    delay: int = 160
    rate: int = 500

    def __post_init__(self) -> None:
        require_between("興奮が広がる時間", self.delay, 100, 250)
        require_between("サンプリング周波数", self.rate, 50, 2000)


@dataclass(frozen=True, kw_only=True)
class Upstroke:
    """The steepest instant before the R peak: ``time`` (s), ``slope`` (mV/s); and how long QRS lasts (ms)."""

    time: float
    slope: float
    qrs_ms: float


def waves(delay: int) -> tuple[Wave, ...]:
    """Return the five waves: QRS stretched from its onset to ``delay`` percent, T that much later.

    Heights stay, so that the slopes of QRS shrink by the same factor.
    """
    factor = delay / 100
    (s,) = (wave for wave in NORMAL if wave.name == "S")
    later = (factor - 1) * (s.centre - ONSET)

    def moved(wave: Wave) -> Wave:
        if wave.name in "QRS":
            centre = ONSET + factor * (wave.centre - ONSET)
            return Wave(wave.name, centre, wave.height, factor * wave.width)
        return Wave(wave.name, wave.centre + (later if wave.name == "T" else 0.0), wave.height, wave.width)

    return tuple(moved(wave) for wave in NORMAL)


def voltage(m: Any, beat: Sequence[Wave], t: Any) -> Any:
    """Return the voltage (mV) at times ``t`` (s); ``m`` is numpy or torch."""
    return sum(w.height * m.exp(-((t - w.centre) ** 2) / (2 * w.width**2)) for w in beat)


def formula_slope(beat: Sequence[Wave], t: npt.ArrayLike) -> Array:
    """Return dV/dt (mV/s) by the formula: each wave's value times −(t − centre) / width²."""
    at = np.asarray(t, dtype=np.float64)
    slopes = [-(at - w.centre) / w.width**2 * voltage(np, [w], at) for w in beat]
    total: Array = np.sum(slopes, axis=0, dtype=np.float64)
    return total


def autograd_slopes(beats: Sequence[Sequence[Wave]], times: Sequence[Array]) -> tuple[Array, ...]:
    """Return dV/dt (mV/s) of each beat at its own times by automatic differentiation, in float64."""
    import torch

    found = []
    for beat, at in zip(beats, times, strict=True):
        t = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        # Each voltage depends on its own time alone, so the gradient of the sum holds every slope.
        (slope,) = torch.autograd.grad(voltage(torch, beat, t).sum(), t)
        found.append(slope.numpy())
    return tuple(found)


def upstroke(beat: Sequence[Wave]) -> Upstroke:
    """Measure the steepest rise before the R peak, and the length of QRS, on a grid of 0.05 ms."""
    qrs = [w for w in beat if w.name in "QRS"]
    peak = next(w.centre for w in beat if w.name == "R")
    t = np.arange(SPAN[0], SPAN[1], 5e-5)
    away = t[np.abs(voltage(np, qrs, t)) >= EDGE]
    rising = t[(t >= ONSET) & (t <= peak)]
    slopes = formula_slope(beat, rising)
    at = int(slopes.argmax())
    return Upstroke(time=float(rising[at]), slope=float(slopes[at]), qrs_ms=1000 * float(away[-1] - away[0]))


def difference(beat: Sequence[Wave], t: float, dt: float) -> float:
    """Return the central difference (V(t+Δt) − V(t−Δt)) / 2Δt in mV/s."""
    return float((voltage(np, beat, t + dt) - voltage(np, beat, t - dt)) / (2 * dt))


def sampled_slopes(beat: Sequence[Wave], rate: int) -> tuple[Array, Array]:
    """Return times (s) and slopes (mV/s) found from samples taken ``rate`` times a second.

    A slope needs the sample before and the one after, so the first and last sample have none.
    """
    t = np.arange(round(SPAN[0] * rate), round(SPAN[1] * rate) + 1) / rate
    v = voltage(np, beat, t)
    return t[1:-1], (v[2:] - v[:-2]) * rate / 2
