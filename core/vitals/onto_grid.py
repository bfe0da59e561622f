"""Which grid the readings are laid on: their own, the reader's, a day's, or none because there is none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from core.series import FloatArray
from core.vitals.cells import Flags, FloatColumn
from core.vitals.checks import Proposal
from core.vitals.choices import Choices
from core.vitals.clock import RowTimes
from core.vitals.grid import (
    LIMIT_STEPS,
    Grid,
    daily_grid,
    fill,
    fitting_step,
    grid_of,
    is_dense,
    lay,
    lay_grid,
)
from core.vitals.order import Timed
from core.vitals.problems import ImportRefused, Notes
from core.vitals.report import span
from core.vitals.table import IntArray

SPARSE_S = 3600.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Laid:
    """``values`` and which are ``made`` up, of each signal; ``there`` (points,) is false in gaps."""

    grid: Grid
    values: list[FloatArray] = field(repr=False)
    made: list[Flags] = field(repr=False)
    there: Flags = field(repr=False)
    proposals: list[Proposal] = field(default_factory=list)
    unplain: list[str] = field(default_factory=list)


def onto_grid(
    seconds: FloatColumn, timed: list[Timed], times: RowTimes, choices: Choices, notes: Notes
) -> Laid:
    """Lay all signals on a common grid, and say which and why.

    Raises:
        ImportRefused: the chosen grid does not suit the clock.
    """
    column = times.columns[0] if times.columns else None
    if (choices.daily or choices.grid_s) and times.kind == "rows":
        raise ImportRefused("時刻の列がないため、時間の間隔をそろえられません。間隔の指定を外してください。")
    own = lay_grid(seconds)
    if choices.daily:
        return _daily(seconds, timed, times, choices, notes)
    if choices.grid_s is not None:
        grid = grid_of(seconds, choices.grid_s, choices.limit_s or 0.0)
        return _resampled(seconds, timed, grid, column, notes, "指定どおり、")
    if own.regular:
        if choices.limit_s:
            return _resampled(seconds, timed, replace(own, limit_s=choices.limit_s), column, notes, "")
        return _as_it_is(seconds, timed, own, column, notes)
    if len(seconds) > 1 and times.kind != "rows":
        proposals = _tell_irregular(seconds, timed, times, choices, notes)
        if is_dense(seconds):
            step = fitting_step(seconds)
            grid = grid_of(seconds, step, LIMIT_STEPS * step if choices.limit_s is None else choices.limit_s)
            if len(grid.times) <= 10 * len(seconds):
                return _resampled(seconds, timed, grid, column, notes, "間隔をそろえるため、")
        values = [t.values.astype(np.float32) for t in timed]
        return Laid(
            grid=own,
            values=values,
            made=_none(own, timed),
            there=np.ones(len(seconds), dtype=np.bool_),
            proposals=proposals,
        )
    return _as_it_is(seconds, timed, own, column, notes)


def _none(grid: Grid, timed: list[Timed]) -> list[Flags]:
    """Say of no point of any signal that it was made up."""
    return [np.zeros(len(grid.times), dtype=np.bool_)] * len(timed)


def _lines(timed: list[Timed]) -> IntArray:
    """Return a line of the file for each time."""
    lines = timed[0].lines
    for signal in timed[1:]:
        lines = np.where(lines > 0, lines, signal.lines)
    return lines


def _as_it_is(seconds: FloatColumn, timed: list[Timed], grid: Grid, column: str | None, notes: Notes) -> Laid:
    """Lay readings that already keep a step: gaps stay gaps."""
    there = np.zeros(len(grid.times), dtype=np.bool_)
    there[grid.position] = True
    _tell_gaps(seconds, timed, grid, there, column, notes)
    return Laid(
        grid=grid,
        values=[lay(t.values, grid).astype(np.float32) for t in timed],
        made=_none(grid, timed),
        there=there,
    )


def _tell_gaps(
    seconds: FloatColumn, timed: list[Timed], grid: Grid, there: Flags, column: str | None, notes: Notes
) -> None:
    missing = int((~there).sum())
    if not missing:
        return
    wide = np.flatnonzero(np.diff(seconds) > 1.5 * grid.step_s)
    longest = float(np.max(np.diff(seconds))) if len(seconds) > 1 else 0.0
    after = _lines(timed)[wide + 1]
    notes.add(
        "gap",
        f"記録の抜けが {missing:,} 点ぶんあります(最長 {span(longest)})。"
        "埋めずに欠測のまま、抜けの前後を分けて扱います",
        column=column,
        lines=after,
        together=True,
    )


def _resampled(
    seconds: FloatColumn, timed: list[Timed], grid: Grid, column: str | None, notes: Notes, why: str
) -> Laid:
    """Lay readings on a grid that is not their own, and fill within the stated limit."""
    there = np.zeros(len(grid.times), dtype=np.bool_)
    there[grid.position] = True
    if why:
        notes.add(
            "resample",
            f"{why}{span(grid.step_s)}ごとの {len(grid.times):,} 点に並べ、"
            f"{len(seconds):,} 件の測定を点ごとに平均しました",
            column=column,
        )
        if len(seconds) > 1 and grid.step_s < float(np.median(np.diff(seconds))) / 2:
            notes.add(
                "fine_grid",
                "測定の間隔より細かい間隔です。測っていない時刻は欠測のままにします",
                column=column,
            )
    _tell_gaps(seconds, timed, grid, there, column, notes)
    values, made = [], []
    for signal in timed:
        laid = lay(signal.values, grid)
        filled, points = fill(laid, grid.step_s, grid.limit_s)
        count = int(points.sum())
        source = signal.readings.source
        if count:
            starts = np.flatnonzero(points & ~np.roll(points, 1))
            at = np.searchsorted(grid.times, grid.times[starts]) - 1
            before = _line_at(signal, grid, at)
            words = f"{count:,} 点を、{span(grid.limit_s)}以内にある前後の値から直線で補いました"
            notes.add("filled", words, column=source, lines=before, together=True)
            there |= points
        elif grid.limit_s and np.isnan(laid).any():
            notes.add("not_filled", "測定がまばらなため、補間はしていません", column=source)
        values.append(filled.astype(np.float32))
        made.append(points)
    return Laid(
        grid=grid, values=values, made=made, there=there, unplain=["間隔をそろえたり補ったりしたため"]
    )


def _line_at(signal: Timed, grid: Grid, points: IntArray) -> IntArray:
    """Return the line of the last reading of a signal at or before each of ``points``."""
    own = np.flatnonzero(np.isfinite(signal.values))
    at = np.searchsorted(grid.position[own], points, side="right") - 1
    return signal.lines[own[np.maximum(at, 0)]]


def _daily(seconds: FloatColumn, timed: list[Timed], times: RowTimes, choices: Choices, notes: Notes) -> Laid:
    if times.kind != "datetime":
        raise ImportRefused("日付がないため、1日ごとの平均を作れません。日付の入った時刻の列が必要です。")
    column = times.columns[0]
    grid = daily_grid(seconds, choices.daily)
    out = grid.position < 0
    notes.add(
        "other_slot",
        f"「{choices.daily}」ではない時間帯の測定は使いません",
        column=column,
        lines=_lines(timed)[out],
    )
    words = f"指定どおり、1日1点の「{choices.daily}」の平均にしました({len(grid.times):,} 日)"
    notes.add("resample", words, column=column)
    there = np.zeros(len(grid.times), dtype=np.bool_)
    there[grid.position[~out]] = True
    empty = int((~there).sum())
    if empty:
        notes.add("gap", f"測定のない日が {empty:,} 日あります。埋めずに欠測のまま扱います", column=column)
    return Laid(
        grid=grid,
        values=[lay(t.values, grid).astype(np.float32) for t in timed],
        made=_none(grid, timed),
        there=there,
        unplain=["1日ごとの平均にしたため"],
    )


def _tell_irregular(
    seconds: FloatColumn, timed: list[Timed], times: RowTimes, choices: Choices, notes: Notes
) -> list[Proposal]:
    """Say that the readings keep no common step, and what could be done."""
    steps = np.diff(seconds)
    usual, longest = float(np.median(steps)), float(steps.max())
    sparse = usual >= SPARSE_S
    words = f"測定の間隔がそろっていません(中央値 {span(usual)}、最大 {span(longest)})。"
    words += (
        "一定の間隔を前提とするRNNにはあまり向かないため、測った順の並びとして扱います。"
        "1日ごとの朝・晩の平均にすることができます"
        if sparse
        else ("" if is_dense(seconds) else "測った順の並びとして扱います。間隔をそろえることもできます")
    )
    after = _lines(timed)[1:][steps >= longest][:1]
    notes.add("irregular", words, column=times.columns[0], lines=after)
    proposals = []
    if sparse and times.kind == "datetime":
        for part in ("朝", "晩", "1日"):
            proposals.append(
                Proposal(
                    kind="daily",
                    column=None,
                    message=f"1日1点、「{part}」の平均にする",
                    accept=replace(choices, daily=part),
                )
            )
    elif not sparse:
        step = fitting_step(seconds)
        limit = LIMIT_STEPS * step
        proposals.append(
            Proposal(
                kind="grid",
                column=None,
                message=f"{span(step)}ごとに並べ、{span(limit)}以内の抜けだけを補う",
                accept=replace(choices, grid_s=step, limit_s=limit),
            )
        )
    return proposals
