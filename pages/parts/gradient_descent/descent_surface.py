"""Lesson 勾配降下法, third experiment: the loss around a network that was really trained."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import jobs
from core.loss_surface import LossSlice, SliceSpec, Traced
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TrainingSpec, digest
from pages.parts.gradient_descent import descent_surface_view
from pages.ui import code, compare, lesson, loss_view, runs, text

SLOT = "gd_surface_run"
PAGE = "gradient_descent"
OPTIMIZERS = {text.OPTIMIZER_LABELS[name]: name for name in ("sgd", "momentum", "adam")}
RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
HIDDEN = [2, 4, 8, 16, 32]
DIRECTIONS = {"主成分": "principal", "ランダム": "random"}
ZOOMS = [0.25, 0.5, 1.0, 2.0, 4.0]


def _setting(optimizer: str, rate: float, **others: Any) -> dict[str, Any]:
    """Return the controls of a preset: all that decides the run, but the seed."""
    return {"gd_opt": optimizer, "gd_net_rate": rate, "gd_hidden": 16, "gd_epochs": 40, **others}


PRESETS = [
    lesson.Preset("Adam で谷へ", _setting("Adam", 0.003)),
    lesson.Preset("SGD で谷へ", _setting("SGD", 0.1)),
    lesson.Preset(
        "小さすぎる学習率",
        _setting("SGD", 0.001),
        "1回の修正が小さすぎて、40エポックでは谷の入り口までしか進めません。"
        "軌跡は短く、ほとんどまっすぐです。",
    ),
    lesson.Preset(
        "大きすぎる学習率",
        _setting("SGD+モメンタム", 1.0),
        "修正が谷を飛び越えるたびに損失が増え、重みが数値として表せない大きさになりました。"
        "行き着いた先がないので、地図は描けません。",
    ),
]


def _controls() -> TableRunSpec:
    """Ask for the network and its training; return what a press of the button trains."""
    above, buttons, below = st.container(), st.container(), st.container()
    with above:
        optimizer = st.selectbox(
            "オプティマイザ", list(OPTIMIZERS), index=2, key="gd_opt", bind="query-params"
        )
        rate = st.select_slider(
            "学習率 η", RATES, 0.003, format_func=lambda v: f"{v:g}", key="gd_net_rate", bind="query-params"
        )
        hidden = st.select_slider("隠れユニット数", HIDDEN, 16, key="gd_hidden", bind="query-params")
    with below.expander("詳しい設定"):
        epochs = st.slider("エポック数", 10, 80, 40, step=10, key="gd_epochs", bind="query-params")
        seed = st.number_input("乱数の種", 0, 9999, 0, key="gd_seed", bind="query-params")
    spec = TableRunSpec(
        model=MLPSpec(hidden=(hidden,)),
        optimizer=OptimizerSpec(name=OPTIMIZERS[optimizer], lr=rate),
        training=TrainingSpec(epochs=epochs, batch_size=32, seed=int(seed)),
    )
    if buttons.button(
        "学習して地図を描く", type="primary", icon=":material/map:", width="stretch", key="gd_surface/start"
    ):
        runs.start(SLOT, jobs.traced, (spec,), context=_describe(spec))
        st.rerun()
    watched = runs.current(SLOT)
    if watched and watched.spec != spec:
        st.caption("表示中の地図は変更前の設定のものです。ボタンを押すと、いまの設定で学習し直します。")
    return spec


def _describe(spec: TableRunSpec) -> dict[str, str]:
    return {
        "オプティマイザ": text.OPTIMIZER_LABELS[spec.optimizer.name],
        "学習率": f"η {spec.optimizer.lr:g}",
        "ユニット": f"{spec.model.hidden[0]} ユニット",
        "乱数": f"種 {spec.training.seed}",
    }


@st.fragment
def show() -> None:
    """Train a small network, and show the loss around where it ended with the way it came."""
    question = st.container()
    controls, stage = st.columns([1, 2], gap="large")
    with controls:
        spec = _controls()
        st.caption("試してみる設定:")
        lesson.presets(SLOT, PRESETS)
    with stage:
        plane = _plane()
        with question:
            lesson.predict(SLOT, QUESTION, descent_surface_view.SHARES, _about(spec, plane))
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            st.info(
                "乳腺腫瘍の細胞核の特徴30項目から悪性か良性かを見分けるネットワークを学習させます(569例)。"
                "そして、行き着いた重みのまわりの損失を、2方向の断面の地図に描きます。"
                "重みは数百個あるので、地図に写るのはそのごく一部です。",
                icon=":material/map:",
            )
        else:
            runs.live(SLOT, _draw_training)
            if watched.run.done:
                _result(watched, plane)
    if watched and watched.run.done and watched.run.result is not None:
        _keep(watched)
    compare.show(PAGE)


QUESTION = "学習で重みが動いた道のりは、2方向の地図にどれだけ写るでしょう?"


def _about(spec: TableRunSpec, plane: SliceSpec) -> tuple[TableRunSpec, str, int]:
    """Return what a prediction is about; how wide the view is does not matter."""
    return spec, plane.directions, plane.seed


def _draw_training(watched: runs.Watched) -> None:
    """Show the losses while the network learns; the map takes their place afterwards."""
    if not watched.run.done:
        loss_view.show(watched, "損失(交差エントロピー)")


def _result(watched: runs.Watched, plane: SliceSpec) -> None:
    """Draw the map of a training that has ended, and read it."""
    if watched.run.result is None:
        st.info(watched.run.problem or "順番を待っているあいだに停止しました。学習は行われていません。")
        return
    traced: Traced = watched.run.result[0]
    if traced.run.ending == "diverged" or len(traced.snapshots) < 2:
        _no_map(traced, watched.spec)
        return
    try:
        cut = _cut(digest((watched.run.key, watched.spec, plane)), watched.spec, traced, plane)
    except TimeoutError:
        st.info("計算の準備をしています。数秒後に、断面の向きか範囲を選び直してください。")
        return
    descent_surface_view.draw(traced, cut, plane)
    sentence = descent_surface_view.share_sentence(cut, traced)
    lesson.score(
        SLOT,
        _about(watched.spec, plane),
        lambda: lesson.Answer(descent_surface_view.share_choice(cut.shown), sentence),
    )
    _why(watched.spec)
    for said in descent_surface_view.reading(traced, cut, plane):
        st.markdown(f"- {said}")
    _formula(cut, plane)


@st.cache_resource(max_entries=100, show_spinner=False)
def _cut(name: str, _spec: TableRunSpec, _traced: Traced, _plane: SliceSpec) -> LossSlice:  # noqa: ARG001
    """Compute a slice on the quick lane; equal settings are computed once for all readers."""
    cut: LossSlice = runs.engine().quick(jobs.loss_slice, _spec, _traced, _plane, timeout=30)
    return cut


def _plane() -> SliceSpec:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        label = st.segmented_control(
            "断面の向き",
            list(DIRECTIONS),
            default="主成分",
            required=True,
            key="gd_directions",
            bind="query-params",
            help="主成分は学習の軌跡が最もよく写る2方向、ランダムは乱数で選んだ2方向です。",
        )
        zoom = st.select_slider(
            "見る範囲",
            ZOOMS,
            1.0,
            format_func=lambda v: f"×{v:g}",
            key="gd_zoom",
            bind="query-params",
            width=150,
        )
        random = DIRECTIONS[label] == "random"
        seed = st.number_input("向きの種", 0, 9999, 0, key="gd_plane_seed", width=110, disabled=not random)
    return SliceSpec(directions=DIRECTIONS[label], zoom=zoom, seed=int(seed) if random else 0)


def _no_map(traced: Traced, spec: TableRunSpec) -> None:
    losses = traced.losses
    st.warning(
        f"{len(traced.run.history)} エポック目で**発散**したため、地図は描けません。"
        f"学習データ全体の損失は {text.number(float(losses[0]))} から "
        f"{text.number(float(losses.max()))} まで跳ね上がりました。"
        "学習率を小さくして、もう一度学習してください。"
    )
    _why(spec)


def _why(spec: TableRunSpec) -> None:
    values = _setting(
        text.OPTIMIZER_LABELS[spec.optimizer.name],
        spec.optimizer.lr,
        gd_hidden=spec.model.hidden[0],
        gd_epochs=spec.training.epochs,
    )
    why = next((preset.why for preset in PRESETS if preset.why and preset.values == values), "")
    if why:
        st.markdown(f"**なぜ** — {why}")


def _formula(cut: LossSlice, plane: SliceSpec) -> None:
    with st.expander("数式で見る(この地図の描き方)"):
        st.latex(r"f(\alpha, \beta) = L(\theta^* + \alpha\,\delta + \beta\,\eta)")
        st.latex(rf"f(0, 0) = L(\theta^*) = {cut.centre:.4f}")
        if plane.directions == "random":
            st.markdown(
                "δ と η は乱数で選んだ向きです。ユニットに入る重みのまとまり(フィルタ)ごとに、"
                "学習後の重みと同じ長さにそろえます(filter normalization)。バイアスは動かしません。"
            )
            st.latex(r"d_{i} \leftarrow \frac{d_{i}}{\lVert d_{i}\rVert}\,\lVert \theta^*_{i}\rVert")
        else:
            st.markdown(
                "δ と η は、各エポックの重みと終わりの重みの差を並べた行列の、主成分の向き(長さ 1)です。"
            )
            st.latex(
                r"M = [\theta_0 - \theta^*;\ \dots;\ \theta_{n-1} - \theta^*],\qquad "
                r"1 - \frac{\sum_t (\text{地図からの距離}_t)^2}{\sum_t \lVert \theta_t - \theta^*\rVert^2}"
                rf" = {cut.shown:.3f}"
            )
        st.caption("描き方の出典: Li et al. (2018) Visualizing the loss landscape of neural nets")


def _keep(watched: runs.Watched) -> None:
    """Offer to pin the run, and its script."""
    traced: Traced = watched.run.result[0]
    spec: TableRunSpec = watched.spec
    end = traced.run.history[-1] if traced.run.history else None
    compare.pin_button(
        PAGE,
        f"{text.OPTIMIZER_LABELS[spec.optimizer.name]} η {spec.optimizer.lr:g}",
        watched.context,
        {
            "学習損失": end.train_loss if end else None,
            "検証損失": end.validation_loss if end else None,
            "テスト正解率": traced.run.test_accuracy,
        },
        traced.run.seconds,
        watched.run.rows,
    )
    code.show("gd_surface", watched.specs)
