"""When each row was measured: points in time, elapsed time, or only the order of the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from core.vitals.cells import FloatColumn, normalize, parse_column
from core.vitals.choices import CLOCK, Choices
from core.vitals.dates import FORMATS, ISO, TOKYO_S, Dated, read_datetimes, read_times_of_day
from core.vitals.problems import ImportRefused, Notes
from core.vitals.sections import is_clock_name
from core.vitals.signals import canonical_unit, kind_of, split_unit
from core.vitals.table import Column, Table

__all__ = ["FORMATS", "ISO", "ClockKind", "RowTimes", "find_clock"]

ClockKind = Literal["datetime", "elapsed", "rows"]

_ELAPSED_NAME = re.compile(r"t|s|secs?|seconds?|min|minutes?|秒数?|分|経過.*", re.IGNORECASE)
_SECOND_CHOICE = re.compile(r"creat|end|終了|作成|更新|updat|export|取込|登録|出力", re.IGNORECASE)
_UTC = re.compile(r"\b(utc|gmt)\b|世界時", re.IGNORECASE)
_ZONE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z_/+\-0-9]+|UTC|GMT")
_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒数"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "ミリ秒"), 0.001),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "分"), 60.0),
    **dict.fromkeys(("h", "hour", "hours", "時間"), 3600.0),
}
_UNIT_WORDS = {1.0: "秒", 0.001: "ミリ秒", 60.0: "分", 3600.0: "時間"}
DAY = 86400.0


@dataclass(frozen=True, kw_only=True, eq=False)
class RowTimes:
    """The times of the rows, in seconds, shape (rows,), NaN where unreadable.

    ``datetime`` counts seconds from 1970 on the wall clock (Japan's, if ``zoned``); ``elapsed`` from the
    file's own zero; ``rows`` just counts rows. ``columns`` are the headers that they come from.
    """

    kind: ClockKind
    columns: tuple[str, ...]
    seconds: FloatColumn = field(repr=False)
    format: str = ""
    zoned: bool = False
    unplain: list[str] = field(default_factory=list)


def find_clock(table: Table, choices: Choices, notes: Notes) -> RowTimes:
    """Find the clock among the columns: by name first, then any that reads as points in time.

    Raises:
        ImportRefused: the chosen column or format gives no times.
    """
    whole = [c for c in table.columns if c.rows is None and choices.mapping.get(c.name) in (None, CLOCK)]
    chosen = [c for c in whole if choices.mapping.get(c.name) == CLOCK]
    if choices.clock_format == "rows":
        return _by_rows(table, notes, "指定どおり、行の順番を時間の順とみなします")
    named = chosen or [c for c in whole if _is_named(c)]
    named.sort(key=lambda c: _SECOND_CHOICE.search(c.name) is not None)
    others = [] if chosen else [c for c in whole if c not in named and kind_of(split_unit(c.name)[0]) is None]
    found = _points_in_time([*named, *others], choices.clock_format)
    if found is not None:
        return _on_the_wall(table, [*named, *others], *found, notes)
    elapsed = _elapsed(named, choices.clock_format, notes)
    if elapsed is not None:
        return elapsed
    if chosen or choices.clock_format is not None:
        raise ImportRefused(
            "指定した列や書き方では時刻を読めません。"
            "時刻の列と、書き方(例: %Y/%m/%d %H:%M)を確認してください。"
        )
    return _by_rows(table, notes, "時刻の列が見つからないため、行の順番を時間の順とみなしました")


def _is_named(column: Column) -> bool:
    name = split_unit(column.name)[0]
    if kind_of(name) is not None:
        return False
    return is_clock_name(name) or _ELAPSED_NAME.fullmatch(name) is not None


def _by_rows(table: Table, notes: Notes, words: str) -> RowTimes:
    notes.add("clock", words)
    seconds = np.arange(len(table.lines), dtype=np.float64)
    return RowTimes(kind="rows", columns=(), seconds=seconds)


def _points_in_time(columns: list[Column], chosen: str | None) -> tuple[Column, Dated] | None:
    if chosen is not None and not (chosen == "iso" or "%" in chosen):
        return None
    for column in columns:
        dated = read_datetimes(column.cells, chosen)
        if dated is not None:
            return column, dated
    return None


def _on_the_wall(table: Table, columns: list[Column], column: Column, dated: Dated, notes: Notes) -> RowTimes:
    """Complete points in time: a time of day from its own column, a zone from its own column."""
    seconds, used, unplain = dated.seconds, [column.name], [] if dated.plain else ["日時の書き方のため"]
    zoned = dated.zoned
    if dated.note:
        notes.add("ambiguous_date", dated.note, column=column.name)
    if dated.date_only:
        for other in columns:
            of_day = read_times_of_day(other.cells) if other is not column else None
            if of_day is not None:
                seconds = seconds + of_day
                used.append(other.name)
                unplain.append("日付と時刻が別の列に分かれているため")
                break
    if dated.zoned:
        notes.add("zone", "時差の付いた時刻を日本時間(Asia/Tokyo)に直しました", column=column.name)
    elif _UTC.search(column.name):
        seconds, zoned = seconds + TOKYO_S, True
        unplain.append("世界時の時刻を直したため")
        notes.add("zone", "見出しに UTC とあるため、日本時間(Asia/Tokyo)に直しました", column=column.name)
    else:
        shift = _zone_column(table, seconds, notes)
        if shift is not None:
            zoned = True
            if np.any(shift != 0):
                seconds = seconds + shift
                unplain.append("時差を直したため")
    return RowTimes(
        kind="datetime",
        columns=tuple(used),
        seconds=seconds,
        format=dated.format,
        zoned=zoned,
        unplain=unplain,
    )


def _zone_column(table: Table, seconds: FloatColumn, notes: Notes) -> FloatColumn | None:
    """Return what to add to each row's time, in seconds, if a column names its zone; else None."""
    for column in table.columns:
        zones = set(column.cells) - {""}
        if column.rows is not None or not 0 < len(zones) <= 20 or not all(map(_ZONE.fullmatch, zones)):
            continue
        if zones == {"Asia/Tokyo"}:
            notes.add("zone", "時刻は日本時間(Asia/Tokyo)です", column=column.name)
            return np.zeros(len(seconds))
        try:
            known = {zone: ZoneInfo(zone) for zone in zones}
        except (KeyError, ValueError, OSError):
            notes.add("zone", "知らない時差の名前があるため、時刻をそのまま使います", column=column.name)
            return None
        shift = [
            _shift(known[zone], second) if zone and np.isfinite(second) else 0.0
            for zone, second in zip(column.cells, seconds.tolist(), strict=True)
        ]
        notes.add("zone", "時差の列を使い、日本時間(Asia/Tokyo)に直しました", column=column.name)
        return np.array(shift)
    return None


def _shift(zone: ZoneInfo, wall: float) -> float:
    """Return Japan's clock minus the clock of ``zone`` when that shows ``wall``."""
    try:
        local = datetime.fromtimestamp(wall, ZoneInfo("UTC")).replace(tzinfo=zone)
        offset = local.utcoffset()
    except (ValueError, OverflowError, OSError):
        return 0.0
    return TOKYO_S - (offset.total_seconds() if offset else 0.0)


def _elapsed(columns: list[Column], chosen: str | None, notes: Notes) -> RowTimes | None:
    """Read elapsed time, or seconds since 1970, from the first column that holds them."""
    for column in columns:
        parsed = parse_column(column.cells)
        if chosen == "h:m:s" or not parsed.is_signal():
            clocked = _clocked(column, chosen, notes)
            if clocked is not None:
                return clocked
            continue
        plain = [] if parsed.plain else ["時刻の数値の書き方のため"]
        if parsed.decimal_comma:
            notes.add("decimal_comma", "カンマを小数点として読みました(36,5 → 36.5)", column=column.name)
        unix = _unix(parsed.values, chosen)
        if unix:
            words = "1970年からの秒数とみなし、日本時間(Asia/Tokyo)に直しました"
            notes.add("zone", words, column=column.name)
            return RowTimes(
                kind="datetime",
                columns=(column.name,),
                seconds=parsed.values * unix + TOKYO_S,
                zoned=True,
                unplain=["1970年からの秒数で書かれた時刻のため"],
            )
        factor, guessed = _unit_seconds(column, chosen)
        if guessed:
            words = f"時刻の単位が書かれていないため「{_UNIT_WORDS[factor]}」とみなしました"
            notes.add("clock", words, column=column.name)
        seconds = parsed.values if factor == 1 else parsed.values * factor
        return RowTimes(kind="elapsed", columns=(column.name,), seconds=seconds, unplain=plain)
    return None


def _clocked(column: Column, chosen: str | None, notes: Notes) -> RowTimes | None:
    """Read 00:12:05 without a date as elapsed time, if it runs forward; midnight is passed once a day."""
    seconds = read_times_of_day(column.cells)
    if seconds is None or chosen not in (None, "h:m:s"):
        return None
    passed = np.zeros(len(seconds))
    known = np.flatnonzero(np.isfinite(seconds))
    steps = np.diff(seconds[known])
    midnights = steps < -DAY / 2
    if np.any(steps[~midnights] < 0):
        if chosen is None:
            return None
    elif midnights.any():
        passed[known[1:]] = np.cumsum(midnights) * DAY
    notes.add(
        "clock", "日付がないため、0時からの経過時間として扱います(日付は補いません)", column=column.name
    )
    return RowTimes(
        kind="elapsed",
        columns=(column.name,),
        seconds=seconds + passed,
        unplain=["日付のない時刻のため"],
    )


def _unix(values: FloatColumn, chosen: str | None) -> float:
    """Return seconds per unit if the numbers are seconds or milliseconds since 1970, else 0."""
    if chosen in ("unix_s", "unix_ms"):
        return 1.0 if chosen == "unix_s" else 0.001
    if chosen is not None:
        return 0.0
    middle = float(np.nanmedian(values))
    if 6e8 < middle < 4.2e9:
        return 1.0
    return 0.001 if 6e11 < middle < 4.2e12 else 0.0


def _unit_seconds(column: Column, chosen: str | None) -> tuple[float, bool]:
    """Return the seconds in one unit of elapsed time, and whether that is our guess."""
    if chosen in _SECONDS:
        return _SECONDS[chosen], False
    name, unit = split_unit(column.name)
    words = [column.unit, unit, *re.split(r"[\s_/]+", name)]
    for word in words:
        text = normalize(word).lower().strip("()[]")
        if text in _SECONDS or canonical_unit(text) in _SECONDS:
            return _SECONDS.get(text) or _SECONDS[canonical_unit(text)], False
    for ending, seconds in (("ミリ秒", 0.001), ("秒", 1.0), ("分", 60.0)):
        if re.search(rf"{ending}数?$", name):
            return seconds, False
    return (60.0, True) if "offset" in name.lower() else (1.0, True)
