"""From bytes to a table of text: guards, encoding, delimiter, header. No value is interpreted here."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from core.vitals.problems import Problem, Refused

MAX_BYTES = 5 * 2**20
MAX_ROWS = 100_000
MAX_COLUMNS = 64
MAX_LINE = 10 * 2**10
DELIMITERS = (",", ";", "\t")
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ARCHIVES = ((b"PK\x03\x04", "Excelブック(.xlsx)やZIP"), (b"\x1f\x8b", "gzip"), (b"%PDF", "PDF"))
_MINUS = str.maketrans({"−": "-", "‐": "-", "‑": "-", "–": "-", "—": "-", "―": "-", "─": "-"})
_NUMBER = re.compile(r"[+-]?(\d[\d,]*\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, kw_only=True, eq=False)
class TextTable:
    """Cells as text. ``rows[i]`` stood on line ``lines[i]``; ``units`` is empty or holds one a column."""

    encoding: str
    delimiter: str
    header_line: int
    header: list[str]
    units: list[str]
    rows: list[list[str]] = field(repr=False)
    lines: list[int] = field(repr=False)
    problems: list[Problem] = field(repr=False)


def normalize(cell: str) -> str:
    """Fold full-width characters (NFKC) and every kind of minus sign, and trim."""
    return unicodedata.normalize("NFKC", cell).translate(_MINUS).strip()


def is_number(cell: str) -> bool:
    """Say whether a normalized cell is a plain number."""
    return _NUMBER.fullmatch(cell) is not None


def guard(data: bytes) -> None:
    """Refuse what no CSV importer should open, before anything parses it."""
    if not data.strip():
        raise Refused("ファイルが空です。データの入ったCSVを選んでください。")
    if len(data) > MAX_BYTES:
        raise Refused("ファイルが5MBを超えています。期間や列を減らして保存し直してください。")
    for magic, kind in ARCHIVES:
        if data.startswith(magic):
            raise Refused(
                f"これは{kind}のファイルです。"
                "「名前を付けて保存」で「CSV UTF-8」を選び、保存し直してください。"
            )


def decode(data: bytes) -> tuple[str, str]:
    """Decode by byte-order mark, else as strict UTF-8, else as strict cp932; return text and encoding."""
    for bom, encoding in BOMS:
        if data.startswith(bom):
            candidates = [encoding]
            break
    else:
        candidates = ["utf-8", "cp932"]
    for encoding in candidates:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            line = text[: text.index("\0")].count("\n") + 1
            raise Refused(
                f"{line}行目に文字ではないデータ(NUL)があります。ファイルが途中で壊れているようです。"
                "書き出しからやり直してください。"
            )
        return text, encoding
    raise Refused(
        "文字コードを判別できませんでした(UTF-8、Shift_JIS に対応)。"
        "Excelの「名前を付けて保存」で「CSV UTF-8」を選び、保存し直してください。"
    )


def check_lines(text: str) -> None:
    """Refuse overlong lines and far too many columns or rows, on the raw text."""
    lines = text.splitlines()
    if len(lines) > MAX_ROWS + 100:
        raise Refused(f"行数が {len(lines):,} あります。{MAX_ROWS:,} 行までに分けてください。")
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE:
            raise Refused(f"{number}行目が長すぎます(1行10KBまで)。区切りや改行が正しいか確認してください。")
        if max(line.count(d) for d in DELIMITERS) >= MAX_COLUMNS:
            raise Refused(
                f"{number}行目の列が多すぎます({MAX_COLUMNS}列まで)。必要な列だけを残してください。"
            )


def find_delimiter(text: str) -> str:
    """Choose the delimiter that cuts most of the first lines into the same number (over one) of fields."""
    sample = [line for line in text.splitlines()[:200] if line.strip()]
    scores: dict[str, tuple[float, int]] = {}
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter) if len(row) > 1)
        if widths:
            width, count = widths.most_common(1)[0]
            scores[delimiter] = (count / len(sample), width)
    if not scores:
        raise Refused(
            "列の区切りが見つかりません。カンマ、セミコロン、タブのどれかで区切られたCSVにしてください。"
        )
    return max(scores, key=lambda d: scores[d])


def parse(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Cut text into rows of cells with the line each began on.

    Raises:
        Refused: a quotation mark that was opened is never closed, or closed in the middle of a cell.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    begin = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise Refused(
            f'{begin}行目の引用符(")が正しく閉じられていません。ファイルが途中で切れていないか確認してください。'
        ) from error
    return rows, lines


def find_header(rows: list[list[str]]) -> int:
    """Return the position of the header: the first full row of words that numbers follow."""
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    for position, row in enumerate(rows[:50]):
        words = [normalize(cell) for cell in row]
        filled = [cell for cell in words if cell]
        if len(row) != width or len(filled) < 2 or any(is_number(cell) for cell in filled):
            continue
        following = [normalize(cell) for later in rows[position + 1 : position + 12] for cell in later]
        if any(is_number(cell) for cell in following):
            return position
    raise Refused("見出しの行が見つかりません。1行目に「時刻,心拍数,SpO2」のような列名を書いてください。")


def unit_row(row: list[str]) -> list[str]:
    """Return the units in ``row`` if it is a unit row below a header, else nothing."""
    cells = [normalize(cell).strip("()[] ") for cell in row]
    marks = re.compile(r"%|℃|°[CF]|mmhg|bpm|/分|回|秒|kg|mg/dl|kpa|cmh2o|sec|min", re.IGNORECASE)
    filled = [cell for cell in cells if cell]
    if filled and not any(is_number(c) for c in filled) and all(marks.search(c) for c in filled):
        return cells
    return []


def read_table(data: bytes) -> TextTable:
    """Read bytes as a table of text.

    Raises:
        Refused: with the reason and what to change.
    """
    guard(data)
    text, encoding = decode(data)
    check_lines(text)
    delimiter = find_delimiter(text)
    rows, lines = parse(text, delimiter)
    if not rows:
        raise Refused("ファイルに行がありません。データの入ったCSVを選んでください。")
    at = find_header(rows)
    header = [normalize(cell) or f"列{i + 1}" for i, cell in enumerate(rows[at])]
    body, body_lines = rows[at + 1 :], lines[at + 1 :]
    units = unit_row(body[0]) if body else []
    if units:
        body, body_lines = body[1:], body_lines[1:]
    if len(body) > MAX_ROWS:
        raise Refused(f"データが {len(body):,} 行あります。{MAX_ROWS:,} 行までに分けてください。")
    problems = [
        Problem(
            line=line,
            column=None,
            kind="width",
            message=f"列の数が {len(row)} で、見出し({len(header)}列)と合わないため使いません",
        )
        for row, line in zip(body, body_lines, strict=True)
        if len(row) != len(header)
    ]
    kept = [(row, line) for row, line in zip(body, body_lines, strict=True) if len(row) == len(header)]
    return TextTable(
        encoding=encoding,
        delimiter=delimiter,
        header_line=lines[at],
        header=header,
        units=units,
        rows=[row for row, _ in kept],
        lines=[line for _, line in kept],
        problems=problems,
    )
