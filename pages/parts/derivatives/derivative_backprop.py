"""Lesson 微分と連鎖律, fifth experiment: responsibility goes back through three layers as a product."""

from __future__ import annotations

import streamlit as st

from core import backprop, derivative_script, jobs
from core.backprop import Gradients, LineSpec, Walk
from core.specs import digest
from pages.parts.derivatives import derivative_backprop_view
from pages.ui import lesson, runs
from pages.ui import workings as view

SLOT = "dv_backprop"
DIGITS = 5
ACTIVATIONS = {"tanh": "tanh", "シグモイド": "sigmoid", "ReLU": "relu", "なし": "identity"}
CHOICES = ["10分の1以下に縮む", "同じくらい", "10倍以上にふくらむ", "0になる"]
KEYS = ("dv_w1", "dv_w2", "dv_w3", "dv_input", "dv_target", "dv_act")
PRESETS = [
    lesson.Preset("ほどよい重み", dict(zip(KEYS, (0.5, -1.0, 1.5, 1.0, 1.0, "tanh"), strict=True))),
    lesson.Preset(
        "勾配が消える",
        dict(zip(KEYS, (4.0, 8.0, 1.0, 3.0, 0.0, "シグモイド"), strict=True)),
        "シグモイドに大きな値が入ると、曲線は平らになって傾きがほぼ 0 です(**飽和**)。"
        "平らな層を通るたびにほぼ 0 が掛かるので、入力側の重みには責任がほとんど届かず、学習が進みません。",
    ),
    lesson.Preset(
        "勾配が爆発する",
        dict(zip(KEYS, (0.5, 8.0, 8.0, 1.0, 1.0, "ReLU"), strict=True)),
        "責任には、さかのぼる途中の重みがそのまま掛かります。8 × 8 = 64 倍のように大きな重みが続くと、"
        "入力側の勾配が極端に大きくなり、1回の修正で重みが飛んでしまいます。",
    ),
    lesson.Preset(
        "眠った ReLU",
        dict(zip(KEYS, (-1.0, 1.0, 1.0, 1.0, 1.0, "ReLU"), strict=True)),
        "ReLU に負の値が入ると、出力も傾きもちょうど 0 です。積に 0 が1つでもあれば、"
        "そこより入力側の重みには、責任がまったく届きません。",
    ),
]


@st.cache_data(max_entries=500, show_spinner=False)
def _autograd(name: str, _spec: LineSpec) -> Gradients:  # noqa: ARG001 - the key
    gradients: Gradients = runs.engine().quick(jobs.line_gradients, _spec, timeout=30)
    return gradients


def _settings() -> LineSpec:
    activation = view.choice("活性化関数 φ", ACTIVATIONS, "dv_act")
    weights = [
        st.slider(f"重み {name}", -10.0, 10.0, default, step=0.5, format="%.1f", key=key, bind="query-params")
        for name, default, key in zip(("w₁", "w₂", "w₃"), (0.5, -1.0, 1.5), KEYS, strict=False)
    ]
    left, right = st.columns(2)
    with left:
        x = st.slider("入力 x", -5.0, 5.0, 1.0, step=0.5, format="%.1f", key="dv_input", bind="query-params")
    with right:
        target = st.slider(
            "正解 t", -5.0, 5.0, 1.0, step=0.5, format="%.1f", key="dv_target", bind="query-params"
        )
    return LineSpec(
        x=float(x),
        target=float(target),
        weights=(float(weights[0]), float(weights[1]), float(weights[2])),
        activation=activation,
    )


def _answer(found: Gradients) -> lesson.Answer:
    first, _, last = (abs(g) for g in found.weights)
    if first == 0:
        return lesson.Answer(CHOICES[3], "w₁ の勾配はちょうど 0 でした。")
    if last == 0:
        return lesson.Answer(CHOICES[2], f"w₃ の勾配は 0、w₁ の勾配は {view.scientific(first)} でした。")
    ratio = first / last
    choice = CHOICES[0] if ratio <= 0.1 else CHOICES[2] if ratio >= 10 else CHOICES[1]
    return lesson.Answer(
        choice,
        f"勾配の大きさは w₁ が {view.scientific(first)}、w₃ が {view.scientific(last)} で、"
        f"w₁ は w₃ の {view.scientific(ratio)} 倍でした。",
    )


