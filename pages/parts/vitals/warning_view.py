"""What the charts of the experiment on early warning share, and the one of the reader's patient."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st

from core import panel
from core.early_warning_specs import PER_HOUR, SIGNALS, UNITS, WarningSpec
from core.warning_rules import RANGES
from pages.ui import charts

LABEL = "学習用の模擬データです。実際の警報・診断・監視には使えません。"
NAMES = ("ネットワーク", "直前の値", "ふだんの平均")
RANGE = "範囲の外"
GREY = charts.COLOURS["実測値"]
COLOURS = (charts.COLOURS["予測(モデル)"], charts.COLOURS["直前の値"], charts.COLOURS["テスト"], "#2D8BD0")
CASES = ("悪化する", "悪化しない双子")
HOURS = "観察開始からの時間(時間)"
LINE, RULE, NOTE = range(3)
MOST_FALSE = 12.0  # half-hours a day drawn; more is unbearable anyhow
Array = npt.NDArray[np.float64]


def label() -> None:
    """Say on the stage what this is not for."""
    st.warning(f"**{LABEL}**", icon=":material/school:")


def hours(points: npt.NDArray[np.int64]) -> Array:
    """Return when readings were taken, in hours."""
    return points / PER_HOUR


def hour_axis(end: int, start: float = 0.0) -> alt.X:
    """Return the axis of time, in hours since the simulation began."""
    return alt.X("x:Q", title=HOURS, scale=alt.Scale(domain=[start, end], nice=False))


def colour(names: Sequence[str], colours: Sequence[str], columns: int = 2) -> alt.Color:
    """Return the colours of the names, with their legend on top."""
    return alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=colours),
        legend=alt.Legend(orient="top", title=None, labelLimit=220, columns=columns),
    )


def row_axis(names: Sequence[str]) -> alt.Y:
    """Return an axis with a row for each name."""
    axis = alt.Axis(labelLimit=130, labelOverlap=False)
    return alt.Y("name:N", title=None, sort=names, scale=alt.Scale(domain=names), axis=axis)


def moment(base: alt.Chart, said: str) -> tuple[alt.Chart, alt.Chart]:
    """Draw the moment of a note as an upright rule, with its words at the top."""
    note = base.transform_filter(f"datum.kind == {NOTE}")
    rule = note.mark_rule(color="#D55E00", strokeWidth=2, strokeDash=[6, 3]).encode(x="x:Q")
    words = note.mark_text(align="left", dx=4, baseline="top", fontSize=12, color="#D55E00").encode(
        x="x:Q", y=alt.value(2), text=alt.value(said)
    )
    return rule, words


def stamp(base: alt.Chart) -> alt.Chart:
    """Write on the picture itself what it is, for those who see it elsewhere."""
    written: alt.Chart = (
        base.transform_aggregate(rows="count()")
        .mark_text(align="right", baseline="bottom", fontSize=11, color=GREY)
        .encode(x=alt.value("width"), y=alt.value("height"), text=alt.value("学習用の模擬データ"))
    )
    return written


@lru_cache(maxsize=16)
def _patient_spec(signal: str, unit: str, end: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    scale = alt.Scale(domain=CASES, range=["#2D8BD0", GREY])
    lines = (
        base.transform_filter(f"datum.kind == {LINE}")
        .mark_line(strokeWidth=1.5)
        .encode(
            x=hour_axis(end),
            y=alt.Y("y:Q", title=f"{signal}({unit})", scale=alt.Scale(zero=False)),
            color=alt.Color("name:N", scale=scale, legend=alt.Legend(orient="top", title=None)),
            tooltip=[
                alt.Tooltip("x:Q", title="時間", format=".1f"),
                alt.Tooltip("y:Q", title=signal),
                alt.Tooltip("name:N", title="患者"),
            ],
        )
    )
    watching = base.transform_filter(f"datum.kind == {RULE}")
    begin = watching.mark_rule(color=GREY, strokeDash=[2, 3]).encode(x="x:Q")
    said = watching.mark_text(align="right", dx=-4, baseline="top", fontSize=12, color=GREY).encode(
        x="x:Q", y=alt.value(2), text=alt.value("ここから見守る")
    )
    return charts.finish(alt.layer(lines, begin, said, *moment(base, "悪化の始まり"), stamp(base)), 230)


def points(name: str, kind: int, x: npt.ArrayLike, y: npt.ArrayLike) -> pa.Table:
    """Make chart rows (x, y) of a name; ``kind`` is ``LINE``, ``RULE`` or ``NOTE``."""
    at = np.asarray(x, dtype=np.float32).reshape(-1)
    return charts.rows(
        name,
        x=at,
        y=np.asarray(y, dtype=np.float32).reshape(-1),
        kind=np.full(len(at), kind, dtype=np.int8),
    )


@lru_cache(maxsize=64)
def _patient_rows(spec: WarningSpec, signal: str) -> tuple[pa.Table, tuple[float, float]]:
    pieces, ends = [], []
    for name, worse in reversed(list(zip(CASES, (True, False), strict=True))):
        values = panel.load(spec.patient(spec.seed, worse)).columns((signal,))[:, 0]
        pieces.append(points(name, LINE, hours(np.arange(len(values))), values))
        ends.append(float(np.nanmean(values[-PER_HOUR:])))
    pieces.append(points(CASES[0], RULE, [spec.cut.test.start / PER_HOUR], [np.nan]))
    pieces.append(points(CASES[0], NOTE, [spec.onset / PER_HOUR], [np.nan]))
    return pa.concat_tables(pieces), (ends[1], ends[0])


def show_patient(spec: WarningSpec, signal: str) -> None:
    """Draw the readings of the reader's patient and of the twin, and when the illness begins."""
    unit = UNITS[SIGNALS.index(signal)]
    rows, (worse, well) = _patient_rows(spec, signal)
    charts.draw(
        _patient_spec(signal, unit, spec.hours),
        rows,
        f"模擬患者の{signal}。最後の1時間の平均は、悪化する場合 {worse:.1f} {unit}、"
        f"悪化しない双子 {well:.1f} {unit}。悪化の始まりは {spec.onset / PER_HOUR:.1f} 時間。{LABEL}",
    )
    st.caption(
        "同じ乱数で「悪化する」場合と「悪化しない」場合を1回ずつ作った、双子の模擬患者です。"
        "悪化は少しずつ進みます。"
        f"全体の1割まで進んだ {spec.onset / PER_HOUR:.1f} 時間を「悪化の始まり」とします。"
    )


def limits(name: str) -> str:
    """Write the ranges of ``RANGES`` in the reader's words."""
    told = []
    for signal, unit, (low, high) in zip(SIGNALS, UNITS, RANGES[name], strict=True):
        upper = f"〜{high:g}" if np.isfinite(high) else " 以上"
        told.append(f"{signal} {low:g}{upper} {unit}")
    return "、".join(told)
