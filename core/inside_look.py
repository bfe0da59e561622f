"""What the units of a trained forecaster do over a whole stretch of windows, and what it would miss.

A worker computes a ``Look``; what is said of it is computed from the look where it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from core.inside import BLOCKS, CURVES, SATURATED, Array, Network, forecast, head, last_step, network
from core.specs import ModelSpec
from core.windows import Windows

MOST = 600
"""Windows looked at; of a longer stretch, so many at equal distances."""
WORK = 3e8
"""Multiplications that a look may take, about: fewer windows of a large network."""
FEWEST = 24


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What one hidden unit does over a stretch of windows.

    Attributes:
        number: which, from 0.
        low, high: range of its contribution w_hy[k]·h_k to the forecast, in the signal's unit.
        spread: standard deviation of that contribution, in the signal's unit.
        level, change, slope: correlation of h_k with a window's newest reading, with how much that differs
            from the one before, and with the slope of the line fitted to the window.
        output: correlation of the contribution with the forecast.
    """

    number: int
    low: float
    high: float
    spread: float
    level: float
    change: float
    slope: float
    output: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """The last layer after each of ``windows`` windows, on the network's scale unless said otherwise.

    Attributes:
        places: (windows,), which windows of the stretch these are.
        parts: name -> (windows, hidden): h and, where there are such, c and the gates, in the last step.
        outputs: (windows,), forecasts in the signal's unit.
        units: the hidden units, the one whose contribution moves the forecast most first.
        effects: (length,), oldest first: mean |change of the forecast|, in the signal's unit, when one
            reading of a window becomes the mean, 0 on the network's scale.
        erased: number of windows that ``effects`` are the mean of.
    """

    places: npt.NDArray[np.int64]
    parts: dict[str, Array] = field(repr=False)
    outputs: Array = field(repr=False)
    units: tuple[Unit, ...]
    effects: Array
    erased: int


def look(
    model: ModelSpec, weights: Mapping[str, npt.NDArray[Any]], scale: tuple[float, float], windows: Windows
) -> Look:
    """Read the windows of a stretch (at most ``MOST``), and again with each of their readings erased."""
    net = network(model, weights, scale)
    length = windows.inputs.shape[1]
    limit = int(np.clip(WORK / _work(net, length), FEWEST, MOST))
    places = spaced(len(windows), limit)
    raw = windows.inputs[places].astype(np.float64)
    top = last_step(net, net.scale(windows.inputs[places]))
    parts = {"h": top.state}
    if top.cell is not None:
        parts["c"] = top.cell
    if net.cell != "rnn":
        blocks = BLOCKS[net.cell]
        parts |= dict(zip(blocks, np.split(top.gates, len(blocks), axis=-1), strict=True))
    some = places[spaced(len(places), max(limit // length, 4))]
    return Look(
        places=places,
        parts=parts,
        outputs=net.unscale(head(net, top.state)),
        units=units(net, top.state, raw),
        effects=erase(net, net.scale(windows.inputs[some])),
        erased=len(some),
    )


def _work(net: Network, length: int) -> float:
    """Return the multiplications of a window."""
    return float(length * sum(layer.w_ih.size + layer.w_hh.size for layer in net.layers))


def spaced(count: int, limit: int) -> npt.NDArray[np.int64]:
    """Choose at most ``limit`` of ``count`` things, at equal distances."""
    return np.unique(np.linspace(0, count - 1, min(count, limit)).round().astype(np.int64))


def erase(net: Network, windows: Array) -> Array:
    """Return how much forecasts of windows (windows, length) change without each reading; see ``Look``."""
    count, length = windows.shape
    without = np.repeat(windows[None], length, axis=0)  # (erased reading, windows, length)
    place = np.arange(length)
    without[place, :, place] = 0
    moved = forecast(net, without.reshape(-1, length)).reshape(length, count)
    moved -= forecast(net, windows)
    effects: Array = np.abs(moved).mean(axis=1) * net.sd
    return effects


def units(net: Network, states: Array, raw: Array) -> tuple[Unit, ...]:
    """Describe the units by their states (windows, hidden) after windows (windows, length) of the signal."""
    given = states * net.w_hy * net.sd  # (windows, hidden)
    measures = {"level": raw[:, -1], "change": raw[:, -1] - raw[:, -2:][:, 0], "slope": slopes(raw)}
    told = [
        Unit(
            number=k,
            low=float(given[:, k].min()),
            high=float(given[:, k].max()),
            spread=float(given[:, k].std()),
            output=correlation(given[:, k], head(net, states)),
            **{name: correlation(states[:, k], measure) for name, measure in measures.items()},
        )
        for k in range(net.hidden)
    ]
    return tuple(sorted(told, key=lambda unit: -unit.spread))


def slopes(raw: Array) -> Array:
    """Return the slopes of the lines fitted to windows (windows, length), in the signal's unit a reading."""
    at = np.arange(raw.shape[1]) - (raw.shape[1] - 1) / 2
    fitted: Array = raw @ at / max(float(at @ at), 1e-12)
    return fitted


STILL = 1e-6
"""What moves less than this, in standard deviations, has no correlation with anything."""


def correlation(a: Array, b: Array) -> float:
    """Return Pearson's correlation, 0 if either hardly moves."""
    if min(a.std(), b.std()) < STILL:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def saturated(values: Array, curve: str) -> float:
    """Return the share of values behind ``curve`` ("tanh" or "sigmoid") that are saturated."""
    full = np.abs(values) > SATURATED
    if curve == "sigmoid":
        full = (values > SATURATED) | (values < 1 - SATURATED)
    return float(full.mean())


def saturation(found: Look) -> dict[str, float]:
    """Return the saturated share of h and of every gate."""
    shares = {"h": saturated(found.parts["h"], "tanh")}
    for name, values in found.parts.items():
        if name in CURVES and name != "h":
            shares[name] = saturated(values, CURVES[name])
    return shares
