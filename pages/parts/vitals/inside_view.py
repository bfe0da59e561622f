"""Charts of what units do over the test stretch, and of which readings a forecast rests on."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.history import TestForecast
from core.inside import BLOCKS
from core.inside_look import Look
from pages.parts.vitals.forecast_view import Axis
from pages.ui import charts

PARTS = {
    "h": "隠れ状態 h",
    "c": "記憶 c",
    "i": "入力ゲート i",
    "f": "忘却ゲート f",
    "g": "候補 g",
    "o": "出力ゲート o",
    "r": "リセットゲート r",
    "z": "更新ゲート z",
    "n": "候補 n",
}
SHARES = ("i", "f", "o", "r", "z")
"""Parts between 0 and 1."""
PLUS, MINUS, NOTHING = "#2D8BD0", "#E69F00", "rgba(138,143,148,0.10)"
MOST_CELLS = 12_000
_TRUTH, _MODEL, _CELL = "実測値", "予測(モデル)", "マス"
_SIGNAL, _AROUND = 92, 110
"""Heights of the signal, and of legends and time axis, in pixels."""


def parts(cell: str) -> list[str]:
    """Return what can be seen of a cell, by name."""
    return ["h"] if cell == "rnn" else ["h", *(["c"] if cell == "lstm" else []), *BLOCKS[cell]]


def _down(share: float) -> alt.ExprRef:
    """Return a height within the chart, counted from above."""
    return alt.ExprRef(f"{share:.4f} * height")


@lru_cache(maxsize=32)
def states(hidden: int, part: str, limit: float, temporal: bool) -> charts.Spec:
    """Return the signal above the units of the last layer, on one time axis.

    Rows are (x, y, name) of lines and (x, x2, unit, value) of cells; ``limit`` is the deepest colour.
    """
    kind = "T" if temporal else "Q"
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        f"x:{kind}",
        title=charts.X_TITLE,
        scale=alt.Scale(nice=False, zero=False),
        axis=charts.time_axis() if temporal else alt.Undefined,
    )
    height = _SIGNAL + int(np.clip(22 * hidden, 110, 300))
    signal, begin = _SIGNAL / height, (_SIGNAL + 12) / height
    left: dict[str, Any] = {"orient": "left", "grid": False}
    names = [_TRUTH, _MODEL]
    lines = (
        base.transform_filter(f"datum.name != '{_CELL}'")
        .mark_line(strokeWidth=1.8)
        .encode(
            x=x,
            y=alt.Y(
                "y:Q",
                title=charts.Y_TITLE,
                scale=alt.Scale(zero=False, range=[_down(signal), 0]),
                axis=alt.Axis(tickCount=3, titleY=_down(signal / 2), **left),
            ),
            detail="segment:Q",
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=names, range=[charts.COLOURS[name] for name in names]),
                legend=alt.Legend(orient="top", title=None),
            ),
        )
    )
    rows = alt.Axis(
        values=list(range(1, hidden + 1, max(1, hidden // 8))),
        titleY=_down((1 + begin) / 2),
        format="d",
        **left,
    )
    shade: dict[str, Any] = {"domain": [-limit, 0, limit], "range": [MINUS, NOTHING, PLUS]}
    if part in SHARES:
        shade = {"domain": [0, 1], "range": [NOTHING, PLUS]}
    cells = (
        base.transform_filter(f"datum.name == '{_CELL}'")
        .transform_calculate(above="datum.unit - 0.5", below="datum.unit + 0.5")
        .mark_rect(strokeWidth=0)
        .encode(
            x=x,
            x2="x2",
            y=alt.Y(
                "above:Q",
                title="ユニット",
                scale=alt.Scale(
                    domain=[0.5, hidden + 0.5], range=[_down(begin), _down(1)], nice=False, zero=False
                ),
                axis=rows,
            ),
            y2="below:Q",
            fill=alt.Fill(
                "value:Q",
                scale=alt.Scale(**shade, clamp=True, interpolate="rgb"),
                legend=alt.Legend(orient="bottom", title=PARTS[part], gradientLength=160, tickCount=3),
            ),
            tooltip=[
                alt.Tooltip(
                    f"mid:{kind}",
                    title=charts.X_TITLE,
                    format=charts.TIME_FORMAT if temporal else alt.Undefined,
                ),
                alt.Tooltip("unit:Q", title="ユニット", format="d"),
                alt.Tooltip("value:Q", title=PARTS[part], format="+.3f"),
            ],
        )
    )
    return charts.finish(alt.layer(cells, lines).resolve_scale(y="independent"), _AROUND + height)


def state_rows(found: Look, test: TestForecast, part: str, axis: Axis) -> pa.Table:
    """Return the rows of ``states``: every window of the look, or as many as can be told apart."""
    values = found.parts[part]
    hidden = values.shape[1]
    some = slice(None, None, max(1, -(-values.size // MOST_CELLS)))
    index = test.index[found.places]
    x = axis.x(index[some])
    left, right = _spans(x)
    count = len(x)
    unit = np.tile(np.arange(1, hidden + 1, dtype=np.float32), count)
    none = np.full(count * hidden, np.nan, dtype=np.float32)
    cells = charts.rows(
        _CELL,
        x=np.repeat(left, hidden),
        x2=np.repeat(right, hidden),
        mid=np.repeat(x, hidden),
        unit=unit,
        value=values[some].astype(np.float32).ravel(),
        y=none,
        segment=none,
    )
    at = axis.x(index)
    gaps = np.diff(index, prepend=index[:1])
    segment = np.cumsum(gaps > max(float(np.median(gaps[1:])), 1) * 1.5).astype(np.float32)
    blank = np.full(len(index), np.nan, dtype=np.float32)
    lines = [
        charts.rows(
            name,
            x=at,
            x2=at,
            mid=at,
            unit=blank,
            value=blank,
            y=line[found.places].astype(np.float32),
            segment=segment,
        )
        for name, line in ((_TRUTH, test.truth), (_MODEL, test.model))
    ]
    return pa.concat_tables([cells, *lines])


def _spans(times: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return where the cells of windows begin and end: half-way to the next, unless that is far away."""
    if len(times) < 2:
        half = np.timedelta64(500, "ms") if times.dtype.kind == "M" else 0.5
        return times - half, times + half
    between = np.diff(times)
    half = np.minimum(between, np.median(between.astype(np.float64)).astype(between.dtype) * 2) / 2
    return times - np.append(half[:1], half), times + np.append(half, half[-1:])


