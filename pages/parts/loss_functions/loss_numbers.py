"""Lesson 損失関数, first experiment: the loss of a predicted number, its height and its slope."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import jobs
from core.loss_curves import OF_ERRORS, Points
from pages.parts.loss_functions import loss_curve_view, loss_formulas
from pages.parts.loss_functions import loss_parts as parts
from pages.ui import lesson, runs, text

SLOT = "lf_numbers"
NEAR = 2
FARTHEST = 160
UNITS = {"mse": "mmHg²", "mae": "mmHg", "huber": "mmHg²"}
SLOPE_UNITS = {"mse": "mmHg", "mae": "", "huber": "mmHg"}
PRESETS = [
    lesson.Preset("小さな外れ", {"lf_truth": 120, "lf_prediction": 122, "lf_delta": 10}),
    lesson.Preset("大きな外れ", {"lf_truth": 120, "lf_prediction": 140, "lf_delta": 10}),
    lesson.Preset("とんでもない外れ", {"lf_truth": 120, "lf_prediction": 220, "lf_delta": 10}),
    lesson.Preset("δ が大きすぎる", {"lf_truth": 120, "lf_prediction": 160, "lf_delta": 60}),
]


@st.cache_data(max_entries=100, show_spinner=False)
def _by_torch(delta: int) -> dict[str, Points]:
    """Ask PyTorch once for all errors that the sliders can make; moving them costs nothing more."""
    errors = np.arange(-FARTHEST, FARTHEST + 1, dtype=np.float64)
    found: dict[str, Points] = runs.engine().quick(jobs.loss_of_errors, errors, float(delta), timeout=30)
    return found


def _ratio(name: str, error: float, delta: float) -> float:
    value = OF_ERRORS[name]
    return float(value(error, delta).value / value(NEAR, delta).value)


def _choices(error: float) -> list[str]:
    ratio = abs(error) / NEAR
    ratios = {ratio, 2 * ratio, ratio**2, 10 * ratio**2} if error else {0.0, 1.0, 2.0, 4.0}
    return [parts.times(r) for r in sorted(ratios)]


def _answer(error: float) -> lesson.Answer:
    near, far = (float(OF_ERRORS["mse"](e, 1.0).value) for e in (NEAR, error))
    return lesson.Answer(
        parts.times(far / near),
        f"誤差は {NEAR} から {abs(error):g} mmHg へ {parts.times(abs(error) / NEAR)}、"
        f"MSE は {near:g} から {far:,.0f} へ {parts.times(far / near)}です。",
    )


@st.fragment
def show() -> None:
    """Let the reader move truth and prediction along three losses."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        truth = st.slider("正解(実測の収縮期血圧、mmHg)", 90, 160, 120, key="lf_truth", bind="query-params")
        prediction = st.slider(
            "予測(モデルの答え、mmHg)", 60, 220, 140, key="lf_prediction", bind="query-params"
        )
        delta = st.slider("Huber 損失の δ(mmHg)", 1, 60, 10, key="lf_delta", bind="query-params")
        error = prediction - truth
        with question:
            lesson.predict(
                SLOT,
                f"誤差が {NEAR} mmHg からいまの {abs(error)} mmHg になると、MSE は何倍になる?",
                _choices(error),
                (truth, prediction),
            )
        asked = parts.asked(SLOT, "確かめる")
        parts.presets(SLOT, PRESETS)
    with stage:
        shared = st.toggle("3つの縦軸をそろえる", key="lf_shared", bind="query-params")
        _draw(truth, prediction, delta, shared)
        if not asked:
            st.info(
                "点の高さが損失(罰の重さ)、破線の傾きが勾配(直す力)です。"
                "予想を選んで「確かめる」を押すと、数字で比べられます。",
                icon=":material/target:",
            )
            return
        try:
            found = _by_torch(delta)
        except TimeoutError:
            st.info(parts.WAIT)
            return
        lesson.score(SLOT, (truth, prediction), lambda: _answer(error))
        _numbers(error, delta, found)
    parts.whys(_why(error, delta))
    parts.points(_reading(error, delta))
    loss_formulas.show_numbers(truth, prediction, delta)


