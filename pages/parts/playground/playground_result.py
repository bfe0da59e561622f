"""What a run of the playground has shown: its score, its reading, its formulas."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.history import TableRun
from core.specs import TableRunSpec
from pages.parts.playground import playground_presets
from pages.ui import code, compare, lesson, run_reading, text, verdict
from pages.ui.rules import latex
from pages.ui.runs import Watched

PAGE = "playground"
GOAL = 0.95
QUESTION = "この設定で、テスト患者の正解率は 95 % に届くでしょうか?"
CHOICES = ["届く", "届かない"]
NEARLY_ZERO = 0.01
_ACTIVATION_LATEX = {
    "relu": r"\mathrm{ReLU}",
    "tanh": r"\tanh",
    "sigmoid": r"\sigma",
    "leaky_relu": r"\mathrm{LeakyReLU}",
    "gelu": r"\mathrm{GELU}",
    "silu": r"\mathrm{SiLU}",
    "linear": "",
}


def answer(result: TableRun) -> lesson.Answer:
    """Say whether the run reached the goal, by its test patients."""
    accuracy, patients = result.test_accuracy or 0.0, result.rows[2]
    return lesson.Answer(
        CHOICES[0] if accuracy >= GOAL else CHOICES[1],
        f"テスト患者 {patients} 人のうち {round(accuracy * patients)} 人、{accuracy:.1%} が正解でした。",
    )


def show(watched: Watched) -> None:
    """Read the run that has ended, beside its chart."""
    results, spec = run_reading.results(watched), watched.spec
    if results is None:
        return
    first = results[0]
    readings = [verdict.read_run(result) for result in results]
    labels = [text.VERDICT_LABELS[reading.verdict] for reading in readings]
    st.header("読み解き")
    about = watched.specs
    lesson.score(PAGE, about, lambda: answer(first))
    st.markdown(f"判定は **{labels[0]}** です。{verdict.sentence(readings[0])}")
    run_reading.facts(results, labels)
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences(first, spec)))
    why = playground_presets.why(spec)
    if why:
        st.markdown(f"**なぜ** — {why}")
    end = first.history[-1]
    compare.pin_button(
        PAGE,
        f"{text.PLANE_LABELS[spec.table.name]}・{text.ACTIVATION_LABELS[spec.model.activation]}",
        watched.context,
        {
            "判定": labels[0],
            "学習損失": end.train_loss,
            "検証損失": end.validation_loss,
            "テスト損失": first.test_loss,
            "テスト正解率": first.test_accuracy,
        },
        first.seconds,
        watched.run.rows,
    )


def sentences(result: TableRun, spec: TableRunSpec) -> list[str]:
    """Tell the test loss, how far validation fell behind, and what became of the weights."""
    said = [
        f"テスト損失は {text.number(result.test_loss)} でした"
        f"(全員に同じ確率を答えると {text.number(result.reference_loss)})。"
    ]
    end = result.history[-1].validation_loss
    lowest = min(
        ((e.validation_loss, e.number) for e in result.history if e.validation_loss is not None),
        default=None,
    )
    if lowest and end is not None and end > max(1.1 * lowest[0], lowest[0] + 0.02):
        said.append(
            f"検証損失は {lowest[1]} エポック目を底に、"
            f"{text.number(end / max(lowest[0], 1e-9))} 倍まで上がりました。そこが、やめどきでした。"
        )
    weights = _weights(result)
    small = float((np.abs(weights) < NEARLY_ZERO).mean())
    said.append(
        f"重み {len(weights)} 個のうち、ほとんど0({NEARLY_ZERO:g} 未満)のものは {small:.1%} でした。"
        f"パラメータは全部で {result.parameters} 個です。"
    )
    if spec.penalty.l1:
        said.append("L1 は、要らない重みを 0 へ押しやります。強さを変えて、この割合を比べてみてください。")
    return said


def formula(watched: Watched) -> None:
    """Show what the network computes, with the numbers of the run, and its script."""
    results, spec = watched.run.result, watched.spec
    if not results or not results[0].history:
        return
    result: TableRun = results[0]
    with st.expander("数式で見る(この学習の数字)"):
        _unit(result, spec)
        st.markdown("最後の2つの数(ロジット z)から、病気ありの確率を求めます。")
        st.latex(r"p = \frac{e^{z_1}}{e^{z_0} + e^{z_1}}")
        st.markdown("損失(交差エントロピー)は、正解のクラスに与えた確率の対数の平均です。")
        st.latex(
            rf"L = -\frac{{1}}{{N}}\sum_i \log p_i(\text{{正解}}) = {_number(result.test_loss)}"
            rf"\qquad (N = {result.rows[2]},\ \text{{テスト}})"
        )
        _penalty(result, spec)
        st.markdown("重みは、ミニバッチ1つごとに勾配と逆の向きへ動きます。")
        st.latex(latex(spec.optimizer.name) + rf"\qquad \eta = {result.history[-1].lr:g}")
        epochs, batch = len(result.history), spec.training.batch_size
        rounds = -(-result.rows[0] // batch)
        st.latex(
            rf"\lceil {result.rows[0]} / {batch} \rceil \times {epochs} = {rounds * epochs:,}"
            r"\ \text{回の修正}".replace(",", "{,}")
        )
    code.show(PAGE, watched.specs)


def _unit(result: TableRun, spec: TableRunSpec) -> None:
    """Write the first unit of the network with its weights."""
    if not result.weights:
        return
    weight, bias = result.weights["0.weight"][0], float(result.weights["0.bias"][0])
    terms = " ".join(
        f"{'-' if w < 0 else '+'} {abs(w):.2f}\\,\\text{{{text.COLUMN_LABELS[name]}}}"
        for w, name in zip(weight.tolist(), spec.table.columns, strict=True)
    ).removeprefix("+ ")
    inside = rf"{terms} {'-' if bias < 0 else '+'} {abs(bias):.2f}"
    if spec.model.hidden:
        name = _ACTIVATION_LATEX[spec.model.activation]
        st.markdown("隠れ層1のユニット1は、平均 0・標準偏差 1 にそろえた入力から、次の数を計算します。")
        st.latex(rf"h_1 = {name}\left({inside}\right)")
    else:
        st.markdown("隠れ層がないので、ロジットは入力の足し算そのものです(病気なしの z₀)。")
        st.latex(rf"z_0 = {inside}")


def _penalty(result: TableRun, spec: TableRunSpec) -> None:
    """Write what the weights cost, if they do."""
    l1, l2 = spec.penalty.l1, spec.penalty.l2
    if not (l1 or l2):
        return
    weights = _weights(result)
    st.markdown("学習中は、これに重みの大きさの罰が加わります。")
    parts = []
    if l1:
        total = float(np.abs(weights).sum())
        parts.append(rf"\underbrace{{{l1:g} \times {total:.2f}}}_{{\lambda_1\sum|w|}}")
    if l2:
        total = float((weights**2).sum())
        parts.append(rf"\underbrace{{{l2:g} \times {total:.2f}}}_{{\lambda_2\sum w^2}}")
    st.latex("L + " + " + ".join(parts))


def _weights(result: TableRun) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return all weights, biases apart."""
    parts = [np.ravel(w) for name, w in result.weights.items() if name.endswith("weight")]
    return np.concatenate(parts).astype(np.float64)


def _number(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else r"\text{計算不能}"
