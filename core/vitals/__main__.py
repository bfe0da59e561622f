"""Read a CSV and print what the importer makes of it: ``python -m core.vitals FILE [--json]``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from core.vitals.choices import CLOCK_FORMATS, ENCODINGS, Choices
from core.vitals.guards import MAX_BYTES
from core.vitals.importer import read
from core.vitals.problems import ImportRefused
from core.vitals.report import Report

_TABS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}


class _Parser(argparse.ArgumentParser):
    """Refuses wrong options as it refuses a file: in Japanese, with 2."""

    def error(self, message: str) -> NoReturn:
        raise ImportRefused(f"オプションを読めません({message})。--help で使い方を確かめてください。")


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m core.vitals", description="バイタルサインのCSVを読み、報告を表示します。"
    )
    add = parser.add_argument
    add("file", metavar="FILE", help="CSVファイル")
    add("--json", action="store_true", help="JSONで表示する")
    add("--encoding", metavar="NAME", help="文字コード: " + ", ".join(ENCODINGS))
    add("--delimiter", metavar="CHAR", help="区切り文字: , ; tab")
    add("--header-line", type=int, metavar="N", help="見出しの行(0 は見出しなし)")
    add("--map", action="append", default=[], metavar="列=信号", help="HR, SBP, …, as_is, ignore, clock")
    add("--unit", action="append", default=[], metavar="列=単位", help="数値が書かれている単位")
    add("--missing", action="append", default=[], metavar="列=値,値", help="欠測とみなす値(列は * で全部)")
    add("--patient", metavar="#N", help="患者(#1 は最初に出てくる人)")
    add("--source", metavar="#N", help="機器(#1 はいちばん行の多いもの、* は全部)")
    add("--clock-format", metavar="FORMAT", help="時刻の書き方: " + ", ".join(CLOCK_FORMATS) + " か strptime")
    add("--grid", type=float, metavar="秒", help="この間隔に並べる")
    add("--limit", type=float, metavar="秒", help="これ以内の抜けだけを補う")
    add("--daily", default="", metavar="朝|晩|1日", help="1日1点の平均にする")
    add("--duplicates", default="first", metavar="first|last|mean", help="同じ時刻の行の扱い")
    add("--convert", action="store_true", help="0-1、℉、kPa、mmol/L をふつうの単位に換算する")
    add("--remove-personal", action="store_true", help="個人を特定できる列を取り除いて読む")
    return parser


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, sign, value = text.rpartition("=")
        if not sign:
            raise ImportRefused("「列=値」の形で指定してください。")
        pairs[name] = value
    return pairs


def _choices(options: argparse.Namespace) -> Choices:
    try:
        missing = {
            name: tuple(float(value) for value in values.split(","))
            for name, values in _pairs(options.missing).items()
        }
    except ValueError:
        raise ImportRefused("欠測とみなす値は数値で指定してください。") from None
    return Choices(
        encoding=options.encoding,
        delimiter=_TABS.get(options.delimiter, options.delimiter),
        header_line=options.header_line,
        mapping=_pairs(options.map),
        units=_pairs(options.unit),
        missing=missing,
        patient=options.patient,
        source=options.source,
        clock_format=options.clock_format,
        grid_s=options.grid,
        limit_s=options.limit,
        daily=options.daily,
        duplicates=options.duplicates,
        convert=options.convert,
        remove_personal=options.remove_personal,
    )


def _bytes(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)  # one byte over the limit is enough to be refused
    except (OSError, ValueError):
        raise ImportRefused(
            "ファイルを開けません。場所と名前が正しいか、読む権限があるか確認してください。"
        ) from None


def main(arguments: list[str]) -> int:
    """Print the report; return 0 if the file was read and 2 if it was refused."""
    as_json = "--json" in arguments
    try:
        options = _parser().parse_args(arguments)
        report = read(_bytes(options.file), options.file, _choices(options)).report
    except ImportRefused as refusal:
        report = Report(refused=str(refusal))
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, allow_nan=False))
    else:
        print(report.to_text(), file=sys.stderr if report.refused else sys.stdout)
    return 2 if report.refused else 0


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        ended = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the report has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        ended = 0
    sys.exit(ended)
