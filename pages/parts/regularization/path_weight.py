"""One weight under a penalty: where the bottom lies, and which method gets there."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import jobs, shrinkage_script
from core.shrinkage import Array, Walks, WeightSpec, lowest_l1, lowest_l2
from core.specs import digest
from pages.parts.regularization import path_weight_view
from pages.ui import lesson, runs
from pages.ui import workings as view

SLOT = "rg_p_weight"
CHOICES = ["ちょうど 0 に止まる", "0 のまわりで行ったり来たり", "0 から離れた所に落ち着く"]
RATES = [0.01, 0.03, 0.1, 0.2, 0.3]
LAST = 10  # steps by which the end of a walk is judged


def _preset(label: str, target: float, strength: float, lr: float, why: str = "") -> lesson.Preset:
    return lesson.Preset(label, {"rg_p_a": target, "rg_p_lambda": strength, "rg_p_lr": lr}, why)


PRESETS = [
    _preset("弱い罰", 1.2, 1.0, 0.1),
    _preset(
        "0 になるはずの罰",
        1.2,
        3.0,
        0.1,
        "谷底はちょうど 0 なのに、SGD は止まれません。|w| の傾きは 0 の右で +1、左で −1 と急に変わり、"
        "0 に近づいても小さくなりません。そのため、ほぼ η·λ の幅で 0 をまたぎ続けます。",
    ),
    _preset(
        "1歩を小さく",
        1.2,
        3.0,
        0.01,
        "1歩が小さいぶん往復の幅も小さくなりますが、幅が縮むだけで、0 には止まりません。",
    ),
    _preset(
        "とても強い罰",
        1.2,
        5.0,
        0.2,
        "λ を強くすると、0 へ引く力といっしょに、0 を通り越す勢いも強くなります。",
    ),
]


@st.cache_data(max_entries=300, show_spinner=False)
def _walk(name: str, _spec: WeightSpec) -> Walks:  # noqa: ARG001 - the key
    walks: Walks = runs.engine().quick(jobs.penalised_weight, _spec, timeout=30)
    return walks


def _answer(walk: Array) -> lesson.Answer:
    last = walk[-LAST:]
    exact = int((last == 0).sum())
    turns = int((np.sign(last[1:]) * np.sign(last[:-1]) < 0).sum())
    told = (
        f"最後の {LAST} 歩で、ちょうど 0 だったのは {exact} 回、0 をまたいだのは {turns} 回、"
        f"最後の値は {view.fixed(float(last[-1]), 4)} でした。"
    )
    choice = CHOICES[0] if exact == LAST else CHOICES[1] if turns or exact else CHOICES[2]
    return lesson.Answer(choice, told)


def _settings() -> WeightSpec:
    target, strength = (
        st.slider(label, low, high, default, 0.1, format="%.1f", key=key, bind="query-params")
        for label, low, high, default, key in (
            ("罰がないときの谷底 a", -2.0, 2.0, 1.2, "rg_p_a"),
            ("罰の強さ λ", 0.0, 5.0, 3.0, "rg_p_lambda"),
        )
    )
    lr = st.select_slider(
        "学習率 η", RATES, 0.1, format_func=lambda v: f"{v:g}", key="rg_p_lr", bind="query-params"
    )
    return WeightSpec(target=round(target, 1), strength=round(strength, 1), lr=lr, steps=120)


@st.fragment
def show() -> None:
    """Draw the penalised losses, and walk down them with and without a proximal step."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        st.markdown("1つの重み w の損失 $(w - a)^2$ に、罰を足します。谷底は、どこへ動くでしょう。")
        spec = _settings()
        with question:
            lesson.predict(
                SLOT, f"λ|w| を損失にそのまま足して SGD で {spec.steps} 歩。重みは?", CHOICES, spec
            )
        asked = view.asked(SLOT, "歩かせる")
        view.presets(SLOT, PRESETS)
    with stage:
        path_weight_view.show_losses(spec)
        _bottoms(spec)
    if not asked:
        with stage:
            st.info("予想を選んで「歩かせる」を押すと、PyTorch が3通りの方法で坂を下ります。")
        return
    try:
        walks = _walk(digest(spec), spec)
    except TimeoutError:
        st.info(view.WAIT)
        return
    lesson.score(SLOT, spec, lambda: _answer(walks.plain))
    left, right = st.columns([3, 2], gap="large")
    with left:
        path_weight_view.show_walks(spec, walks)
    with right:
        view.why(PRESETS)
        view.sentences(_reading(spec, walks))
    _formula(spec, walks)
    view.script(SLOT, shrinkage_script.weight(spec), "one_weight")


