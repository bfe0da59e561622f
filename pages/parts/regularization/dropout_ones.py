"""Dropout, second part: ten ones go through it in train() and in eval(), with and without scaling."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from core import dropout_script, jobs
from core.dropout import ONES, Ones, OnesSpec
from core.specs import digest
from pages.parts.regularization import dropout_ones_view as view
from pages.ui import lesson, runs, workings

SLOT = "rg_o_ones"
SCALED, BARE = "割り増す(PyTorch)", "割り増さない"
CHOICES = [f"{ONES} 前後(入れた合計のまま)", f"{ONES} よりはっきり小さい", f"{ONES} よりはっきり大きい"]
NEAR = 0.05


def _setting(p: float, scaling: str = SCALED, draws: int = 1000) -> dict[str, object]:
    return {"rg_o_ones_p": p, "rg_o_scaling": scaling, "rg_o_draws": draws}


PRESETS = [
    lesson.Preset("既定(p = 0.5)", _setting(0.5)),
    lesson.Preset("p = 0.2", _setting(0.2)),
    lesson.Preset("割り増しを忘れる", _setting(0.5, BARE)),
    lesson.Preset("p = 0.9 で1回だけ", _setting(0.9, draws=1)),
]


@st.cache_resource(max_entries=200, show_spinner=False)
def _ones(name: str, _spec: OnesSpec) -> Ones:  # noqa: ARG001 - the key
    found: Ones = runs.engine().quick(jobs.ones_through, _spec, timeout=30)
    return found


def _settings() -> tuple[OnesSpec, bool]:
    p = st.slider("休む確率 p", 0.0, 0.9, 0.5, step=0.1, key="rg_o_ones_p", bind="query-params")
    scaling = st.segmented_control(
        "働いた値を 1/(1−p) 倍に",
        [SCALED, BARE],
        default=SCALED,
        required=True,
        key="rg_o_scaling",
        bind="query-params",
    )
    draws = st.select_slider(
        "train() で通す回数", [1, 10, 100, 1000], 1000, key="rg_o_draws", bind="query-params"
    )
    seed = st.number_input("乱数の種", 0, 9999, 0, key="rg_o_ones_seed", bind="query-params")
    return OnesSpec(p=round(float(p), 1), draws=int(draws), seed=int(seed)), scaling == SCALED


@st.fragment
def show() -> None:
    """Send ten ones through dropout, again and again."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        spec, scaled = _settings()
        with question:
            lesson.predict(
                SLOT,
                f"1 を {ONES} 個、train() で {spec.draws} 回通すと、合計の平均は?",
                CHOICES,
                (spec, scaled),
            )
        asked = workings.asked(SLOT, "通してみる")
        workings.presets(SLOT, PRESETS)
    with stage:
        if not asked:
            st.info(
                f"`torch.ones({ONES})`、つまり 1 が {ONES} 個のテンソルを "
                f"`nn.Dropout({spec.p:g})` に通します。"
                "予想を選んで「通してみる」を押すと、train() と eval() で出てきた値が並びます。",
                icon=":material/filter_alt:",
            )
            return
        try:
            found = _ones(digest(spec), spec)
        except TimeoutError:
            st.info(workings.WAIT)
            return
        passed = found.trained if scaled else found.unscaled
        view.show_tiles(passed, found.called)
        view.show_means(found, scaled)
    _result(spec, scaled, found)


def answer(found: Ones, scaled: bool) -> lesson.Answer:
    """Say where the mean of the sums came to lie."""
    sums = (found.trained if scaled else found.unscaled).sum(axis=1)
    mean = float(sums.mean())
    place = 0 if abs(mean - ONES) <= NEAR * ONES else 1 if mean < ONES else 2
    return lesson.Answer(
        CHOICES[place],
        f"{len(sums)} 回の合計の平均は {mean:.2f}(最小 {sums.min():.2f}、最大 {sums.max():.2f})、"
        f"eval() の合計は {found.called.sum():.0f} でした。",
    )


