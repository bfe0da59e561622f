"""How to read a file otherwise: a form that holds all overrides, applied together by one button."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import streamlit as st

from core.vitals import Choices, Imported, ImportRefused
from core.vitals.choices import AS_IS, CLOCK, DELIMITERS, ENCODINGS, EVERY, IGNORE
from core.vitals.signals import KINDS
from pages.parts.vitals import upload_words as words
from pages.parts.vitals.taken import Refusal, Taken, same_table, without_columns
from pages.ui import text

AUTO = ""
_MEANINGS = {
    **{key: kind.label for key, kind in KINDS.items()},
    AS_IS: "そのまま使う",
    CLOCK: "時刻",
    IGNORE: "使わない",
}
_UNITS = ["回/分", "mmHg", "kPa", "%", "0-1", "℃", "℉", "mg/dL", "mmol/L"]
_CLOCKS = {
    "rows": "行の順番(時刻を使わない)",
    "iso": "2024-05-01T07:00:00+09:00",
    "%Y/%m/%d %H:%M": "2024/05/01 07:00",
    "%Y/%m/%d %H:%M:%S": "2024/05/01 07:00:00",
    "%m/%d/%Y %H:%M": "05/01/2024 07:00(月/日/年)",
    "%d/%m/%Y %H:%M": "01/05/2024 07:00(日/月/年)",
    "s": "経過した秒数",
    "min": "経過した分数",
    "h": "経過した時間数",
    "ms": "経過したミリ秒数",
    "h:m:s": "時:分:秒(日付なし)",
    "unix_s": "1970年からの秒数",
    "unix_ms": "1970年からのミリ秒数",
}
_GRIDS = [1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 900.0, 1800.0, 3600.0]
_LIMITS = [0.0, 5.0, 10.0, 30.0, 60.0, 180.0, 300.0, 900.0, 1800.0, 3600.0]
_KEEP = {"first": "先の行を使う", "last": "後の行を使う", "mean": "平均する"}
_DAILY = {AUTO: "しない", "朝": "朝(4〜12時)", "晩": "晩(17〜翌4時)", "1日": "1日の全部"}


@st.fragment
def panel(taken: Taken) -> None:
    """Show the overrides, folded. Nothing of them goes into the address: they name columns of the file."""
    folded = st.expander("読み方を変える", icon=":material/tune:", key="vitals_csv_change", on_change="rerun")
    if not folded.open:
        return
    with folded:
        name = f"{taken.file_id}_{taken.turn}"
        with st.form(f"vitals_csv_form_{name}", border=False):
            made = _form(taken, name)
            pressed = st.form_submit_button("この読み方で読み直す", icon=":material/refresh:", type="primary")
        if pressed:
            apply(taken, made)
            st.rerun()
        if taken.tried != Choices():
            st.button("すべて自動に戻す", key="vitals_csv_reset", on_click=_reset, args=(taken,))


def _reset(taken: Taken) -> None:
    taken.read(Choices(remove_personal=taken.tried.remove_personal))


def apply(taken: Taken, made: dict[str, Any]) -> None:
    """Read the file by what the form holds; what it does not hold stays as it was chosen before."""
    last = taken.tried
    try:
        missing = {name: values for name, values in last.missing.items() if name != EVERY}
        numbers = _numbers(made.pop("missing_everywhere"))
        chosen = replace(last, **made, missing=missing | ({EVERY: numbers} if numbers else {}))
    except ImportRefused as refused:
        taken.refusal = Refusal(kind="other", message=str(refused))
        return
    before = taken.imported.choices if taken.imported else last
    if not same_table(replace(before, patient=None, source=None), replace(chosen, patient=None, source=None)):
        chosen = without_columns(chosen)
    taken.read(chosen)


def _numbers(written: str) -> tuple[float, ...]:
    """Read numbers that stand for a missing reading.

    Raises:
        ImportRefused: something there is no number.
    """
    numbers = []
    for part in re.split(r"[,、,\s]+", written.strip()):
        if not part:
            continue
        try:
            number = float(part.replace("−", "-"))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ImportRefused("欠測とみなす値は、0, 255 のように数値をカンマで区切って書いてください。")
        numbers.append(number)
    return tuple(numbers)


def _pick(label: str, options: list[Any], value: Any, names: Any, key: str, help: str | None = None) -> Any:
    """Ask for one of ``options``; one that is chosen already is always among them."""
    if value not in options:
        options = [*options, value]
    return st.selectbox(
        label, options, options.index(value), format_func=names, key=f"vitals_csv_{key}", help=help
    )


def _form(taken: Taken, name: str) -> dict[str, Any]:
    """Draw all fields and return what they hold, as fields of ``Choices``."""
    now, imported = taken.tried, taken.imported
    made = _file(now, imported, name)
    if imported is not None:
        made |= _people(now, imported, name)
        made |= _columns(now, imported, name)
    made |= _clock(now, name)
    return made


def _file(now: Choices, imported: Imported | None, name: str) -> dict[str, Any]:
    st.markdown("**ファイルの形**")
    report = imported.report if imported else None
    known = words.ENCODINGS.get(report.encoding or "", "") if report else ""
    auto = f"自動({known})" if known and not now.encoding else "自動"
    left, middle, right = st.columns(3)
    with left:
        encoding = _pick(
            "文字コード",
            [AUTO, *ENCODINGS],
            now.encoding or AUTO,
            lambda v: words.ENCODINGS.get(v, v) if v else auto,
            f"encoding_{name}",
        )
    with middle:
        found = words.DELIMITERS.get(report.delimiter or "", "") if report else ""
        auto_delimiter = f"自動({found})" if found and not now.delimiter else "自動"
        delimiter = _pick(
            "区切り文字",
            [AUTO, *DELIMITERS],
            now.delimiter or AUTO,
            lambda v: words.DELIMITERS.get(v, auto_delimiter),
            f"delimiter_{name}",
        )
    with right:
        line = st.number_input(
            "見出しの行(0=なし)",
            0,
            1000,
            now.header_line,
            placeholder=f"自動({report.header_line})" if report else "自動",
            key=f"vitals_csv_header_{name}",
        )
    return {
        "encoding": encoding or None,
        "delimiter": delimiter or None,
        "header_line": None if line is None else int(line),
    }


def _people(now: Choices, imported: Imported, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if imported.patients > 1:
        options = [f"#{i + 1}" for i in range(imported.patients)]
        made["patient"] = _pick("患者さん", options, now.patient, str, f"patient_{name}")
    if imported.sources:
        labels = {option.value: f"{option.label}({option.rows:,} 行)" for option in imported.sources}
        chosen = _pick(
            "機器", [EVERY, *labels], now.source or EVERY, lambda v: labels.get(v, "すべて"), f"source_{name}"
        )
        made["source"] = None if chosen == EVERY else chosen
    return made


def _read_as(imported: Imported, header: str) -> str:
    """Say what the importer made of a column by itself."""
    columns = {column.source: column for column in imported.report.columns}
    if header in columns:
        key = columns[header].signal
        return _MEANINGS[key] if key else "そのまま使う"
    if f"{header}(上)" in columns:
        return "収縮期血圧と拡張期血圧"
    return "時刻" if header == imported.clock.column else "使わない"


def _columns(now: Choices, imported: Imported, name: str) -> dict[str, Any]:
    """Draw one line a column: what it means, and its unit if it is one of readings."""
    st.markdown("**列の意味と単位**")
    units = {column.source: column.unit for column in imported.report.columns}
    headers = sorted(imported.headers, key=lambda header: header not in units)
    mapping, chosen_units = {}, {}
    for number, header in enumerate(headers):
        auto = f"自動({_read_as(imported, header)})" if header not in now.mapping else "自動"
        left, right = st.columns([3, 2])
        with left:
            meaning = _pick(
                text.plain(header[:40]),
                [AUTO, *_MEANINGS],
                now.mapping.get(header, AUTO),
                lambda v, auto=auto: _MEANINGS.get(v, auto),
                f"meaning_{number}_{name}",
            )
        if meaning:
            mapping[header] = meaning
        if header not in units:
            continue
        auto_unit = f"自動({units[header] or 'なし'})" if header not in now.units else "自動"
        with right:
            unit = _pick(
                "単位",
                [AUTO, *_UNITS],
                now.units.get(header, AUTO),
                lambda v, auto=auto_unit: v or auto,
                f"unit_{number}_{name}",
            )
        if unit:
            chosen_units[header] = unit
    kept = {header: unit for header, unit in now.units.items() if header not in imported.headers}
    return {"mapping": mapping, "units": kept | chosen_units}


def _clock(now: Choices, name: str) -> dict[str, Any]:
    st.markdown("**時刻・間隔・欠測**")
    left, right = st.columns(2)
    with left:
        shown = now.clock_format if now.clock_format in _CLOCKS else AUTO
        clock = _pick(
            "時刻の書き方", [AUTO, *_CLOCKS], shown, lambda v: _CLOCKS.get(v, "自動"), f"clock_{name}"
        )
        grid = _pick(
            "並べる間隔",
            [AUTO, *_GRIDS],
            now.grid_s or AUTO,
            lambda v: f"{text.duration(v)}ごと" if v else "自動(測定のまま)",
            f"grid_{name}",
        )
        daily = _pick("1日1点にまとめる", list(_DAILY), now.daily, _DAILY.__getitem__, f"daily_{name}")
    with right:
        own = st.text_input(
            "時刻の書き方(自分で書く)",
            now.clock_format if now.clock_format and now.clock_format not in _CLOCKS else "",
            placeholder="例: %Y.%m.%d %H:%M",
            key=f"vitals_csv_own_clock_{name}",
            help="%Y=年、%m=月、%d=日、%H=時、%M=分、%S=秒。書くと、左の選択より優先します。",
        )
        limit = _pick(
            "補う抜けの上限",
            [AUTO, *_LIMITS],
            AUTO if now.limit_s is None else now.limit_s,
            lambda v: "自動" if v == AUTO else (f"{text.duration(v)}以内" if v else "補わない"),
            f"limit_{name}",
        )
        keep = _pick("同じ時刻の行", list(_KEEP), now.duplicates, _KEEP.__getitem__, f"keep_{name}")
        missing = st.text_input(
            "欠測とみなす値(全部の列)",
            ", ".join(f"{value:g}" for value in now.missing.get(EVERY, ())),
            placeholder="例: 0, 255",
            key=f"vitals_csv_missing_{name}",
        )
    convert = st.checkbox(
        "ふつうの単位に換算する(℉ → ℃、0〜1 → % など)", now.convert, key=f"vitals_csv_convert_{name}"
    )
    return {
        "clock_format": own.strip() or clock or None,
        "grid_s": grid or None,
        "limit_s": None if limit == AUTO else limit,
        "daily": daily,
        "duplicates": keep,
        "convert": convert,
        "missing_everywhere": missing,
    }
