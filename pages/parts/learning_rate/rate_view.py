"""Charts and sentences of the lesson on learning rates."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.landscape import LANDSCAPES, Path, PathSpec, outcome
from core.range_test import RangeTest
from pages.ui import charts, player, text

DOSES = ("小", "中", "大")
DOSE_COLOURS = ["#E69F00", "#009E73", "#D55E00"]


@lru_cache(maxsize=8)
def _landscape_spec(landscape: str, steps: int, still: bool = False) -> charts.Spec:
    """Return the landscape with a ball for each dose, at the step that the player shows (``still``: 0)."""
    land = LANDSCAPES[landscape]
    (low, high) = land.domain[0]
    top = float(np.ceil(land.value(np.array([[low], [high]])).max()))
    step = alt.param(name="step", value=0) if still else player.step_param(steps)
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("x:Q", title="重み w", scale=alt.Scale(domain=[low, high]))
    y = alt.Y("y:Q", title="損失", scale=alt.Scale(domain=[0, top]))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=list(DOSES), range=DOSE_COLOURS),
        legend=alt.Legend(orient="top", title="用量(学習率)"),
    )
    curve = base.transform_filter("datum.step < 0").mark_line(color=charts.COLOURS["実測値"])
    path = base.transform_filter("datum.step >= 0 && datum.step <= step")
    trace = path.mark_line(strokeWidth=1.2, opacity=0.6, clip=True).encode(color=colour, order="step:Q")
    ball = base.transform_filter("datum.step == step").mark_point(size=170, filled=True, clip=True)
    chart = alt.layer(curve.encode(x=x, y=y), trace.encode(x=x, y=y), ball.encode(x=x, y=y, color=colour))
    return charts.finish(chart.add_params(step).resolve_scale(color="shared"), 300)


def show_doses(specs: tuple[PathSpec, ...], paths: tuple[Path, ...]) -> None:
    """Play the three doses side by side on the landscape."""
    land = LANDSCAPES[specs[0].landscape]
    (low, high) = land.domain[0]
    w = np.linspace(low, high, 161)
    steps = specs[0].steps
    tables = [charts.rows("地形", x=w, y=land.value(w[:, None]), step=np.full(len(w), -1))]
    for name, path in zip(DOSES, paths, strict=True):
        where = np.minimum(np.arange(steps + 1), len(path.positions) - 1)  # a finished ball stays
        kept = np.abs(path.positions[where, 0]) < 1e6
        tables.append(
            charts.rows(
                name,
                x=path.positions[where, 0][kept],
                y=path.losses[where][kept],
                step=np.arange(steps + 1)[kept],
            )
        )
    player.play(
        _landscape_spec(specs[0].landscape, steps),
        pa.concat_tables(tables),
        steps=steps,
        key="doses",
        alt_text="損失の地形の上を、3つの学習率の点が同じ出発点から動く様子。",
        speed=20,
    )


def dose_sentence(name: str, spec: PathSpec, path: Path) -> str:
    """Say in one sentence where a dose ended, with its numbers."""
    lr, last = spec.optimizer.lr, float(path.losses[-1])
    where = float(path.positions[-1, 0])
    ended = outcome(path, LANDSCAPES[spec.landscape])
    if ended == "diverged":
        return (
            f"**{name}(η = {lr:g})**: {path.diverged_at} 歩目で地形の外へ飛び出しました(**発散**)。"
            "1歩が大きすぎて谷を飛び越え、越えるたびに坂が急になるためです。"
        )
    verdicts = {
        "global": f"いちばん深い谷底(w = {where:.2f}、損失 {text.number(last)})に着きました。",
        "local": (
            f"浅いほうの谷底(w = {where:.2f}、損失 {text.number(last)})で止まりました。**局所最小**です。"
        ),
        "moving": f"まだ坂の途中です(w = {where:.2f}、損失 {text.number(last)})。",
    }
    return f"**{name}(η = {lr:g})**: {verdicts[ended]}"


@lru_cache(maxsize=4)
def _range_spec(suggested: float | None) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    line = base.mark_line(color=charts.COLOURS["学習"], strokeWidth=2).encode(
        x=alt.X("lr:Q", title="学習率(対数目盛)", scale=alt.Scale(type="log"), axis=alt.Axis(format="~e")),
        y=alt.Y("loss:Q", title="損失(移動平均)"),
        tooltip=[
            alt.Tooltip("lr:Q", title="学習率", format=".2e"),
            alt.Tooltip("loss:Q", title="損失", format=".3g"),
        ],
    )
    if suggested is None:
        return charts.finish(line, 260)
    rule = (
        base.transform_calculate(here=str(suggested))
        .mark_rule(color="#D55E00", strokeDash=[5, 4], strokeWidth=2)
        .encode(x=alt.X("max(here):Q", title="学習率(対数目盛)"))
    )
    return charts.finish(line + rule, 260)


def show_range(found: RangeTest) -> None:
    """Draw a range test with its suggestion."""
    alt_text = "学習率を少しずつ上げたときの損失の曲線。"
    if found.suggested is not None:
        alt_text += f"最も急に下がるのは学習率 {found.suggested:.1e} 付近。"
    charts.draw(_range_spec(found.suggested), charts.rows("損失", lr=found.lrs, loss=found.losses), alt_text)


@lru_cache(maxsize=16)
def _race_spec(names: tuple[str, ...], field: str, title: str, log: bool, height: int) -> charts.Spec:
    scale = alt.Scale(type="log") if log else alt.Scale(zero=True)
    lines = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("epoch:Q", title="エポック"),
            y=alt.Y(f"{field}:Q", title=title, scale=scale),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=list(names), range=charts.PIN_COLOURS[: len(names)]),
                legend=alt.Legend(orient="top", title=None, columns=3) if height > 200 else None,
            ),
            tooltip=[
                alt.Tooltip("name:N", title="スケジュール"),
                alt.Tooltip("epoch:Q", title="エポック"),
                alt.Tooltip(f"{field}:Q", title=title, format=".3g"),
            ],
        )
    )
    return charts.finish(lines, height)


def show_race(names: tuple[str, ...], histories: list[list[tuple[float, float]]]) -> None:
    """Draw learning rate over validation loss, one line a schedule; entries are (rate, loss) an epoch."""
    tables = [
        charts.rows(
            name,
            epoch=np.arange(1, len(history) + 1),
            lr=np.array([lr for lr, _ in history], dtype=np.float64),
            loss=np.array([loss for _, loss in history], dtype=np.float64),
        )
        for name, history in zip(names, histories, strict=True)
    ]
    rows = pa.concat_tables(tables)
    charts.draw(_race_spec(names, "lr", "学習率", False, 190), rows, "スケジュールごとの学習率の変化。")
    charts.draw(_race_spec(names, "loss", "検証損失", True, 260), rows, "スケジュールごとの検証損失の変化。")


def formula(lr: float, gradient: float, before: float, after: float) -> None:
    """Show the update rule with the numbers of one real step."""
    st.latex(r"w \leftarrow w - \eta\,\frac{\partial L}{\partial w}")
    st.latex(rf"{before:.4f} - {lr:g} \times ({gradient:.4f}) = {after:.4f}")


def show_start(spec: PathSpec) -> None:
    """Draw the landscape with the common start, before anything has moved."""
    land = LANDSCAPES[spec.landscape]
    (low, high) = land.domain[0]
    w = np.linspace(low, high, 161)
    start = np.array([spec.start])
    rows = [charts.rows("地形", x=w, y=land.value(w[:, None]), step=np.full(len(w), -1))]
    rows += [charts.rows(name, x=start[:, 0], y=land.value(start), step=[0]) for name in DOSES]
    charts.draw(
        _landscape_spec(spec.landscape, spec.steps, still=True),
        pa.concat_tables(rows),
        f"損失の地形と、出発点 w = {spec.start[0]:g}。",
    )
