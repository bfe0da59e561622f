"""Chart of the experiment on backpropagation: a line of nodes; values walk forward, responsibilities back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa

from core.backprop import LineSpec, Walk
from pages.ui import charts, player
from pages.ui import workings as view

STEPS = 8
BACK = (8, 8, 7, 6, 5)
"""Steps at which the nodes have received their responsibility, from the input to the loss."""
NODES = ("入力 x", "第1層 a₁", "第2層 a₂", "予測 ŷ", "損失 L")
WEIGHTS = ("w₁", "w₂", "w₃")
Floats = Sequence[float]
_NUMBER = (
    "(datum.v == 0 ? '0' : abs(datum.v) < 0.001 || abs(datum.v) >= 10000"
    " ? format(datum.v, '.1e') : abs(datum.v) >= 1000 ? format(datum.v, '.0f') : format(datum.v, '.3~r'))"
)


@lru_cache(maxsize=4)
def _spec(still: bool) -> charts.Spec:
    """Return the line at the step that the player shows: 0 to 4 go forward, 5 to 8 back."""
    step = alt.param(name="step", value=0) if still else player.step_param(STEPS, "手順")
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("x:Q", scale=alt.Scale(domain=[-0.45, 4.45], nice=False), axis=None)

    def part(kind: int, reached: bool = True) -> alt.Chart:
        chosen: alt.Chart = base.transform_filter(f"datum.kind == {kind}")
        return chosen.transform_filter("datum.at <= step") if reached else chosen

    def words(
        chart: alt.Chart, y: int, text: str, colour: str, size: int = 12, bold: bool = False
    ) -> alt.Chart:
        marks = chart.transform_calculate(said=text).mark_text(
            fontSize=size, color=colour, fontWeight="bold" if bold else "normal"
        )
        written: alt.Chart = marks.encode(x=x, y=alt.value(y), text="said:N")
        return written

    middle = 112
    edges = part(1, False).transform_calculate(x2="datum.x + 0.5", x1="datum.x - 0.5")
    line = edges.mark_rule(strokeWidth=2, color=view.GREY).encode(
        x=alt.X("x1:Q", scale=alt.Scale(domain=[-0.45, 4.45], nice=False), axis=None),
        x2="x2:Q",
        y=alt.value(middle),
    )
    state = (
        alt.when("datum.back <= step")
        .then(alt.value(view.RED))
        .when("datum.at <= step")
        .then(alt.value(view.BLUE))
        .otherwise(alt.value(view.GREY))
    )
    circles = (
        part(0, False)
        .mark_point(size=520, filled=True, opacity=1)
        .encode(x=x, y=alt.value(middle), color=state)
    )
    named = part(0, False)
    chart = alt.layer(
        line,
        circles,
        words(named, 14, "datum.name", view.GREY, 12),
        words(part(0), 66, _NUMBER, view.BLUE, 13, True),
        words(part(2), 158, _NUMBER, view.RED, 13, True),
        words(
            part(1, False).transform_filter("datum.name != ''"),
            middle - 16,
            f"datum.name + ' ' + {_NUMBER}",
            view.GREY,
            11,
        ),
        words(part(3), 192, _NUMBER, view.ORANGE, 13, True),
        words(named.transform_filter("datum.x == 0"), 42, "'値(順方向) →'", view.BLUE, 11),
        words(named.transform_filter("datum.x == 4"), 136, "'← 責任(逆方向)'", view.RED, 11),
        words(named.transform_filter("datum.x == 4"), 192, "'← 重みの勾配'", view.ORANGE, 11),
    )
    return charts.finish(chart.add_params(step), 210)


def show(spec: LineSpec, walk: Walk, still: bool) -> None:
    """Play a pass forward and back along the line; ``still`` shows its start only."""

    def part(
        name: str | tuple[str, ...], kind: int, x: Floats, v: Floats, at: Floats, back: Floats
    ) -> pa.Table:
        columns = {"x": x, "v": v, "kind": [kind] * len(x), "at": at, "back": back}
        return charts.rows(name, **{field: np.asarray(c, dtype=np.float64) for field, c in columns.items()})

    places, between, never = range(5), (0.5, 1.5, 2.5), [STEPS + 1] * 5
    responsibilities = [*walk.gradients.nodes, 1.0]
    tables = [
        part(NODES, 0, places, [*walk.values, walk.loss], places, BACK),
        part(WEIGHTS, 1, between, spec.weights, [0] * 3, never[:3]),
        part("", 1, [3.5], [spec.target], [STEPS + 1], never[:1]),
        part(NODES, 2, places, responsibilities, BACK, never),
        part(WEIGHTS, 3, between, walk.gradients.weights, [8, 7, 6], never[:3]),
    ]
    table = pa.concat_tables(tables)
    if still:
        charts.draw(
            _spec(True), table, "入力から損失まで、3つの重みでつながった一本道。", key="dv_backprop/still"
        )
        return
    player.play(
        _spec(False),
        table,
        steps=STEPS,
        key="dv_backprop",
        alt_text="一本道を値が順に進み、損失から責任がさかのぼる様子。",
        label="手順",
        speed=1,
    )
