"""Lesson 損失関数: what PyTorch does when a model is certain and wrong, computed by PyTorch."""

from __future__ import annotations

import math
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import jobs
from core.loss_limits import FROM_LOGITS, WAYS, Limits
from pages.parts.loss_functions import loss_parts as parts
from pages.ui import charts, lesson, runs

SLOT = "lf_limits"
LOWEST, STEP = -800, 5
PRECISIONS = {"float32": True, "float64": False}
CHOICES = ["ほぼ −1(正しい)", "小さすぎる、または 0", "無限大か nan"]
DRAWN = {"with_logits": "④ BCE-with-logits", "bce": "② BCE", "by_hand": "① 手書きの式"}
COLOURS = ["#009E73", "#D55E00", "#CC79A7"]
SHORT = {
    "by_hand": "① 手書きの式",
    "bce": "② BCE",
    "log_softmax": "③ softmaxの対数",
    "with_logits": "④ BCE-with-logits",
    "cross_entropy": "⑤ 交差エントロピー",
}
PRESETS = [
    lesson.Preset("ほどほどの外れ", {"lf_z": -20, "lf_precision": "float32"}),
    lesson.Preset("言い切って外す", {"lf_z": -200, "lf_precision": "float32"}),
    lesson.Preset("float64 なら?", {"lf_z": -200, "lf_precision": "float64"}),
    lesson.Preset("float64 でも限界", {"lf_z": -800, "lf_precision": "float64"}),
]


@st.cache_data(max_entries=2, show_spinner=False)
def _by_torch(single: bool) -> Limits:
    """Ask PyTorch once for all logits of the slider."""
    logits = np.arange(LOWEST, 1, STEP, dtype=np.float64)
    found: Limits = runs.engine().quick(jobs.loss_limits_of, logits, single, timeout=30)
    return found


@st.cache_data(max_entries=1, show_spinner=False)
def _at_zero() -> tuple[float, float]:
    found: tuple[float, float] = runs.engine().quick(jobs.loss_at_zero, timeout=30)
    return found


def _place(z: int) -> int:
    return (z - LOWEST) // STEP


def _answer(found: Limits, z: int) -> lesson.Answer:
    loss, slope = (
        float(found.ways["bce"].wrong[_place(z)]),
        float(found.ways["bce"].slope[_place(z)]),
    )
    right = float(found.ways["with_logits"].slope[_place(z)])
    if not math.isfinite(slope):
        choice = CHOICES[2]
    else:
        choice = CHOICES[0] if abs(slope - right) < 0.01 else CHOICES[1]
    return lesson.Answer(
        choice,
        f"binary_cross_entropy の損失は {parts.number(loss)}、勾配は {parts.number(slope)} でした"
        f"(正しい勾配は {parts.number(right)})。",
    )


@st.fragment
def show() -> None:
    """Let the reader choose how certain the wrong answer is, and compare ways of writing the loss."""
    st.header("p → 0 で、PyTorch は実際に何をするか")
    st.markdown(
        "式の上では −log 0 は無限大です。実際の PyTorch では、損失の書き方と小数の精度で結果が変わります。"
        "正解が悪性の患者に、ロジット z(確率は p = 1/(1+e⁻ᶻ))を答えたとします。"
    )
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        z = st.slider(
            "ロジット z(小さいほど、自信を持って外す)", LOWEST, 0, -200, STEP, key="lf_z", bind="query-params"
        )
        z = max(LOWEST, min(0, round(z / STEP) * STEP))
        single = parts.choice("小数の精度", PRECISIONS, "lf_precision")
        with question:
            lesson.predict(
                SLOT,
                "シグモイドで確率にしてから binary_cross_entropy に渡すと、直す力(勾配 dL/dz)は?",
                CHOICES,
                (z, single),
            )
        asked = parts.asked(SLOT, "PyTorch に計算させる")
        parts.presets(SLOT, PRESETS)
    with stage:
        if not asked:
            st.info(
                "予想を選んで「PyTorch に計算させる」を押すと、5通りの書き方の損失と勾配を並べます。",
                icon=":material/calculate:",
            )
            return
        try:
            found, zero = _by_torch(single), _at_zero()
        except TimeoutError:
            st.info(parts.WAIT)
            return
        _draw(found, z)
        lesson.score(SLOT, (z, single), lambda: _answer(found, z))
    _numbers(found, z, single)
    parts.whys(_why(found, z, single))
    parts.points(
        [
            f"p = 0 をそのまま binary_cross_entropy に渡すと、PyTorch は log を −100 で打ち切り、損失を "
            f"{parts.number(zero[0])} とします。p での傾きは {parts.number(zero[1])} という桁外れの値ですが、"
            "シグモイドの傾き 0 と掛け合わされて、重みには届きません。",
            "**結論**: モデルの最後にシグモイドや softmax を付けず、**ロジットのまま** "
            "`cross_entropy` か `binary_cross_entropy_with_logits` に渡します。"
            "これらは log と exp を式の上でまとめてから計算するので、どの z でも損失も勾配も正しいままです。",
        ]
    )


