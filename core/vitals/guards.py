"""What is refused before anything parses it: archives, giants, broken files."""

from __future__ import annotations

import codecs
import csv
import io

from core.vitals.choices import DELIMITERS
from core.vitals.problems import ImportRefused

MAX_BYTES = 5 * 2**20
MAX_ROWS = 100_000
MAX_COLUMNS = 64
MAX_LINE = 10 * 2**10
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ARCHIVES = (
    (b"PK\x03\x04", "Excelブック(.xlsx)やZIP"),
    (b"\xd0\xcf\x11\xe0", "古い形式のExcelブック(.xls)"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"%PDF", "PDF"),
    (b"PAR1", "Parquet"),
    (b"\x89PNG", "画像"),
    (b"\xff\xd8\xff", "画像"),
    (b"<!DOCTYPE", "Webページ"),
    (b"<html", "Webページ"),
    (b"<?xml", "XML"),
)


def guard(data: bytes) -> None:
    """Refuse what no CSV importer should open.

    Raises:
        ImportRefused: the file is empty, too large, or no text.
    """
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise ImportRefused("ファイルが空です。データの入ったCSVを選んでください。")
    if len(data) > MAX_BYTES:
        raise ImportRefused("ファイルが5MBを超えています。期間や列を減らして保存し直してください。")
    for magic, kind in ARCHIVES:
        if data.startswith(magic):
            raise ImportRefused(
                f"これは{kind}のファイルです。"
                "「名前を付けて保存」で「CSV UTF-8」を選び、保存し直してください。"
            )


def decode(data: bytes, chosen: str | None = None) -> tuple[str, str]:
    """Decode by byte-order mark, else as strict UTF-8, else as strict cp932; return text and encoding.

    Raises:
        ImportRefused: neither fits (or the chosen one does not), or there are NUL characters.
    """
    candidates = ["utf-8", "cp932"]
    for bom, encoding in BOMS:
        if data.startswith(bom):
            candidates = [encoding]
    if chosen is not None:
        candidates = [chosen.lower()]
    for encoding in candidates:
        try:
            text = data.decode(encoding)
        except UnicodeError:
            continue
        if "\0" in text:
            _refuse_nul(text)
        if text.startswith("\ufeff"):
            return text[1:], {"utf-8": "utf-8-sig"}.get(encoding, "utf-16")
        return text, encoding
    if chosen is not None:
        raise ImportRefused(
            f"文字コード {chosen} では読めない文字があります。"
            "別の文字コードを選ぶか、自動判定に戻してください。"
        )
    raise ImportRefused(
        "文字コードを判別できませんでした(UTF-8、Shift_JIS、BOM付きUTF-16 に対応)。"
        "Excelの「名前を付けて保存」で「CSV UTF-8」を選び、保存し直してください。"
    )


def _refuse_nul(text: str) -> None:
    """Say where the first NUL is, and whether a quotation mark is open as well."""
    if text.count("\0") > len(text) // 4:
        raise ImportRefused(
            "目印(BOM)のない UTF-16 か、文字でないデータのようです。文字コードに utf-16-le を選ぶか、"
            "「CSV UTF-8」で保存し直してください。"
        )
    line = sum(1 for _ in io.StringIO(text[: text.index("\0")] + "x", newline=""))
    words = f"{line}行目に文字ではないデータ(NUL)があります。"
    quote = open_quote(text.replace("\0", " "))
    if quote is not None:
        words += f'また、{quote}行目の引用符(")が正しく閉じられていません。'
    raise ImportRefused(f"{words}ファイルが途中で壊れているようです。書き出しからやり直してください。")


def open_quote(text: str) -> int | None:
    """Return the line on which a record with a broken quotation mark begins, if there is one."""
    delimiter = max(DELIMITERS, key=text.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    try:
        for _ in reader:
            begin = reader.line_num + 1
    except csv.Error:
        return begin
    return None


def check_lines(text: str) -> None:
    """Refuse overlong lines and far too many columns or rows, on the raw text.

    Raises:
        ImportRefused: with the line number.
    """
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if len(line) > MAX_LINE or (len(line) > MAX_LINE // 4 and len(line.encode()) > MAX_LINE + 2):
            raise ImportRefused(
                f"{number}行目が長すぎます(1行10KBまで)。区切りや改行が正しいか確認してください。"
            )
        if max(line.count(d) for d in DELIMITERS) > MAX_COLUMNS:
            raise ImportRefused(
                f"{number}行目の列が多すぎます({MAX_COLUMNS}列まで)。必要な列だけを残してください。"
            )
        if number > MAX_ROWS + 100:
            raise ImportRefused(f"行数が {MAX_ROWS:,} を超えています。期間で分けてください。")
