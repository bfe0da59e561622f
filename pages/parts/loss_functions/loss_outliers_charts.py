"""Charts of the experiment with mistyped blood pressures: patients with lines, runs that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import tables
from core.history import TableRun
from core.loss_curves import Array
from core.specs import LOSSES_OF_NUMBERS, TableRunSpec
from pages.ui import charts, compare, text

NAMES = tuple(text.LOSS_LABELS[name] for name in LOSSES_OF_NUMBERS)
CLEAN = "正しい値だけ"
AGES, PRESSURES = (20.0, 90.0), (90.0, 240.0)
MISTYPED, ERROR = "打ち間違い(件)", "テストMAE {}(mmHg)"
PATIENT, CUT, LINE = range(3)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A straight line in clinical units: mmHg at age 0, mmHg a year, and its error on test patients (MAE)."""

    at_zero: float
    per_year: float
    error: float

    def at(self, age: float) -> float:
        """Return the pressure predicted at an age."""
        return self.at_zero + self.per_year * age


def line(spec: TableRunSpec, result: TableRun) -> Line:
    """Bring a trained line from standardized to clinical units."""
    data = tables.load(spec.table)
    weight, bias = float(result.weights["0.weight"].ravel()[0]), float(result.weights["0.bias"].ravel()[0])
    centre, scale = float(data.centre[0]), float(data.scale[0])
    per_year = weight / scale * data.target_scale
    at_zero = (bias - weight * centre / scale) * data.target_scale + data.target_centre
    errors = np.abs(result.test_outputs[:, 0] - result.test_targets) * data.target_scale
    return Line(at_zero=at_zero, per_year=per_year, error=float(errors.mean()))


def patients(spec: TableRunSpec) -> tuple[Array, Array]:
    """Return ages and blood pressures of the training patients as typed, the mistyped first."""
    data = tables.load(spec.table)
    age = data.train.inputs[:, 0].astype(np.float64) * data.scale[0] + data.centre[0]
    pressure = data.train.targets.astype(np.float64) * data.target_scale + data.target_centre
    return age.round(), pressure.round()


@lru_cache(maxsize=16)
def clean_line(spec: TableRunSpec) -> tuple[float, float]:
    """Fit least squares to the same patients without typing errors -> mmHg at age 0, mmHg a year."""
    age, pressure = patients(spec)
    pressure[: spec.table.mistyped] /= 10
    per_year, at_zero = np.polyfit(age, pressure, 1)
    return float(at_zero), float(per_year)


@lru_cache(maxsize=1)
def _lines_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("x:Q", title="年齢(歳)", scale=alt.Scale(domain=list(AGES), nice=False))
    y = alt.Y("y:Q", title="収縮期血圧(mmHg)", scale=alt.Scale(domain=list(PRESSURES), nice=False))
    names = [*NAMES, CLEAN]
    colours = [charts.LOSS_COLOURS.get(name, charts.COLOURS["実測値"]) for name in names]
    line = base.transform_filter(f"datum.kind == {LINE}").mark_line(strokeWidth=3, clip=True)
    dot = base.transform_filter(f"datum.kind == {PATIENT}").mark_circle(
        size=26, opacity=0.55, color=charts.COLOURS["実測値"]
    )
    cut = base.transform_filter(f"datum.kind == {CUT}").mark_point(
        size=120, filled=True, shape="triangle-up", color=charts.COLOURS["直前の値"], yOffset=7
    )
    hover = [alt.Tooltip("x:Q", title="年齢"), alt.Tooltip("typed:Q", title="入力された血圧")]
    chart = alt.layer(
        dot.encode(x=x, y=y, tooltip=hover),
        line.encode(
            x=x,
            y=y,
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=names, range=colours),
                legend=alt.Legend(orient="top", title=None),
            ),
            strokeDash=alt.condition(f"datum.name == '{CLEAN}'", alt.value([5, 4]), alt.value([1, 0])),
        ),
        cut.encode(x=x, y=y, tooltip=hover),
    )
    return charts.finish(chart, 260)


def show_lines(spec: TableRunSpec, results: Sequence[TableRun]) -> None:
    """Draw the training patients, the line without typing errors, and the trained lines if there are any."""
    age, pressure = patients(spec)
    inside = pressure <= PRESSURES[1]
    ends = np.array(AGES)
    at_zero, per_year = clean_line(spec)
    rows = [
        _rows("患者", PATIENT, age[inside], pressure[inside], pressure[inside]),
        _rows("患者", CUT, age[~inside], np.full(int((~inside).sum()), PRESSURES[1]), pressure[~inside]),
        _rows(CLEAN, LINE, ends, at_zero + per_year * ends, ends),
    ]
    for name, result in zip(NAMES, results, strict=False):
        if result.weights and np.isfinite(result.weights["0.weight"]).all():
            fit = line(spec, result)
            rows.append(_rows(name, LINE, ends, fit.at_zero + fit.per_year * ends, ends))
    beyond = int((~inside).sum())
    charts.draw(
        _lines_spec(),
        pa.concat_tables(rows),
        f"年齢と収縮期血圧の散布図。学習用 {len(age)} 人のうち {beyond} 人は図の上端より上。",
    )
    st.caption(
        (
            f"学習用の患者 {len(age)} 人。▲ の {beyond} 人は打ち間違いで図に入りきりません"
            f"(最大 {pressure.max():,.0f} mmHg)。"
            if beyond
            else f"学習用の患者 {len(age)} 人。打ち間違いはありません。"
        )
        + f"破線「{CLEAN}」は、正しい値から最小二乗法で求めた直線です。"
    )


def _rows(name: str, kind: int, x: Array, y: Array, typed: Array) -> pa.Table:
    return charts.rows(name, x=x, y=y, typed=typed, kind=np.full(len(x), kind))


@lru_cache(maxsize=1)
def _pins_spec() -> charts.Spec:
    mark = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(point=alt.OverlayMarkDef(size=70), strokeWidth=1.5)
        .encode(
            x=alt.X("x:Q", title="打ち間違い(件)", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("y:Q", title="テストの誤差(MAE、mmHg)"),
            detail="group:N",
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=NAMES, range=[charts.LOSS_COLOURS[name] for name in NAMES]),
                legend=alt.Legend(orient="top", title=None),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="損失関数"),
                alt.Tooltip("x:Q", title="打ち間違い(件)"),
                alt.Tooltip("y:Q", title="誤差(mmHg)", format=".1f"),
            ],
        )
    )
    return charts.finish(mark, 240)


def show_pins(kept: Sequence[compare.Pin]) -> None:
    """Draw the errors of pinned runs over the number of typing errors: a dose-response curve."""
    x = np.array([float(pin.results[MISTYPED] or 0) for pin in kept])
    settings = [tuple(pin.settings.values()) for pin in kept]
    group = np.array([settings.index(setting) for setting in settings])  # a line joins equal settings
    rows = [
        charts.rows(
            name,
            x=x,
            y=np.array([float(pin.results[ERROR.format(name)] or 0) for pin in kept]),
            group=group,
        )
        for name in NAMES
    ]
    charts.draw(_pins_spec(), pa.concat_tables(rows), "打ち間違いの件数と、3つの損失のテストの誤差。")
    st.caption("打ち間違いの件数を変えて残すと、用量反応曲線のように、どの損失がどこまで耐えるかが見えます。")
