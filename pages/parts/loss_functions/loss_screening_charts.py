"""Charts of screenings: confusion matrices beside one another, ROC curves, runs that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import classification
from core.classification import Confusion, Roc
from core.specs import LOSSES_OF_CLASSES
from pages.ui import charts, compare, text

NAMES = tuple(text.LOSS_LABELS[name] for name in LOSSES_OF_CLASSES)
FOUND, SPARED = "感度 {}", "特異度 {}"
CELLS = ("真陽性", "偽陰性(見逃し)", "偽陽性", "真陰性")
CELL_COLOURS = ("#009E73", "#D55E00", "#E69F00", "#8A8F94")
CURVE, POINT, CHANCE = range(3)


@lru_cache(maxsize=2)
def _matrix_spec(names: tuple[str, ...]) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).transform_calculate(
        cell=f"{list(CELLS)}[datum.place]", part="format(datum.share, '.0%')"
    )
    x = alt.X(
        "name:N",
        title=None,
        sort=list(names),
        scale=alt.Scale(paddingInner=0.06, paddingOuter=0.02),
        axis=alt.Axis(orient="top", labelAngle=0, labelFontSize=12, labelLimit=0, ticks=False, domain=False),
    )
    offset = alt.XOffset("answer:N", scale=alt.Scale(paddingInner=0.04))
    y = alt.Y(
        "healthy:O",
        title=None,
        scale=alt.Scale(paddingInner=0.05),
        axis=alt.Axis(
            labelExpr="datum.value == 0 ? '敗血症' : ['敗血症', 'でない']", ticks=False, domain=False
        ),
    )
    colour = alt.Color("cell:N", scale=alt.Scale(domain=CELLS, range=CELL_COLOURS), legend=None)
    hover = [
        alt.Tooltip("name:N", title="損失関数"),
        alt.Tooltip("cell:N", title="判定"),
        alt.Tooltip("count:Q", title="人数"),
        alt.Tooltip("share:Q", title="行のなかの割合", format=".1%"),
    ]
    shade = alt.Scale(domain=[0, 1], range=[0.12, 0.6])
    tile = base.mark_rect(cornerRadius=3).encode(
        x=x,
        xOffset=offset,
        y=y,
        color=colour,
        fillOpacity=alt.FillOpacity("share:Q", scale=shade, legend=None),
        tooltip=hover,
    )
    place = {"x": x, "xOffset": offset, "y": y}
    small = (
        base.mark_text(fontSize=10, dy=-24, opacity=0.85)
        .encode(**place, text=alt.Text("short:N"))
        .transform_calculate(short="['真陽性','偽陰性','偽陽性','真陰性'][datum.place]")
    )
    count = base.mark_text(fontSize=17, fontWeight="bold", dy=-4).encode(**place, text="count:Q")
    share = base.mark_text(fontSize=11, dy=16).encode(**place, text="part:N")
    paper = base.mark_rect(cornerRadius=3, color="#FFFFFF").encode(**place)  # dark text reads on it
    return charts.finish(alt.layer(paper, tile, small, count, share), 190)


def show_matrices(found: dict[str, Confusion], threshold: float) -> None:
    """Draw the confusion matrices beside one another: rows are the truth, columns the answer."""
    rows = []
    for name, c in found.items():
        counts = np.array([c.true_positive, c.false_negative, c.false_positive, c.true_negative])
        rows.append(
            charts.rows(
                name,
                place=np.arange(4),
                count=counts,
                share=counts / np.maximum([c.ill, c.ill, c.healthy, c.healthy], 1),
                answer=np.array([0, 1, 0, 1]),
                healthy=np.array([0, 0, 1, 1]),
            )
        )
    told = "。".join(
        f"{name}: 真陽性 {c.true_positive}、偽陽性 {c.false_positive}" for name, c in found.items()
    )
    charts.draw(
        _matrix_spec(tuple(found)),
        pa.concat_tables(rows),
        f"しきい値 {threshold:.2f} での混同行列。{told}。",
    )
    st.caption(
        "損失ごとに、左の列が陽性、右の列が陰性と判定した人数です。"
        "% は、上段では敗血症の人、下段ではそうでない人に占める割合です。"
    )


@lru_cache(maxsize=2)
def _roc_spec(names: tuple[str, ...]) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    unit = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("x:Q", title="偽陽性率(1 − 特異度)", scale=unit, axis=alt.Axis(format="%", tickCount=5))
    y = alt.Y("y:Q", title="感度", scale=unit, axis=alt.Axis(format="%", tickCount=5))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=[charts.LOSS_COLOURS[name] for name in names]),
        legend=alt.Legend(orient="top", title=None, columns=3),
    )
    chance = base.transform_filter(f"datum.kind == {CHANCE}").mark_line(
        color=charts.COLOURS["実測値"], strokeDash=[3, 4], strokeWidth=1
    )
    lines = base.transform_filter(f"datum.kind == {CURVE}").mark_line(strokeWidth=2, opacity=0.8)
    dots = base.transform_filter(f"datum.kind == {POINT}").mark_point(size=150, filled=True, opacity=1)
    hover = [
        alt.Tooltip("name:N", title="損失関数"),
        alt.Tooltip("y:Q", title="感度", format=".1%"),
        alt.Tooltip("x:Q", title="偽陽性率", format=".1%"),
    ]
    return charts.finish(
        alt.layer(
            chance.encode(x=x, y=y),
            lines.encode(x=x, y=y, color=colour, order="place:Q"),
            dots.encode(x=x, y=y, color=colour, tooltip=hover),
        ),
        260,
    )


def show_roc(curves: dict[str, Roc], found: dict[str, Confusion]) -> None:
    """Draw ROC curves with the point at which each loss works now."""
    rows = [_roc_rows(NAMES[0], CHANCE, np.array([0.0, 1.0]), np.array([0.0, 1.0]))]
    for name, roc in curves.items():
        kept = classification.corners(roc)
        rows.append(_roc_rows(name, CURVE, roc.false_alarms[kept], roc.sensitivity[kept]))
        here = found[name]
        rows.append(_roc_rows(name, POINT, np.array([1 - here.specificity]), np.array([here.sensitivity])))
    areas = "、".join(f"{name} {roc.area:.3f}" for name, roc in curves.items())
    charts.draw(_roc_spec(NAMES), pa.concat_tables(rows), f"ROC曲線。AUC は {areas}。")


def _roc_rows(name: str, kind: int, x: classification.Array, y: classification.Array) -> pa.Table:
    return charts.rows(name, x=x, y=y, kind=np.full(len(x), kind), place=np.arange(len(x)))


@lru_cache(maxsize=1)
def _pins_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    unit = alt.Scale(domain=[0, 1])
    x = alt.X("x:Q", title="偽陽性率(1 − 特異度)", scale=unit, axis=alt.Axis(format="%"))
    y = alt.Y("y:Q", title="感度(しきい値 0.5)", scale=unit, axis=alt.Axis(format="%"))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=NAMES, range=[charts.LOSS_COLOURS[name] for name in NAMES]),
        legend=alt.Legend(orient="top", title=None),
    )
    dots = base.mark_point(size=110, filled=True).encode(x=x, y=y, color=colour)
    labels = base.mark_text(dx=12, fontSize=12).encode(x=x, y=y, text="number:Q", color=colour)
    return charts.finish(alt.layer(dots, labels), 260)


def show_pins(kept: Sequence[compare.Pin]) -> None:
    """Draw where the networks of pinned runs work at the threshold 0.5; numbers are those of the table."""
    number = np.array([int(pin.name.split(":")[0]) for pin in kept])
    rows = []
    for name in NAMES:
        found, spared = (
            np.array([float(pin.results[key.format(name)] or 0) for pin in kept]) for key in (FOUND, SPARED)
        )
        rows.append(charts.rows(name, x=1 - spared, y=found, number=number))
    charts.draw(_pins_spec(), pa.concat_tables(rows), "比較に残した学習の、しきい値 0.5 での感度と偽陽性率。")
