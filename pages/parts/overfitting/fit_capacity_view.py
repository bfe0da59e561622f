"""Charts and sentences of the experiment with three capacities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import tables
from core.curve_axis import curve_inputs
from core.history import Frame, TableRun
from core.reading import Reading
from core.specs import MLPSpec, TableRunSpec, TableSpec
from core.tables import Part, PatientTable
from pages.ui import charts, player, text, verdict
from pages.ui import side_by_side as parts
from pages.ui.side_by_side import Array

NAMES = ("小", "中", "大")
COLOURS = ("#E69F00", "#009E73", "#D55E00")
HOURS, DEGREES = (0.0, 72.0), (35.0, 40.0)
SEEN, HELD, TRUTH, CURVE, EPOCH = range(5)
THIN = 2  # every second point of a curve: 1.2 hours apart


def shape(model: MLPSpec) -> str:
    """Name a network by its hidden layers."""
    if not model.hidden:
        return "直線"
    return f"{model.hidden[0]}×{len(model.hidden)}層"


def parameters(model: MLPSpec) -> int:
    """Count the numbers of a network with one input and one output."""
    return sum(a * b + b for a, b in pairwise((1, *model.hidden, 1)))


def describe(specs: Sequence[TableRunSpec]) -> str:
    """Say what the three networks are."""
    told = (
        f"**{name}** {shape(spec.model)}(パラメータ {parameters(spec.model):,} 個)"
        for name, spec in zip(NAMES, specs, strict=False)
    )
    return "、".join(told)


@lru_cache(maxsize=8)
def _fits_spec(steps: int) -> charts.Spec:
    step = player.step_param(steps) if steps else alt.param(name="step", value=0)
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("x:Q", title="時刻(時間)", scale=alt.Scale(domain=HOURS, nice=False))
    y = alt.Y("y:Q", title="体温(℃)", scale=alt.Scale(domain=DEGREES, nice=False))
    grey = charts.COLOURS["実測値"]
    hover = [alt.Tooltip("x:Q", title="時刻", format=".1f"), alt.Tooltip("y:Q", title="体温", format=".1f")]
    held = base.transform_filter(f"datum.kind == {HELD}").mark_point(size=18, opacity=0.35, color=grey)
    seen = base.transform_filter(f"datum.kind == {SEEN}").mark_circle(
        size=55, opacity=0.9, color=charts.COLOURS["学習"]
    )
    truth = base.transform_filter(f"datum.kind == {TRUTH}").mark_line(
        color=grey, strokeDash=[5, 4], strokeWidth=1.5
    )
    curve = base.transform_filter(f"datum.kind == {CURVE} && datum.step == step").mark_line(
        strokeWidth=2.5, clip=True
    )
    said = (
        base.transform_filter(f"datum.kind == {EPOCH} && datum.step == step")
        .transform_calculate(said="format(datum.x, 'd') + ' エポック'")
        .mark_text(align="right", baseline="top", fontSize=14, fontWeight="bold", color=grey)
        .encode(x=alt.value("width"), y=alt.value(4), text="said:N")
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=NAMES, range=COLOURS),
        legend=alt.Legend(orient="top", title="当てはめた曲線"),
    )
    chart = alt.layer(
        held.encode(x=x, y=y, tooltip=hover),
        truth.encode(x=x, y=y),
        seen.encode(x=x, y=y, tooltip=hover),
        curve.encode(x=x, y=y, color=colour),
        said,
    )
    return charts.finish(chart.add_params(step), 310)


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
    """Return the rows of the patients, and of the temperature without noise."""
    data = tables.load(spec)
    calm = tables.load(TableSpec(name="wave", patients=spec.patients, seed=spec.seed, noise=0.0))
    hour, degree = _raw(calm, calm.train)
    order = np.argsort(hour)
    return pa.concat_tables(
        [
            _rows("検証", HELD, *_raw(data, data.validation)),
            _rows("本当の体温", TRUTH, hour[order], degree[order]),
            _rows("学習", SEEN, *_raw(data, data.train)),
        ]
    )


def _raw(data: PatientTable, part: Part) -> tuple[Array, Array]:
    """Return hours and temperatures of a part of the table."""
    hour = part.inputs[:, 0].astype(np.float64) * data.scale[0] + data.centre[0]
    return hour, part.targets.astype(np.float64) * data.target_scale + data.target_centre


def _fits(spec: TableSpec, frame: Frame, step: int) -> list[pa.Table]:
    """Return the rows of one look: three curves and its epoch."""
    x = curve_inputs(spec)[::THIN]
    found = [
        _rows(name, CURVE, x, arrays["curve"][::THIN], step)
        for name, arrays in zip(NAMES, frame.arrays, strict=False)
    ]
    return [*found, _rows("エポック", EPOCH, np.array([frame.epoch]), np.zeros(1), step)]


@lru_cache(maxsize=16)
def _album(spec: TableSpec, frames: tuple[Frame, ...]) -> pa.Table:
    """Return the rows of the patients and of every look: made once, however often they are shown."""
    looks = [table for step, frame in enumerate(frames) for table in _fits(spec, frame, step)]
    return pa.concat_tables([_patients(spec), *looks]).unify_dictionaries().combine_chunks()


def show_patients(spec: TableSpec) -> None:
    """Draw the patients alone, before any training."""
    data = tables.load(spec)
    charts.draw(
        _fits_spec(0),
        _patients(spec),
        f"時刻と体温の散布図。学習用 {len(data.train.inputs)} 人と検証用 {len(data.validation.inputs)} 人。",
    )
    _legend(data)


def show_latest(spec: TableSpec, frames: Sequence[Frame]) -> None:
    """Draw the curves as they are now."""
    rows = [_patients(spec), *(_fits(spec, frames[-1], 0) if frames else [])]
    told = f"{frames[-1].epoch} エポック目の" if frames else ""
    charts.draw(_fits_spec(0), pa.concat_tables(rows), f"{told}3つのネットワークが当てはめた曲線。")


def play(spec: TableSpec, frames: Sequence[Frame]) -> None:
    """Draw the curves of every look, to be moved through in the browser."""
    if len(frames) < 2:
        show_latest(spec, frames)
        return
    player.play(
        _fits_spec(len(frames) - 1),
        _album(spec, tuple(frames)),
        steps=len(frames) - 1,
        key="of_fits",
        alt_text=f"3つのネットワークの曲線が、{frames[-1].epoch} エポックのあいだに患者へ近づいていく様子。",
        label="コマ",
        speed=10,
    )
    _legend(tables.load(spec))


def _legend(data: PatientTable) -> None:
    st.caption(
        f"青い点は学習に使う {len(data.train.inputs)} 人、"
        f"灰色の輪は検証用の {len(data.validation.inputs)} 人、灰色の破線は雑音を除いた本当の体温です。"
    )


def test_error(spec: TableRunSpec, result: TableRun) -> float:
    """Return the root of the mean squared error on the test patients (℃)."""
    return float(np.sqrt(result.test_loss)) * tables.load(spec.table).target_scale


def show_table(
    specs: Sequence[TableRunSpec], results: Sequence[TableRun], readings: Sequence[Reading]
) -> None:
    """Compare the three networks in numbers."""
    told = {
        "重みとバイアスの数": [f"{result.parameters:,}" for result in results],
        "学習損失": [text.number(reading.final_train or 0.0) for reading in readings],
        "検証損失": [text.number(reading.final_validation or 0.0) for reading in readings],
        "検証損失の最低": [text.number(reading.best_validation or 0.0) for reading in readings],
        "最低のエポック": [str(reading.best_epoch) for reading in readings],
        "テスト RMSE": [
            f"{test_error(spec, result):.2f} ℃" for spec, result in zip(specs, results, strict=True)
        ],
        "判定": [text.VERDICT_LABELS[reading.verdict] for reading in readings],
    }
    head = [f"{name} {shape(spec.model)}" for name, spec in zip(NAMES, specs, strict=True)]
    parts.table(["", *head], [[label, *cells] for label, cells in told.items()])


def sentences(
    specs: Sequence[TableRunSpec], results: Sequence[TableRun], readings: Sequence[Reading]
) -> list[str]:
    """Say of each network what decided its verdict."""
    told = []
    for name, reading in zip(NAMES, readings, strict=False):
        gap = f"終わりの差(検証 − 学習)は {reading.gap or 0.0:+.3f}".replace("-", "−")
        told.append(
            f"**{name}は「{text.VERDICT_LABELS[reading.verdict]}」。** "
            f"{verdict.sentence(reading)}{gap} です。"
        )
    noise = specs[0].table.noise
    errors = [test_error(spec, result) for spec, result in zip(specs, results, strict=True)]
    told.append(
        f"体温には標準偏差 {noise:g} ℃ の雑音があり、どんなモデルも RMSE を平均的に {noise:g} ℃ より小さくは"
        "できません。テストの患者でいちばん近いのは"
        f"「{NAMES[int(np.argmin(errors))]}」の {min(errors):.2f} ℃ です。"
    )
    return told


def whys(
    specs: Sequence[TableRunSpec], results: Sequence[TableRun], readings: Sequence[Reading]
) -> list[str]:
    """Say why networks fail, by the numbers of their runs."""
    found = []
    for name, spec, result, reading in zip(NAMES, specs, results, readings, strict=False):
        if reading.verdict == "underfitting":
            reason = (
                "直線は曲がれないので、波打つ体温を表せません"
                if not spec.model.hidden
                else "このネットワークは、まだ波の形を表せていません"
            )
            found.append(
                f"**{name}(未学習)**: {reason}。学習損失 {text.number(reading.final_train or 0.0)} は、"
                f"いつも平均体温を答える場合({text.number(result.reference_loss)})とほとんど変わりません。"
            )
        elif reading.verdict == "overfitting":
            found.append(
                f"**{name}(過学習)"
                f"**: {result.parameters:,} 個のパラメータで {result.rows[0]} 人の体温を追うと、"
                "体温の波だけでなく、測定のたまたまのずれ(雑音)まで曲線に写し取れてしまいます。"
                "雑音は次の患者では違う値になるので、覚えるほど検証損失が上がります。"
            )
        elif reading.verdict == "too_slow":
            found.append(
                f"**{name}(遅すぎる)**: {len(result.history)} エポックでは、まだ損失が下がる途中です。"
                "判定を下すには早すぎます。エポック数を増やしてください。"
            )
    return found


def show_formula(specs: Sequence[TableRunSpec], results: Sequence[TableRun], reading: Reading) -> None:
    """Show the generalisation gap and loss of the large network, and how its numbers are counted."""
    result = results[2]
    train, held = reading.final_train or 0.0, reading.final_validation or 0.0
    best = reading.best_validation or 1.0
    sizes = (1, *specs[2].model.hidden, 1)
    products = " + ".join(rf"({a} \times {b} + {b})" for a, b in pairwise(sizes))
    with st.expander("数式で見る(「大」の数字)"):
        st.markdown(
            "損失は、標準化した体温の外れを2乗して平均したものです。汎化ギャップは2つの損失の差です。"
        )
        st.latex(r"L = \frac{1}{N}\sum_i (\hat y_i - y_i)^2")
        st.latex(
            r"L_\text{検証} - L_\text{学習}"
            rf" = {held:.4f} - {train:.4f} = {held - train:.4f}"
        )
        st.markdown("最低の検証損失からどれだけ悪くなったか(Prechelt の汎化損失 GL)です。")
        st.latex(
            r"GL = 100\left(\frac{L_\text{検証}}{\min L_\text{検証}} - 1\right)"
            rf" = 100\left(\frac{{{held:.4f}}}{{{best:.4f}}} - 1\right) = {100 * (held / best - 1):.1f}\ \%"
        )
        st.markdown("重みとバイアスの数は、層ごとに(入力 × 出力 + 出力)を足したものです。")
        st.latex(rf"{products} = {result.parameters:,}".replace(",", "{,}"))