@lru_cache(maxsize=1)
def _spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("z:Q", title="ロジット z", scale=alt.Scale(nice=False))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=list(DRAWN.values()), range=COLOURS),
        legend=alt.Legend(orient="top", title=None, labelLimit=260),
    )
    line = (
        base.transform_filter("datum.kind < 2")
        .mark_line(strokeWidth=2.5)
        .encode(
            x=x,
            y=alt.Y("slope:Q", title="勾配 dL/dz", scale=alt.Scale(domain=[-1.1, 0.1], nice=False)),
            color=colour,
            strokeDash=alt.condition("datum.kind == 1", alt.value([2, 5]), alt.value([1, 0])),
        )
    )
    here = base.transform_filter("datum.kind == 2").mark_rule(
        color=charts.COLOURS["実測値"], strokeDash=[5, 4]
    )
    return charts.finish(alt.layer(line, here.encode(x=x)), 200)


def _draw(found: Limits, z: int) -> None:
    logits = np.arange(LOWEST, 1, STEP, dtype=np.float64)
    tables: list[pa.Table] = []
    for name, label in DRAWN.items():
        slope = found.ways[name].slope
        kept = np.isfinite(slope)
        dotted = np.full(int(kept.sum()), float(name == "by_hand"))
        tables.append(charts.rows(label, z=logits[kept], slope=slope[kept], kind=dotted))
    tables.append(charts.rows(DRAWN["bce"], z=[float(z)], slope=[0.0], kind=[2.0]))
    charts.draw(
        _spec(),
        pa.concat_tables(tables),
        "ロジットごとの勾配。with_logits は −1 のまま、binary_cross_entropy は z が −30 より小さいとほぼ 0。",
    )


def _numbers(found: Limits, z: int, single: bool) -> None:
    at = _place(z)
    kind = "float32" if single else "float64"
    st.markdown(
        f"z = {parts.number(z)} のとき、{kind} の p は **{parts.number(float(found.probability[at]))}** "
        f"です(本当の値は {_exact(z)})。"
    )
    parts.table(
        ["書き方", "損失(正解 1)", "勾配 dL/dz", "損失(正解 0)"],
        [
            [
                SHORT[name],
                *(parts.number(float(values[at])) for values in (way.wrong, way.slope, way.right)),
            ]
            for name, way in found.ways.items()
        ],
    )
    lines = [f"{code}  # {SHORT[name]}" for name, code in WAYS.items()]
    given = "p = torch.sigmoid(z)\noutputs = torch.stack([torch.zeros_like(z), z])  # 良性と悪性のロジット\n"
    st.code(given + "\n".join(lines), language="python")


def _exact(z: int) -> str:
    """Write 1 / (1 + e^-z), however small."""
    if z > -700:
        return parts.number(1 / (1 + math.exp(-z)))
    exponent = z / math.log(10)  # float64 holds no number as small as e^z
    return f"{10 ** (exponent % 1):.1f}×{parts.power(math.floor(exponent))}"


def _why(found: Limits, z: int, single: bool) -> list[str]:
    at, kind = _place(z), "float32" if single else "float64"
    why = []
    if found.probability[at] == 0:
        why.append(
            f"{kind} では p が小さすぎて 0 に丸められたからです(**アンダーフロー**)。log 0 は −∞、"
            "シグモイドの傾き p(1−p) は 0 で、∞×0 は nan になります。"
            "nan が1つでも重みに入ると、学習全体が壊れます。"
        )
        if math.isnan(float(found.ways["by_hand"].right[at])):
            why.append(
                "手書きの式では、正解が良性(0)、つまり**当たっている**患者の損失まで nan です。"
                "0×log 0 = 0×(−∞) だからです。"
            )
    if abs(float(found.ways["bce"].slope[at])) < 0.9 * abs(float(found.ways[FROM_LOGITS[0]].slope[at])):
        why.append(
            "binary_cross_entropy は 0 で割らないよう、勾配の分母を 10⁻¹² で止めています。"
            "そのため、いちばん直すべき「自信を持って外した患者」から学べなくなります。"
        )
    return why
