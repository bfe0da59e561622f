"""A stack of linear layers, multiplied out to one layer before the reader's eyes."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import collapse, jobs
from core.cohorts import COHORTS
from core.collapse import Collapse, StackSpec
from core.specs import digest
from pages.ui import charts, lesson, runs, side_by_side
from pages.ui import workings as view

SLOT = "ac_stack"
BETWEEN = {"なし(線形)": "linear", "ReLU": "relu", "tanh": "tanh"}
CHOICES = ["丸め誤差だけ", "少しずれる", "はっきりずれる"]
ROUNDING, CLEAR = 1e-9, 0.1  # of the spread of the stack's outputs
WIDTHS = [2, 4, 8, 16, 32, 64]


def _setting(layers: int, width: int, between: str) -> dict[str, object]:
    return {"ac_l_layers": layers, "ac_l_width": width, "ac_l_between": between}


PRESETS = [
    lesson.Preset("3枚の線形", _setting(3, 16, "なし(線形)")),
    lesson.Preset("7枚の線形", _setting(7, 64, "なし(線形)")),
    lesson.Preset(
        "ReLU をはさむ",
        _setting(3, 16, "ReLU"),
        "ReLU は、ある患者では値を通し、別の患者では 0 にします。通る道が患者ごとに変わるので、"
        "全員に通用する1つの行列には掛け合わせられません。だからこそ、曲がった関係を表せます。",
    ),
]


@st.cache_data(max_entries=200, show_spinner=False)
def _collapse(name: str, _spec: StackSpec) -> Collapse:  # noqa: ARG001 - the key
    found: Collapse = runs.engine().quick(jobs.collapse, _spec, timeout=30)
    return found


def _answer(found: Collapse) -> lesson.Answer:
    spread = float(found.stacked.std())
    ratio = found.largest / spread if spread > 0 else 0.0
    choice = CHOICES[0] if ratio < ROUNDING else CHOICES[1] if ratio < CLEAR else CHOICES[2]
    return lesson.Answer(
        choice,
        f"患者 {len(found.stacked)} 人の出力の差は、最大で {view.scientific(found.largest)} でした"
        f"(出力そのもののばらつきの {view.scientific(ratio)} 倍)。",
    )


def _settings() -> StackSpec:
    layers = st.slider("線形の層の枚数", 1, 7, 3, key="ac_l_layers", bind="query-params")
    width = st.select_slider("1枚のユニット数", WIDTHS, 16, key="ac_l_width", bind="query-params")
    between = view.choice("層のあいだの活性化関数", BETWEEN, "ac_l_between")
    seed = st.number_input("重みの乱数の種", 0, 9999, 0, key="ac_l_seed", bind="query-params")
    return StackSpec(layers=int(layers), width=int(width), activation=between, seed=int(seed))


@st.fragment
def show() -> None:
    """Let the reader set a stack, and compare it with the one layer that it multiplies out to."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        spec = _settings()
        with question:
            lesson.predict(SLOT, f"{spec.layers} 枚の層の出力と、掛け合わせた1枚の層の出力は?", CHOICES, spec)
        asked = view.asked(SLOT, "1枚に掛け合わせる")
        view.presets(SLOT, PRESETS)
    with stage:
        if not asked:
            st.info(
                "心不全の患者(模擬、200人)の年齢・収縮期血圧・LVEF・ln BNP から1つの点数を出す、"
                "本物の `nn.Sequential` を作り、"
                "層の行列を全部掛け合わせます。予想を選んで「1枚に掛け合わせる」を押してください。",
                icon=":material/layers:",
            )
            _sizes(spec)
            return
        try:
            found = _collapse(digest(spec), spec)
        except TimeoutError:
            st.info(view.WAIT)
            return
        _draw(found)
        lesson.score(SLOT, spec, lambda: _answer(found))
        _table(spec, found)
        view.why(PRESETS)
    _reading(spec, found)
    view.script(SLOT, collapse.script(spec), f"collapse_{spec.activation}")


def _sizes(spec: StackSpec) -> None:
    """Show which matrices are multiplied, and how large each is."""
    sizes = spec.sizes
    matrices = [rf"\underset{{{b} \times {a}}}{{W_{i}}}" for i, (a, b) in enumerate(pairwise(sizes), start=1)]
    st.latex(r"\,".join(reversed(matrices)) + rf" = \underset{{1 \times {sizes[0]}}}{{W}}")
    st.caption("下の数字は行列の大きさ(行 × 列)です。掛け合わせると、4つの入力ぶんの重みだけが残ります。")


