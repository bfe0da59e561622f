"""From columns of text to readings: which column is which signal, its unit, what is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from core.vitals.cells import Flags, FloatColumn, Parsed, is_marker, normalize, parse_column, to_pair
from core.vitals.choices import AS_IS, CLOCK, EVERY, IGNORE, Choices
from core.vitals.clock import RowTimes
from core.vitals.guards import MAX_COLUMNS
from core.vitals.problems import ImportRefused, Notes
from core.vitals.signals import (
    CONVERSIONS,
    KINDS,
    PRESSURES,
    Kind,
    canonical_unit,
    key_name,
    kind_of,
    split_unit,
)
from core.vitals.table import Column, IntArray, Table

SHARE_UNIT, FAHRENHEIT = "0-1", "℉"
_SHOWN = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """One signal as it stands in the file: ``values`` (n,) belong to rows ``rows`` (n,); NaN is missing.

    ``rejected`` counts impossible readings made missing. ``question``: the unit that it seems to be.
    """

    source: str
    kind: Kind | None
    unit: str
    values: FloatColumn = field(repr=False)
    marked: Flags = field(repr=False)
    rows: IntArray = field(repr=False)
    whole: bool
    rejected: int = 0
    question: str = ""
    unplain: list[str] = field(default_factory=list)

    @property
    def scale(self) -> tuple[float, float] | None:
        """Return factor and offset to the unit of ``kind``, or None if that cannot be said."""
        if self.kind is None:
            return None
        return (1.0, 0.0) if self.unit == self.kind.unit else CONVERSIONS.get((self.kind.key, self.unit))

    @property
    def limits(self) -> tuple[float, float] | None:
        """Return the hard limits in the signal's own unit."""
        if self.kind is None or self.scale is None:
            return None
        factor, offset = self.scale
        low, high = self.kind.hard
        return (low - offset) / factor, (high - offset) / factor


def find_readings(table: Table, times: RowTimes, choices: Choices, notes: Notes) -> list[Readings]:
    """Read all numeric columns.

    Raises:
        ImportRefused: there is none, or a choice names a column or signal that does not exist.
    """
    _check_choices(table, choices)
    found: list[Readings] = []
    unused: list[str] = []
    empty: list[str] = []
    for column in table.columns:
        wanted = choices.mapping.get(column.name)
        if column.name in times.columns or wanted in (IGNORE, CLOCK):
            if wanted == IGNORE:
                notes.add("ignored", "指定どおり使いません", column=column.name)
            continue
        pairs = _pairs(column) if wanted is None else None
        if pairs:
            notes.add("pair", "「128/76」の形を、収縮期血圧と拡張期血圧に分けました", column=column.name)
            found += [_readings(part, KINDS[key], table, choices, notes, split=True) for part, key in pairs]
            continue
        parsed = parse_column(column.cells)
        if wanted is None and not (parsed.is_signal() and not _is_state(column.name, table)):
            (unused if any(column.cells) else empty).append(column.name)
            continue
        kind = kind_of(split_unit(column.name)[0]) if wanted is None else KINDS.get(wanted)
        found.append(_readings(column, kind, table, choices, notes, parsed=parsed))
    for word, names, why in (("unused", unused, "測定値の列ではない"), ("empty", empty, "値がない")):
        if names:
            shown = "、".join(name[:20] for name in names[:8]) + ("…" if len(names) > 8 else "")
            notes.add(word, f"{why}ため使いません({len(names)}列:{shown})")
    found = [r for r in found if len(r.values)]
    if not found:
        raise ImportRefused("数値の列が見つかりません。心拍数や血圧などの数値が入った列が必要です。")
    if len(found) > MAX_COLUMNS:
        raise ImportRefused(f"測定値が {len(found)} 列あります({MAX_COLUMNS}列まで)。列を減らしてください。")
    return found


def _check_choices(table: Table, choices: Choices) -> None:
    names = {*table.names(), *(f"{name}({side})" for name in table.names() for side in "上下"), EVERY}
    for chosen in (choices.mapping, choices.units, choices.missing):
        if set(chosen) - names:
            raise ImportRefused("指定した列が見出しにありません。列名を、レポートのとおりに書いてください。")
    allowed = {*KINDS, AS_IS, IGNORE, CLOCK}
    if set(choices.mapping.values()) - allowed:
        raise ImportRefused(f"列の意味は {'、'.join(sorted(allowed))} から選んでください。")


def _is_state(name: str, table: Table) -> bool:
    """Say whether a column holds the state of another, as ``HR_STATE`` beside ``HR``."""
    return name.upper().endswith("_STATE") and name[:-6] in table.names()


def _pairs(column: Column) -> list[tuple[Column, str]] | None:
    """Split a column of 128/76 into an upper and a lower one, or return None if it is no such column."""
    counts = Counter(column.cells)
    split = {cell: to_pair(cell) for cell in counts}
    pairs = {cell: pair for cell, pair in split.items() if pair}
    number = sum(counts[cell] for cell in pairs)
    other = sum(
        n for cell, n in counts.items() if cell and cell not in pairs and not is_marker(normalize(cell))
    )
    named = key_name(split_unit(column.name)[0]) in PRESSURES
    above = sum(upper > lower >= 20 for upper, lower in pairs.values())
    if not number or number < other or not (named or above * 10 >= 9 * len(pairs)):
        return None

    def side(i: int) -> list[str]:
        return [f"{pair[i]:g}" if (pair := pairs.get(cell)) else cell for cell in column.cells]

    return [
        (Column(name=f"{column.name}(上)", unit=column.unit, cells=side(0), rows=column.rows), "SBP"),
        (Column(name=f"{column.name}(下)", unit=column.unit, cells=side(1), rows=column.rows), "DBP"),
    ]


