"""Lesson 損失関数, second experiment: the loss of a predicted probability, and what happens as p → 0."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from core import jobs
from core.loss_curves import Array, Points, of_probability, slope_in_probability
from core.specs import LossSpec, digest
from pages.parts.loss_functions import loss_curve_view, loss_formulas, loss_limits
from pages.parts.loss_functions import loss_parts as parts
from pages.ui import lesson, runs, text

SLOT = "lf_probabilities"
NAMES = ("cross_entropy", "weighted", "focal")
TRUTHS = {"悪性(1)": 1, "良性(0)": 0}
QUOTED = (0.9, 0.6, 0.01, 0.0)
SURE = QUOTED[0]
TOPS = (6.0, 12.0, 25.0, 50.0, 100.0)
CHOICES = ["5倍未満", "5倍〜20倍", "20倍〜100倍", "100倍以上", "無限大"]
PRESETS = [
    lesson.Preset("自信を持って当てる", {"lf_class": "悪性(1)", "lf_p": 90}),
    lesson.Preset("少し自信がある", {"lf_class": "悪性(1)", "lf_p": 60}),
    lesson.Preset("自信を持って見逃す", {"lf_class": "悪性(1)", "lf_p": 1}),
    lesson.Preset("「絶対に良性」と言い切る", {"lf_class": "悪性(1)", "lf_p": 0}),
]


@st.cache_data(max_entries=200, show_spinner=False)
def _by_torch(name: str, truth: int, _loss: LossSpec) -> dict[str, Points]:  # noqa: ARG001 - the key
    """Ask PyTorch once for all probabilities of the slider, 0 % and 100 % included."""
    p = np.arange(101) / 100
    with np.errstate(divide="ignore"):
        logits = np.log(p) - np.log(1 - p)
    found: dict[str, Points] = runs.engine().quick(jobs.loss_of_logits, logits, truth, _loss, timeout=30)
    return found


def _value(name: str, p: float, truth: int, loss: LossSpec) -> float:
    return float(of_probability(name, p, truth, loss).value)


def _answer(p: float, truth: int) -> lesson.Answer:
    right = p if truth else 1 - p
    here, sure = (_value("cross_entropy", q, 1, LossSpec()) for q in (right, SURE))
    ratio = here / sure
    place = next((i for i, limit in enumerate((5, 20, 100, math.inf)) if ratio < limit), 4)
    return lesson.Answer(
        CHOICES[place],
        f"正解に {SURE:.0%} を与えたときの損失は {parts.number(sure)}、いまは {right:.0%} を与えて "
        f"{parts.number(here, 4)} なので、{parts.times(ratio)}です。",
    )


def show() -> None:
    """Let the reader move a probability along its losses, then see what PyTorch does at p → 0."""
    _curves()
    st.divider()
    loss_limits.show()


@st.fragment
def _curves() -> None:
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        truth = parts.choice("正解", TRUTHS, "lf_class")
        p = st.slider("モデルが答えた悪性の確率 p(%)", 0, 100, 1, key="lf_p", bind="query-params") / 100
        weight = st.slider("陽性(悪性)の重み", 1.0, 20.0, 2.0, step=0.5, key="lf_w", bind="query-params")
        gamma = st.slider("focal 損失の γ", 0.0, 5.0, 2.0, step=0.5, key="lf_g", bind="query-params")
        loss = LossSpec(positive_weight=weight, gamma=gamma)
        with question:
            lesson.predict(
                SLOT,
                f"正解に {SURE:.0%} を与えたときと比べて、いまの交差エントロピーは何倍?",
                CHOICES,
                (truth, p),
            )
        asked = parts.asked(SLOT, "確かめる")
        parts.presets(SLOT, PRESETS)
    with stage:
        _draw(p, truth, loss)
        if not asked:
            st.info(
                "上の横軸は確率 p、下の横軸はロジット z(確率に直す前の値)です。"
                "同じ損失でも、傾きがまったく違います。"
                "予想を選んで「確かめる」を押してください。",
                icon=":material/target:",
            )
            return
        try:
            found = _by_torch(digest((truth, loss)), truth, loss)
        except TimeoutError:
            st.info(parts.WAIT)
            return
        lesson.score(SLOT, (truth, p), lambda: _answer(p, truth))
    _numbers(p, truth, loss, found)
    if math.isnan(float(found["focal"].slope[round(p * 100)])):
        st.caption(
            "focal の自動微分が nan(数ではない値)になるのは、計算の途中に 0×∞ が現れるからです。"
            "式の上では傾きが決まっていても、プログラムの書き方によっては PyTorch も答えを出せません。"
        )
    parts.points(_reading(p, truth, loss))
    if (p if truth else 1 - p) <= 0.05:
        parts.whys(
            [
                "自信を持って外したからです。確率が 0 に近づくと、その対数は際限なく小さくなります。"
                "そのため、「まずありえない」と答えた病気が本当だったときの罰は、桁違いに重くなります。"
            ]
        )
    loss_formulas.show_probabilities(p, truth, loss)


def _draw(p: float, truth: int, loss: LossSpec) -> None:
    here = {name: of_probability(name, p, truth, loss) for name in NAMES}
    highest = max((float(h.value) for h in here.values() if np.isfinite(h.value)), default=0.0)
    top = next((t for t in TOPS if highest <= 0.95 * t), TOPS[-1])
    grid = np.concatenate([np.geomspace(1e-4, 0.02, 25), np.linspace(0.03, 0.97, 60)])
    grid = np.unique(np.concatenate([grid, 1 - grid[:25]]))
    logits = np.linspace(-8, 8, 97)
    with np.errstate(divide="ignore"):
        z = float(np.log(p) - np.log1p(-p)) if 0 < p < 1 else math.copysign(math.inf, p - 0.5)
    ways: list[tuple[str, Array, Array, float]] = [
        ("悪性の確率 p", grid, grid, p),
        ("ロジット z", logits, 1 / (1 + np.exp(-logits)), z),
    ]
    for title, x, probability, at in ways:
        drawn = []
        for name in NAMES:
            slope = float(here[name].slope)
            if title != "ロジット z":
                slope = float(slope_in_probability(name, p, truth, loss))
            drawn.append(
                loss_curve_view.Drawn(
                    name=text.LOSS_LABELS[name],
                    x=x,
                    y=of_probability(name, probability, truth, loss).value,
                    at=(at, float(here[name].value)),
                    slope=slope,
                )
            )
        first = title == ways[0][0]
        loss_curve_view.show(
            drawn,
            x_title=title,
            y_title="損失",
            top=top,
            height=190 if first else 160,
            legend=first,
            alt_text=f"横軸を{title}とした損失の曲線。いまの交差エントロピーは "
            f"{parts.number(float(here['cross_entropy'].value))}。",
        )


def _numbers(p: float, truth: int, loss: LossSpec, found: dict[str, Points]) -> None:
    place = round(p * 100)
    rows = []
    for name in ("cross_entropy", "with_logits", "weighted", "focal"):
        formula = "cross_entropy" if name == "with_logits" else name
        label = "BCE-with-logits" if name == "with_logits" else text.LOSS_LABELS[name]
        here = of_probability(formula, p, truth, loss)
        rows.append(
            [
                label,
                parts.number(float(here.value), 4),
                parts.number(float(slope_in_probability(formula, p, truth, loss))),
                parts.number(float(here.slope)),
                parts.number(float(found[name].slope[place])),
            ]
        )
    parts.table(["損失関数", "損失", "p での傾き", "z での傾き(式)", "z での傾き(自動微分)"], rows)
    given = [_value("cross_entropy", q, 1, LossSpec()) for q in QUOTED]
    st.markdown("正解に与えた確率と、交差エントロピーの早見表:")
    parts.table(
        ["正解に与えた確率", *(f"{q:g}" for q in QUOTED)],
        [["−log p", *(parts.number(value, 4 if value > 1 else 3) for value in given)]],
    )


def _reading(p: float, truth: int, loss: LossSpec) -> list[str]:
    here = {name: of_probability(name, p, truth, loss) for name in NAMES}
    plain = float(here["cross_entropy"].value)
    steep = abs(float(slope_in_probability("cross_entropy", p, truth, loss)))
    lines = [
        f"交差エントロピーの傾きの大きさは、p で測ると {parts.number(steep)}、"
        f"z で測ると {parts.number(abs(float(here['cross_entropy'].slope)))} です。"
        "z での傾きは「p − 正解」そのもので、大きさは 1 を超えません。どれほど大きく外しても、"
        "直す力は暴れません。"
    ]
    if truth:
        lines.append(
            f"重み付きでは、陽性の患者の損失も傾きも {loss.positive_weight:g}倍です。"
            "見逃しに厳しい指導医にあたります。"
        )
    else:
        lines.append("重み付きは陽性だけを重くするので、正解が良性の患者では交差エントロピーと同じです。")
    if 0 < plain < math.inf:
        share = float(here["focal"].value) / plain
        lines.append(
            f"focal 損失は、この患者の損失を {share:.1%} に割り引きます。"
            "当たっている患者ほど割り引きが大きく、外れている患者はほとんどそのまま残ります。"
        )
    return lines
