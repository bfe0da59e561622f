"""Charts of the race of five: the fitted curves, and the gap between training and validation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import tables
from core.curve_axis import curve_inputs
from core.history import Frame, Row
from core.specs import TableSpec
from pages.parts.regularization.penalties_plan import BY_NAME, COLOURS, GREY, NAMES, Study
from pages.parts.regularization.penalties_ridges import last_step
from pages.ui import charts, player
from pages.ui.side_by_side import Array

SEEN, TRUTH, CURVE, EPOCH = range(4)


@lru_cache(maxsize=8)
def _fits_spec(name: str, steps: int) -> charts.Spec:
    study = BY_NAME[name]
    step = last_step(steps)
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("x:Q", title=study.x_title, scale=alt.Scale(domain=study.x, nice=False))
    y = alt.Y("y:Q", title=study.y_title, scale=alt.Scale(domain=study.y, nice=False))
    hover = [
        alt.Tooltip("x:Q", title=study.x_title, format=".1f"),
        alt.Tooltip("y:Q", title=study.y_title, format=".1f"),
    ]
    seen = base.transform_filter(f"datum.kind == {SEEN}").mark_circle(size=45, opacity=0.9, color=GREY)
    truth = base.transform_filter(f"datum.kind == {TRUTH}").mark_line(
        color=GREY, strokeDash=[5, 4], strokeWidth=1.5
    )
    curve = base.transform_filter(f"datum.kind == {CURVE} && datum.step == step").mark_line(
        strokeWidth=2.2, clip=True
    )
    said = (
        base.transform_filter(f"datum.kind == {EPOCH} && datum.step == step")
        .transform_calculate(said="format(datum.x, 'd') + ' エポック'")
        .mark_text(align="right", baseline="top", fontSize=14, fontWeight="bold", color=GREY)
        .encode(x=alt.value("width"), y=alt.value(4), text="said:N")
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=NAMES, range=COLOURS),
        legend=alt.Legend(orient="top", title=None, columns=3, symbolType="stroke"),
    )
    chart = alt.layer(
        truth.encode(x=x, y=y),
        curve.encode(x=x, y=y, color=colour),
        seen.encode(x=x, y=y, tooltip=hover),
        said,
    )
    return charts.finish(chart.add_params(step), 290)


def _rows(name: str, kind: int, x: Array, y: Array, step: int = 0) -> pa.Table:
    return charts.rows(
        name,
        x=np.asarray(x, dtype=np.float32),
        y=np.asarray(y, dtype=np.float32),
        kind=np.full(len(x), kind, dtype=np.int8),
        step=np.full(len(x), step, dtype=np.int16),
    )


@lru_cache(maxsize=16)
def _patients(spec: TableSpec) -> pa.Table:
    """Return the rows of the patients learnt from, and of the truth without noise."""
    study, data = BY_NAME[spec.name], tables.load(spec)
    assert study.truth is not None
    x = data.train.inputs[:, 0].astype(np.float64) * data.scale[0] + data.centre[0]
    y = data.train.targets.astype(np.float64) * data.target_scale + data.target_centre
    axis = curve_inputs(spec)
    return pa.concat_tables([_rows("本当の曲線", TRUTH, axis, study.truth(axis)), _rows("学習", SEEN, x, y)])


def _fits(spec: TableSpec, frame: Frame, step: int) -> list[pa.Table]:
    """Return the rows of one look: the curves of the first seed, and the epoch."""
    x = curve_inputs(spec)
    found = [
        _rows(name, CURVE, x, arrays["curve"], step)
        for name, arrays in zip(NAMES, frame.arrays, strict=False)
    ]
    return [*found, _rows("エポック", EPOCH, np.array([frame.epoch]), np.zeros(1), step)]


@lru_cache(maxsize=16)
def _album(spec: TableSpec, frames: tuple[Frame, ...]) -> pa.Table:
    looks = [table for step, frame in enumerate(frames) for table in _fits(spec, frame, step)]
    return pa.concat_tables([_patients(spec), *looks]).unify_dictionaries().combine_chunks()


def show_patients(spec: TableSpec) -> None:
    """Draw the patients alone, before any training."""
    count = len(tables.load(spec).train.inputs)
    charts.draw(_fits_spec(spec.name, 0), _patients(spec), f"学習に使う {count} 人の散布図と、本当の曲線。")


def show_fits(spec: TableSpec, frames: Sequence[Frame], play: bool) -> None:
    """Draw the curves as they are now, or, with ``play``, every look at them."""
    if not play or len(frames) < 2:
        rows = [_patients(spec), *(_fits(spec, frames[-1], 0) if frames else [])]
        told = f"{frames[-1].epoch} エポック目の" if frames else ""
        charts.draw(
            _fits_spec(spec.name, 0), pa.concat_tables(rows), f"{told}5つのネットワークが当てはめた曲線。"
        )
        return
    steps = len(frames) - 1
    player.play(
        _fits_spec(spec.name, steps),
        _album(spec, tuple(frames)),
        steps=steps,
        key="rg_n_fits",
        alt_text=f"5つのネットワークの曲線が、{frames[-1].epoch} エポックのあいだに変わる様子。",
        label="コマ",
        speed=10,
    )


def legend(study: Study, several: bool) -> None:
    """Say what the marks of the curves are."""
    seeds = "曲線は1つ目の種のものです。" if several else ""
    st.caption(f"灰色の点は学習に使う患者、灰色の破線は雑音を除いた本当の{study.y_title}です。{seeds}")


def losses_at(frame: Frame, rows: Sequence[Row]) -> tuple[Array, Array]:
    """Return training and validation losses (runs,) at the epoch of a look, every unit at work in both."""
    train = np.array([arrays["train"][0] for arrays in frame.arrays], dtype=np.float64)
    row = rows[frame.epoch - 1]
    return train, np.array([epoch.validation_loss for epoch in row], dtype=np.float64)


@lru_cache(maxsize=2)
def _gap_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("train:Q", title="損失(○ 学習 → ● 検証)", scale=alt.Scale(zero=True))
    y = alt.Y(
        "name:N", title=None, sort=list(NAMES), scale=alt.Scale(domain=NAMES), axis=alt.Axis(labelLimit=120)
    )
    colour = alt.Color("name:N", scale=alt.Scale(domain=NAMES, range=COLOURS), legend=None)
    hover = [
        alt.Tooltip("name:N", title="方法"),
        alt.Tooltip("train:Q", title="学習損失", format=".3f"),
        alt.Tooltip("held:Q", title="検証損失", format=".3f"),
        alt.Tooltip("gap:Q", title="差", format="+.3f"),
    ]
    one = base.transform_filter("datum.main == 0")
    all_of_them = one.mark_point(opacity=0.45, size=22, filled=True).encode(x="held:Q", y=y, color=colour)
    main = base.transform_filter("datum.main == 1")
    bar = main.mark_rule(strokeWidth=5, opacity=0.45).encode(
        x=x, x2="held:Q", y=y, color=colour, tooltip=hover
    )
    from_here = main.mark_point(size=70, strokeWidth=2).encode(x=x, y=y, color=colour, tooltip=hover)
    to_here = main.mark_circle(size=90, opacity=1).encode(x="held:Q", y=y, color=colour, tooltip=hover)
    number = (
        main.transform_calculate(
            said="'差 ' + replace(format(datum.gap, '+.3f'), '-', '−')",
            middle="(datum.train + datum.held) / 2",
        )
        .mark_text(align="center", dy=-11, fontSize=12, color=GREY)
        .encode(x="middle:Q", y=y, text="said:N")
    )
    return charts.finish(alt.layer(bar, all_of_them, from_here, to_here, number), 230)


def show_gaps(frame: Frame, rows: Sequence[Row]) -> None:
    """Draw how far validation lies from training for each of the five: medians, and every seed's own."""
    train, held = losses_at(frame, rows)
    count = len(NAMES)
    middle = np.array([[np.median(losses[i::count]) for i in range(count)] for losses in (train, held)])
    gap = np.array([np.median((held - train)[i::count]) for i in range(count)])
    each = list(NAMES) * (len(train) // count) if len(train) > count else []
    charts.draw(
        _gap_spec(),
        charts.rows(
            [*NAMES, *each],
            train=np.concatenate([middle[0], train[: len(each)]]).astype(np.float32),
            held=np.concatenate([middle[1], held[: len(each)]]).astype(np.float32),
            gap=np.concatenate([gap, (held - train)[: len(each)]]).astype(np.float32),
            main=np.repeat(np.array([1, 0], dtype=np.int8), [count, len(each)]),
        ),
        "学習損失と検証損失の差。" + "、".join(f"{n} {g:+.3f}" for n, g in zip(NAMES, gap, strict=True)),
    )
