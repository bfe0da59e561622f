"""How the reading of a file is put into words: its encoding, its clock, its signals."""

from __future__ import annotations

from core.vitals import Imported
from core.vitals.report import span
from pages.ui import text

DELIMITERS = {",": "カンマ", ";": "セミコロン", "\t": "タブ"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8(BOM付き)",
    "cp932": "Shift_JIS(cp932)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16LE",
    "utf-16-be": "UTF-16BE",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP(JIS)",
}
_SHAPES = {"long": "1行に1項目の表を、項目ごとの列に並べ替え", "wide": "朝・晩の列を、1行1回の測定に並べ替え"}


def headline(imported: Imported) -> str:
    """Say in one sentence how many rows were read, and how."""
    report = imported.report
    encoding = ENCODINGS.get(report.encoding or "", report.encoding)
    header = f"見出しは {report.header_line} 行目" if report.header_line else "見出しなし"
    delimiter = DELIMITERS.get(report.delimiter or "", "")
    how = f"{encoding}、{delimiter}区切り、{header}、{rhythm(imported)}"
    return f"{report.rows.kept:,} 行を読み込みました({how})。"


def rhythm(imported: Imported) -> str:
    """Say how far apart the points are."""
    clock = imported.clock
    if clock.kind == "rows":
        return "時刻なし"
    if imported.choices.daily:
        name = "1日" if imported.choices.daily == "1日" else imported.choices.daily
        return f"1日1点({name}の平均)"
    if clock.regular:
        return f"{text.duration(clock.interval_s)}ごと"
    return f"間隔は不規則で中央値は{text.duration(clock.interval_s)}"


def period(imported: Imported) -> str:
    """Say from when to when the readings reach, and in which time zone."""
    clock = imported.report.clock
    assert clock is not None
    if clock.kind == "rows":
        return f"時刻の列がないため、{len(imported.clock.times):,} 行を順番に並べます"
    if clock.kind == "elapsed":
        start, end = float(clock.start), float(clock.end)
        return f"経過 {_plain(start)} 〜 {_plain(end)}(全体で {span(end - start)})"
    zone = "日本時間" if imported.clock.zoned else "時差の記載なし。書かれた時刻のまま"
    start_day, start_time = _stamp(str(clock.start))
    end_day, end_time = _stamp(str(clock.end))
    if imported.choices.daily:
        return f"{start_day} 〜 {end_day}"
    end_text = end_time if start_day == end_day else f"{end_day} {end_time}"
    return f"{start_day} {start_time} 〜 {end_text}({zone})"


def _plain(seconds: float) -> str:
    return f"{seconds:,g}秒"


def _stamp(iso: str) -> tuple[str, str]:
    day, time = iso.removesuffix("+09:00").split("T")
    time = time.split(".")[0]
    return day.replace("-", "/"), time.removesuffix(":00") if time.count(":") == 2 else time


def signals(imported: Imported, most: int = 8) -> str:
    """Name the signals with their units."""
    named = [f"{s.name}({s.unit})" if s.unit else s.name for s in imported.signals]
    more = f" ほか {len(named) - most} 列" if len(named) > most else ""
    return text.plain("、".join(named[:most])) + more


def counts(imported: Imported) -> str:
    """Count what the reader should know of: gaps, missing and filled points, flags, unused rows."""
    found = {
        "記録の抜け": (max(0, len(imported.clock.segments) - 1), "か所"),
        "欠測": (sum(s.missing for s in imported.signals), "個"),
        "補った値": (sum(s.filled for s in imported.signals), "個"),
        "要確認の値": (sum(s.flagged for s in imported.signals), "個"),
        "使わなかった行": (imported.report.rows.dropped, "行"),
    }
    told = [f"{name} {count:,} {unit}" for name, (count, unit) in found.items() if count]
    return "、".join(told) or "抜けも欠測もありません"


def shape(imported: Imported) -> str:
    """Say how the table was turned, if it was."""
    return _SHAPES.get(imported.shape, "")
