"""Lesson オプティマイザ, third experiment: the map of learning rate and momentum on a bowl."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core import jobs
from core.momentum_map import (
    DIVERGING,
    MomentumSpec,
    best,
    measured_rate,
    observed_region,
    rate,
    region,
    roots,
    steps_until,
)
from core.specs import digest
from core.surfaces import Array
from pages.parts.optimizers import race_map
from pages.ui import lesson, runs, text

SLOT = "op_map"
STEPS = 1000
SHARE = 0.001
CHOICES = ["20歩以内", "21〜100歩", "101歩以上", "収まらない"]
KAPPAS = [1, 2, 5, 10, 20, 50, 100]
LAMBDAS = [0.5, 1.0, 2.0, 4.0]


def _preset(label: str, lr: float, momentum: float, kappa: int, why: str = "") -> lesson.Preset:
    values = {"op_a": lr, "op_b": momentum, "op_kappa": kappa, "op_lambda": 1.0}
    return lesson.Preset(label, values, why)


PRESETS = (
    _preset("モメンタムなし", 1.9, 0.0, 20),
    _preset("ちょうどよい勢い", 2.672, 0.403, 20),
    _preset(
        "大きすぎる学習率",
        2.2,
        0.0,
        1,
        "モメンタムがなければ、1歩ごとに w は (1 − αλ) 倍になります。αλ が 2 を超えると、"
        "この倍率の絶対値が 1 を超え、谷底を越えるたびに遠ざかります。",
    ),
    _preset("同じ学習率に勢いを足す", 2.2, 0.3, 1),
    _preset(
        "勢いが強すぎる",
        0.5,
        0.99,
        1,
        "β が 1 に近いと、谷底を過ぎても勢いがほとんど減りません。根が複素数のとき、その大きさは √β なので、"
        "β を 1 に近づけるほど揺れが収まるのに時間がかかります。",
    ),
)


@st.cache_data(max_entries=300, show_spinner=False)
def _run(name: str, _spec: MomentumSpec) -> Array:  # noqa: ARG001 - the key
    (positions,) = runs.engine().quick(jobs.heavy_balls, (_spec,), timeout=30)
    return positions  # type: ignore[no-any-return]


def _take_click() -> None:
    """Move the sliders to the cell of the map that the reader clicked."""
    chosen: Any = st.session_state.get("op_map/chart") or {}
    cells = chosen.get("selection", {}).get("cell", [])
    if cells and {"a", "b"} <= set(cells[0]):
        st.session_state["op_a"] = float(np.clip(round(float(cells[0]["a"]), 2), 0.01, race_map.HIGHEST))
        st.session_state["op_b"] = float(np.clip(round(float(cells[0]["b"]), 2), 0.0, 0.99))


def _to_best() -> None:
    """Move the sliders to Polyak's point, as near as they go."""
    high = float(st.session_state["op_lambda"])
    lr, momentum, _ = best((high / int(st.session_state["op_kappa"]), high))
    st.session_state["op_a"], st.session_state["op_b"] = round(lr, 3), round(momentum, 3)


def _settings() -> MomentumSpec:
    lr = st.slider(
        "学習率 α", 0.01, race_map.HIGHEST, 0.4, step=0.001, format="%.3f", key="op_a", bind="query-params"
    )
    momentum = st.slider(
        "モメンタム β", 0.0, 0.99, 0.5, step=0.001, format="%.3f", key="op_b", bind="query-params"
    )
    kappa = st.select_slider(
        "条件数 κ(谷の細長さ)",
        KAPPAS,
        1,
        format_func=lambda k: "1(曲がりは1つ)" if k == 1 else str(k),
        key="op_kappa",
        bind="query-params",
        help="いちばん急な向きとゆるい向きの、曲がりの比です。1 なら、向きを区別しません。",
    )
    high = st.select_slider(
        "いちばん急な向きの曲がり λ",
        LAMBDAS,
        1.0,
        format_func=lambda v: f"{v:g}",
        key="op_lambda",
        bind="query-params",
    )
    curvatures = (high,) if kappa == 1 else (high / kappa, high)
    return MomentumSpec(lr=lr, momentum=momentum, curvatures=curvatures, steps=STEPS)


@st.fragment
def show() -> None:
    """Let the reader choose a point of the map, predict how fast it settles, and run it."""
    st.markdown(
        "お椀形の損失 $L = \\tfrac{1}{2}\\lambda w^2$ を、w = 1 から SGD+モメンタムで下ります。"
        "学習率 α とモメンタム β の組み合わせで、行き先は3つに分かれます"
        "(この実験だけは、文献の習慣に合わせて、学習率を η ではなく α と書きます)。"
    )
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        start = st.container()  # in reach at once, above the settings it starts
        spec = _settings()
        with question:
            lesson.predict(SLOT, f"揺れが最初の {SHARE:g} 倍以下に収まるのは何歩目?", CHOICES, spec)
        if start.button(
            "走らせる", type="primary", icon=":material/play_arrow:", width="stretch", key="op_map/start"
        ):
            st.session_state["op_map/asked"] = spec
        st.button("いちばん速い点へ", icon=":material/star:", width="stretch", on_click=_to_best)
        st.caption("試してみる設定:")
        lesson.presets(SLOT, PRESETS)
    with stage:
        race_map.show_map(spec, _take_click)
        _place(spec)
    positions = _asked(spec)
    if positions is not None:
        _tell(spec, positions)
    _formula(spec)


