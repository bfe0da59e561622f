"""What is seen inside a trained forecaster: a window walked by hand, its units over time, and a report."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import inside_script
from core.history import ForecastRun
from core.inside import Network, last_step, network
from core.inside_look import Look
from core.specs import ForecastSpec
from core.windows import Windows
from pages.parts.vitals import inside_formula, inside_report, inside_source, inside_stepper, inside_view
from pages.parts.vitals import inside_reading as reading
from pages.parts.vitals.forecast_view import Axis
from pages.ui import charts, compare, lesson, text, workings
from pages.ui.runs import Watched

AT = "vi_at"


def show(slot: str, watched: Watched, own: bool) -> None:
    """Show the inside of the first network of a finished run; ``own`` is one that was trained here."""
    run = watched.run
    if run.result is None:
        st.info(run.problem or "順番を待っているあいだに停止しました。学習は行われていません。")
        return
    result: ForecastRun = run.result[0]
    if result.ending == "diverged":
        st.error("損失が計算不能になりました(発散)。学習率を下げて、もう一度学習してください。")
        return
    if not result.history:
        st.info("1エポックも終わらないうちに停止したため、のぞくネットワークがありません。")
        return
    spec: ForecastSpec = watched.spec
    windows = inside_source.tested_windows(spec, result)
    if windows is None:
        st.info(
            "学習に使ったCSVが、いま読み込まれているものと違います。"
            "「次の値を当てる」で、同じファイルを選ぶか、もう一度学習してください。"
        )
        return
    try:
        found = inside_source.look(spec, result, windows)
    except TimeoutError:
        st.info(workings.WAIT)
        return
    axis: Axis = watched.context
    net = network(spec.model, result.weights, result.scale)
    st.header("1つの窓を、1点ずつ読む")
    st.fragment(_walk)(spec, result, windows, net, found, axis)
    st.header("隠れ状態の移り変わり(テスト区間)")
    st.fragment(_states)(result, net, found, axis)
    st.header("読み解き")
    _reading(slot, watched, result, net, found, own)


def _walk(
    spec: ForecastSpec, result: ForecastRun, windows: Windows, net: Network, found: Look, axis: Axis
) -> None:
    """Choose a window of the test stretch, and walk it. A fragment: the slider redraws the walk alone."""
    count = len(windows)
    if not 1 <= st.session_state.get(AT, 1) <= count:
        del st.session_state[AT]
    place = st.slider(
        f"テスト区間の何番目の窓か(全部で {count:,} 個)",
        1,
        count,
        1 + count // 2,
        key=AT,
        bind="query-params",
    )
    chosen = place - 1
    values = windows.inputs[chosen]
    shown = inside_stepper.Shown(
        values=values,
        truth=float(windows.targets[chosen]),
        torch=float(result.test.model[chosen]),
        label=_time(axis, int(windows.index[chosen])),
        unit=axis.unit,
        digits=inside_stepper.decimals(windows.targets),
        first=found.units[0].number,
    )
    inside_stepper.show(net, shown, "vi_walk")
    inside_formula.show(net, last_step(net, net.scale(values)).state, place)
    workings.script(
        "vi_script",
        inside_script.script(
            inside_script.repeated(spec, result.weights_epoch),
            chosen,
            len(found.places),
            found.erased,
            axis.source,
        ),
        "inside_rnn",
    )


def _time(axis: Axis, index: int) -> str:
    """Name the time of a point as the axis does."""
    (x,) = axis.x(np.array([index]))
    if axis.temporal:
        return str(np.datetime_as_string(x, unit="s")).replace("T", " ").replace("-", "/")
    return f"{axis.x_title.split('(')[0]} {x:g}"


def _states(result: ForecastRun, net: Network, found: Look, axis: Axis) -> None:
    """Draw the units over the test stretch, or a gate. A fragment: choosing redraws this alone."""
    names = inside_view.parts(net.cell)
    part = "h"
    if len(names) > 1:
        part = st.segmented_control(
            "見るもの",
            names,
            default="h",
            required=True,
            format_func=inside_view.PARTS.__getitem__,
            key="vi_part",
            bind="query-params",
            wrap=True,
        )
    limit = 1.0 if part != "c" else max(float(np.abs(found.parts["c"]).max()), 0.01)
    spec = inside_view.states(net.hidden, part, round(limit, 2), axis.temporal)
    charts.draw(
        charts.titled(spec, axis.x_title, axis.y_title),
        inside_view.state_rows(found, result.test, part, axis),
        f"上はテスト区間の実測値と予測、下は{net.hidden}ユニットの{inside_view.PARTS[part]}を色で表した図。",
        key="vi_states",
    )
    layer = f"最後の層(層{len(net.layers)})の値です。" if len(net.layers) > 1 else ""
    thinned = "" if len(found.places) == len(result.test.index) else "(窓を間引いて計算しています)"
    st.caption(
        f"横1列が1つのユニットです。その時刻の値を当てるために窓を読み終えた時点の値を、色で表しました{thinned}。{layer}"
    )


def _reading(slot: str, watched: Watched, result: ForecastRun, net: Network, found: Look, own: bool) -> None:
    axis: Axis = watched.context
    spec: ForecastSpec = watched.spec
    unit = text.plain(axis.unit)
    lesson.score(slot, watched.specs, lambda: reading.answer(found, unit))
    for why in reading.whys(spec, result, found):
        st.markdown(f"**なぜ** — {why}")
    bars, told = st.columns(2, gap="large")
    with bars:
        title = f"予測の変化の平均{axis.unit and f'({axis.unit})'}"
        charts.draw(
            charts.titled(inside_view.erased(len(found.effects)), "", title),
            inside_view.erased_rows(found),
            "窓の1点を0に書きかえたとき、予測がどれだけ変わるかを、点の位置ごとに表した棒グラフ。",
            key="vi_erased",
        )
    with told:
        workings.sentences(reading.sentences(result, found, net))
    st.markdown("### 状況分析レポート")
    inside_report.show(found, unit)
    if own:
        _pin(watched, result)


def _pin(watched: Watched, result: ForecastRun) -> None:
    spec: ForecastSpec = watched.spec
    cell = text.CELL_LABELS[spec.model.name]
    layers = f"×{spec.model.layers}層" if spec.model.layers > 1 else ""
    compare.pin_button(
        "vitals",
        f"{cell} 窓 {spec.length}",
        {
            "データ": "例題",
            "ネットワーク": cell,
            "窓": f"窓 {spec.length}",
            "ユニット": f"{spec.model.hidden} ユニット{layers}",
            "学習率": f"η {spec.optimizer.lr:g}",
            "乱数": f"種 {spec.training.seed}",
        },
        {
            "MAE": result.model_scores.mae,
            "直前の値のMAE": result.persistence_scores.mae,
            "MSE": result.model_scores.mse,
        },
        result.seconds,
        watched.run.rows,
    )
