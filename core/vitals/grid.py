"""Laying readings on a regular grid: each point is the mean of its readings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.vitals.cells import Flags, FloatColumn
from core.vitals.problems import ImportRefused
from core.vitals.table import IntArray

MAX_GRID = 200_000
DENSE_READINGS = 100
DENSE_S = 300.0
LIMIT_STEPS = 3
DAY = 86400.0
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600)
_OFF = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """The common ``times`` (points,) of all signals; ``position`` (readings,) places each on it, or −1.

    ``step_s`` is the time from one point to the next; when the readings keep no common step
    (``regular`` is False) every reading is a point of its own, and ``step_s`` only the median.
    """

    regular: bool
    step_s: float
    times: FloatColumn = field(repr=False)
    position: IntArray = field(repr=False)
    limit_s: float = 0.0


def lay_grid(seconds: FloatColumn) -> Grid:
    """Lay sorted, distinct times (readings,) on a grid of their median step; missing steps become gaps."""
    count = len(seconds)
    step = float(np.median(np.diff(seconds))) if count > 1 else 0.0
    irregular = Grid(regular=False, step_s=step, times=seconds, position=np.arange(count, dtype=np.int64))
    if count < 3 or not np.isfinite(step) or step <= 0:
        return irregular
    offset = (seconds - seconds[0]) / step
    if not np.isfinite(offset[-1]) or offset[-1] > min(MAX_GRID, 4 * count + 100):
        return irregular
    position = np.rint(offset).astype(np.int64)
    off_grid = float(np.mean(np.abs(offset - position) > 0.2))
    points = int(position[-1]) + 1
    if off_grid > 0.02 or np.any(np.diff(position) <= 0) or points > min(MAX_GRID, 4 * count + 100):
        return irregular
    times: FloatColumn = seconds[0] + step * np.arange(points, dtype=np.float64)
    return Grid(regular=True, step_s=step, times=times, position=position)


def is_dense(seconds: FloatColumn) -> bool:
    """Say whether readings come as from a monitor: a hundred or more, usually within five minutes."""
    return len(seconds) >= DENSE_READINGS and float(np.median(np.diff(seconds))) <= DENSE_S


def fitting_step(seconds: FloatColumn) -> float:
    """Return a round step, in seconds, that three in four readings keep up with."""
    usual = float(np.percentile(np.diff(seconds), 75))
    return float(next((step for step in STEPS if step >= usual - _OFF), np.ceil(usual / 3600) * 3600))


def grid_of(seconds: FloatColumn, step: float, limit: float) -> Grid:
    """Lay a grid of ``step`` seconds; a reading belongs to the nearest point.

    Raises:
        ImportRefused: the grid would have too many points.
    """
    start = np.floor(seconds[0] / step + 0.5 + _OFF)
    points = np.floor(seconds[-1] / step + 0.5 + _OFF) - start + 1
    if not np.isfinite(points) or points > MAX_GRID:
        raise ImportRefused(
            f"その間隔では {MAX_GRID:,} 点を超えます。並べる間隔を広くするか、期間を短くしてください。"
        )
    position = (np.floor(seconds / step + 0.5 + _OFF) - start).astype(np.int64)
    times: FloatColumn = (start + np.arange(int(points), dtype=np.float64)) * step
    return Grid(regular=True, step_s=step, times=times, position=position, limit_s=limit)


def daily_grid(seconds: FloatColumn, part: str) -> Grid:
    """Lay a grid of days; a reading belongs to its day if it was taken in that ``part`` of it.

    Raises:
        ImportRefused: no reading was taken then, or they span too many days.
    """
    day, name = part_of_day(seconds)
    own = np.ones(len(day), dtype=np.bool_) if part == "1日" else name == part
    if part == "1日":
        day = np.floor(seconds / DAY)
    if not own.any():
        raise ImportRefused(f"「{part}」の測定がありません。別の時間帯を選んでください。")
    first, last = day[own].min(), day[own].max()
    if last - first >= MAX_GRID:
        raise ImportRefused("日付の範囲が広すぎます。日付の列に誤りがないか確認してください。")
    position = np.where(own, day - first, -1).astype(np.int64)
    times: FloatColumn = (first + np.arange(int(last - first) + 1, dtype=np.float64)) * DAY
    return Grid(regular=True, step_s=DAY, times=times, position=position)


def part_of_day(seconds: FloatColumn) -> tuple[FloatColumn, npt.NDArray[np.str_]]:
    """Return the day (from 1970) and the part of day of each time: 朝 4–12 h, 昼 12–17 h, 晩 17–4 h.

    What is measured after midnight and before four belongs to the evening of the day before.
    """
    moved = seconds - 4 * 3600
    hour = (moved % DAY) / 3600
    name = np.where(hour < 8, "朝", np.where(hour < 13, "昼", "晩"))
    return np.floor(moved / DAY), name


def lay(values: FloatColumn, grid: Grid) -> FloatColumn:
    """Put readings (readings,) on the grid (points,): the mean of those at a point, NaN without one."""
    known = np.isfinite(values) & (grid.position >= 0)
    points = len(grid.times)
    position = grid.position[known]
    counts = np.bincount(position, minlength=points)
    if counts.max(initial=0) <= 1:
        laid = np.full(points, np.nan)
        laid[position] = values[known]
        return laid
    sums = np.bincount(position, weights=values[known], minlength=points)
    mean: FloatColumn = np.divide(sums, counts, out=np.full(points, np.nan), where=counts > 0)
    return mean


def fill(laid: FloatColumn, step: float, limit: float) -> tuple[FloatColumn, Flags]:
    """Fill empty points on a straight line between two readings at most ``limit`` seconds apart.

    A signal that is itself read less often than every second point is not filled at all: a pressure taken
    every 15 minutes says nothing about the minutes between. Returns the values and which are made up.
    """
    known = np.flatnonzero(np.isfinite(laid))
    made = np.zeros(len(laid), dtype=np.bool_)
    if len(known) < 2:
        return laid, made
    apart = np.diff(known)
    if np.median(apart) > 2:
        return laid, made
    wide = (apart > 1) & (apart * step <= limit * (1 + _OFF))
    for left, right in zip(known[:-1][wide].tolist(), known[1:][wide].tolist(), strict=True):
        made[left + 1 : right] = True
    filled = laid.copy()
    filled[made] = np.interp(np.flatnonzero(made), known, laid[known])
    return filled, made


def stretches(there: Flags) -> tuple[tuple[int, int], ...]:
    """Return the stretches (start, stop) of points without a gap."""
    edges = np.diff(np.concatenate([[False], there, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return tuple(zip(starts.tolist(), stops.tolist(), strict=True))
