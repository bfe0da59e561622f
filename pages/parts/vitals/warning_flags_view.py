"""Charts of the experiment on early warning, after a run: residuals, flags, and what flags are worth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.early_warning_specs import PER_HOUR, SIGNALS, WarningSpec
from core.warning_rules import Flags
from pages.parts.vitals import warning_view as view
from pages.parts.vitals.warning_view import LINE, NAMES, NOTE, RULE
from pages.ui import charts

Array = npt.NDArray[np.float64]


def _who(case: str) -> str:
    return "悪化する患者" if case == view.CASES[0] else case


@lru_cache(maxsize=16)
def _statistic_spec(start: float, end: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    y = alt.Y("y:Q", title="ふだんの何倍の外れか", scale=alt.Scale(type="sqrt", domainMin=0))
    lines = (
        base.transform_filter(f"datum.kind == {LINE}")
        .mark_line(strokeWidth=2)
        .encode(
            x=view.hour_axis(end, start),
            y=y,
            color=view.colour(NAMES, view.COLOURS[:3]),
            tooltip=[
                alt.Tooltip("name:N", title="規則"),
                alt.Tooltip("x:Q", title="時間", format=".1f"),
                alt.Tooltip("y:Q", title="外れ", format=".2f"),
            ],
        )
    )
    limit = base.transform_filter(f"datum.kind == {RULE}")
    across = limit.mark_rule(color="#D55E00", strokeWidth=1.5).encode(y="y:Q")
    said = limit.mark_text(align="right", baseline="bottom", dy=-2, fontSize=12, color="#D55E00").encode(
        x=alt.value("width"), y="y:Q", text=alt.value("しきい値")
    )
    return charts.finish(
        alt.layer(lines, across, said, *view.moment(base, "悪化の始まり"), view.stamp(base)), 250
    )


def show_statistic(
    spec: WarningSpec, statistic: npt.NDArray[np.float32], threshold: float, case: str
) -> None:
    """Draw the statistic (rules, points) of one patient's watched time, with threshold and onset."""
    start = spec.cut.test.start
    at = view.hours(np.arange(start, spec.points))
    pieces = [view.points(name, LINE, at, line) for name, line in zip(NAMES, statistic, strict=True)]
    pieces.append(view.points(NAMES[0], RULE, [at[0]], [threshold]))
    if case == view.CASES[0]:
        pieces.append(view.points(NAMES[0], NOTE, [spec.onset / PER_HOUR], [0]))
    largest = "、".join(f"{name} {line.max():.1f}" for name, line in zip(NAMES, statistic, strict=True))
    charts.draw(
        _statistic_spec(float(at[0]), spec.hours),
        pa.concat_tables(pieces),
        f"{_who(case)}の外れの大きさ。最大は {largest}。しきい値は {threshold:g}。{view.LABEL}",
    )


_ROWS = tuple(f"{rule}({who})" for who in ("悪化", "双子") for rule in (*NAMES, view.RANGE))


