"""Coefficient paths of ten clinical columns: proximal L1, plain subgradients, and L2."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs, shrinkage_script
from core.shrinkage import (
    COLUMNS,
    SMALL,
    STRENGTHS,
    TAIL,
    TRAINING_ROWS,
    Paths,
    PathsSpec,
    nearly_zeros,
    zeros,
)
from core.specs import digest
from pages.parts.regularization import path_columns_formula, path_columns_view
from pages.ui import lesson, runs, text
from pages.ui import workings as view

SLOT = "rg_p_columns"
CHOICES = ["1個もない", "1〜3個", "4〜6個", "7〜9個", "10個全部"]
PLACES = {float(f"{STRENGTHS[place]:.2g}"): place for place in range(0, 61, 5)}
RATES = [0.003, 0.01, 0.03, 0.1]
STEPS = [200, 500, 1000]
DEFAULTS = {"rg_p_strength": 0.1, "rg_p_patients": TRAINING_ROWS, "rg_p_eta": 0.03, "rg_p_steps": 500}


def _preset(label: str, why: str = "", **values: float) -> lesson.Preset:
    return lesson.Preset(label, DEFAULTS | {f"rg_p_{name}": value for name, value in values.items()}, why)


PRESETS = [
    _preset("ほどよい λ"),
    _preset("弱い λ", strength=0.0046),
    _preset(
        "強すぎる λ",
        "λ が 2·max|Xᵀy|/N を超えると、どの項目も、入れて減る損失より払う罰のほうが大きくなります。"
        "全員に平均を答えるだけの、未学習のモデルです。",
        strength=2.2,
    ),
    _preset(
        "劣勾配の1歩を大きく",
        "劣勾配法の重みは、0 のまわりを η·λ くらいの幅で往復します。"
        "η が大きいほど往復も大きく、0 に近い重みがどれなのかさえ見えにくくなります。",
        eta=0.1,
    ),
    _preset(
        "患者が少ない",
        "患者が少ないと、たまたまの関係にも大きな係数が付き、弱い λ での検証損失が悪くなります。"
        "罰が最も役に立つ場面ですが、残る項目の顔ぶれは、患者の選び方で変わりやすくなります。",
        patients=35,
    ),
]


@st.cache_data(max_entries=100, show_spinner=False)
def _paths(name: str, _spec: PathsSpec) -> Paths:  # noqa: ARG001 - the key
    found: Paths = runs.engine().quick(jobs.coefficient_paths, _spec, timeout=30)
    return found


def _settings(details: DeltaGenerator) -> tuple[PathsSpec, int]:
    """Ask for the settings; return them, and the place of the λ to read."""
    strength = st.select_slider(
        "罰の強さ λ",
        list(PLACES),
        0.1,
        format_func=lambda v: f"{v:g}",
        key="rg_p_strength",
        bind="query-params",
    )
    patients = st.slider(
        "学習に使う患者数(人)",
        25,
        TRAINING_ROWS,
        TRAINING_ROWS,
        step=10,
        key="rg_p_patients",
        bind="query-params",
    )
    lr = st.select_slider(
        "劣勾配法の学習率 η", RATES, 0.03, format_func=lambda v: f"{v:g}", key="rg_p_eta", bind="query-params"
    )
    with details.expander("詳しい設定"):
        steps = st.select_slider("劣勾配法の歩数", STEPS, 500, key="rg_p_steps", bind="query-params")
        seed = st.number_input("患者の分け方の種", 0, 999, 0, key="rg_p_seed", bind="query-params")
    return PathsSpec(patients=int(patients), seed=int(seed), lr=lr, steps=steps), PLACES[strength]


def _answer(found: Paths, place: int) -> lesson.Answer:
    count = int(zeros(found.lasso)[place])
    choice = CHOICES[0 if count == 0 else 1 if count <= 3 else 2 if count <= 6 else 3 if count <= 9 else 4]
    exact = int(zeros(found.plain)[place])
    return lesson.Answer(
        choice,
        f"近接勾配法では {count} 個がちょうど 0 でした。"
        f"同じ損失を素朴な劣勾配法で学習すると、{exact} 個です。",
    )


@st.fragment
def show() -> None:
    """Fit ten columns at 61 strengths by three methods, and move along the paths in the browser."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        above, buttons, below = st.container(), st.container(), st.container()
        with above:
            spec, place = _settings(below)
        with question:
            lesson.predict(
                SLOT,
                f"λ = {STRENGTHS[place]:.2g} の近接勾配法で、ちょうど 0 になる係数は10個のうち?",
                CHOICES,
                (spec, place),
            )
        with buttons:
            asked = view.asked(SLOT, "61通りの λ で求める")
            view.presets(SLOT, PRESETS)
    with stage:
        if not asked:
            st.info(
                "糖尿病患者の10項目(年齢、性別、BMI、平均血圧、6つの血液検査)から、1年後の進行度を予測します"
                "(scikit-learn の diabetes、442例)。項目も進行度も標準化し、係数の大きさを比べます。"
                "予想を選んで「61通りの λ で求める」を押してください。",
                icon=":material/show_chart:",
            )
            return
        try:
            found = _paths(digest(spec), spec)
        except TimeoutError:
            st.info(view.WAIT)
            return
        lesson.score(SLOT, (spec, place), lambda: _answer(found, place))
        path_columns_view.play(found, place)
    _result(spec, found, place)


