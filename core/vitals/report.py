"""What the importer says about a file: one value for the page, the command line and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.vitals.clock import ClockKind
from core.vitals.problems import Problem

_UNITS = ((86400.0, "日"), (3600.0, "時間"), (60.0, "分"), (1.0, "秒"))
_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8(BOM付き)",
    "cp932": "Shift_JIS(cp932)",
    "utf-16": "UTF-16",
}
_DELIMITERS = {",": "カンマ", ";": "セミコロン", "\t": "タブ"}


@dataclass(frozen=True, kw_only=True)
class ColumnReport:
    """A column of readings: its header, signal (``HR``, …, or None), unit, and how many readings it holds.

    ``rows``: times at which the column has a row; ``missing`` of them hold no number, ``flagged`` are odd.
    """

    source: str
    signal: str | None
    unit: str
    rows: int
    missing: int
    flagged: int


@dataclass(frozen=True, kw_only=True)
class ClockReport:
    """The clock: ISO times for ``datetime`` (``+09:00`` where a zone is known), else numbers.

    ``regular``: the series that came out lie on one grid of ``interval_s`` seconds; else that is the median.
    """

    kind: ClockKind
    start: str | float
    end: str | float
    interval_s: float
    regular: bool


@dataclass(frozen=True, kw_only=True)
class RowsReport:
    """Rows of data in the file: ``read`` = ``kept`` + ``dropped``."""

    read: int
    kept: int
    dropped: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a file holds and what was done to it; with ``refused``, why it is not taken and nothing else."""

    encoding: str | None = None
    delimiter: str | None = None
    header_line: int | None = None
    columns: tuple[ColumnReport, ...] = ()
    clock: ClockReport | None = None
    rows: RowsReport = field(default_factory=lambda: RowsReport(read=0, kept=0, dropped=0))
    problems: tuple[Problem, ...] = ()
    refused: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON knows it."""
        return asdict(self)

    def to_text(self) -> str:
        """Write the report in Japanese lines."""
        if self.refused is not None or self.clock is None:
            return f"読み込めませんでした: {self.refused}"
        clock = self.clock
        rhythm = (
            f"{span(clock.interval_s)}ごと" if clock.regular else f"不規則(中央値 {span(clock.interval_s)})"
        )
        lines = [
            f"文字コード: {_ENCODINGS.get(self.encoding or '', self.encoding)}",
            f"区切り: {_DELIMITERS.get(self.delimiter or '', self.delimiter)}",
            f"見出し: {self.header_line} 行目" if self.header_line else "見出し: なし",
            f"時刻: {clock.start} 〜 {clock.end}、{rhythm if clock.kind != 'rows' else '行の順番'}",
            f"行: {self.rows.read:,} 行のうち {self.rows.kept:,} 行を使用、{self.rows.dropped:,} 行は不使用",
            "列:",
        ]
        lines += [
            f"  {c.source} → {c.signal or '(そのまま)'} {c.unit} "
            f"({c.rows:,} 件、欠測 {c.missing:,}、要確認 {c.flagged:,})"
            for c in self.columns
        ]
        lines.append(f"知らせ: {len(self.problems)} 件")
        lines += [
            "  "
            + (f"{p.line}行目 " if p.line is not None else "")
            + (f"[{p.column}] " if p.column else "")
            + p.message
            for p in self.problems
        ]
        return "\n".join(lines)


def span(seconds: float) -> str:
    """Write a length of time in the largest unit that fits: 90 → 1.5分."""
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(seconds) >= size), (1.0, "秒"))
    return f"{seconds / size:.3g}{unit}"


def stamp(seconds: float, zoned: bool) -> str:
    """Write seconds from 1970 as an ISO time; ``+09:00`` if the clock is known to be Japan's."""
    time = datetime(1970, 1, 1) + timedelta(seconds=round(seconds, 6))
    return time.isoformat(sep="T") + ("+09:00" if zoned else "")
