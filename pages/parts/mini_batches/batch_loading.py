"""Lesson ミニバッチ, fifth experiment: loading ahead, measured on this machine with slow patients."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, cast

import streamlit as st

from core import jobs
from core.loading import INPUTS, WIDTHS, LoadSpec, Report
from pages.parts.mini_batches import batch_loading_view, batch_script
from pages.ui import lesson, runs

SLOT = "mb_load"
COSTS = {"待つ": "wait", "計算する": "compute", "一瞬": "none"}
NETWORKS = dict(zip(("軽い", "中くらい", "重い"), WIDTHS, strict=True))
STARTS = {"fork": "fork(Linux で速い)", "forkserver": "forkserver", "spawn": "spawn(Windows・Mac と同じ)"}
POLL_EVERY_S = 0.5


def _preset(label: str, why: str = "", **others: Any) -> lesson.Preset:
    usual: dict[str, Any] = {
        "mb_load_cost": next(iter(COSTS)),
        "mb_load_ms": 3.0,
        "mb_load_b": 8,
        "mb_load_net": "重い",
    }
    return lesson.Preset(label, usual | others, why)


PRESETS = [
    _preset("読み込みを待つ"),
    _preset("読み込みで計算する", mb_load_cost="計算する"),
    _preset(
        "すぐ渡せるデータ",
        "先に用意しておく仕事がないのに、別のプロセスからバッチを受け取る手間だけが増えました。"
        "このアプリの表のように、データがメモリに載るなら num_workers=0 が速いのがふつうです。",
        mb_load_cost="一瞬",
        mb_load_net="軽い",
    ),
    _preset(
        "学習のほうが遅い",
        "1バッチの学習が読み込みより長いので、ワーカーが1人いれば、読み込みは学習の裏にすっかり隠れます。"
        "2人目には、することがありません。",
        mb_load_ms=0.5,
    ),
]


def _settings() -> LoadSpec:
    cost = st.segmented_control(
        "1人の読み込み",
        list(COSTS),
        default=next(iter(COSTS)),
        required=True,
        key="mb_load_cost",
        bind="query-params",
        help="待つ: ディスクや回線の返事を待つ。計算する: 画像の展開などでコアを使う。"
        "一瞬: もうメモリにあり、すぐ渡せる。",
    )
    ms = st.slider(
        "1人の読み込みにかける時間 [ms]",
        0.5,
        5.0,
        3.0,
        step=0.5,
        key="mb_load_ms",
        bind="query-params",
        disabled=COSTS[cost] == "none",
    )
    size = st.select_slider("バッチサイズ B", [4, 8, 16], 8, key="mb_load_b", bind="query-params")
    network = st.segmented_control(
        "学習させるネットワーク",
        list(NETWORKS),
        default="重い",
        required=True,
        key="mb_load_net",
        bind="query-params",
    )
    with st.expander("詳しい設定"):
        start = st.selectbox(
            "ワーカーの起動方法",
            list(STARTS),
            format_func=STARTS.__getitem__,
            key="mb_load_start",
            bind="query-params",
            help="spawn と forkserver では、PyTorch を読み込み直すため、起動に時間がかかります。",
        )
    return LoadSpec(
        batch_size=size,
        cost=COSTS[cost],
        item_ms=0.0 if COSTS[cost] == "none" else ms,
        width=NETWORKS[network],
        start=start or "fork",
    )


@st.fragment
def _controls(question: Any) -> None:
    button = st.container()
    spec = _settings()
    with question:
        lesson.predict(
            SLOT,
            "ワーカー(先読みの係)を2人にすると、1エポックの時間は?",
            batch_loading_view.CHOICES,
            spec,
        )
    watched = runs.current(SLOT)
    mine = watched is not None and replace(watched.spec, take=0) == spec
    with button.container(horizontal=True, gap="small"):
        start = st.button(
            "実際に測る",
            type="primary",
            icon=":material/timer:",
            key="mb_load/go",
            disabled=bool(mine and watched and watched.run.busy),
        )
    if start:
        take = watched.spec.take + 1 if watched and mine and watched.run.result else 0
        runs.start(SLOT, jobs.timed_loading, cast(Any, (replace(spec, take=take),)))
        st.rerun()
    if watched and not mine:
        st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で測ります。")
    st.caption("試してみる設定:")
    lesson.presets(SLOT, PRESETS)


def show() -> None:
    """Time a DataLoader with 0, 1 and 2 workers, and draw who did what when."""
    question = st.container()
    controls, stage = st.columns([1, 2], gap="large")
    with controls:
        _controls(question)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            st.info(
                "DataLoader の num_workers は、次のバッチを先に読み込んでおく係(ワーカー)の人数です。"
                "検査室が次の患者の検体を用意しているあいだに、診察を進めるようなものです。"
                "わざと遅くした 64 人のデータで、0人・1人・2人を、"
                "このアプリを動かしているコンピューターで測ります(数秒かかります)。",
                icon=":material/timer:",
            )
            batch_loading_view.show_idea()
            return
        st.fragment(_wait, run_every=POLL_EVERY_S if watched.run.busy else None)(watched.run.busy)
    if watched.run.done and watched.run.result:
        _result(watched)


def _wait(polling: bool) -> None:
    """Say how the measurement gets on, until it is done."""
    watched = runs.current(SLOT)
    if watched is None:
        return
    run = watched.run
    if polling != run.busy:
        st.rerun()
    run.seen(runs.reader())
    if run.done:
        if not run.result:
            st.info("測定は終わりませんでした。少し待ってから、もう一度「実際に測る」を押してください。")
        else:
            batch_loading_view.show_gantt(run.result[0])
        return
    key, began = st.session_state.get(f"{SLOT}/began", ("", 0.0))
    if key != run.key:
        began = time.monotonic()
        st.session_state[f"{SLOT}/began"] = run.key, began
    place = f"({run.place} 番目)" if run.place else ""
    told = f"順番を待っています{place}" if run.waits else "0人・1人・2人のワーカーで測っています"
    seconds = time.monotonic() - began
    st.progress(min(seconds / 8, 0.95), text=f"{told}({seconds:.0f} 秒)")
    if st.button("停止", icon=":material/stop:", key=f"{SLOT}/stop"):
        run.leave(runs.reader())
        del st.session_state[SLOT]
        st.rerun()


def _result(watched: runs.Watched) -> None:
    report: Report = watched.run.result[0]
    spec: LoadSpec = watched.spec
    st.header("読み解き")
    lesson.score(SLOT, replace(spec, take=0), lambda: batch_loading_view.answer(report))
    why = next((p.why for p in PRESETS if p.why and _is_preset(p, spec)), "")
    if why and batch_loading_view.training_is_slower(report):
        st.markdown(f"**なぜ** — {why}")
    left, right = st.columns(2, gap="large")
    with left:
        batch_loading_view.show_times(spec, report)
    with right:
        batch_loading_view.table(report)
    for said in batch_loading_view.reading(spec, report):
        st.markdown(f"- {said}")
    batch_loading_view.formula(spec, report)
    batch_script.show(
        SLOT,
        batch_script.load_script(replace(spec, start=report.start, take=0), INPUTS),
        "dataloader_workers.py",
        [
            "同じ測定をするスクリプトです。時間はコンピューターの性能と混みぐあいで変わるので、数字までは一致しません。"
        ],
    )


def _is_preset(preset: lesson.Preset, spec: LoadSpec) -> bool:
    values = preset.values
    cost = COSTS[values["mb_load_cost"]]
    return (
        spec.cost == cost
        and spec.batch_size == values["mb_load_b"]
        and spec.width == NETWORKS[values["mb_load_net"]]
        and (cost == "none" or spec.item_ms == values["mb_load_ms"])
    )