def _bottoms(spec: WeightSpec) -> None:
    a, strength = spec.target, spec.strength
    sign = "≥" if strength >= 2 * abs(a) else "<"
    st.markdown(
        f"L1 の谷底は **{view.fixed(lowest_l1(a, strength), 3)}**"
        f"(λ = {strength:g} {sign} 2|a| = {2 * abs(a):g} なので、"
        + ("ちょうど 0" if sign == "≥" else "0 の手前で止まる")
        + f")、L2 の谷底は **{view.fixed(lowest_l2(a, strength), 3)}** です。"
    )


def _first_zero(walk: Array) -> int | None:
    """Return the step from which the weight stays exactly zero."""
    moving = np.flatnonzero(walk != 0)
    first = int(moving[-1]) + 1 if len(moving) else 0
    return first if first < len(walk) else None


def _reading(spec: WeightSpec, walks: Walks) -> list[str]:
    """Say where each walk ended, with its numbers."""
    first = _first_zero(walks.proximal)
    size = float(np.abs(np.diff(walks.plain[-LAST - 1 :])).mean())
    product = spec.lr * spec.strength
    exact = int((walks.plain[1:] == 0).sum())
    return [
        f"**近接勾配法(L1)**: {first} 歩目から、ちょうど 0 のままです。"
        if first is not None
        else f"**近接勾配法(L1)**: 最後の値は {view.fixed(float(walks.proximal[-1]), 4)} です。",
        f"**劣勾配法(L1)**: 最後の {LAST} 歩は平均 {view.scientific(size)} ずつ動き"
        f"(η·λ = {view.scientific(product)})、{spec.steps} 歩のうち、ちょうど 0 だったのは {exact} 回です。",
        f"**L2**: 最後の値は {view.fixed(float(walks.squared[-1]), 4)}。a / (1 + λ) = "
        f"{view.fixed(lowest_l2(spec.target, spec.strength), 4)} に近づき、0 にはなりません。"
        if spec.target
        else "**L2**: もともと谷底が 0 なので、動きません。",
    ]


def _formula(spec: WeightSpec, walks: Walks) -> None:
    a, strength, lr = spec.target, spec.strength, spec.lr
    before = float(walks.proximal[1]) if len(walks.proximal) > 2 else a
    slid = before - 2 * lr * (before - a)
    with st.expander("数式で見る(いまの数字)"):
        st.markdown("L1 では、|a| から λ/2 を引き、足りなければ 0 にします。L2 では 1 + λ で割ります。")
        st.latex(
            r"w^*_{L1} = \mathrm{sign}(a)\,\max\left(|a| - \tfrac{\lambda}{2},\ 0\right)"
            rf" = {view.tex(lowest_l1(a, strength), 3)}"
        )
        st.latex(
            rf"w^*_{{L2}} = \frac{{a}}{{1 + \lambda}} = \frac{{{a:g}}}{{1 + {strength:g}}}"
            rf" = {view.tex(lowest_l2(a, strength), 3)}"
        )
        st.markdown(
            "近接勾配法の1歩(2歩目の実際の数字)。損失の坂を下りてから、しきい値 ηλ だけ 0 へ寄せます。"
        )
        st.latex(
            r"v = w - \eta\,\frac{dL}{dw}"
            rf" = {view.tex(before, 3)} - {lr:g} \times {view.tex(2 * (before - a), 3)} = {view.tex(slid, 3)}"
        )
        st.latex(
            r"w \leftarrow \mathrm{sign}(v)\,\max(|v| - \eta\lambda,\ 0)"
            rf" = {view.tex(float(walks.proximal[2]), 3)}"
        )
        st.markdown(
            "劣勾配法の1歩は、罰の傾き ±λ をそのまま足します。0 に近づいても、この ±λ は小さくなりません。"
        )
        st.latex(
            r"w \leftarrow w - \eta\,(2(w - a) + \lambda\,\mathrm{sign}(w)),\quad"
            rf" \eta\lambda = {lr * strength:.3g}"
        )