@st.fragment
def show() -> None:
    """Let the reader set a line of three layers, and check every step back against autograd."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        spec = _settings()
        with question:
            lesson.predict(SLOT, "w₁ に届く勾配の大きさは、w₃ の勾配と比べて?", CHOICES, spec)
        asked = view.asked(SLOT, "責任をさかのぼる")
        view.presets(SLOT, PRESETS)
    walk = backprop.walk(spec)
    with stage:
        derivative_backprop_view.show(spec, walk, still=not asked)
        if not asked:
            st.info(
                "予想を選んで「責任をさかのぼる」を押し、▶ で再生してください。"
                "値が右へ進み、責任が左へ戻ります。"
            )
            return
        try:
            found = _autograd(digest(spec), spec)
        except TimeoutError:
            st.info(view.WAIT)
            return
        lesson.score(SLOT, spec, lambda: _answer(found))
        view.why(PRESETS)
        _table(walk.gradients, found)
    _formula(spec, walk)
    view.script(SLOT, derivative_script.line(spec), f"backprop_{spec.activation}")


def _table(hand: Gradients, found: Gradients) -> None:
    """Show each responsibility as a product by hand beside what autograd finds."""
    lines = ["| ∂L/∂ | 積(手計算) | 自動微分 | 差 |", "|:--|--:|--:|--:|"]
    places = [
        ("ŷ", hand.nodes[3], found.nodes[3]),
        ("w₃", hand.weights[2], found.weights[2]),
        ("a₂", hand.nodes[2], found.nodes[2]),
        ("w₂", hand.weights[1], found.weights[1]),
        ("a₁", hand.nodes[1], found.nodes[1]),
        ("w₁", hand.weights[0], found.weights[0]),
    ]
    right = 0
    for name, product, truth in places:
        shown = _number(product), _number(truth)
        right += shown[0] == shown[1]
        lines.append(
            f"| {name} | {shown[0]} | {shown[1]}{view.mark(shown[0] == shown[1])}"
            f" | {view.scientific(abs(product - truth))} |"
        )
    st.markdown("\n".join(lines))
    st.caption(f"{len(places)} か所のうち {right} か所で、表示した桁まで自動微分と一致しました。")


def _number(value: float) -> str:
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.{DIGITS - 1}e}".split("e")
        return f"{mantissa.replace('-', '−')}×{view.power(int(exponent))}"
    return view.fixed(value, DIGITS)


def _formula(spec: LineSpec, walk: Walk) -> None:
    error = walk.gradients.nodes[3]
    factors = [error, spec.weights[2], walk.slopes[1], spec.weights[1], walk.slopes[0], spec.x]
    with st.expander("数式で見る(w₁ の責任は6つの数の積)"):
        st.latex(
            r"\begin{aligned} \frac{\partial L}{\partial w_1}"
            r" ={} & 2(\hat y - t) \cdot w_3 \cdot \varphi'(z_2) \\"
            r" & \cdot w_2 \cdot \varphi'(z_1) \cdot x \end{aligned}"
        )
        shown = [_tex(factor) for factor in factors]
        first, second = (r" \times ".join(shown[i : i + 3]) for i in (0, 3))
        st.latex(
            rf"\begin{{aligned}} & {first} \\ & \times {second} \\"
            rf" ={{}} & {_tex(walk.gradients.weights[0])} \end{{aligned}}"
        )
        st.latex(r"L = (\hat y - t)^2")
        st.latex(rf"({_tex(walk.values[3])} - {_tex(spec.target)})^2 = {_tex(walk.loss)}")


def _tex(value: float) -> str:
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"({value:.4g})" if value < 0 else f"{value + 0:.4g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    shown = rf"{mantissa} \times 10^{{{int(exponent)}}}"
    return f"({shown})" if value < 0 else shown