def _draw(truth: int, prediction: int, delta: int, shared: bool) -> None:
    error = prediction - truth
    half = next(width for width in (30, 60, 120, FARTHEST) if abs(error) <= 0.9 * width or width == FARTHEST)
    x = np.linspace(-half, half, 121)
    heights = {name: float(loss(half, delta).value) for name, loss in OF_ERRORS.items()}
    for (name, loss), column in zip(OF_ERRORS.items(), st.columns(3, gap="small"), strict=True):
        label, here = text.LOSS_LABELS[name], loss(error, delta)
        drawn = loss_curve_view.Drawn(
            name=label,
            x=x + truth,
            y=loss(x, delta).value,
            at=(float(prediction), float(here.value)),
            slope=float(here.slope),
        )
        with column:
            st.markdown(f"**{label}**" + (f"(δ = {delta})" if name == "huber" else ""))
            loss_curve_view.show(
                [drawn],
                x_title="予測(mmHg)",
                y_title=f"損失({UNITS[name]})",
                top=max(heights.values()) if shared else heights[name],
                truth=float(truth),
                height=190,
                alt_text=f"{label}の曲線。正解 {truth}、予測 {prediction} で損失 {float(here.value):g}。",
            )


def _numbers(error: int, delta: int, found: dict[str, Points]) -> None:
    """Compare the three losses here and at an error of 2 mmHg, their slopes by formula and by PyTorch."""
    names = list(OF_ERRORS)
    here = {name: OF_ERRORS[name](error, delta) for name in names}
    near = {name: OF_ERRORS[name](NEAR, delta) for name in names}
    torch = {name: float(found[name].slope[error + FARTHEST]) for name in names}

    def row(title: str, values: list[str]) -> list[str]:
        return [title, *values]

    parts.table(
        ["", *(text.LOSS_LABELS[name] for name in names)],
        [
            row(f"誤差 {NEAR} の損失", [f"{parts.number(float(near[n].value))} {UNITS[n]}" for n in names]),
            row(
                f"誤差 {abs(error)} の損失",
                [f"{parts.number(float(here[n].value))} {UNITS[n]}" for n in names],
            ),
            row("何倍か", [parts.times(_ratio(n, error, delta)) for n in names]),
            row(
                "傾き(式)",
                [f"{parts.number(float(here[n].slope))} {SLOPE_UNITS[n]}".strip() for n in names],
            ),
            row("傾き(自動微分)", [f"{parts.number(torch[n])} {SLOPE_UNITS[n]}".strip() for n in names]),
        ],
    )


def _why(error: int, delta: int) -> list[str]:
    why = []
    if abs(error) >= 80:
        patients = _ratio("mse", error, delta)
        why.append(
            f"MSE では、この1人の損失が、誤差 {NEAR} mmHg の患者 {patients:,.0f} 人ぶんになります。"
            "たとえ打ち間違いの値でも、モデルはこの1人に合わせることを最優先にします。"
        )
    if 20 <= abs(error) <= delta:
        why.append(
            f"誤差 {abs(error)} mmHg はまだ δ = {delta} の内側で、Huber は2乗の曲線(MSE の半分)のままです。"
            "大きな外れに引きずられないようにするには、δ をふだんの誤差くらいまで小さくします。"
        )
    return why


def _reading(error: int, delta: int) -> list[str]:
    slopes = {name: float(loss(error, delta).slope) for name, loss in OF_ERRORS.items()}
    if error == 0:
        return [
            "予測が正解と一致し、どの損失も 0 です。MAE だけは谷底が角になっていて、"
            "1 mmHg でもずれると、傾きがいきなり ±1 になります(PyTorch は、角の傾きを 0 と決めています)。"
        ]
    pull = {name: abs(slopes[name]) / abs(float(loss(NEAR, delta).slope)) for name, loss in OF_ERRORS.items()}
    sign, direction = ("プラス", "下げる") if error > 0 else ("マイナス", "上げる")
    return [
        f"傾きの符号は{sign}なので、どの損失も予測を{direction}向きに直します。",
        f"直す力(傾き)を誤差 {NEAR} mmHg の患者と比べると、MSE は {parts.times(pull['mse'])}、"
        f"MAE は {parts.times(pull['mae'])}、Huber は {parts.times(pull['huber'])}です。"
        "学習が使うのは損失の高さではなく、この傾きです。",
        f"Huber は、誤差が δ = {delta} mmHg "
        + (
            "を超えたところから直線に変わり、傾きは ±δ で頭打ちになります。"
            if abs(error) > delta
            else "以内なので、2乗の曲線のままです。"
        ),
    ]
