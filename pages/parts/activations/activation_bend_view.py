"""Charts and sentences of the experiment with the U-shaped risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import collapse, tables
from core.curve_axis import curve_inputs
from core.history import Frame, TableRun
from core.specs import TableRunSpec, TableSpec
from core.tables import Part, PatientTable
from pages.parts.activations import activation_parts as parts
from pages.ui import charts, player, side_by_side, text
from pages.ui import workings as view
from pages.ui.side_by_side import Array

POTASSIUM, MORTALITY = (2.3, 6.3), (-8.0, 50.0)
PATIENTS, CURVE, EPOCH = range(3)
THIN = 2
LEARNT = 0.3


@lru_cache(maxsize=32)
def _spec(names: tuple[str, ...], steps: int) -> charts.Spec:
    step = player.step_param(steps) if steps else alt.param(name="step", value=0)
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("x:Q", title="血清カリウム(mmol/L)", scale=alt.Scale(domain=POTASSIUM, nice=False))
    y = alt.Y("y:Q", title="死亡率(%)", scale=alt.Scale(domain=MORTALITY, nice=False))
    grey = charts.COLOURS["実測値"]
    hover = [
        alt.Tooltip("x:Q", title="カリウム", format=".1f"),
        alt.Tooltip("y:Q", title="死亡率", format=".1f"),
    ]
    dots = base.transform_filter(f"datum.kind == {PATIENTS}").mark_circle(size=18, opacity=0.45, color=grey)
    curve = base.transform_filter(f"datum.kind == {CURVE} && datum.step == step").mark_line(
        strokeWidth=3, clip=True
    )
    said = (
        base.transform_filter(f"datum.kind == {EPOCH} && datum.step == step")
        .transform_calculate(said="format(datum.x, 'd') + ' エポック'")
        .mark_text(align="center", baseline="top", fontSize=14, fontWeight="bold", color=grey)
        .encode(x=alt.value(alt.expr("width / 2")), y=alt.value(4), text="said:N")
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=parts.labels(names), range=parts.colours(names)),
        legend=alt.Legend(orient="top", title=None) if names else None,
    )
    chart = alt.layer(dots.encode(x=x, y=y, tooltip=hover), curve.encode(x=x, y=y, color=colour), said)
    return charts.finish(chart.add_params(step), 270)


def _rows(name: str, kind: int, x: Array, y: Array, step: Array | None = None) -> pa.Table:
    return charts.rows(
        name,
        x=np.asarray(x, dtype=np.float32),
        y=np.asarray(y, dtype=np.float32),
        kind=np.full(len(x), kind, dtype=np.int8),
        step=np.zeros(len(x), dtype=np.int16) if step is None else step.astype(np.int16),
    )


def _raw(data: PatientTable, part: Part) -> tuple[Array, Array]:
    """Return potassium (mmol/L) and mortality (%) of a part of the table."""
    x = part.inputs[:, 0].astype(np.float64) * data.scale[0] + data.centre[0]
    return x, part.targets.astype(np.float64) * data.target_scale + data.target_centre


@lru_cache(maxsize=16)
def _patients(spec: TableSpec) -> pa.Table:
    data = tables.load(spec)
    return _rows("患者", PATIENTS, *_raw(data, data.train))


def _fits(spec: TableSpec, names: tuple[str, ...], frames: Sequence[Frame]) -> list[pa.Table]:
    """Make the rows of looks: the curve of each network, and the epoch of each look."""
    x, steps = curve_inputs(spec)[::THIN], np.arange(len(frames), dtype=np.float64)
    epochs = np.array([frame.epoch for frame in frames], dtype=np.float64)
    made = [_rows("エポック", EPOCH, epochs, 0 * epochs, steps)]
    for place, name in enumerate(names if frames else ()):
        y = np.stack([frame.arrays[place]["curve"][::THIN] for frame in frames])  # (looks, points)
        at = np.tile(x, len(frames)), y.ravel(), np.repeat(steps, len(x))
        made.append(_rows(parts.LABELS[name], CURVE, *at))
    return made


def show_patients(spec: TableSpec) -> None:
    """Draw the patients alone, before any training."""
    charts.draw(_spec((), 0), _patients(spec), "血清カリウムと死亡率の散布図。両端で死亡率が高い。")


def show_latest(spec: TableSpec, names: tuple[str, ...], frames: Sequence[Frame]) -> None:
    """Draw the curves as they are now."""
    rows = [_patients(spec), *_fits(spec, names, frames[-1:])]
    told = f"{frames[-1].epoch} エポック目の" if frames else ""
    charts.draw(_spec(names, 0), pa.concat_tables(rows), f"{told}ネットワークごとの曲線。")
    st.caption("灰色の点は学習に使う患者です。学習が終わると、エポックごとに再生できます。")


def play(spec: TableSpec, names: tuple[str, ...], frames: Sequence[Frame]) -> None:
    """Draw the curves of every look, to be moved through in the browser."""
    if len(frames) < 2:
        show_latest(spec, names, frames)
        return
    rows = [_patients(spec), *_fits(spec, names, frames)]
    player.play(
        _spec(names, len(frames) - 1),
        pa.concat_tables(rows),
        steps=len(frames) - 1,
        key="ac_bend_fits",
        alt_text=f"ネットワークの曲線が、{frames[-1].epoch} エポックのあいだに患者へ近づく様子。",
        label="コマ",
    )
    st.caption("灰色の点は学習に使う患者です。▶ で、学習の最初から再生できます。")


def shape(spec: TableRunSpec) -> str:
    """Name a network by its activation and its hidden layers."""
    return f"{parts.LABELS[spec.model.activation]} {spec.model.hidden[0]}×{len(spec.model.hidden)}層"


def error(spec: TableRunSpec, result: TableRun) -> float:
    """Return the root of the mean squared error on the test patients (points of %)."""
    return float(np.sqrt(result.test_loss)) * tables.load(spec.table).target_scale


def show_table(
    specs: Sequence[TableRunSpec], results: Sequence[TableRun], shares: Mapping[str, float]
) -> None:
    """Compare the networks in numbers."""
    rows = [
        [
            f"**{shape(spec)}**",
            "学べた" if shares[spec.model.activation] < LEARNT else "学べない",
            f"{result.parameters:,}",
            text.number(result.history[-1].train_loss),
            text.number(result.history[-1].validation_loss or 0.0),
            f"{error(spec, result):.1f}",
        ]
        for spec, result in zip(specs, results, strict=True)
    ]
    side_by_side.table(["", "U字", "パラメータ数", "学習損失", "検証損失", "RMSE(%)"], rows)
    st.caption("RMSE は、学習に使っていないテストの患者での外れです。")


def line(spec: TableRunSpec, result: TableRun) -> tuple[float, float]:
    """Multiply a linear network out: slope (% per mmol/L) and height at 0 mmol/L (%)."""
    data = tables.load(spec.table)
    matrix, bias = collapse.of_network(result.weights)
    slope = float(matrix[0, 0]) * data.target_scale / float(data.scale[0])
    return slope, float(bias[0]) * data.target_scale + data.target_centre - slope * float(data.centre[0])


def best_line(spec: TableSpec) -> tuple[float, float]:
    """Return slope and loss (standardized) of the line nearest to the training patients."""
    data = tables.load(spec)
    x, y = _raw(data, data.train)
    slope, height = np.polyfit(x, y, 1)
    return float(slope), float((((y - slope * x - height) / data.target_scale) ** 2).mean())


def kinks(spec: TableRunSpec, result: TableRun) -> list[float]:
    """Return where a network with one layer of ReLU bends, among the potassium values seen."""
    data, reach = tables.load(spec.table), curve_inputs(spec.table)
    weight = result.weights["0.weight"][:, 0].astype(np.float64)
    bias = result.weights["0.bias"].astype(np.float64)
    alive = (weight != 0) & (result.weights["2.weight"][0] != 0)
    at = -bias[alive] / weight[alive] * data.scale[0] + data.centre[0]
    return sorted(float(k) for k in at if reach[0] < k < reach[-1])


def _bends(spec: TableRunSpec) -> bool:
    return spec.model.activation == "relu" and len(spec.model.hidden) == 1


def sentences(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> list[str]:
    """Say what each network has become."""
    slope, height = line(specs[0], results[0])
    best_slope, best_loss = best_line(specs[0].table)
    layers = len(specs[0].model.hidden) + 1
    told = [
        f"線形ネットワークの {layers} 枚の層(パラメータ {results[0].parameters:,} 個)を掛け合わせると、"
        f"**死亡率 = {view.fixed(slope, 2)} × カリウム {'+' if height >= 0 else '−'} "
        f"{abs(height):.1f}** という1本の直線になりました。",
        f"最小二乗法で求めた最良の直線(傾き {view.fixed(best_slope, 2)})でも、"
        f"学習損失は {best_loss:.3f} が限界です。"
        f"線形ネットワークの {results[0].history[-1].train_loss:.3f} は、その限界に張りついています。",
    ]
    for spec, result in zip(specs, results, strict=True):
        if _bends(spec):
            found = kinks(spec, result)
            places = list(dict.fromkeys(f"{k:.2f}" for k in found))
            told.append(
                f"ReLU の線は、カリウム {'、'.join(places)} mmol/L の "
                f"{len(places)} か所で折れ曲がっています。"
                "そこが、ReLU のユニットが働き始める(止まる)境目です。"
                if found
                else "ReLU の線は、患者のいる範囲では1度も折れ曲がっていません。"
            )
    noise = 10 * specs[0].table.noise
    told.append(
        f"死亡率には標準偏差 {noise:g} % の雑音があり、"
        f"どんなモデルでも、テストの RMSE を平均的に {noise:g} % より小さくすることはできません。"
    )
    return told


def whys(
    specs: Sequence[TableRunSpec], results: Sequence[TableRun], shares: Mapping[str, float]
) -> list[str]:
    """Say why networks fail, by the numbers of their runs."""
    found = []
    for spec, result in zip(specs, results, strict=True):
        name = spec.model.activation
        if shares[name] < LEARNT:
            continue
        if name == "linear":
            found.append(
                f"**{shape(spec)}**: 線形の層は何枚重ねても1枚と同じで、直線しか描けません。"
                "左端を上げれば右端が下がり、両方を同時に高くはできません。"
            )
        elif _bends(spec) and len(kinks(spec, result)) < 2:
            found.append(
                f"**{shape(spec)}**: 折れ目が {len(kinks(spec, result))} か所しかありません。"
                "下がって、また上がる形を表すには、右へ上がるユニットと左へ上がるユニットの両方が要ります。"
            )
        else:
            found.append(
                f"**{shape(spec)}**: 学習損失はまだ {result.history[-1].train_loss:.3f} です。"
                f"{len(result.history)} エポックでは足りないか、"
                "ユニットが足りないか、学習率が合っていません。"
            )
    return found


def show_formula(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> None:
    """Show the line with its numbers, and what a layer of ReLU adds up."""
    slope, height = line(specs[0], results[0])
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown("線形ネットワークは、掛け合わせると1本の直線です。")
        st.latex(rf"\hat y = W_{len(specs[0].model.hidden) + 1} \cdots W_1\,x + b")
        st.latex(rf"\hat y = {slope:.3f}\,x {height:+.3f}")
        for spec, result in zip(specs, results, strict=True):
            if _bends(spec):
                st.markdown("ReLU 1層のネットワークは、折れ線の足し算です(標準化した値で)。")
                st.latex(r"\hat y = c + \sum_j v_j \max(0,\ w_j x + b_j)")
                st.latex(_largest_term(result))


def _largest_term(result: TableRun) -> str:
    """Write the unit that bends the line the most."""
    w, b = result.weights["0.weight"][:, 0], result.weights["0.bias"]
    v, c = result.weights["2.weight"][0], result.weights["2.bias"]
    j = int(np.argmax(abs(v * w)))
    return rf"\hat y = {c[0]:.3f} {v[j]:+.3f}\max(0,\ {w[j]:.3f}\,x {b[j]:+.3f}) + \cdots"
