"""Readings in the order of time, one at each time, by a stated rule."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.vitals.cells import Flags, FloatColumn
from core.vitals.choices import Choices, Keep
from core.vitals.clock import RowTimes
from core.vitals.problems import ImportRefused, Notes
from core.vitals.readings import Readings
from core.vitals.table import IntArray

_RULES = {
    "first": "同じ時刻の行が前にあるため使いません(先の行を残します)",
    "last": "同じ時刻の行が後にあるため使いません(後の行を残します)",
    "mean": "同じ時刻の行をまとめ、平均を使います",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Timed:
    """A signal over common times, shape (times,) each: NaN where missing, line 0 where it has no row."""

    readings: Readings
    values: FloatColumn = field(repr=False)
    flags: Flags = field(repr=False)
    lines: IntArray = field(repr=False)

    @property
    def present(self) -> Flags:
        """Tell the times at which this signal has a row."""
        return self.lines > 0


def in_order(
    times: RowTimes, signals: list[Readings], lines: list[int], choices: Choices, notes: Notes
) -> tuple[FloatColumn, list[Timed], set[int]]:
    """Sort by time and keep one reading at each time; return times, signals and the lines that were used.

    Raises:
        ImportRefused: no time can be read.
    """
    line_of = np.array(lines, dtype=np.int64)
    column = times.columns[0] if times.columns else None
    readable = np.isfinite(times.seconds)
    notes.add("time", "時刻を読めないため使いません", column=column, lines=line_of[~readable])
    if not readable.any():
        raise ImportRefused("時刻を読める行がありません。時刻の列の書き方を確認してください。")
    back = np.flatnonzero(np.diff(times.seconds[readable]) < 0) + 1
    notes.add("order", "時刻の順に並べ替えました", column=column, lines=line_of[readable][back][:1])
    one = _Once(times.seconds, choices.duplicates)
    picked = [one.pick(signal) for signal in signals]
    common = np.unique(np.concatenate([pick.seconds for pick in {id(p): p for p in picked}.values()]))
    timed = []
    used: set[int] = set()
    repeated: set[int] = set()
    shared: dict[int, tuple[IntArray, IntArray]] = {}  # where the readings go, and the line of each time
    for signal, pick in zip(signals, picked, strict=True):
        if id(pick) not in shared:
            at = np.searchsorted(common, pick.seconds)
            places = np.zeros(len(common), dtype=np.int64)
            places[at] = line_of[signal.rows[pick.kept]]
            shared[id(pick)] = at, places
            used.update(places[at].tolist())
            repeated.update(line_of[signal.rows[pick.left]].tolist())
        at, places = shared[id(pick)]
        if len(pick.kept) == len(common) and np.array_equal(pick.kept, np.arange(len(signal.values))):
            values, flags = signal.values, signal.marked  # already in order: no copy of a large table
        else:
            values = np.full(len(common), np.nan)
            flags = np.zeros(len(common), dtype=np.bool_)
            mean = choices.duplicates == "mean"
            values[at] = _merged(signal.values, pick) if mean else signal.values[pick.kept]
            flags[at] = signal.marked[pick.kept]
        timed.append(Timed(readings=signal, values=values, flags=flags, lines=places))
    notes.add("duplicate", _RULES[choices.duplicates], column=column, lines=sorted(repeated))
    if choices.duplicates == "mean":
        used |= repeated
    return common, timed, used


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pick:
    """``kept`` readings, one at each of ``seconds``; ``left`` the others; ``order``, ``starts`` group."""

    seconds: FloatColumn
    kept: IntArray
    left: IntArray
    order: IntArray
    starts: IntArray


class _Once:
    """Picks one reading at each time; all signals with a cell in every row share the work."""

    def __init__(self, seconds: FloatColumn, keep: Keep) -> None:
        self._seconds, self._keep = seconds, keep
        self._whole: _Pick | None = None

    def pick(self, signal: Readings) -> _Pick:
        if not signal.whole:
            return self._pick(signal.rows)
        if self._whole is None:
            self._whole = self._pick(signal.rows)
        return self._whole

    def _pick(self, rows: IntArray) -> _Pick:
        seconds = self._seconds[rows]
        known = np.flatnonzero(np.isfinite(seconds))
        order = known[np.argsort(seconds[known], kind="stable")]
        ordered = seconds[order]
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = np.diff(ordered) != 0
        starts = np.flatnonzero(new)
        kept = starts if self._keep != "last" else np.append(starts[1:], len(order)) - 1
        left = np.delete(order, kept)
        return _Pick(seconds=ordered[starts], kept=order[kept], left=left, order=order, starts=starts)


def _merged(values: FloatColumn, pick: _Pick) -> FloatColumn:
    """Return the mean of the readings at each time, NaN where all are missing."""
    ordered = values[pick.order]
    known = np.isfinite(ordered)
    counts = np.add.reduceat(known.astype(np.int64), pick.starts)
    sums = np.add.reduceat(np.where(known, ordered, 0.0), pick.starts)
    mean: FloatColumn = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return mean
