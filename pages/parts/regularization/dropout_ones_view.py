"""Tiles, table and chart of the ones that went through dropout."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa

from core.dropout import ONES, Array, Ones
from pages.ui import charts
from pages.ui import side_by_side as parts

SHOWN = 5
WITH, WITHOUT = "割り増しあり", "割り増しなし"
COLOURS = (charts.COLOURS["学習"], charts.COLOURS["検証"])
REST = charts.COLOURS["実測値"]
SUM = ONES + 1  # the column of sums


@lru_cache(maxsize=8)
def _tiles_spec(names: tuple[str, ...]) -> charts.Spec:
    labels = " : ".join([f"datum.value == {SUM} ? '合計'", "datum.value"])
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X(
            "place:O",
            title="テンソルの何番目か",
            axis=alt.Axis(orient="top", labelAngle=0, labelExpr=labels, ticks=False, domain=False),
        ),
        y=alt.Y(
            "name:N", title=None, sort=list(names), axis=alt.Axis(ticks=False, domain=False, labelLimit=90)
        ),
        tooltip=[
            alt.Tooltip("name:N", title="どこ"),
            alt.Tooltip("place:O", title="何番目"),
            alt.Tooltip("value:Q", title="値", format=".4~g"),
        ],
    )
    rests = "datum.value == 0"
    tile = base.mark_rect(cornerRadius=3, stroke=REST, strokeWidth=0.6).encode(
        color=alt.condition(
            f"{rests} || datum.place == {SUM}", alt.value("transparent"), alt.value(COLOURS[0])
        ),
    )
    written = base.mark_text(fontSize=12, fontWeight=600).encode(
        text=alt.Text("value:Q", format=".3~g"),
        color=alt.condition(f"{rests} || datum.place == {SUM}", alt.value(REST), alt.value("black")),
    )
    return charts.finish(alt.layer(tile, written), 30 * len(names) + 10)


def show_tiles(passed: Array, called: Array) -> None:
    """Draw what came out of eval() and of the first draws in train(), with the sums."""
    shown = passed[:SHOWN]
    rows = {"eval()": called} | {f"train() {number}": draw for number, draw in enumerate(shown, start=1)}
    values = np.concatenate([np.append(row, row.sum()) for row in rows.values()]).astype(np.float32)
    names = [name for name in rows for _ in range(SUM)]
    places = np.tile(np.arange(1, SUM + 1, dtype=np.int32), len(rows))
    told = "。".join(f"{name}: {'、'.join(f'{v:.3g}' for v in row)}" for name, row in rows.items())
    charts.draw(
        _tiles_spec(tuple(rows)),
        charts.rows(names, place=places, value=values),
        f"1 を {ONES} 個ドロップアウトに通して出てきた値。{told}。",
        key="rg_o_tiles",
    )


def show_table(found: Ones) -> None:
    """Compare the sums in train(), with and without scaling, with those in eval()."""
    rows = []
    for name, passed in ((f"train() {WITH}", found.trained), (f"train() {WITHOUT}", found.unscaled)):
        sums = passed.sum(axis=1)
        rows.append([name, f"{sums.mean():.2f}", f"{sums.min():.2f}〜{sums.max():.2f}"])
    total = float(found.called.sum())
    rows.append(["eval()", f"{total:.2f}", f"{total:.2f}"])
    parts.table([f"{ONES} 個の合計", "平均", "最小〜最大"], rows)


@lru_cache(maxsize=8)
def _means_spec(draws: int, scaled: bool) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "draw:Q",
        title="通した回数(対数目盛)",
        scale=alt.Scale(type="log", domain=[1, max(draws, 2)], nice=False),
        axis=alt.Axis(values=[1, 10, 100, 1000], format="d"),
    )
    chosen = WITH if scaled else WITHOUT
    line = base.mark_line(strokeWidth=2.5, clip=True, point=draws == 1).encode(
        x=x,
        y=alt.Y("mean:Q", title="合計の平均", scale=alt.Scale(zero=True)),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=[WITH, WITHOUT], range=list(COLOURS)),
            legend=alt.Legend(orient="top", title=None),
        ),
        opacity=alt.condition(f"datum.name == '{chosen}'", alt.value(1), alt.value(0.45)),
        tooltip=[
            alt.Tooltip("name:N", title="線"),
            alt.Tooltip("draw:Q", title="回数"),
            alt.Tooltip("mean:Q", title="平均", format=".3f"),
        ],
    )
    level = base.transform_aggregate(rows="count()").transform_calculate(mean=str(ONES), label="'eval()'")
    rule = level.mark_rule(strokeDash=[5, 3], color=REST, strokeWidth=1.5).encode(y="mean:Q")
    label = level.mark_text(align="right", dy=-7, fontSize=11, color=REST).encode(
        x=alt.value("width"), y="mean:Q", text="label:N"
    )
    return charts.finish(alt.layer(rule, line, label), 180)


def show_means(found: Ones, scaled: bool) -> None:
    """Draw how the mean of the sums settles as draws are added."""
    draws = len(found.trained)
    shown = np.unique(np.geomspace(1, draws, 120).astype(np.int32))
    tables: list[pa.Table] = []
    for name, passed in ((WITH, found.trained), (WITHOUT, found.unscaled)):
        means = passed.sum(axis=1, dtype=np.float64).cumsum() / np.arange(1, draws + 1)
        tables.append(charts.rows(name, draw=shown, mean=means[shown - 1].astype(np.float32)))
    charts.draw(
        _means_spec(draws, scaled),
        pa.concat_tables(tables),
        f"合計の平均が、回数とともに落ち着く様子。割り増しありは {found.trained.sum(axis=1).mean():.2f}、"
        f"割り増しなしは {found.unscaled.sum(axis=1).mean():.2f} になった。",
        key="rg_o_means",
    )
