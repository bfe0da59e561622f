"""How a signal of a reader's own file looks: gaps, filled and odd values, and the usual range are visible."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st

from core.specs import SplitSpec
from core.vitals import Imported, ImportRefused, Signal
from core.vitals.cells import FloatColumn
from core.vitals.signals import CONVERSIONS, KINDS
from core.vitals.slots import daily_slots
from core.windows import bounds
from pages.parts.vitals.forecast_view import Axis
from pages.ui import charts, text
from pages.ui.charts import X_TITLE, Y_TITLE, Spec

MAX_DRAWN = 1500
MAX_MARKS = 400
MAX_TABS = 8
FILLED, FLAGGED = "補った値", "要確認"
GAP, USUAL = "抜け", "目安"
_COLOURS = {**charts.COLOURS, FILLED: "#CC79A7", FLAGGED: "#D0312D", "朝": "#E69F00", "晩": "#2D8BD0"}
IntArray = npt.NDArray[np.int64]


def choose(imported: Imported, name: str) -> Signal:
    """Ask which signal to look at and to learn from; the choice stays out of the address."""
    labels = {signal.source: text.plain(signal.label) for signal in imported.signals}
    if len(labels) == 1:
        return imported.signals[0]
    key = f"vitals_csv_signal_{name}"
    chosen: str | None
    if len(labels) > MAX_TABS:
        plain = {signal.source: signal.label for signal in imported.signals}
        chosen = st.selectbox("信号", list(plain), format_func=lambda s: plain.get(s, s), key=key)
    else:
        chosen = st.segmented_control(
            "信号",
            list(labels),
            default=next(iter(labels)),
            required=True,
            format_func=lambda s: labels.get(s, s),
            key=key,
            wrap=True,
        )
    return imported.signal(chosen or "")


@lru_cache(maxsize=16)
def reading_spec(temporal: bool, names: tuple[str, ...]) -> Spec:
    """Return a chart of rows (x, x2, y, y2, segment, mark, name): lines and dots of ``names``, and bands.

    ``mark`` says how a row is drawn: line, dot, filled, flagged, or a rectangle (gap, usual).
    """
    kind = "T" if temporal else "Q"
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        f"x:{kind}",
        title=X_TITLE,
        scale=alt.Scale(nice=False),
        axis=charts.time_axis() if temporal else alt.Undefined,
    )
    y = alt.Y("y:Q", title=Y_TITLE, scale=alt.Scale(zero=False, nice=False))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=list(names), range=[_COLOURS[name] for name in names]),
        legend=alt.Legend(orient="top", title=None, symbolType="circle"),
    )
    tooltip = [
        alt.Tooltip(f"x:{kind}", title=X_TITLE, format=charts.TIME_FORMAT if temporal else alt.Undefined),
        alt.Tooltip("name:N", title="区分"),
        alt.Tooltip("y:Q", title=Y_TITLE),
    ]

    def of(mark: str) -> Any:
        return base.transform_filter(f"datum.mark === '{mark}'")

    def band(mark: str, fill: str, opacity: float) -> Any:
        return of(mark).mark_rect(color=fill, opacity=opacity).encode(x=x, x2="x2", y=y, y2="y2")

    lines = of("line").mark_line(strokeWidth=1.5).encode(x=x, y=y, color=colour, detail="segment:Q")
    dots = of("dot").mark_circle(size=14, opacity=0.9)
    filled = of("filled").mark_point(size=26, filled=False, strokeWidth=1.5, shape="circle")
    flagged = of("flagged").mark_point(size=48, filled=True, shape="triangle-up", opacity=1)
    points = [part.encode(x=x, y=y, color=colour, tooltip=tooltip) for part in (dots, filled, flagged)]
    return charts.finish(
        alt.layer(band("usual", "#009E73", 0.10), band("gap", "#8A8F94", 0.28), lines, *points), 240
    )


def show(imported: Imported, signal: Signal, split: SplitSpec, axis: Axis) -> None:
    """Draw the series that the network learns from, and say what is drawn beside it."""
    parts = ("学習", "検証", "テスト") if split.validation else ("学習", "テスト")
    flagged = _flagged(imported, signal)
    names = (*parts, *((FILLED,) if signal.filled else ()), *((FLAGGED,) if len(flagged) else ()))
    table = reading_rows(imported, signal, split, axis, flagged)
    points = len(signal.values)
    charts.draw(
        charts.titled(reading_spec(axis.temporal, names), axis.x_title, axis.y_title),
        table,
        f"{signal.name}の{points}点の系列。欠測 {signal.missing} 点、"
        f"補った値 {signal.filled} 点、要確認 {len(flagged)} 点。",
    )
    st.caption(" ".join(_legend(imported, signal, flagged)))


def show_days(imported: Imported, signal: Signal, axis: Axis) -> None:
    """Draw readings of a few a day: the means of mornings and evenings, one line each."""
    try:
        slots = daily_slots(imported, signal.source)
    except ImportRefused as refused:
        st.caption(str(refused))
        return
    days = slots.days.astype("datetime64[D]").astype("datetime64[ms]")
    pieces = []
    for i, name in enumerate(slots.names):
        values = slots.values[:, i].astype(np.float64)
        known = np.isfinite(values)
        segment = np.cumsum(~known)[known].astype(np.float64)
        for mark in ("line", "dot"):
            pieces.append(_piece(mark, name, days[known], values[known], segment))
    charts.draw(
        charts.titled(reading_spec(True, slots.names), "日付", axis.y_title),
        pa.concat_tables(pieces),
        f"{signal.name}の、日ごとの朝の平均と晩の平均。",
    )
    words = f"{len(slots.days):,} 日の、朝と晩の平均です(測定のない日は線が切れます)。"
    if slots.left_out:
        words += f"昼(12〜17時)の {slots.left_out:,} 回は、どちらにも入れていません。"
    st.caption(words)


def _flagged(imported: Imported, signal: Signal) -> IntArray:
    """Return the readings of ``raw`` that are odd and present."""
    flags, values = imported.raw.flags[signal.source], imported.raw.values[signal.source]
    return np.flatnonzero(flags & np.isfinite(values))


def usual_range(signal: Signal) -> tuple[float, float] | None:
    """Return the soft limits in the signal's own unit, if it is a vital sign in a known unit."""
    kind = KINDS.get(signal.key or "")
    if kind is None:
        return None
    if signal.unit == kind.unit:
        return kind.soft
    scale = CONVERSIONS.get((kind.key, signal.unit))
    if scale is None:
        return None
    factor, offset = scale
    return (kind.soft[0] - offset) / factor, (kind.soft[1] - offset) / factor