@lru_cache(maxsize=16)
def erased(length: int) -> charts.Spec:
    """Return bars of rows (place, effect, name): how much a forecast changes without each reading."""
    base = alt.Chart(alt.NamedData("rows"))
    every = max(1, -(-length // 12))
    bars = base.mark_bar().encode(
        x=alt.X(
            "place:O",
            title="窓の何点目を消したか(右ほど新しい)",
            axis=alt.Axis(
                labelAngle=0, values=[k for k in range(1, length + 1) if (length - k) % every == 0]
            ),
        ),
        y=alt.Y("effect:Q", title=charts.Y_TITLE, axis=alt.Axis(tickCount=4)),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(
                domain=["最初の1点", "最後の1点", "そのほか"],
                range=[charts.PIN_COLOURS[1], charts.PIN_COLOURS[0], charts.PIN_COLOURS[5]],
            ),
            legend=alt.Legend(orient="top", title=None),
        ),
        tooltip=[
            alt.Tooltip("place:O", title="窓の何点目"),
            alt.Tooltip("effect:Q", title="予測の変化の平均", format=".4g"),
        ],
    )
    return charts.finish(bars, 230)


def erased_rows(found: Look) -> pa.Table:
    """Return the rows of ``erased``."""
    length = len(found.effects)
    names = ["そのほか"] * length
    names[0], names[-1] = "最初の1点", "最後の1点"
    return charts.rows(names, place=np.arange(1, length + 1), effect=found.effects)