@lru_cache(maxsize=1)
def _spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    free = alt.Scale(zero=False, nice=True)
    x = alt.X("x:Q", title="重ねたままの出力(点)", scale=free)
    y = alt.Y("y:Q", title="1枚の層の出力(点)", scale=free, axis=alt.Axis(minExtent=44))
    line = base.transform_filter("datum.name == '等しい'").mark_line(
        color=charts.COLOURS["実測値"], strokeDash=[5, 4]
    )
    points = base.transform_filter("datum.name == '患者'").mark_circle(
        size=34, opacity=0.6, color=charts.COLOURS["学習"]
    )
    hover = [alt.Tooltip("x:Q", title="重ねたまま"), alt.Tooltip("y:Q", title="1枚")]
    return charts.finish(alt.layer(line.encode(x=x, y=y), points.encode(x=x, y=y, tooltip=hover)), 250)


def _draw(found: Collapse) -> None:
    ends = np.array(
        [min(found.stacked.min(), found.single.min()), max(found.stacked.max(), found.single.max())]
    )
    rows = [
        charts.rows("等しい", x=ends, y=ends),
        charts.rows("患者", x=found.stacked.astype(np.float64), y=found.single.astype(np.float64)),
    ]
    told = f"重ねたままの出力と1枚の層の出力の散布図。差は最大 {view.scientific(found.largest)}。"
    charts.draw(_spec(), pa.concat_tables(rows), told)
    st.caption("点は患者1人です。破線の上にあれば、2つの出力は等しいということです。")


def _table(spec: StackSpec, found: Collapse) -> None:
    kept = spec.sizes[0] + 1
    side_by_side.table(
        ["", f"重ねた {spec.layers} 枚", "掛け合わせた1枚"],
        [
            ["重みとバイアスの数", f"{spec.parameters:,}", f"{kept}"],
            ["出力の差の最大(32ビット)", "—", view.scientific(found.largest32)],
            ["出力の差の最大(64ビット)", "—", view.scientific(found.largest)],
            [
                "どんな1枚の層でも表せない割合",
                "—",
                f"{100 * found.missed:.3g} %" if found.missed > 1e-12 else "0 %",
            ],
        ],
    )


def _reading(spec: StackSpec, found: Collapse) -> None:
    st.header("読み解き")
    names = [feature.name for feature in COHORTS[collapse.PATIENTS.name].features]
    weights = "、".join(
        f"{name} {view.signed(w, 4)}" for name, w in zip(names, found.matrix.tolist(), strict=True)
    )
    if spec.activation == "linear":
        lines = [
            f"掛け合わせた1枚の層の重みは、{weights}(標準化した値あたり)、"
            f"バイアスは {view.signed(found.bias, 4)} です。"
            f"{spec.parameters:,} 個のパラメータを使っても、していることは、"
            "入力に重みを掛けて足すことだけでした。",
            "差が残るのは、コンピューターの小数の桁が有限だからです。桁の多い64ビットで計算すると、"
            f"差は {view.scientific(found.largest32)} から {view.scientific(found.largest)} へ縮みます。",
        ]
    else:
        lines = [
            f"活性化関数を無視して行列だけを掛け合わせると、重みは {weights} になりますが、出力は合いません。"
            "64ビットにしても差は縮まないので、丸め誤差ではありません。",
            "この出力にいちばん近い1枚の層を最小二乗法で求めても、"
            f"ばらつきの {100 * found.missed:.3g} % は表せずに残ります。"
            "これが、活性化関数がもたらす「曲がり」です。",
        ]
    view.sentences(lines)
    with st.expander("数式で見る(この重みの数字)"):
        _sizes(spec)
        st.latex(r"W_2\,(W_1 x + b_1) + b_2 = (W_2 W_1)\,x + (W_2 b_1 + b_2)")
        row = r" & ".join(view.tex(w, 4).strip("()") for w in found.matrix.tolist())
        st.latex(
            rf"W = \begin{{pmatrix}} {row} \end{{pmatrix}},\quad b = {view.tex(found.bias, 4).strip('()')}"
        )