def thin(index: IntArray, values: FloatColumn, most: int = MAX_DRAWN) -> IntArray:
    """Return at most ``most`` of ``index``: the lowest and the highest value of each stretch stay."""
    if len(index) <= most:
        return index
    size = -(-2 * len(index) // most)
    whole = len(index) // size * size
    blocks = values[index[:whole]].reshape(-1, size)
    first = np.arange(len(blocks)) * size
    kept = np.concatenate([first + blocks.argmin(axis=1), first + blocks.argmax(axis=1), [len(index) - 1]])
    thinned: IntArray = index[np.unique(kept)]
    return thinned


def reading_rows(
    imported: Imported, signal: Signal, split: SplitSpec, axis: Axis, flagged: IntArray
) -> pa.Table:
    """Return the rows of ``reading_spec`` for a signal: lines broken at what is missing, and what is odd."""
    values = signal.values.astype(np.float64)
    points = len(values)
    known = np.flatnonzero(np.isfinite(values))
    cut = bounds(points, split)
    name = np.where(known < cut.train, "学習", np.where(known < cut.validation, "検証", "テスト"))
    new = np.diff(known, prepend=-2) > 1
    segment = np.cumsum(new | (name != np.roll(name, 1))).astype(np.float64)
    x = axis.x(np.arange(points))
    place = np.zeros(points, dtype=np.int64)
    place[known] = np.arange(len(known))
    some = place[thin(known, values)]
    pieces = [_piece("line", name[some].tolist(), x[known[some]], values[known[some]], segment[some])]
    alone = np.flatnonzero(new & np.append(new[1:], True))[:MAX_DRAWN]
    pieces.append(_piece("dot", name[alone].tolist(), x[known[alone]], values[known[alone]]))
    made = np.flatnonzero(signal.made)
    made = made[:: max(1, len(made) // MAX_MARKS)]
    pieces.append(_piece("filled", FILLED, x[made], values[made]))
    raw_x = _instants(imported.raw.seconds[flagged], axis)[:MAX_MARKS]
    pieces.append(_piece("flagged", FLAGGED, raw_x, imported.raw.values[signal.source][flagged][:MAX_MARKS]))
    shown = np.concatenate([values[known], imported.raw.values[signal.source][flagged]])
    if len(shown):
        low, high = _reach(shown)
        pieces += _gaps(imported, x, low, high)
        pieces += _usual(signal, x, low, high)
    return pa.concat_tables([piece for piece in pieces if len(piece)] or pieces[:1])


def _reach(values: FloatColumn) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = (high - low) * 0.06 or 1.0
    return low - room, high + room


def _instants(seconds: FloatColumn, axis: Axis) -> npt.NDArray[Any]:
    return (seconds * 1000).astype("datetime64[ms]") if axis.temporal else seconds


def _gaps(imported: Imported, x: npt.NDArray[Any], low: float, high: float) -> list[pa.Table]:
    """Shade from the last point before each gap to the first one after it."""
    parts = imported.clock.segments
    starts = np.array([stop - 1 for _, stop in parts[:-1]][:MAX_MARKS], dtype=np.int64)
    stops = np.array([start for start, _ in parts[1:]][:MAX_MARKS], dtype=np.int64)
    count = len(starts)
    return [_piece("gap", GAP, x[starts], np.full(count, low), None, x[stops], np.full(count, high))]


def _usual(signal: Signal, x: npt.NDArray[Any], low: float, high: float) -> list[pa.Table]:
    """Shade the usual range, if one of its ends is in sight."""
    limits = usual_range(signal)
    if limits is None or (limits[0] <= low and high <= limits[1]):
        return []
    bottom, top = max(low, limits[0]), min(high, limits[1])
    if bottom >= top:
        return []
    return [_piece("usual", USUAL, x[:1], np.array([bottom]), None, x[-1:], np.array([top]))]


def _piece(
    mark: str,
    name: str | list[str],
    x: npt.NDArray[Any],
    y: FloatColumn,
    segment: FloatColumn | None = None,
    x2: npt.NDArray[Any] | None = None,
    y2: FloatColumn | None = None,
) -> pa.Table:
    """Make rows of one ``mark``; what it has no use for repeats ``x`` and ``y``."""
    table = charts.rows(
        name if len(x) else [],
        x=x,
        y=y,
        x2=x if x2 is None else x2,
        y2=y if y2 is None else y2,
        segment=np.zeros(len(x)) if segment is None else segment,
    )
    marks = charts.rows(mark if len(x) else [], x=x)["name"]
    return table.append_column("mark", marks)


def _legend(imported: Imported, signal: Signal, flagged: IntArray) -> list[str]:
    """Say in words what the marks are, only those that are there."""
    said = []
    if len(signal.values) > MAX_DRAWN:
        said.append(
            f"{len(signal.values):,} 点を、山と谷を残して間引いて描いています(学習には全点を使います)。"
        )
    gaps = len(imported.clock.segments) - 1
    if gaps > 0:
        said.append(f"灰色の帯は記録の抜けです({gaps:,} か所)。")
    if signal.missing:
        said.append(f"欠測の {signal.missing:,} 点では線が切れます。欠測をまたぐ窓は学習に使いません。")
    if signal.filled:
        said.append(f"丸(○)は、前後の値から直線で補った {signal.filled:,} 点です。")
    if len(flagged):
        said.append(f"三角(▲)は要確認の {len(flagged):,} 個です。消してはいません。")
    limits = usual_range(signal)
    if limits is not None:
        unit = f" {text.plain(signal.unit)}" if signal.unit else ""
        usual = f"ふつう見られる範囲({limits[0]:.3g}〜{limits[1]:.3g}{unit})"
        values = signal.values[np.isfinite(signal.values)]
        inside = bool(np.all((limits[0] <= values) & (values <= limits[1])))
        said.append(f"どの値も{usual}の内側です。" if inside else f"緑の帯は、{usual}です。")
    return said
