"""Charts of the marker study: all 200 weights, and what is found over λ."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st

from core.marker_study import (
    ELASTIC,
    L1,
    MARKERS,
    NONE,
    REAL,
    REPEATS,
    STRENGTHS,
    Study,
    StudySpec,
    correlations,
)
from pages.ui import charts, player

NAMES = ("なし", "L2", "L1", "L1+L2")
KINDS = ("本物", "役に立たない")
KIND_COLOURS = ("#D55E00", "#2D8BD0")
SPARSE = ("L1", "L1+L2")
SPARSE_COLOURS = ("#D55E00", "#009E73")
HEIGHTS = (0.3, 0.5, 0.8, 1.2, 2.0, 4.0, 10.0, 40.0, 1000.0)
WEIGHT, COUNT = range(2)
GREY = charts.COLOURS["実測値"]
IS_REAL = np.isin(np.arange(MARKERS), REAL)


@lru_cache(maxsize=64)
def _weights_spec(half: float, first: int, still: bool) -> charts.Spec:
    if still:
        step = alt.param(name="step", value=0)
    else:
        slider = alt.binding_range(min=0, max=len(STRENGTHS) - 1, step=1, name="λ の番号 ")
        step = alt.param(name="step", value=first, bind=slider)
    base = alt.Chart(alt.NamedData("rows")).transform_filter("datum.step == step")
    x = alt.X(
        "x:Q",
        title=f"マーカーの番号(1〜{MARKERS})",
        scale=alt.Scale(domain=[0, MARKERS + 1], nice=False),
        axis=alt.Axis(values=[1, 50, 100, 150, 200], grid=False),
    )
    y = alt.Y("y:Q", title="重み", scale=alt.Scale(domain=[-half, half], nice=False))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=KINDS, range=KIND_COLOURS),
        legend=alt.Legend(orient="top", title=None),
    )
    hover = [
        alt.Tooltip("x:Q", title="マーカー"),
        alt.Tooltip("name:N", title="正体"),
        alt.Tooltip("y:Q", title="重み", format=".4f"),
    ]
    weights = base.transform_filter(f"datum.kind == {WEIGHT}")
    alive = weights.transform_filter("datum.y != 0")
    stems = alive.mark_rule(strokeWidth=1.6, clip=True).encode(x=x, y=y, y2=alt.datum(0), color=colour)
    heads = alive.mark_circle(opacity=1, clip=True).encode(
        x=x,
        y=y,
        color=colour,
        size=alt.condition("datum.name == '本物'", alt.value(60), alt.value(14)),
        tooltip=hover,
    )
    missed = (
        weights.transform_filter("datum.y == 0 && datum.name == '本物'")
        .mark_point(size=60, strokeWidth=2, color=KIND_COLOURS[0])
        .encode(x=x, y=y, tooltip=hover)
    )
    told = base.transform_filter(f"datum.kind == {COUNT}").transform_calculate(
        said=("'λ = ' + format(datum.y, '.2~g') + '、'" if not still else "''")
        + " + '本物 ' + datum.found + ' / 10、余計 ' + datum.wrong"
        + f" + '、ちょうど 0 は ' + ({MARKERS} - datum.found - datum.wrong)"
    )
    said = told.mark_text(align="right", baseline="top", fontSize=12, fontWeight="bold", color=GREY).encode(
        x=alt.value("width"), y=alt.value(3), text="said:N"
    )
    return charts.finish(alt.layer(stems, heads, missed, said).add_params(step), 300)


def _weight_rows(found: Study, kind: int, places: range) -> pa.Table:
    """Return the weights at every λ of ``places``, and how many real and useless ones are left."""
    count = len(places)
    step = np.repeat(np.arange(count, dtype=np.int16), MARKERS)
    blank = np.zeros(count * MARKERS, dtype=np.int16)
    shown = charts.rows(
        np.where(IS_REAL, KINDS[0], KINDS[1]).tolist() * count,
        x=np.tile(np.arange(1, MARKERS + 1, dtype=np.int16), count),
        y=found.weights[kind, places.start : places.stop].reshape(-1),
        step=step,
        kind=np.full(len(step), WEIGHT, dtype=np.int8),
        found=blank,
        wrong=blank,
    )
    told = charts.rows(
        KINDS[0],
        x=np.zeros(count, dtype=np.int16),
        y=STRENGTHS[places.start : places.stop].astype(np.float32),
        step=np.arange(count, dtype=np.int16),
        kind=np.full(count, COUNT, dtype=np.int8),
        found=found.found[kind, 0, places.start : places.stop].astype(np.int16),
        wrong=found.wrong[kind, 0, places.start : places.stop].astype(np.int16),
    )
    return pa.concat_tables([shown, told])


def show_weights(found: Study, kind: int, place: int) -> None:
    """Draw all 200 weights under one penalty, from the λ of ``place`` on to be moved in the browser."""
    largest = float(np.abs(found.weights[kind]).max())
    half = next((height for height in HEIGHTS if height >= largest), HEIGHTS[-1])
    alt_text = (
        f"罰「{NAMES[kind]}」での {MARKERS} 個の重み。本物 {found.found[kind, 0, place]} 個と"
        f"役に立たないもの {found.wrong[kind, 0, place]} 個が 0 でない。"
    )
    _draw_weights(found, kind, place, half, alt_text)
    st.caption("大きな点が本物、小さな点が役に立たないマーカー、○ は 0 にされてしまった本物です。")


def _draw_weights(found: Study, kind: int, place: int, half: float, alt_text: str) -> None:
    if kind == NONE:
        charts.draw(_weights_spec(half, 0, True), _weight_rows(found, kind, range(1)), alt_text)
        return
    player.play(
        _weights_spec(half, place, False),
        _weight_rows(found, kind, range(len(STRENGTHS))),
        steps=len(STRENGTHS) - 1,
        key=f"rg_s_weights/{kind}/{place}",
        alt_text=alt_text,
        label="λ",
        speed=3,
    )


@lru_cache(maxsize=1)
def _correlations_spec() -> charts.Spec:
    x = alt.X(
        "x:Q",
        title=f"マーカーの番号(1〜{MARKERS})",
        scale=alt.Scale(domain=[0, MARKERS + 1], nice=False),
        axis=alt.Axis(values=[1, 50, 100, 150, 200], grid=False),
    )
    y = alt.Y("y:Q", title="重症度スコアとの相関", scale=alt.Scale(domain=[-0.8, 0.8], nice=False))
    base = alt.Chart(alt.NamedData("rows")).encode(x=x, y=y)
    stems = base.mark_rule(strokeWidth=1.6, color=GREY, clip=True).encode(y2=alt.datum(0))
    hover = [alt.Tooltip("x:Q", title="マーカー"), alt.Tooltip("y:Q", title="相関", format=".3f")]
    heads = base.mark_circle(size=16, opacity=1, color=GREY, clip=True).encode(tooltip=hover)
    return charts.finish(stems + heads, 300)


def show_correlations(spec: StudySpec) -> None:
    """Draw how each marker goes with the score, without telling which ones are real."""
    rows = charts.rows("相関", x=np.arange(1, MARKERS + 1), y=correlations(spec))
    charts.draw(
        _correlations_spec(),
        rows,
        f"{MARKERS} 個のマーカーと重症度スコアとの相関(学習用の {spec.patients} 人)。",
    )


@lru_cache(maxsize=4)
def _bands_spec(title: str, top: float | None) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "x:Q",
        title="λ(対数目盛)",
        scale=alt.Scale(type="log", domain=[float(STRENGTHS[0]), float(STRENGTHS[-1])], nice=False),
        axis=alt.Axis(values=[0.05, 0.1, 0.2, 0.5, 1, 2], format="~g"),
    )
    scale = alt.Scale(zero=True) if top is None else alt.Scale(domain=[0, top])
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=SPARSE, range=SPARSE_COLOURS),
        legend=alt.Legend(orient="top", title=None, symbolOpacity=1),
    )
    lines = base.transform_filter("datum.kind == 0").encode(x=x, color=colour)
    band = lines.mark_area(opacity=0.2, clip=True).encode(
        y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"
    )
    middle = lines.mark_line(strokeWidth=2, clip=True).encode(
        y=alt.Y("y:Q", title=title, scale=scale),
        tooltip=[
            alt.Tooltip("name:N", title="罰"),
            alt.Tooltip("x:Q", title="λ", format=".2g"),
            alt.Tooltip("y:Q", title=title, format=".3~g"),
        ],
    )
    rule = base.transform_filter("datum.kind == 1").mark_rule(color=GREY, strokeDash=[4, 3]).encode(x=x)
    return charts.finish(alt.layer(band, middle, rule), 200)


def _bands(values: npt.NDArray[np.generic], strength: float) -> pa.Table:
    """Return median, lowest and highest over the repetitions of (penalties, repeats, strengths)."""
    tables = []
    for name, kind in zip(SPARSE, (L1, ELASTIC), strict=True):
        of_kind = values[kind].astype(np.float64)
        tables.append(
            charts.rows(
                name,
                x=STRENGTHS,
                y=np.median(of_kind, axis=0),
                low=of_kind.min(axis=0),
                high=of_kind.max(axis=0),
                kind=np.zeros(len(STRENGTHS), dtype=np.int8),
            )
        )
    nothing = np.zeros(1)
    tables.append(
        charts.rows(
            SPARSE[0], x=[strength], y=nothing, low=nothing, high=nothing, kind=np.ones(1, dtype=np.int8)
        )
    )
    return pa.concat_tables(tables)


def show_found(found: Study, strength: float) -> None:
    """Draw how many real markers are found over λ."""
    charts.draw(
        _bands_spec("見つけた本物(個)", 10),
        _bands(found.found, strength),
        f"λ に対する、見つけた本物の数。{REPEATS} 回の中央値と幅。",
    )


def show_wrong(found: Study, strength: float) -> None:
    """Draw how many useless markers are left over λ."""
    charts.draw(
        _bands_spec("余計なマーカー(個)", None),
        _bands(found.wrong, strength),
        f"λ に対する、余計なマーカーの数。{REPEATS} 回の中央値と幅。",
    )


def show_losses(found: Study, strength: float) -> None:
    """Draw the validation loss over λ."""
    charts.draw(
        _bands_spec("検証損失(MSE)", None),
        _bands(found.validation, strength),
        f"λ に対する検証損失。{REPEATS} 回の中央値と幅。",
    )