@lru_cache(maxsize=16)
def _flags_spec(start: float, end: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    bars = (
        base.transform_filter(f"datum.kind == {LINE}")
        .mark_bar(height={"band": 0.7}, minBandSize=2)
        .encode(
            x=view.hour_axis(end, start),
            x2="y:Q",
            y=view.row_axis(_ROWS),
            color=alt.Color(
                "name:N", scale=alt.Scale(domain=_ROWS, range=[*view.COLOURS, *view.COLOURS]), legend=None
            ),
            tooltip=[
                alt.Tooltip("name:N", title="規則"),
                alt.Tooltip("x:Q", title="点いた時間", format=".1f"),
                alt.Tooltip("y:Q", title="消えた時間", format=".1f"),
            ],
        )
    )
    return charts.finish(alt.layer(bars, *view.moment(base, ""), view.stamp(base)), 280)


def _stretches(flags: Flags) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where flags (points,) go on and off."""
    edge = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)


def show_flags(spec: WarningSpec, flags: Sequence[Flags]) -> None:
    """Draw when each of four rules has its flag up: a (cases, points) array a rule."""
    start, pieces, told = spec.cut.test.start, [], []
    for case in range(2):
        for rule, each in enumerate(flags):
            row = _ROWS[4 * case + rule]
            on, off = _stretches(each[case])
            pieces.append(view.points(row, LINE, view.hours(start + on), view.hours(start + off)))
            told.append(f"{row} {each[case].mean():.0%}")
    pieces.append(view.points(_ROWS[0], NOTE, [spec.onset / PER_HOUR], [0]))
    charts.draw(
        _flags_spec(start / PER_HOUR, spec.hours),
        pa.concat_tables(pieces),
        f"目印が点いていた時間の割合: {'、'.join(told)}。{view.LABEL}",
    )


@lru_cache(maxsize=16)
def _signals_spec(start: float, end: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    cells = (
        base.transform_filter(f"datum.kind == {LINE}")
        .transform_calculate(x2=f"datum.x + {1.2 / PER_HOUR}")  # a little over, so that no seam shows
        .mark_rect()
        .encode(
            x=view.hour_axis(end, start),
            x2="x2:Q",
            y=view.row_axis(SIGNALS),
            color=alt.Color(
                "y:Q",
                scale=alt.Scale(domain=[-6, 0, 6], range=["#2D8BD0", "#9993", "#D55E00"], clamp=True),
                legend=alt.Legend(
                    orient="top", title="予測より 低い ← → 高い", titleLimit=220, gradientLength=140
                ),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="信号"),
                alt.Tooltip("x:Q", title="時間", format=".1f"),
                alt.Tooltip("y:Q", title="ふだんの何倍", format=".1f"),
            ],
        )
    )
    return charts.finish(alt.layer(cells, *view.moment(base, "")), 240)


def show_signals(spec: WarningSpec, smoothed: npt.NDArray[np.float32], case: str) -> None:
    """Draw the network's smoothed residuals (points, signals) of one patient."""
    start = spec.cut.test.start
    at = view.hours(np.arange(start, spec.points))
    pieces = [view.points(name, LINE, at, smoothed[:, place]) for place, name in enumerate(SIGNALS)]
    if case == view.CASES[0]:
        pieces.append(view.points(SIGNALS[0], NOTE, [spec.onset / PER_HOUR], [0]))
    ends = "、".join(f"{name} {value:+.1f}" for name, value in zip(SIGNALS, smoothed[-1], strict=True))
    charts.draw(
        _signals_spec(start / PER_HOUR, spec.hours),
        pa.concat_tables(pieces),
        f"{_who(case)}の信号ごとの、ネットワークの残差。最後の値は {ends}。{view.LABEL}",
    )


@lru_cache(maxsize=16)
def _curve_spec(within: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    names = (*NAMES, view.RANGE)
    x = alt.X(
        "x:Q",
        title="誤った目印(30分の枠、回/24時間)",
        scale=alt.Scale(domain=[0, view.MOST_FALSE], nice=False),
    )
    y = alt.Y(
        "y:Q",
        title=f"悪化から{within}時間以内に気づいた割合(%)",
        scale=alt.Scale(domain=[0, 103], nice=False),
    )
    tips = [
        alt.Tooltip("name:N", title="規則"),
        alt.Tooltip("x:Q", title="誤った目印(回/24時間)", format=".2f"),
        alt.Tooltip("y:Q", title="気づいた割合(%)", format=".0f"),
    ]
    lines = base.transform_filter(f"datum.kind == {LINE}").mark_line(strokeWidth=2, order=False, clip=True)
    dots = base.transform_filter(f"datum.kind == {RULE}").mark_point(size=130, filled=True, stroke="#fff")
    shape = {"x": x, "y": y, "color": view.colour(names, view.COLOURS), "tooltip": tips}
    return charts.finish(alt.layer(lines.encode(**shape), dots.encode(**shape)), 300)


def show_curve(
    curves: Sequence[tuple[Array, Array]], marks: Sequence[tuple[float, float]], within: int
) -> None:
    """Draw sensitivity over false flags: a curve of thresholds for three rules, a dot now for all four."""
    pieces = []
    for name, (false, found) in zip(NAMES, curves, strict=True):
        kept = false <= 2 * view.MOST_FALSE
        pieces.append(view.points(name, LINE, false[kept], 100 * found[kept]))
    for name, (wrong, right) in zip((*NAMES, view.RANGE), marks, strict=True):
        pieces.append(view.points(name, RULE, [min(wrong, view.MOST_FALSE)], [100 * right]))
    told = "、".join(
        f"{name} 誤り {wrong:.2f} 回・気づき {right:.0%}"
        for name, (wrong, right) in zip((*NAMES, view.RANGE), marks, strict=True)
    )
    charts.draw(_curve_spec(within), pa.concat_tables(pieces), f"いまのしきい値では {told}。{view.LABEL}")
