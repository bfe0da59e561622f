"""Lesson 学習サイクル, first experiment: one neuron, one line of code at a time."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.neuron import MAX_EDITS, Edit, NeuronSpec, Trace
from core.neuron_script import neuron_script
from core.specs import digest
from pages.parts.training_cycle import cycle_reading, cycle_stepper
from pages.ui import lesson, runs

SLOT = "tc_neuron"
STEPPER = "tc_stepper"
EDITS = "tc_edits"
RATES = [0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5]
DEFAULTS = {"tc_rate": 0.05, "tc_epochs": 3, "tc_forget": False, "tc_w1": -0.5, "tc_w2": 0.5, "tc_b": 0.0}
PRESETS = [
    lesson.Preset("ちょうどよい", DEFAULTS),
    lesson.Preset(
        "zero_grad() を忘れる",
        DEFAULTS | {"tc_forget": True},
        "勾配が消されずに足し合わされるため、修正の向きと大きさが、いまの患者ではなく"
        "これまでの全員の合計で決まります。行き過ぎても止まれず、損失が上がったり下がったりします。",
    ),
    lesson.Preset(
        "学習率が大きすぎる",
        DEFAULTS | {"tc_rate": 0.5},
        "1回の修正で正解を飛び越え、次の患者ではもっと大きく外れます。外れが大きいほど勾配も大きくなるため、"
        "修正のたびに外れが広がります(発散)。",
    ),
    lesson.Preset(
        "学習率が小さすぎる",
        DEFAULTS | {"tc_rate": 0.0001},
        "修正の向きは合っていますが、1回に動く量が小さすぎて、この回数では損失がほとんど下がりません。",
    ),
]


@st.cache_data(max_entries=200, show_spinner=False)
def _walk(name: str, _specs: tuple[NeuronSpec, ...]) -> tuple[Trace, ...]:  # noqa: ARG001 - the key
    """Train on the quick lane; equal settings are trained once for all readers."""
    traces: tuple[Trace, ...] = runs.engine().quick(jobs.neurons, _specs, timeout=30)
    return traces


def _settings() -> NeuronSpec:
    st.markdown("**設定**")
    loop, start = st.columns(2, gap="large")
    with loop:
        rate = st.select_slider(
            "学習率 η",
            RATES,
            DEFAULTS["tc_rate"],
            format_func=lambda v: f"{v:g}",
            key="tc_rate",
            bind="query-params",
        )
        epochs = st.slider("エポック数", 1, 5, 3, key="tc_epochs", bind="query-params")
        forget = st.toggle("zero_grad() を忘れる", key="tc_forget", bind="query-params")
    names = {"tc_w1": "重み w₁(心拍数)", "tc_w2": "重み w₂(血圧)", "tc_b": "バイアス b"}
    with start:
        w1, w2, b = (
            st.slider(
                f"はじめの{name}", -3.0, 3.0, float(DEFAULTS[key]), step=0.1, key=key, bind="query-params"
            )
            for key, name in names.items()
        )
    edits = cycle_stepper.parse(st.query_params.get(EDITS, ""), epochs)[:MAX_EDITS]
    return NeuronSpec(start=(w1, w2, b), lr=rate, epochs=epochs, forget=forget, edits=edits)


def _rewrite() -> None:
    """Keep the weights that the reader has rewritten; they replace those rewritten later in the walk."""
    edit = cycle_stepper.edit_of(STEPPER)
    if edit is not None:
        before = cycle_stepper.parse(st.query_params.get(EDITS, ""), 5)
        kept = tuple(e for e in before if e.update < edit.update)[-MAX_EDITS + 1 :]
        st.query_params[EDITS] = cycle_stepper.write((*kept, edit))


def _take_back(_: object = None) -> None:
    st.query_params.pop(EDITS, None)


def _question(spec: NeuronSpec) -> tuple[str, list[str]]:
    if spec.forget:
        return (
            f"zero_grad() を忘れて {spec.epochs} エポック学習すると、6人の平均損失は、忘れないときと比べて?",
            cycle_reading.COMPARED,
        )
    return "患者1での最初の修正で、重み w₁ はどうなる?", cycle_reading.MOVED


@st.fragment
def show() -> None:
    """Let the reader step through the training of one neuron, and rewrite its weights on the way."""
    question, stage = st.container(), st.container()
    st.caption("試してみる設定:")
    lesson.presets(SLOT, PRESETS, note=_take_back)
    with st.container(border=True):
        spec = _settings()
    with question:
        lesson.predict(SLOT, *_question(spec), spec)
    specs = (spec, spec.remembering) if spec.forget else (spec,)
    try:
        trace, *others = _walk(digest(specs), specs)
    except TimeoutError:
        stage.info(
            "計算の準備をしています。数秒後に、もう一度つまみを動かすか、ページを再読み込みしてください。"
        )
        return
    other = others[0] if others else None
    with stage:
        cycle_stepper.show(spec, trace, other, STEPPER, _rewrite)
        if spec.edits:
            _edits(spec.edits)
    if st.button("答え合わせと読み解き", type="primary", icon=":material/fact_check:", key="tc_answer"):
        st.session_state["tc_asked"] = spec
    if st.session_state.get("tc_asked") == spec:
        _result(spec, trace, other)


def _edits(edits: tuple[Edit, ...]) -> None:
    listed = "、".join(
        f"{e.update} 回目の修正の前に (w₁, w₂, b) = ({', '.join(f'{w:g}' for w in e.weights)})" for e in edits
    ).replace("-", "−")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(f"書きかえた重み: {listed}")
        st.button("書きかえを取り消す", icon=":material/undo:", key="tc_take_back", on_click=_take_back)


def _result(spec: NeuronSpec, trace: Trace, other: Trace | None) -> None:
    st.header("読み解き")
    lesson.score(SLOT, spec, lambda: cycle_reading.answer(trace, other))
    st.markdown("\n".join(f"- {s}" for s in cycle_reading.sentences(spec, trace, other)))
    why = next((p.why for p in PRESETS if p.why and _is_preset(p, spec)), "")
    if why:
        st.markdown(f"**なぜ** — {why}")
    with st.expander(f"数式で見る(1エポック目、患者1。以後 {len(trace.updates) - 1} 回くり返す)"):
        cycle_reading.formula(spec, trace.updates[0])
    with st.expander("この学習とまったく同じ PyTorch のコード"):
        script = neuron_script(spec)
        st.caption("実行すると、この図と同じ数字が表示されます。右上のボタンでコピーできます。")
        st.download_button(
            "Python(.py)",
            script,
            file_name=f"neuron_{digest(spec)[:8]}.py",
            mime="text/x-python",
            icon=":material/download:",
            key="tc_py",
            on_click="ignore",
        )
        st.code(script, language="python", height=360)


def _is_preset(preset: lesson.Preset, spec: NeuronSpec) -> bool:
    return not spec.edits and preset.values == dict(
        zip(DEFAULTS, (spec.lr, spec.epochs, spec.forget, *spec.start), strict=True)
    )
