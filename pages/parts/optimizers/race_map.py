"""Charts of the map of learning rate and momentum, and of a run from a point of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.momentum_map import MomentumSpec, best, rate, region
from core.surfaces import Array
from pages.ui import charts

REGIONS = ("単調に収束", "振動しながら収束", "発散")
REGION_COLOURS = ["#009E73", "#2D8BD0", "#D55E00"]
HIGHEST = 4.2
"""The largest learning rate on the map."""

ACROSS, UP = 0.05, 0.03
"""Size of a cell of the map."""

SHOWN = 60
FORETOLD = "予告(倍率 |r|)"
RUN_COLOURS = ["#E69F00", "#CC79A7", "#56B4E9"]
SMALLEST = 1e-12
_POINTS = ("いまの点", "いちばん速い点")


@lru_cache(maxsize=32)
def _cells(curvatures: tuple[float, ...]) -> pa.Table:
    """Return the map as rows (a, b, shade) named by region; faster convergence has the stronger shade."""
    a, b = np.meshgrid(np.arange(ACROSS, HIGHEST + 1e-9, ACROSS), np.arange(0, 0.991, UP))
    a, b = a.ravel(), b.ravel()
    sizes = rate(a, b, curvatures)
    shade = np.where(sizes < 1, 0.15 + 0.8 * (1 - np.minimum(sizes, 1)) ** 0.7, 0.15)
    shade = np.where(sizes >= 1, 0.2 + 0.4 * np.minimum(sizes - 1, 1), shade)
    names = [REGIONS[code] for code in region(a, b, curvatures)]
    return charts.rows(
        names, a=a.astype("f4"), b=b.astype("f4"), size=sizes.astype("f4"), shade=shade.astype("f4")
    )


@lru_cache(maxsize=1)
def _map_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("left:Q", title="学習率 α", scale=alt.Scale(domain=[0, HIGHEST], nice=False))
    y = alt.Y("low:Q", title="モメンタム β", scale=alt.Scale(domain=[0, 0.99], nice=False))
    cell = alt.selection_point(name="cell", fields=["a", "b"], on="click", clear=False, toggle=False)
    cells = (
        base.transform_filter("isValid(datum.shade)")
        .transform_calculate(
            left=f"max(0, datum.a - {ACROSS / 2})",
            right=f"datum.a + {ACROSS / 2}",
            low=f"max(0, datum.b - {UP / 2})",
            high=f"datum.b + {UP / 2}",
        )
        .mark_rect(clip=True, cursor="crosshair")
        .encode(
            x=x,
            x2="right:Q",
            y=y,
            y2="high:Q",
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=list(REGIONS), range=REGION_COLOURS),
                legend=alt.Legend(orient="top", title=None),
            ),
            opacity=alt.Opacity("shade:Q", scale=None, legend=None),
            tooltip=[
                alt.Tooltip("name:N", title="行き先"),
                alt.Tooltip("a:Q", title="α", format=".2f"),
                alt.Tooltip("b:Q", title="β", format=".2f"),
                alt.Tooltip("size:Q", title="1歩の倍率 |r|", format=".3f"),
            ],
        )
        .add_params(cell)
    )
    points = base.transform_filter("!isValid(datum.shade)").encode(
        x=alt.X("a:Q", title="学習率 α"), y=alt.Y("b:Q", title="モメンタム β")
    )
    now = points.transform_filter(f"datum.name == '{_POINTS[0]}'").mark_point(
        size=190, filled=True, fill="#ffffff", stroke="#111111", strokeWidth=3, opacity=1
    )
    fastest = points.transform_filter(f"datum.name == '{_POINTS[1]}'").mark_point(
        size=130, shape="diamond", filled=True, fill="#111111", stroke="#ffffff", strokeWidth=1.5, opacity=1
    )
    return charts.finish(alt.layer(cells, fastest, now), 330)


def show_map(spec: MomentumSpec, on_click: Callable[[], None]) -> None:
    """Draw the map with the chosen point (○) and the fastest one (◆); a click calls ``on_click``."""
    lr, momentum, _ = best(spec.curvatures)
    nothing = np.full(2, np.nan, dtype="f4")
    points = charts.rows(
        list(_POINTS),
        a=np.array([spec.lr, min(lr, HIGHEST)], dtype="f4"),
        b=np.array([spec.momentum, momentum], dtype="f4"),
        size=nothing,
        shade=nothing,
    )
    st.vega_lite_chart(
        pa.concat_tables([_cells(spec.curvatures), points]),
        _map_spec(),
        width="stretch",
        key="op_map/chart",
        on_select=on_click,
        selection_mode=["cell"],
        alt="学習率 α を横、モメンタム β を縦にした地図。"
        "単調に収束、振動しながら収束、発散に塗り分けてあります。"
        f"いまの点は α = {spec.lr:g}、β = {spec.momentum:g}。",
    )


def _directions(spec: MomentumSpec) -> list[str]:
    return [f"λ = {curvature:g}" for curvature in spec.curvatures]


def _line_colours(names: tuple[str, ...]) -> list[str]:
    """Give what was run its colours, and what was foretold grey."""
    return [
        "#8A8F94" if name == FORETOLD else colour for name, colour in zip(names, RUN_COLOURS, strict=False)
    ]


@lru_cache(maxsize=32)
def _run_spec(names: tuple[str, ...], field: str, title: str, last: int, log: bool) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    scale = alt.Scale(type="log") if log else alt.Scale(domain=[-1.6, 1.6])
    axis = alt.Axis(format="~e", tickCount=6) if log else alt.Axis()
    encoding = {
        "x": alt.X("step:Q", title="歩数", scale=alt.Scale(domain=[0, last], nice=False)),
        "y": alt.Y(f"{field}:Q", title=title, scale=scale, axis=axis),
        "color": alt.Color(
            "name:N",
            scale=alt.Scale(domain=list(names), range=_line_colours(names)),
            legend=alt.Legend(orient="top", title=None),
        ),
    }
    lines = base.mark_line(
        strokeWidth=2, clip=True, point=alt.OverlayMarkDef(size=16) if not log else False
    ).encode(**encoding)
    return charts.finish(lines, 230)


def show_positions(spec: MomentumSpec, positions: Array) -> None:
    """Draw the weights of the first steps of a run."""
    kept = np.clip(positions[: SHOWN + 1], -1e6, 1e6)
    names = _directions(spec)
    tables = [
        charts.rows(name, step=np.arange(len(kept)), w=column)
        for name, column in zip(names, kept.T, strict=True)
    ]
    charts.draw(
        _run_spec(tuple(names), "w", "重み w", SHOWN, False),
        pa.concat_tables(tables),
        f"最初の {SHOWN} 歩の重み w。0 が谷底です。",
        key="op_map/w",
    )


def show_sizes(spec: MomentumSpec, positions: Array, share: float) -> None:
    """Draw how far from the bottom a run is, step by step, and the line that the rate foretells."""
    last = 2 * SHOWN
    names = [*_directions(spec), FORETOLD]
    steps = np.arange(last + 1)
    with np.errstate(over="ignore", under="ignore"):
        lines = [*np.abs(positions[: last + 1]).T, share**steps]
    tables = []
    for name, line in zip(names, lines, strict=True):
        kept = (line > SMALLEST) & (line < 1 / SMALLEST)
        tables.append(charts.rows(name, step=steps[: len(line)][kept], size=line[kept]))
    charts.draw(
        _run_spec(tuple(names), "size", "谷底からの距離 |w|(対数目盛)", last, True),
        pa.concat_tables(tables),
        "歩数に対する谷底からの距離(対数目盛)と、根の大きさから予告した直線。",
        key="op_map/size",
    )
