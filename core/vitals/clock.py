"""When: reading a clock or an elapsed-time column, and laying readings on a regular grid."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.vitals.columns import is_signal, split_unit, to_numbers
from core.vitals.reading import normalize

ClockKind = Literal["datetime", "elapsed", "rows"]

_CLOCK_NAME = re.compile(r"日時|時刻|時間|測定日|日付|date|time|offset|経過|elapsed", re.IGNORECASE)
FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y年%m月%d日",
)
_SECONDS = {
    "s": 1,
    "sec": 1,
    "秒": 1,
    "ms": 0.001,
    "min": 60,
    "分": 60,
    "h": 3600,
    "hour": 3600,
    "時間": 3600,
}
READABLE_SHARE = 0.9
MAX_GRID = 200_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """Times of the rows, in seconds, shape (rows,), NaN where unreadable.

    ``datetime`` counts seconds from 1970 in Japan's time; ``elapsed`` from the file's own zero;
    ``rows`` just counts rows.
    """

    kind: ClockKind
    column: str | None
    seconds: npt.NDArray[np.float64] = field(repr=False)
    note: str = ""


def read_datetimes(cells: list[str]) -> npt.NDArray[np.float64] | None:
    """Read a column as points in time (seconds), or None if under nine in ten can be read.

    A bare ``10:00`` is no point in time. A time with a zone is moved to Asia/Tokyo.
    """
    import pandas as pd  # here, so that a page without an upload does without it

    text = pd.Series([normalize(cell) for cell in cells], dtype="str")
    filled = int((text != "").sum())
    if filled == 0:
        return None
    best: pd.Series | None = None
    if text.str.contains(r"^\d{4}-\d\d-\d\dT?.*(?:Z|[+-]\d\d:?\d\d)$").mean() > READABLE_SHARE:
        best = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
        best = best.dt.tz_convert("Asia/Tokyo").dt.tz_localize(None)
    else:
        plain = text.str.replace("T", " ", regex=False)
        for pattern in FORMATS:
            stamps = pd.to_datetime(plain, format=pattern, errors="coerce")
            if best is None or stamps.notna().sum() > best.notna().sum():
                best = stamps
            if stamps.notna().sum() == filled:
                break
    if best is None or best.notna().sum() < READABLE_SHARE * filled:
        return None
    seconds = (best - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
    return np.asarray(seconds, dtype=np.float64)


def read_elapsed(name: str, cells: list[str]) -> tuple[npt.NDArray[np.float64], str] | None:
    """Read a column of elapsed time as seconds with a note on its unit, or None if it is none."""
    values = to_numbers(cells)
    if not is_signal(cells, values):
        return None
    _, unit = split_unit(name)
    lower = unit.lower()
    if lower in _SECONDS:
        return values * _SECONDS[lower], ""
    if "offset" in name.lower():
        return values * 60, "時刻の単位が書かれていないため「分」とみなしました"
    return values, "時刻の単位が書かれていないため「秒」とみなしました"


def find_clock(header: list[str], columns: list[list[str]]) -> Clock:
    """Find the clock among the columns: by name first, then any that reads as points in time."""
    rows = len(columns[0]) if columns else 0
    named = [i for i, name in enumerate(header) if _CLOCK_NAME.search(name)]
    for i in [*named, *(i for i in range(len(header)) if i not in named)]:
        seconds = read_datetimes(columns[i])
        if seconds is not None:
            return Clock(kind="datetime", column=header[i], seconds=seconds)
    for i in named:
        elapsed = read_elapsed(header[i], columns[i])
        if elapsed is not None:
            return Clock(kind="elapsed", column=header[i], seconds=elapsed[0], note=elapsed[1])
    return Clock(
        kind="rows",
        column=None,
        seconds=np.arange(rows, dtype=np.float64),
        note="時刻の列が見つからないため、行の順番を時間の順とみなしました",
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """The common ``times`` (points,) of all signals; ``position`` (rows,) places each kept reading on it.

    ``step_s`` is the time from one point to the next; when the readings keep no common step
    (``regular`` is False) every reading is a point of its own, and ``step_s`` only the median.
    """

    regular: bool
    step_s: float
    times: npt.NDArray[np.float64] = field(repr=False)
    position: npt.NDArray[np.int64] = field(repr=False)


def lay_grid(seconds: npt.NDArray[np.float64]) -> Grid:
    """Lay sorted, distinct times (rows,) on a grid of their median step; missing steps become gaps."""
    count = len(seconds)
    step = float(np.median(np.diff(seconds))) if count > 1 else 0.0
    irregular = Grid(regular=False, step_s=step, times=seconds, position=np.arange(count))
    if count < 3:
        return irregular
    offset = (seconds - seconds[0]) / step
    position = np.rint(offset).astype(np.int64)
    off_grid = float(np.mean(np.abs(offset - position) > 0.2))
    points = int(position[-1]) + 1
    if off_grid > 0.02 or np.any(np.diff(position) <= 0) or points > min(MAX_GRID, 4 * count + 100):
        return irregular
    times: npt.NDArray[np.float64] = seconds[0] + step * np.arange(points, dtype=np.float64)
    return Grid(regular=True, step_s=step, times=times, position=position)
