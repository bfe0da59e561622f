"""The experiment 「遠い記憶」: can a network still name, at the end, what the first reading told?"""

from __future__ import annotations

from typing import Any, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs, recall_script
from core.recall import ASKED, CELLS, RecallSpec, together
from core.specs import ModelSpec, OptimizerSpec, TrainingSpec
from pages.parts.vitals import recall_reading as reading
from pages.parts.vitals import recall_view as view
from pages.parts.vitals.backtime_cells import NAMES, pin, seeds_told
from pages.ui import lesson, run_reading, runs, workings
from pages.ui import side_by_side as parts

SLOT = "vr_recall"
PAGE = "vitals_recall"
GATES = {"T に合わせる": "length", "+1": "one", "PyTorchのまま": "default"}
LENGTHS = [5, 10, 20, 30, 50, 75, 100, 150]
RATES = [3e-4, 1e-3, 2e-3, 3e-3, 1e-2]


def _setting(length: int, gate: str = "T に合わせる", lr: float = 1e-3, epochs: int = 20) -> dict[str, Any]:
    return {"vr_length": length, "vr_gate": gate, "vr_lr": lr, "vr_epochs": epochs}


PRESETS = [
    lesson.Preset("近い記憶(10回前)", _setting(10)),
    lesson.Preset("遠い記憶(100回前)", _setting(100)),
    lesson.Preset("LSTMも忘れる", _setting(100, gate="PyTorchのまま")),
    lesson.Preset("粘って学習する", _setting(100, lr=3e-3, epochs=40)),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[RecallSpec, ...], str]:
    length = st.select_slider("合図は何回前か(T)", LENGTHS, 100, key="vr_length", bind="query-params")
    gate = parts.choice("LSTM・GRU のゲートの初期値", GATES, "vr_gate")
    st.caption(
        "ゲートは「前の状態をどれだけ残すか」です。PyTorchのままだと、1回ごとに約半分を忘れて始まります。"
    )
    with details.expander("詳しい設定"):
        mode = lesson.seeds("vr_seeds")
        epochs = st.slider("エポック数", 5, 60, 20, step=5, key="vr_epochs", bind="query-params")
        lr = st.select_slider(
            "学習率 η", RATES, 1e-3, format_func=lambda v: f"{v:g}", key="vr_lr", bind="query-params"
        )
        noise = st.select_slider(
            "雑音の大きさ", [0.0, 0.1, 0.3, 0.5, 0.7, 1.0], 0.5, key="vr_noise", bind="query-params"
        )
        hidden = st.select_slider("隠れユニット数", [8, 16, 32, 64], 32, key="vr_hidden", bind="query-params")
        clip = st.select_slider(
            "勾配クリッピングの上限", [0.1, 0.3, 1.0, 3.0, 10.0], 1.0, key="vr_clip", bind="query-params"
        )
        count = st.select_slider(
            "学習に使う患者数", [128, 256, 512, 1024], 512, key="vr_count", bind="query-params"
        )
        seed = st.number_input("乱数の種", 0, 9999, 0, key="vr_seed", bind="query-params")
    spec = RecallSpec(
        length=length,
        noise=noise,
        sequences=count,
        gate=gate,
        model=ModelSpec(hidden=hidden),
        optimizer=OptimizerSpec(lr=lr),
        training=TrainingSpec(epochs=epochs, batch_size=32, clip=clip, seed=int(seed)),
    )
    return together(spec, 5 if mode == lesson.SEEDS[2] else 1), mode


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        specs, mode = _settings(below)
    with question:
        lesson.predict(
            SLOT, f"SimpleRNN は、{specs[0].length} 回前の合図を思い出せるでしょうか?", reading.CHOICES, specs
        )
    with button:
        parts.start(SLOT, "3つを同時に学習", jobs.recallers, specs, mode)
    if runs.current(SLOT) is None:
        with picture:
            st.markdown(
                f"入室時に聞いた「アレルギーの有無」を、{specs[0].length} 回の記録のあとで思い出す課題です"
                "(模擬データ)。1回目の値だけが合図で、残りは関係のない雑音です。"
            )
            view.show_examples(specs[0])


def show() -> None:
    """Train the three networks on delayed recall side by side, and see what their answers hang on."""
    parts.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=_result)


def _draw(watched: runs.Watched) -> None:
    view.show_live(watched.run.rows, watched.epochs, len(watched.specs) > len(CELLS))


def _result(watched: runs.Watched) -> None:
    results = cast(Any, run_reading.results(watched))
    if results is None:
        return
    spec, frames = watched.spec, watched.run.frames
    found = reading.standings(results)
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: reading.answer(spec, found))
    if results[0].ending == "stopped":
        st.caption(f"{len(results[0].history)} エポックで停止しました。その時点の重みで判定しています。")
    reading.show_table(found)
    parts.whys(reading.whys(spec, found))
    parts.points(reading.sentences(found, results))
    if len(frames) > 1:
        st.markdown("### 答えは、どの記録に効かされているか")
        st.caption(
            "t 回目の値を少し動かしたとき、答えがどれだけ動くかです"
            f"(|∂(答え)/∂xₜ|、{ASKED} 人の平均)。左端が合図です。"
            f"{workings.power(-24)} より小さい値(0 も)は下端に描いています。"
        )
        view.show_saliency(frames, spec.length)
    pin(
        PAGE,
        NAMES,
        {
            "T": f"{spec.length} 回前",
            "ゲート": next(label for label, name in GATES.items() if name == spec.gate),
            "学習率": f"η {spec.optimizer.lr:g}",
            "乱数": seeds_told([s.training for s in watched.specs]),
        },
        [
            {"正解率": round(one.accuracy, 4), "合図を逆にすると変わる割合": round(one.flipped, 4)}
            for one in found
        ],
        watched.run.rows,
    )
    reading.show_formula(spec, found)
    workings.script(SLOT, recall_script.script(watched.specs), "delayed_recall")