def _result(spec: OnesSpec, scaled: bool, found: Ones) -> None:
    st.header("読み解き")
    lesson.score(SLOT, (spec, scaled), lambda: answer(found, scaled))
    for why in whys(spec, scaled, found):
        st.markdown(f"**なぜ** — {why}")
    view.show_table(found)
    workings.sentences(sentences(spec, found))
    _formula(spec, found)
    workings.script("rg_o_ones_script", dropout_script.ones(spec), "dropout_ones")


def sentences(spec: OnesSpec, found: Ones) -> list[str]:
    """Tell what came out, in numbers."""
    values = np.unique(found.trained)
    listed = " と ".join(f"{value:.4g}" for value in values)
    mean, bare = float(found.trained.mean()), float(found.unscaled.mean())
    working = int((found.trained != 0).sum())
    told = [
        f"**train()**: 出てきた値は {listed} だけです。"
        f"{found.trained.size:,} 個のうち {working:,} 個が働きました"
        f"({working / found.trained.size:.1%}、期待は 1 − p = {1 - spec.p:.0%})。",
        f"**eval()**: {int((found.called == 1).sum())} 個すべてが 1 のままです。休まず、掛け算もしません。",
    ]
    if spec.p:
        told.append(
            f"**割り増しの理由**: 休んだぶんを 1/(1−p) = {1 / (1 - spec.p):.4g} 倍で埋め合わせるので、"
            f"1個あたりの平均は {mean:.3f} と、eval() の 1 にそろいます。割り増さなければ {bare:.3f} です。"
            "判定のときに何もしなくてすむこのやり方を、逆ドロップアウト(inverted dropout)と呼びます。"
        )
    return told


def whys(spec: OnesSpec, scaled: bool, found: Ones) -> list[str]:
    """Say why these settings fail, if they do."""
    reasons = []
    if spec.p and not scaled:
        mean = float(found.unscaled.sum(axis=1).mean())
        times = f"{ONES / mean:.2f} 倍" if mean else "計算できないほど大きな倍率"
        reasons.append(
            f"次の層が学習のあいだに受け取る合計は平均 {mean:.2f}、判定では {ONES} です。"
            f"判定のときだけ入力が {times}になり、学んだ重みと釣り合いません(**割り増し忘れ**)。"
        )
    if spec.p >= 0.8:
        spread = math.sqrt(spec.p / (1 - spec.p))
        reasons.append(
            f"平均はそろっても、1個の値は 0 か {1 / (1 - spec.p):.4g} で、標準偏差は {spread:.2f} あります。"
            f"{spec.draws} 回の合計は {found.trained.sum(axis=1).min():.0f}〜"
            f"{found.trained.sum(axis=1).max():.0f} とばらつき、信号が雑音に埋もれます(**休みすぎ**)。"
        )
    return reasons


def _formula(spec: OnesSpec, found: Ones) -> None:
    p, scale = spec.p, 1 / (1 - spec.p)
    with st.expander("数式で見る(この設定の数字)"):
        st.markdown("値 x が出てくるときの、平均(期待値)と分散です。")
        st.latex(r"E[\tilde x] = p \cdot 0 + (1-p) \cdot \frac{x}{1-p} = x")
        st.latex(rf"{p:g} \times 0 + {1 - p:g} \times {scale:.4g} = 1")
        st.latex(
            rf"V[\tilde x] = \frac{{p}}{{1-p}}\, x^2 = {p / (1 - p):.4g},\qquad"
            rf" \text{{実測}}\ {float(found.trained.var(dtype=np.float64)):.4g}"
        )
        st.markdown("割り増しをしないときは、平均が縮みます。")
        st.latex(rf"E[m x] = (1-p)\, x = {1 - p:g},\qquad \text{{実測}}\ {float(found.unscaled.mean()):.4g}")
