"""What the reader decides about a file. Whatever is left out, the importer finds out and reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.vitals.problems import ImportRefused

ENCODINGS = ("utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le", "utf-16-be", "euc_jp", "iso2022_jp")
DELIMITERS = (",", ";", "\t")
CLOCK_FORMATS = ("rows", "iso", "unix_s", "unix_ms", "ms", "s", "min", "h", "h:m:s")
IGNORE, AS_IS, CLOCK = "ignore", "as_is", "clock"
EVERY = "*"

Keep = Literal["first", "last", "mean"]
Daily = Literal["", "朝", "晩", "1日"]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Overrides of what the importer would find out by itself; the default leaves all to it.

    ``header_line`` counts from 1; 0 says that there is no header.
    ``mapping``: header → signal key (``HR``, ``SBP``, …), ``as_is``, ``ignore`` or ``clock``.
    ``units``: header → the unit that its numbers are in (``0-1`` for a share of one).
    ``missing``: header, or ``*`` for all → values that stand for a missing reading.
    ``patient`` and ``source``: the ``value`` of an ``Option``, or what the file writes.
    ``clock_format``: one of ``CLOCK_FORMATS`` or a strptime pattern.
    ``grid_s``: lay the readings on a grid of so many seconds, each point the mean of its readings;
    ``limit_s``: fill an empty point only between two readings at most so many seconds apart.
    ``daily``: one point a day, the mean of the morning, of the evening or of the day.
    ``convert``: bring SpO2 0–1, ℉, kPa and mmol/L to the usual unit.
    ``remove_personal``: leave out the columns that point to a person.

    Raises:
        ImportRefused: a choice that no file could be read with.
    """

    encoding: str | None = None
    delimiter: str | None = None
    header_line: int | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    patient: str | None = None
    source: str | None = None
    clock_format: str | None = None
    grid_s: float | None = None
    limit_s: float | None = None
    daily: Daily = ""
    duplicates: Keep = "first"
    convert: bool = False
    remove_personal: bool = False

    def __post_init__(self) -> None:
        if self.encoding is not None and self.encoding.lower() not in ENCODINGS:
            raise ImportRefused(f"文字コードは {'、'.join(ENCODINGS)} から選んでください。")
        if self.delimiter is not None and self.delimiter not in DELIMITERS:
            raise ImportRefused("区切り文字はカンマ、セミコロン、タブから選んでください。")
        if self.header_line is not None and self.header_line < 0:
            raise ImportRefused("見出しの行は 0(見出しなし)か、1 以上の行番号にしてください。")
        for name, value in (("並べる間隔", self.grid_s), ("補間の上限", self.limit_s)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ImportRefused(f"{name}は 0 以上の秒数にしてください。")
        if self.grid_s == 0:
            raise ImportRefused("並べる間隔は 0 より大きい秒数にしてください。")
        if self.daily not in ("", "朝", "晩", "1日"):
            raise ImportRefused("1日ごとの平均は「朝」「晩」「1日」から選んでください。")
        if self.duplicates not in ("first", "last", "mean"):
            raise ImportRefused("同じ時刻の扱いは first、last、mean から選んでください。")
