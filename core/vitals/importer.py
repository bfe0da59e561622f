"""The importer: bytes of a CSV in, signals on a clock and a report out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.series import FloatArray
from core.vitals.clock import Clock, ClockKind, find_clock, lay_grid
from core.vitals.columns import (
    arrows,
    is_personal,
    is_signal,
    kind_of,
    markers,
    split_unit,
    to_numbers,
)
from core.vitals.problems import Problem, Refused
from core.vitals.reading import TextTable, read_table


@dataclass(frozen=True, kw_only=True, eq=False)
class Signal:
    """One column of readings, (points,) on the common grid, float32, NaN where a reading is missing.

    ``source`` is the header, ``name`` the vital sign (or the header), ``label`` both.
    """

    source: str
    name: str
    label: str
    unit: str
    values: FloatArray = field(repr=False)
    missing: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Import:
    """What a file holds and what was done to it. ``times`` (points,) are seconds on the clock's own zero."""

    encoding: str
    delimiter: str
    header_line: int
    clock: ClockKind
    clock_column: str | None
    regular: bool
    interval_s: float
    times: npt.NDArray[np.float64] = field(repr=False)
    signals: list[Signal]
    rows_read: int
    rows_kept: int
    problems: list[Problem] = field(repr=False)

    def signal(self, source: str) -> Signal:
        """Return the signal of column ``source``, or the first one."""
        return next((s for s in self.signals if s.source == source), self.signals[0])


def _refuse_personal(header: list[str]) -> None:
    found = [i + 1 for i, name in enumerate(header) if is_personal(name)]
    if found:
        places = "、".join(f"{i}列目" for i in found)
        raise Refused(
            f"{places}の見出しが、氏名や患者番号など個人を特定できる項目に見えるため、読み込みを止めました"
            "(内容は保存していません)。その列を消したCSVを選び直してください。"
        )


def _time_order(clock: Clock, lines: list[int]) -> tuple[npt.NDArray[np.int64], list[Problem]]:
    """Return the rows to keep, in time order and without repeated times, and what that left out."""
    problems: list[Problem] = []
    readable = np.flatnonzero(np.isfinite(clock.seconds))
    for row in np.flatnonzero(~np.isfinite(clock.seconds)):
        problems.append(
            Problem(line=lines[row], column=clock.column, kind="time", message="時刻を読めないため使いません")
        )
    order = readable[np.argsort(clock.seconds[readable], kind="stable")]
    if np.any(np.diff(order) < 0):
        problems.append(
            Problem(line=None, column=clock.column, kind="order", message="時刻の順に並べ替えました")
        )
    repeated = np.flatnonzero(np.diff(clock.seconds[order]) == 0) + 1
    for row in order[repeated]:
        problems.append(
            Problem(
                line=lines[row],
                column=clock.column,
                kind="duplicate",
                message="同じ時刻の行が前にあるため使いません(先の行を残します)",
            )
        )
    return np.delete(order, repeated), problems


def _unique(names: list[str]) -> list[str]:
    """Number repeated headers: HR, HR(2)."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}({seen[name]})")
    return unique


def _signals(
    table: TextTable, columns: list[list[str]], clock: Clock
) -> tuple[list[tuple[str, str, str, str, npt.NDArray[np.float64]]], list[Problem]]:
    """Return source, name, label, unit and values (rows,) of each numeric column, and notes on them."""
    found, problems = [], []
    for i, source in enumerate(table.header):
        values = to_numbers(columns[i])
        if source == clock.column or not is_signal(columns[i], values):
            continue
        name, unit = split_unit(source)
        kind = kind_of(name)
        unit = (table.units[i] if table.units else "") or unit
        if kind and not unit:
            unit = kind.unit
            problems.append(
                Problem(
                    line=None,
                    column=source,
                    kind="unit",
                    message=f"単位が書かれていないため {unit} とみなしました",
                )
            )
        label = source if kind is None or kind.label == name else f"{kind.label}({name})"
        gone = markers(columns[i], values)
        if gone:
            listed = "、".join(f"{mark[:12]} {count}件" for mark, count in gone.most_common(4))
            problems.append(
                Problem(
                    line=None,
                    column=source,
                    kind="missing",
                    message=f"数値でないセルを欠測にしました({listed})",
                )
            )
        for row in arrows(columns[i]):
            problems.append(
                Problem(
                    line=table.lines[row],
                    column=source,
                    kind="mark",
                    message="高低を示す印を外し、数値だけを使います",
                )
            )
        found.append((source, kind.label if kind else source, label, unit, values))
    return found, problems


def read(data: bytes) -> Import:
    """Read the bytes of a CSV.

    Raises:
        Refused: with the reason and what to change; nothing of the file is kept.
    """
    table = read_table(data)
    _refuse_personal(table.header)
    if not table.rows:
        raise Refused("見出しの下にデータの行がありません。")
    table.header[:] = _unique(table.header)
    columns = [list(column) for column in zip(*table.rows, strict=True)]
    clock = find_clock(table.header, columns)
    kept, problems = _time_order(clock, table.lines)
    if len(kept) == 0:
        raise Refused("時刻を読める行がありません。時刻の列の書き方を確認してください。")
    found, notes = _signals(table, columns, clock)
    if not found:
        raise Refused("数値の列が見つかりません。心拍数や血圧などの数値が入った列が必要です。")
    if clock.note:
        notes.insert(0, Problem(line=None, column=clock.column, kind="clock", message=clock.note))
    grid = lay_grid(clock.seconds[kept])
    gaps = len(grid.times) - len(kept)
    if gaps:
        notes.append(
            Problem(
                line=None,
                column=clock.column,
                kind="gap",
                message=f"記録の抜けが {gaps} 点ぶんあります。埋めずに欠測のまま扱います",
            )
        )
    signals = []
    for source, name, label, unit, values in found:
        laid = np.full(len(grid.times), np.nan, dtype=np.float32)
        laid[grid.position] = values[kept]
        signals.append(
            Signal(
                source=source,
                name=name,
                label=label,
                unit=unit,
                values=laid,
                missing=int(np.isnan(laid).sum()),
            )
        )
    return Import(
        encoding=table.encoding,
        delimiter=table.delimiter,
        header_line=table.header_line,
        clock=clock.kind,
        clock_column=clock.column,
        regular=grid.regular,
        interval_s=grid.step_s,
        times=grid.times,
        signals=signals,
        rows_read=len(table.rows) + len(table.problems),
        rows_kept=len(kept),
        problems=[*table.problems, *problems, *notes],
    )
