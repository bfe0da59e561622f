"""Lines of several networks over the epochs, the middle of repeated runs with the range of all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa

from core.history import Frame, Row
from pages.ui import charts
from pages.ui.loss_view import curve
from pages.ui.side_by_side import LONGEST, Array


@lru_cache(maxsize=32)
def _spec(
    names: tuple[str, ...], colours: tuple[str, ...], epochs: int, title: str, log: bool, height: int
) -> charts.Spec:
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=True)
    axis = alt.Axis(tickCount=4, format="~g") if log else alt.Axis()
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=names, range=colours),
            legend=alt.Legend(
                orient="top", title=None, labelLimit=260, columns=3, symbolType="stroke", symbolOpacity=1
            ),
        ),
    )
    band = base.mark_area(opacity=0.16, clip=True).encode(
        y=alt.Y("low:Q", title=title, scale=scale, axis=axis), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=2, clip=True).encode(
        y=alt.Y("middle:Q", title=title, scale=scale, axis=axis),
        tooltip=[
            alt.Tooltip("name:N", title="ネットワーク"),
            alt.Tooltip("epoch:Q", title="エポック"),
            alt.Tooltip("middle:Q", title="中央値", format=".4g"),
            alt.Tooltip("low:Q", title="最小", format=".4g"),
            alt.Tooltip("high:Q", title="最大", format=".4g"),
        ],
    )
    return charts.finish(alt.layer(band, line), height)


def draw(
    names: tuple[str, ...],
    colours: tuple[str, ...],
    epoch: Array,
    values: Array,
    *,
    epochs: int,
    title: str,
    alt_text: str,
    log: bool = False,
    height: int = 220,
) -> None:
    """Draw ``values`` (epochs, runs); the runs are those of ``names``, over and over."""
    tables = []
    for place, name in enumerate(names):
        mine = values[:, place :: len(names)] if len(epoch) else np.empty((0, 1))
        fit = np.isfinite(mine).all(axis=1) & ((mine > 0).all(axis=1) if log else True)
        mine = mine[fit]
        tables.append(
            charts.rows(
                name,
                epoch=np.asarray(epoch)[fit].astype(np.int32),
                middle=np.median(mine, axis=1).astype(np.float32),
                low=mine.min(axis=1, initial=np.inf).astype(np.float32),
                high=mine.max(axis=1, initial=-np.inf).astype(np.float32),
            )
        )
    charts.draw(_spec(names, colours, epochs, title, log, height), pa.concat_tables(tables), alt_text)


def validation(
    rows: Sequence[Row], names: tuple[str, ...], colours: tuple[str, ...], epochs: int, title: str
) -> None:
    """Draw the validation losses so far."""
    shown = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, LONGEST).astype(int))] if rows else []
    draw(
        names,
        colours,
        np.array([row[0].number for row in shown], dtype=np.float64),
        curve(shown, True),
        epochs=epochs,
        title=title,
        alt_text=f"{'、'.join(names)}の、エポックごとの検証損失。",
        log=True,
    )


def judged(frames: Sequence[Frame], rows: Sequence[Row]) -> Frame | None:
    """Return the last look that one of ``rows`` belongs to."""
    return next((frame for frame in reversed(frames) if 1 <= frame.epoch <= len(rows)), None)
