"""The experiment 「中をのぞく」: a trained forecaster taken apart, a window read by hand."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.series import article_series
from core.specs import ForecastSpec, ModelSpec, OptimizerSpec, SpecError, SplitSpec, TrainingSpec
from pages.parts.vitals import forecast, inside_result, inside_source
from pages.parts.vitals import forecast_view as view
from pages.parts.vitals import inside_reading as reading
from pages.ui import compare, lesson, runs, text
from pages.ui import side_by_side as parts

SLOT = "vt_inside"
OWN, TAKEN = "own", "taken"
_RATES = [1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0]


def _preset(label: str, cell: str, hidden: int, lr: float, epochs: int) -> lesson.Preset:
    values = {"vi_net": OWN, "vi_cell": cell, "vi_hidden": hidden, "vi_lr": lr, "vi_epochs": epochs}
    return lesson.Preset(label, values | {"vi_layers": 1, "vi_window": 10})


PRESETS = [
    _preset("4個のRNN", "rnn", 4, 1e-2, 100),
    _preset("4個のLSTM", "lstm", 4, 1e-2, 100),
    _preset("4個のGRU", "gru", 4, 1e-2, 100),
    _preset("学習率が大きすぎる", "rnn", 4, 1.0, 100),
    _preset("学習不足", "rnn", 4, 1e-4, 10),
]


def show() -> None:
    """Choose a trained network, or train one, and look into it."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        borrowed = _borrowed()
        if borrowed is None:
            st.fragment(_settings)(question)
        else:
            _take(borrowed, question)
        st.caption("試してみる設定:")
        lesson.presets(SLOT, PRESETS)
    watched = borrowed or runs.current(SLOT)
    with stage:
        runs.show_notice(SLOT)
        if borrowed is None and watched:
            runs.live(SLOT, view.show_losses)
        else:
            _before(borrowed)
    if watched and watched.run.done and (borrowed is None or _asked(borrowed)):
        inside_result.show(SLOT, watched, own=borrowed is None)
    compare.show("vitals")


def _borrowed() -> runs.Watched | None:
    """Offer the network of 「次の値を当てる」, if one is trained there; None stands for one of our own."""
    trained = runs.current(forecast.SLOT)
    if trained is None or not inside_source.usable(trained):
        return None
    chosen = st.segmented_control(
        "のぞくネットワーク",
        [OWN, TAKEN],
        default=OWN,
        required=True,
        format_func={OWN: "ここで学習", TAKEN: "「次の値を当てる」から"}.__getitem__,
        key="vi_net",
        bind="query-params",
        wrap=True,
    )
    return trained if chosen == TAKEN else None


def _take(borrowed: runs.Watched, question: DeltaGenerator) -> None:
    """Describe the network that is taken over, and offer to look into it."""
    spec: ForecastSpec = borrowed.spec
    with question:
        lesson.predict(SLOT, reading.QUESTION, reading.CHOICES, borrowed.specs)
    several = "5シードのうち、最初の種のネットワークです。" if len(borrowed.specs) > 1 else ""
    st.markdown(
        f"**{text.CELL_LABELS[spec.model.name]}**、{spec.model.hidden} ユニット、窓 {spec.length} 点、"
        f"学習率 {spec.optimizer.lr:g}。{several}"
    )
    if st.button(
        "中をのぞく", type="primary", icon=":material/visibility:", width="stretch", key=f"{SLOT}/look"
    ):
        st.session_state[f"{SLOT}/asked"] = inside_source.name(borrowed)


def _asked(borrowed: runs.Watched) -> bool:
    return bool(st.session_state.get(f"{SLOT}/asked") == inside_source.name(borrowed))


def _settings(question: DeltaGenerator) -> None:
    """Choose a network small enough to read, and train it. A fragment: a slider redraws nothing else."""
    cell = parts.cell("vi_cell", "rnn")
    hidden = st.segmented_control(
        "隠れユニット数",
        [4, 8, 16, 32],
        default=4,
        required=True,
        key="vi_hidden",
        bind="query-params",
        help="8個までなら、行列のすべての数が読めます。それより多いと、色の濃さで見ます。",
    )
    start = st.container()
    with st.expander("詳しい設定"):
        length = st.slider("窓の長さ(何点前まで見るか)", 2, 40, 10, key="vi_window", bind="query-params")
        layers = st.segmented_control(
            "層の数", [1, 2], default=1, required=True, key="vi_layers", bind="query-params"
        )
        epochs = st.slider("エポック数", 10, 300, 100, step=10, key="vi_epochs", bind="query-params")
        lr = st.select_slider(
            "学習率 η", _RATES, 1e-2, format_func=lambda v: f"{v:g}", key="vi_lr", bind="query-params"
        )
        seed = st.number_input("乱数の種", 0, 9999, 0, key="vi_seed", bind="query-params")
        mode = st.segmented_control(
            "乱数",
            lesson.SEEDS[:2],
            default=lesson.SEEDS[0],
            required=True,
            key="vi_random",
            bind="query-params",
        )
    with start:
        try:
            spec = ForecastSpec(
                length=length,
                model=ModelSpec(name=cell, hidden=hidden, layers=layers),
                optimizer=OptimizerSpec(lr=lr),
                training=TrainingSpec(epochs=epochs, seed=int(seed)),
            )
        except SpecError as error:
            st.error(str(error))
            return
        specs = (spec,)
        with question:
            lesson.predict(SLOT, reading.QUESTION, reading.CHOICES, specs)
        with st.container(horizontal=True, gap="small"):
            pressed = st.button(
                "学習して、中をのぞく", type="primary", icon=":material/play_arrow:", key=f"{SLOT}/start"
            )
            one = st.button("1エポックずつ", icon=":material/skip_next:", key=f"{SLOT}/start_one")
        if pressed or one:
            started = lesson.seeded(SLOT, specs, mode)
            axis = view.axis(None, None)
            runs.start(SLOT, jobs.forecasters, started, context=axis, one_epoch=one)
            st.rerun()
        shown = runs.current(SLOT)
        if shown and shown.specs != specs and mode != lesson.SEEDS[1]:
            st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")


def _before(borrowed: runs.Watched | None) -> None:
    """Show the series, before there is anything to look into."""
    if borrowed is not None:
        view.show_losses(borrowed)
        return
    view.show_series(article_series(), SplitSpec(), view.axis(None, None))
    st.info(
        "学習が終わると、ネットワークが窓を1点ずつ読み、隠れ状態を書きかえていく様子を、"
        "学習した重みの数字そのもので追えます。",
        icon=":material/visibility:",
    )
