"""From bytes to one table of text: guards, encoding, delimiter, header, people."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.vitals.choices import Choices
from core.vitals.dialect import find_delimiter, parse
from core.vitals.guards import MAX_BYTES, MAX_ROWS, check_lines, decode, guard
from core.vitals.personal import holds_contacts, is_personal_title, personal_kind, refuse_personal
from core.vitals.problems import ImportRefused, Notes
from core.vitals.sections import Section, Sections, find_sections
from core.vitals.signals import kind_of, split_unit
from core.vitals.table import Column, Table

__all__ = ["MAX_BYTES", "FileText", "read_text"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FileText:
    """The table that holds the readings. ``people`` are the removed columns that point to a person.

    ``apart`` are lines of data that belong to no reading: rows of a wrong width and of other tables.
    ``unplain`` says why a simple script could not read the file again; empty if it could.
    """

    encoding: str
    delimiter: str
    header_line: int
    table: Table
    people: list[Column] = field(repr=False)
    apart: list[int] = field(repr=False)
    unplain: list[str]


def read_text(data: bytes, choices: Choices, notes: Notes) -> FileText:
    """Read bytes as a table of text.

    Raises:
        ImportRefused: with the reason and what to change.
    """
    guard(data)
    text, encoding = decode(data, choices.encoding)
    check_lines(text)
    delimiter = choices.delimiter or find_delimiter(text)
    rows, lines = parse(text, delimiter)
    if not rows:
        raise ImportRefused("ファイルに行がありません。データの入ったCSVを選んでください。")
    sections = find_sections(rows, lines, choices.header_line)
    section = _main(sections)
    if len(section.rows) > MAX_ROWS:
        raise ImportRefused(
            f"データが {len(section.rows):,} 行あります。{MAX_ROWS:,} 行までに分けてください。"
        )
    cells = [list(column) for column in zip(*section.rows, strict=True)] or [[] for _ in section.header]
    columns = [
        Column(name=name, cells=cells[i], unit=section.units[i] if section.units else "")
        for i, name in enumerate(section.header)
    ]
    people = _people(sections, section, columns)
    if (people.columns or people.titles) and not choices.remove_personal:
        raise refuse_personal(people.columns, people.titles)
    if not section.rows:
        raise ImportRefused("見出しの下にデータの行がありません。")
    apart = _tell(sections, section, people, notes)
    unplain = [] if section.plain else ["見出しや列の形をそろえ直したため"]
    unplain += ["列を取り除いたため"] if people.removed else []
    return FileText(
        encoding=encoding,
        delimiter=delimiter,
        header_line=section.header_line,
        table=Table(columns=[c for c in columns if c.name not in people.removed], lines=section.lines),
        people=[c for c in columns if c.name in people.removed],
        apart=apart,
        unplain=unplain,
    )


@dataclass(frozen=True, kw_only=True)
class _People:
    """Where persons are: (column from 1, kind) anywhere, lines of titles, and headers to remove."""

    columns: list[tuple[int, str]]
    titles: list[int]
    removed: set[str]


def _main(sections: Sections) -> Section:
    """Choose the table to read: one with known vital signs before others, then the longest."""

    def worth(section: Section) -> tuple[bool, int]:
        known = any(kind_of(split_unit(name)[0]) for name in section.header)
        return known and len(section.rows) > 1, len(section.rows)

    return max(sections.tables, key=worth)


def _people(sections: Sections, main: Section, columns: list[Column]) -> _People:
    found: list[tuple[int, str]] = []
    for table in sections.tables:
        found += [(i + 1, kind) for i, name in enumerate(table.header) if (kind := personal_kind(name))]
    removed = {name for name in main.header if personal_kind(name)}
    for i, column in enumerate(columns):
        if column.name not in removed and holds_contacts(column.cells):
            found.append((i + 1, "連絡先"))
            removed.add(column.name)
    titles = [
        line
        for row, line in zip(sections.titles, sections.title_lines, strict=True)
        if is_personal_title(row)
    ]
    return _People(columns=found, titles=titles, removed=removed)


def _tell(sections: Sections, main: Section, people: _People, notes: Notes) -> list[int]:
    """Note what of the file is no part of the table; return the lines of data among it."""
    if sections.titles:
        notes.add("title", "見出しより上の行は使いません", lines=sections.title_lines)
    if people.removed:
        notes.add(
            "personal", f"個人を特定できる列を {len(people.removed)} 列取り除きました(内容は残していません)"
        )
    if main.unit_lines:
        notes.add("unit_row", "単位の行として読みました", lines=main.unit_lines)
    if main.repeats:
        notes.add(
            "header_again", "見出しがもう一度書かれているため、列名に合わせてつなぎました", lines=main.repeats
        )
    if main.misfits:
        width = len(main.header)
        notes.add("width", f"列の数が見出し({width}列)と合わないため使いません", lines=main.misfits)
    if main.padded:
        notes.add("padded", f"余分な(または足りない)空のセルを無視した行が {main.padded:,} 行あります")
    apart = list(main.misfits)
    for table in sections.tables:
        if table is not main:
            lines = [*table.lines, *table.misfits]
            apart += lines
            notes.add(
                "table", f"別の表({len(lines):,} 行)は使いません", lines=[table.header_line, *table.repeats]
            )
    return apart