def _result(spec: PathsSpec, found: Paths, place: int) -> None:
    strength = float(STRENGTHS[place])
    st.header("読み解き")
    left, right = st.columns(2, gap="large")
    with left:
        view.why(PRESETS)
        view.sentences(_reading(spec, found, place))
    with right:
        _table(found, place)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**0 のまわりの往復**(劣勾配法の最後の歩み)")
        path_columns_view.show_dance(spec, found, place)
    with right:
        st.markdown("**検証損失**(どの強さがよいか)")
        path_columns_view.show_losses(found, strength)
    path_columns_formula.show(found, place)
    view.script(SLOT, shrinkage_script.paths(spec, place), "coefficient_paths")


def _table(found: Paths, place: int) -> None:
    """Compare the three methods, all λ together and at the one chosen."""
    methods = (found.lasso, found.plain, found.ridge)
    rows: list[tuple[str, list[str]]] = [
        ("ちょうど 0(この λ)", [str(zeros(w)[place]) for w in methods]),
        (f"{SMALL:g} 未満(この λ)", [str(nearly_zeros(w)[place]) for w in methods]),
        ("ちょうど 0(全体)", [str(zeros(w).sum()) for w in methods]),
        (f"{SMALL:g} 未満(全体)", [str(nearly_zeros(w).sum()) for w in methods]),
        ("Σ\\|w\\|(この λ)", [view.fixed(float(np.abs(w[place]).sum()), 3) for w in methods]),
        ("検証損失(この λ)", [view.fixed(float(loss), 4) for loss in found.losses[:, place]]),
    ]
    lines = ["| | 近接 | 劣勾配 | L2 |", "|:--|--:|--:|--:|"]
    st.markdown("\n".join(lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]))
    st.caption("「全体」は、61通りの λ × 10項目 = 610 個です。0.001 未満には、ちょうど 0 も含みます。")


def _reading(spec: PathsSpec, found: Paths, place: int) -> list[str]:
    """Say what happens to the ten coefficients, with the numbers of this fit."""
    strength, w = float(STRENGTHS[place]), found.lasso[place]
    gone = [name for name, value in zip(COLUMNS, w, strict=True) if value == 0]
    left = sorted(((abs(v), n) for n, v in zip(COLUMNS, w, strict=True) if v), reverse=True)
    last = COLUMNS[int((found.lasso != 0).sum(axis=0).argmax())]
    best = int(found.losses[0].argmin())
    lowest = text.number(float(found.losses[0, best]))
    lines = [
        (
            f"**近接勾配法**は、λ = {strength:.2g} で{'、'.join(gone)}の係数をちょうど 0 にしました。"
            if gone
            else f"**近接勾配法**でも、λ = {strength:.2g} では、まだどの係数も 0 になりません。"
        )
        + (f"いちばん大きく残ったのは {left[0][1]}({left[0][0]:.3f})です。" if left else ""),
        f"**最後まで残る**のは {last}、すべてが 0 になるのは λ = {found.vanish:.3f} からです。",
        f"**劣勾配法**は、全 610 個のうち {zeros(found.plain).sum()} 個しか、ちょうど 0 になりません"
        f"(近接勾配法は {zeros(found.lasso).sum()} 個)。"
        if zeros(found.plain).any()
        else "**劣勾配法**では、全 610 個のうち、ちょうど 0 は **0 個**です"
        f"(近接勾配法は {zeros(found.lasso).sum()} 個)。",
        f"**L2** も、ちょうど 0 は {zeros(found.ridge).sum()} 個です。λ を 0.001 から 10 まで上げると、"
        f"Σ|w| は {np.abs(found.ridge[0]).sum():.2f} から {np.abs(found.ridge[-1]).sum():.2f} へ、"
        "10個の係数がそろって縮みます。",
        f"近接勾配法の検証損失が最も低いのは λ = {STRENGTHS[best]:.3g}(損失 {lowest})で、"
        f"そのとき残る係数は {10 - int(zeros(found.lasso)[best])} 個です(学習 {spec.patients} 人)。",
    ]
    if gone:
        steps = np.abs(np.diff(found.tail[:, place], axis=0)).mean(axis=0)[w == 0]
        lines.insert(
            3,
            f"近接勾配法が 0 にした項目を、劣勾配法は最後の {TAIL} 歩で1歩平均 "
            f"{view.scientific(float(steps.mean()))} "
            f"動かし続けました(η·λ = {view.scientific(spec.lr * strength)})。",
        )
    return lines