def _place(spec: MomentumSpec) -> None:
    """Say what the map foretells of the chosen point."""
    told = race_map.REGIONS[int(region(spec.lr, spec.momentum, spec.curvatures))]
    share = float(rate(spec.lr, spec.momentum, spec.curvatures))
    lr, momentum, fastest = best(spec.curvatures)
    st.markdown(
        f"いまの点(α = {spec.lr:g}、β = {spec.momentum:g})は **{told}**、"
        f"谷底までの距離は1歩で {share:.4f} 倍です。"
        f"いちばん速い点(◆)は α\\* = {lr:.3f}、β\\* = {momentum:.3f} で、"
        + (f"{fastest:.4f} 倍です。" if fastest > 0 else "1歩で谷底に着きます(0 倍)。")
    )


def _asked(spec: MomentumSpec) -> Array | None:
    """Return the run if the reader has asked for it with these very settings."""
    if st.session_state.get("op_map/asked") != spec:
        st.info(
            "地図をクリック(タップ)するか、つまみを動かして点を選び、予想してから「走らせる」を押してください。",
            icon=":material/touch_app:",
        )
        return None
    try:
        return _run(digest(spec), spec)
    except TimeoutError:
        st.info("計算の準備をしています。数秒後にもう一度「走らせる」を押してください。")
        return None


def _answer(positions: Array) -> lesson.Answer:
    settled = steps_until(positions, SHARE)
    if settled is not None:
        choice = CHOICES[0] if settled <= 20 else CHOICES[1] if settled <= 100 else CHOICES[2]
        return lesson.Answer(choice, f"{settled} 歩目から先は、ずっと最初の {SHARE:g} 倍以下でした。")
    if observed_region(positions) == DIVERGING:
        last = text.number(float(np.abs(positions[-1]).max()))
        return lesson.Answer(CHOICES[3], f"{len(positions) - 1} 歩目の大きさは最初の {last} 倍でした。")
    return lesson.Answer(CHOICES[2], f"縮んではいますが、{STEPS} 歩では {SHARE:g} 倍以下になりませんでした。")


def _tell(spec: MomentumSpec, positions: Array) -> None:
    lesson.score(SLOT, spec, lambda: _answer(positions))
    told = int(region(spec.lr, spec.momentum, spec.curvatures))
    expected, measured = float(rate(spec.lr, spec.momentum, spec.curvatures)), measured_rate(positions)
    left, right = st.columns(2, gap="large")
    with left:
        race_map.show_positions(spec, positions)
    with right:
        race_map.show_sizes(spec, positions, expected)
    seen = observed_region(positions)
    same = f"{expected:.4f}" == f"{measured:.4f}"
    lines = [
        f"地図の予告は「{race_map.REGIONS[told]}」、torch.optim.SGD を実際に走らせた結果は"
        f"「{race_map.REGIONS[seen]}」でした。",
        f"1歩あたりの倍率は、根の大きさからの計算が {expected:.4f}、走った記録からの実測が {measured:.4f} "
        f"で、{'表示の桁まで一致しました' if same else f'差は {abs(expected - measured):.1e} です'}。",
    ]
    preset = next((p for p in PRESETS if p.why and _stands_at(p)), None)
    if preset:
        lines.append(f"**なぜ** — {preset.why}")
    st.markdown("\n".join(f"- {line}" for line in lines))
    st.caption(
        "実測の倍率は、直前の2つの位置から次の位置を最もよく言い当てる係数を、記録だけから最小二乗法で求めて計算しています。"
    )


def _stands_at(preset: lesson.Preset) -> bool:
    return all(st.session_state.get(key) == value for key, value in preset.values.items())


def _complex(value: complex) -> str:
    if abs(value.imag) < 1e-12:
        return f"{value.real:.4f}"
    return rf"{value.real:.4f} {'+' if value.imag > 0 else '-'} {abs(value.imag):.4f}\,i"


def _formula(spec: MomentumSpec) -> None:
    """Show how the roots follow from the update rule, with the numbers of the chosen point."""
    a, b = f"{spec.lr:g}", f"{spec.momentum:g}"
    with st.expander("数式で見る(この点の根)"):
        st.latex(r"v \leftarrow \beta v + \lambda w,\qquad w \leftarrow w - \alpha v")
        st.markdown("PyTorch の形のまま v を消すと、次の位置は直前の2つの位置で決まります。")
        st.latex(r"w_{t+1} = (1 + \beta - \alpha\lambda)\,w_t - \beta\,w_{t-1}")
        st.latex(r"r^2 - (1 + \beta - \alpha\lambda)\,r + \beta = 0")
        for curvature in spec.curvatures:
            middle = 1 + spec.momentum - spec.lr * curvature
            first, second = roots(spec.lr, spec.momentum, curvature)
            size = f"{abs(first):.4f}"
            st.latex(rf"\lambda = {curvature:g}:\quad r^2 - ({middle:.4f})\,r + {b} = 0")
            st.latex(rf"r = {_complex(complex(first))},\ {_complex(complex(second))}\quad \max|r| = {size}")
        st.markdown(
            "根が0以上の実数なら単調に、複素数か負なら谷底を行き過ぎて揺れます。"
            "大きいほうの $|r|$ が1以上なら収束しません。"
        )
        st.latex(
            rf"\alpha\lambda < 2(1 + \beta):\quad {a} \times {max(spec.curvatures):g} = "
            rf"{spec.lr * max(spec.curvatures):.3f},\quad 2(1 + {b}) = {2 * (1 + spec.momentum):.3f}"
        )
        st.markdown("いちばん速い点(Polyak, 1964)。κ は曲がりの比です。")
        st.latex(
            r"\alpha^* = \frac{4}{(\sqrt{\lambda_{\max}} + \sqrt{\lambda_{\min}})^2},\quad"
            r"\beta^* = \left(\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}\right)^2"
        )
