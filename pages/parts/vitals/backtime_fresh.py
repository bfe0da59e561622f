"""Lesson RNN, gradients through time: three networks as they are before any training."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import backtime_script, jobs
from core.backtime import LENGTHS, Back, BackSpec
from core.specs import digest
from pages.parts.vitals import backtime_fresh_reading as reading
from pages.parts.vitals import backtime_view as view
from pages.parts.vitals.backtime_cells import NAMES
from pages.ui import lesson, runs, workings
from pages.ui import side_by_side as parts

SLOT = "vb_fresh"
SCALES = [0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0]
GATES = [0.0, 1.0, 2.0, 3.0, 5.0]


def _setting(scale: float, gate: float, length: int = 100) -> dict[str, Any]:
    return {"vb_length": length, "vb_scale": scale, "vb_gate": gate}


PRESETS = [
    lesson.Preset("PyTorchのまま", _setting(1.0, 0.0)),
    lesson.Preset("ゲートを開く(+5)", _setting(1.0, 5.0)),
    lesson.Preset("W_hh を1.5倍", _setting(1.5, 0.0)),
    lesson.Preset("爆発する(4倍)", _setting(4.0, 0.0)),
]


@st.cache_data(max_entries=200, show_spinner=False)
def _measured(name: str, _spec: BackSpec, _lengths: tuple[int, ...]) -> dict[int, tuple[Back, ...]]:  # noqa: ARG001 - the key
    """Go back on the quick lane; equal settings are measured once for all readers."""
    found: dict[int, tuple[Back, ...]] = runs.engine().quick(
        jobs.back_through_time, _spec, _lengths, timeout=30
    )
    return found


def _settings() -> tuple[BackSpec, tuple[int, ...]]:
    length = st.slider("窓の長さ T(点)", 5, 120, 100, step=5, key="vb_length", bind="query-params")
    scale = st.select_slider(
        "W_hh に掛ける倍率", SCALES, 1.0, format_func=lambda v: f"×{v:g}", key="vb_scale", bind="query-params"
    )
    gate = st.select_slider(
        "LSTM・GRU のゲートに足す値",
        GATES,
        0.0,
        format_func=lambda v: f"+{v:g}",
        key="vb_gate",
        bind="query-params",
        help="LSTM は忘却ゲート、GRU は更新ゲートのバイアスです。大きいほど、前の状態を残して始まります。",
    )
    with st.expander("詳しい設定"):
        overlay = st.toggle("ほかの長さの窓も重ねる", value=True, key="vb_overlay", bind="query-params")
        hidden = st.select_slider("隠れユニット数", [8, 16, 32, 64], 32, key="vb_hidden", bind="query-params")
        seed = st.number_input("重みの乱数の種", 0, 9999, 0, key="vb_seed", bind="query-params")
    spec = BackSpec(length=length, hidden=hidden, scale=scale, gate=gate, seed=int(seed))
    return spec, tuple(sorted({*(LENGTHS if overlay else ()), length}))


@st.fragment
def show() -> None:
    """Follow the gradient back through new networks, and compare what is left of it."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        button = st.container()
        spec, lengths = _settings()
        with question:
            lesson.predict(
                SLOT, f"{spec.length - 1} 点前まで、勾配がいちばん残るネットワークは?", NAMES, spec
            )
        with button:
            asked = workings.asked(SLOT, "勾配をさかのぼって測る")
        workings.presets(SLOT, PRESETS)
    if not asked:
        with stage:
            st.info(
                "例題の波形の窓を3つのネットワークに読ませ、最後の予測の損失から、"
                "各時刻の隠れ状態 h への勾配を自動微分でさかのぼります。"
                "勾配が届かない過去からは、何も学べません。",
                icon=":material/history:",
            )
            st.markdown("学習はまだ行いません。**初期値のままのネットワーク**どうしを比べます。")
        return
    try:
        found = _measured(digest((spec, lengths)), spec, lengths)
    except TimeoutError:
        stage.info(workings.WAIT)
        return
    with stage:
        view.show_fresh(found, spec.length)
        st.caption(
            f"太い線が T = {spec.length}、細い線がほかの長さの窓です。{len(lengths)} 通りの長さを測りました。"
            if len(lengths) > 1
            else f"長さ {spec.length} の窓で測りました。"
        )
    backs = found[spec.length]
    st.header("読み解き")
    lesson.score(SLOT, spec, lambda: reading.answer(backs))
    reading.show_table(backs)
    parts.whys(reading.whys(spec, backs))
    parts.points(reading.sentences(spec, found))
    reading.show_formula(spec, backs)
    workings.script(SLOT, backtime_script.fresh(spec), "gradients_through_time")