def _readings(
    column: Column,
    kind: Kind | None,
    table: Table,
    choices: Choices,
    notes: Notes,
    *,
    parsed: Parsed | None = None,
    split: bool = False,
) -> Readings:
    parsed = parsed or parse_column(column.cells)
    rows = _all_rows(len(column.cells)) if column.rows is None else column.rows
    values, unplain = parsed.values, [] if parsed.plain and not split else ["セルの書き方のため"]
    lines = np.array(table.lines)[rows]
    _tell_cells(column, parsed, lines, notes)
    for value in (*choices.missing.get(column.name, ()), *choices.missing.get(EVERY, ())):
        same = values == value
        if same.any():
            values = np.where(same, np.nan, values)
            unplain.append("欠測とみなす値を決めたため")
            notes.add(
                "sentinel", f"指定どおり {value:g} を欠測にしました", column=column.name, lines=lines[same]
            )
    unit, question = _unit(column, kind, values, parsed, choices, notes)
    if kind and choices.convert and (kind.key, unit) in CONVERSIONS:
        factor, offset = CONVERSIONS[kind.key, unit]
        values = np.round(values * factor + offset, 6)
        notes.add("convert", f"指定どおり {unit} を {kind.unit} に換算しました", column=column.name)
        unplain.append("単位を換算したため")
        unit, question = kind.unit, ""
    return Readings(
        source=column.name,
        kind=kind,
        unit=unit,
        values=values,
        marked=parsed.marked,
        rows=rows,
        whole=column.rows is None,
        question=question,
        unplain=unplain,
    )


@lru_cache(maxsize=1)
def _all_rows(count: int) -> IntArray:
    """Return 0, 1, …: one array for all columns."""
    return np.arange(count, dtype=np.int64)


def _tell_cells(column: Column, parsed: Parsed, lines: IntArray, notes: Notes) -> None:
    """Note what the cells, which stood on ``lines``, were read as."""
    if parsed.decimal_comma:
        notes.add("decimal_comma", "カンマを小数点として読みました(36,5 → 36.5)", column=column.name)
    units = [unit for unit in parsed.units if unit != "%"]
    if units:
        notes.add("cell_unit", f"セルの中の単位({'、'.join(units)})を外しました", column=column.name)
    gone = sum(parsed.gone.values())
    if gone:
        listed = "、".join(
            f"{(mark or '空欄')[:12]} {count}件" for mark, count in parsed.gone.most_common(_SHOWN)
        )
        more = "、ほか" if len(parsed.gone) > _SHOWN else ""
        words = f"数値でないセルを欠測にしました({listed}{more})"
        missing = lines[np.isnan(parsed.values)]
        notes.add("missing", words, column=column.name, lines=missing, together=True)
    if parsed.marked.any():
        words = "高低を示す印を外し、数値だけを使います"
        notes.add("mark", words, column=column.name, lines=lines[parsed.marked])


def _unit(
    column: Column, kind: Kind | None, values: FloatColumn, parsed: Parsed, choices: Choices, notes: Notes
) -> tuple[str, str]:
    """Return the unit of a column, and the unit that it more probably has if it looks like another."""
    chosen = choices.units.get(column.name)
    if chosen is not None:
        return canonical_unit(chosen), ""
    stated = canonical_unit(column.unit) or canonical_unit(split_unit(column.name)[1])
    if not stated and len(parsed.units) == 1:
        stated = canonical_unit(parsed.units[0])
    if kind is None:
        return stated, ""
    filled = values[np.isfinite(values) & (values != 0)]
    if len(filled) and kind.key == "SpO2" and stated in ("", "%") and np.mean(np.abs(filled) <= 1) > 0.9:
        return SHARE_UNIT, SHARE_UNIT
    if len(filled) and kind.key == "temperature" and stated == "" and 80 < np.median(filled) < 115:
        return FAHRENHEIT, FAHRENHEIT
    if not stated:
        notes.add("unit", f"単位が書かれていないため {kind.unit} とみなしました", column=column.name)
        return kind.unit, ""
    if (kind.key, stated) in CONVERSIONS:
        return stated, stated
    return stated, ""


def reject_impossible(readings: Readings, lines: list[int], notes: Notes) -> Readings:
    """Make readings outside the hard limits missing; ``lines`` are those of the rows."""
    limits = readings.limits
    values = readings.values
    if readings.kind is not None and limits is None:
        notes.add(
            "unit_unknown",
            f"単位 {readings.unit[:12]} は {readings.kind.label} の単位として知らないため、"
            "値の範囲を確かめません",
            column=readings.source,
        )
    if limits is None:
        return readings
    with np.errstate(invalid="ignore"):
        single = values.astype(np.float32)
        outside = (single < np.float32(limits[0])) | (single > np.float32(limits[1]))
    if not outside.any():
        return readings
    low, high = (f"{limit:.4g}" for limit in limits)
    notes.add(
        "impossible",
        f"ありえない値({low}〜{high} {readings.unit} の外)のため欠測にしました",
        column=readings.source,
        lines=[lines[row] for row in readings.rows[outside]],
    )
    return replace(
        readings,
        values=np.where(outside, np.nan, values),
        marked=readings.marked & ~outside,
        rejected=int(outside.sum()),
    )
