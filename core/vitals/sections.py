"""Where tables begin and end: titles above, unit rows below, headers written again, tables stacked."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from core.vitals.cells import is_marker, is_number, normalize, to_number, to_pair
from core.vitals.dates import is_dated
from core.vitals.problems import ImportRefused
from core.vitals.signals import kind_of, split_unit
from core.vitals.table import unique

TITLES = 50
LOOK_AHEAD = 12
_UNIT = re.compile(r"%|℃|°[CF]|mmhg|bpm|/分|回|秒|kg|mg/dl|kpa|cmh2o|sec|min", re.IGNORECASE)
_MORE_UNIT = re.compile(r"\(?(yyyy.*|hh?:mm.*|s|h|ms|-|/min|mmol/l|l/分|l/min|単位)\)?", re.IGNORECASE)
_CLOCK = re.compile(r"日時|時刻|時間|測定日|日付|年月日|date|time|offset|経過|elapsed", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """One table of the file: its ``header`` on line ``header_line``, ``units`` (or none), rows and lines.

    Every row is as wide as the header; ``misfits`` are the lines of those that were not. ``padded`` counts
    rows with empty cells too many or too few. ``repeats`` are lines on which the header (or a wider one)
    stood again.
    """

    header_line: int
    header: list[str]
    units: list[str]
    rows: list[list[str]] = field(repr=False)
    lines: list[int] = field(repr=False)
    repeats: list[int] = field(default_factory=list, repr=False)
    unit_lines: list[int] = field(default_factory=list)
    misfits: list[int] = field(default_factory=list, repr=False)
    padded: int = 0
    plain: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Sections:
    """All tables of a file, and the rows above the first that belong to none."""

    tables: list[Section]
    titles: list[list[str]] = field(repr=False)
    title_lines: list[int] = field(repr=False)


def is_clock_name(name: str) -> bool:
    """Say whether a header sounds like a time."""
    return _CLOCK.search(name) is not None


def is_data(cell: str) -> bool:
    """Say whether a normalized cell is a number (with a mark or a sign), a pair or a time."""
    if not cell or not any(c.isdigit() for c in cell):
        return False
    return (
        is_number(cell) or is_dated(cell) or to_number(cell) == to_number(cell) or to_pair(cell) is not None
    )


def _is_wordy(row: list[str]) -> bool:
    """Say whether a row might be a header: two words or more, and no data."""
    if row[0] and row[0][0] in "0123456789":
        return False
    texts = [normalize(cell) for cell in row]
    filled = [text for text in texts if text]
    if len(filled) < 2 or any(is_data(text) or is_marker(text) for text in filled):
        return False
    return all(any(c.isalpha() for c in text) or text in ("%", "#") for text in filled)


def unit_row(row: list[str]) -> list[str]:
    """Return the units in ``row`` if it is a unit row below a header, else nothing."""
    cells = [normalize(cell).strip("()[] ") for cell in row]
    filled = [cell for cell in cells if cell]
    if not filled or any(is_number(cell) or is_dated(cell) for cell in filled) or _known(row):
        return []
    fits = [cell for cell in filled if len(cell) <= 16 and (_UNIT.search(cell) or _MORE_UNIT.fullmatch(cell))]
    return cells if len(fits) == len(filled) and any(_UNIT.search(cell) for cell in fits) else []


def _leads_to_data(rows: list[list[str]], at: int) -> bool:
    """Say whether data follow row ``at``, perhaps after a row of units or of missing readings."""
    for later in rows[at + 1 : at + LOOK_AHEAD]:
        texts = [normalize(cell) for cell in later]
        if any(is_data(text) for text in texts):
            return True
        if not unit_row(later) and not all(not text or is_marker(text) for text in texts):
            return False
    return False


def _known(row: list[str]) -> bool:
    names = [normalize(cell) for cell in row if cell]
    return any(is_clock_name(n) or kind_of(split_unit(n)[0]) for n in names)


def find_sections(rows: list[list[str]], lines: list[int], header_line: int | None) -> Sections:
    """Cut rows into tables.

    Raises:
        ImportRefused: there is no row that could be a header, or none on the chosen line.
    """
    if header_line == 0:
        width = Counter(len(row) for row in rows).most_common(1)[0][0]
        table = _section(0, [""] * width, rows, lines, plain=False)
        return Sections(tables=[table], titles=[], title_lines=[])
    heads = _heads(rows, lines, header_line)
    tables = [
        _section(lines[at], rows[at], rows[at + 1 : stop], lines[at + 1 : stop])
        for at, stop in zip(heads, [*heads[1:], len(rows)], strict=True)
    ]
    return Sections(tables=_joined(tables), titles=rows[: heads[0]], title_lines=lines[: heads[0]])


def _section(
    header_line: int, head: list[str], rows: list[list[str]], lines: list[int], *, plain: bool = True
) -> Section:
    """Make a table of the rows below ``head``."""
    units = unit_row(rows[0]) if rows else []
    unit_lines = lines[:1] if units else []
    if units:
        rows, lines = rows[1:], lines[1:]
    width, named = len(head), max((i + 1 for i, cell in enumerate(head) if cell), default=len(head))
    kept, places, misfits, padded = [], [], [], 0
    for row, line in zip(rows, lines, strict=True):
        if len(row) != width:
            if len(row) < named or any(row[width:]):
                misfits.append(line)
                continue
            padded += 1
            row = [*row, *[""] * (width - len(row))][:width]
        kept.append(row)
        places.append(line)
    return Section(
        header_line=header_line,
        header=unique([normalize(cell) or f"列{i + 1}" for i, cell in enumerate(head)]),
        units=(units + [""] * width)[:width] if units else [],
        rows=kept,
        lines=places,
        unit_lines=unit_lines,
        misfits=misfits,
        padded=padded,
        plain=plain and not padded,
    )


def _heads(rows: list[list[str]], lines: list[int], header_line: int | None) -> list[int]:
    """Return the positions of the headers."""
    first: int | None
    if header_line is not None:
        first = next((i for i, line in enumerate(lines) if line == header_line), None)
        if first is None or first + 1 >= len(rows):
            raise ImportRefused(
                f"{header_line}行目は見出しにできません(空の行か、下にデータがありません)。"
                "列名が書かれた行の番号を選んでください。"
            )
    else:
        first = next((i for i in range(min(TITLES, len(rows))) if _heads_table(rows, i)), None)
        if first is None:
            raise ImportRefused(
                "見出しの行が見つかりません。1行目に「時刻,心拍数,SpO2」のような列名を書くか、"
                "見出しの行を指定してください。"
            )
    heads = [first]
    for i in range(first + 1, len(rows)):
        if not _is_wordy(rows[i]) or unit_row(rows[i]):
            continue
        known = set(rows[i]) & set(rows[heads[-1]]) - {""}
        if rows[i] == rows[heads[-1]] or ((known or _known(rows[i])) and _leads_to_data(rows, i)):
            heads.append(i)
    return heads


def _heads_table(rows: list[list[str]], at: int) -> bool:
    return _is_wordy(rows[at]) and not unit_row(rows[at]) and _leads_to_data(rows, at)


def _joined(tables: list[Section]) -> list[Section]:
    """Join a table with an earlier one when it has its header again, perhaps with more or fewer columns."""
    joined: list[Section] = []
    for table in tables:
        for i, earlier in enumerate(joined):
            shared = set(table.header) & set(earlier.header)
            if 2 * len(shared) > min(len(table.header), len(earlier.header)) and len(shared) >= 2:
                joined[i] = _join(earlier, table)
                break
        else:
            joined.append(table)
    return joined


def _join(first: Section, second: Section) -> Section:
    """Put the rows of ``second`` below those of ``first``, column by name."""
    header, units = list(first.header), list(first.units)
    rows, more = first.rows, second.rows
    if second.header != first.header:
        added = [i for i, name in enumerate(second.header) if name not in set(first.header)]
        header += [second.header[i] for i in added]
        if units or second.units:
            units = units or [""] * len(first.header)
            units += [second.units[i] if second.units else "" for i in added]
        place = {name: i for i, name in enumerate(second.header)}
        order = [place.get(name) for name in header]
        rows = [row + [""] * len(added) for row in rows]
        more = [[row[i] if i is not None else "" for i in order] for row in more]
    return Section(
        header_line=first.header_line,
        header=header,
        units=units,
        rows=[*rows, *more],
        lines=[*first.lines, *second.lines],
        repeats=[*first.repeats, second.header_line],
        unit_lines=[*first.unit_lines, *second.unit_lines],
        misfits=[*first.misfits, *second.misfits],
        padded=first.padded + second.padded,
        plain=False,
    )
