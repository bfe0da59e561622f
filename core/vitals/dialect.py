"""How a text is cut into cells: the delimiter, the quotation marks, and the line that each row began on."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from itertools import pairwise

from core.vitals.cells import is_number, normalize
from core.vitals.choices import DELIMITERS
from core.vitals.dates import is_dated
from core.vitals.problems import ImportRefused

SAMPLE = 200
_DECIMAL_COMMA = re.compile(r"[+-]?\d{1,9},\d{1,9}")


def find_delimiter(text: str) -> str:
    """Choose the delimiter that cuts the first lines into a steady number (over one) of fields.

    Between ``12:00;36,5`` cut at the semicolon and at the comma, fields that are numbers or times decide.

    Raises:
        ImportRefused: no delimiter cuts anything.
    """
    sample = []
    for line in io.StringIO(text, newline=""):
        if line.strip():
            sample.append(line)
        if len(sample) == SAMPLE:
            break
    scores: dict[str, tuple[float, int]] = {}
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(sample, delimiter=delimiter) if len(row) > 1]
        except csv.Error:
            continue
        if rows:
            scores[delimiter] = _score(rows, len(sample))
    if not scores:
        raise ImportRefused(
            "列の区切りが見つかりません。カンマ、セミコロン、タブのどれかで区切られたCSVにしてください。"
        )
    return max(scores, key=lambda d: scores[d])


def _score(rows: list[list[str]], lines: int) -> tuple[float, int]:
    """Return how steady the number of fields is, times how many fields are data, and the usual number."""
    widths = [len(row) for row in rows]
    changes = sum(a != b for a, b in pairwise(widths))
    filled = [text for row in rows for cell in row if (text := normalize(cell))]
    data = sum(_is_clean(text) for text in filled)
    steady = (len(rows) - changes) / lines
    return round(steady * (0.2 + data / max(1, len(filled))), 6), Counter(widths).most_common(1)[0][0]


def _is_clean(text: str) -> bool:
    if is_number(text) or _DECIMAL_COMMA.fullmatch(text):
        return True
    return is_dated(text) and not any(delimiter in text for delimiter in DELIMITERS)


def parse(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Cut text into rows of cells with the line each began on. Equal cells are one object, to save memory.

    Raises:
        ImportRefused: a quotation mark that was opened is never closed, or closed in the middle of a cell.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    pool: dict[str, str] = {}
    keep = pool.setdefault
    rows: list[list[str]] = []
    lines: list[int] = []
    begin = 1
    broken = False
    try:
        for row in reader:
            cells = [keep(cell, cell) for cell in map(str.strip, row)]
            if any(cells):
                rows.append(cells)
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error:
        broken = True
    if broken:
        raise ImportRefused(
            f'{begin}行目の引用符(")が正しく閉じられていません。ファイルが途中で切れていないか確認し、'
            "書き出しからやり直してください。"
        )
    return rows, lines
