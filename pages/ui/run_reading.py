"""What every page with a training on patients shares: its start buttons, and the reading of how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core import jobs
from core.history import TableRun
from core.specs import TableRunSpec
from pages.ui import lesson, runs, text


def start_buttons(
    slot: str,
    prefix: str,
    specs: tuple[TableRunSpec, ...],
    mode: str,
    describe: Callable[[tuple[TableRunSpec, ...]], Mapping[str, str]],
    job: Callable[..., Any] = jobs.perceptrons,
) -> None:
    """Offer to train ``specs`` in ``slot``, all at once or epoch by epoch; say when other settings are shown.

    The buttons' keys begin with ``prefix``; ``describe`` tells the settings in the reader's words.
    """
    with st.container(horizontal=True, gap="small"):
        start = st.button("学習開始", type="primary", icon=":material/play_arrow:", key=f"{prefix}/start")
        one = st.button("1エポックずつ", icon=":material/skip_next:", key=f"{prefix}/step")
    if start or one:
        specs = lesson.seeded(slot, specs, mode)
        runs.start(slot, job, specs, context=describe(specs), one_epoch=one)
        st.rerun()
    watched = runs.current(slot)
    if watched and watched.specs != specs and mode != lesson.SEEDS[1]:
        st.caption("表示中の結果は変更前の設定のものです。「学習開始」で、いまの設定で学習し直します。")


def results(watched: runs.Watched) -> tuple[TableRun, ...] | None:
    """Return what a run that is done has left, or say why there is nothing to read and return None."""
    run = watched.run
    if run.result is None:
        st.info(run.problem or "順番を待っているあいだに停止しました。学習は行われていません。")
        return None
    found: tuple[TableRun, ...] = run.result
    if not all(result.history for result in found):
        st.info("1エポックも終わらないうちに停止しました。")
        return None
    return found


def left_nothing(watched: runs.Watched) -> bool:
    """Say so and return True when a run that is done has failed, or was stopped before it began."""
    run = watched.run
    if run.state == "failed":
        st.error(run.problem or "学習できませんでした。")
    elif run.state == "cancelled" or run.result is None:
        st.info("順番を待っているあいだに停止しました。学習は行われていません。")
    else:
        return False
    return True


def facts(results: tuple[TableRun, ...], labels: list[str]) -> None:
    """Tell runs that differ in their seed alone: losses, lowest validation loss, accuracy, verdicts."""
    first = results[0]
    start, end = first.history[0], first.history[-1]
    sentences = [
        f"学習損失は {text.number(start.train_loss)} から {text.number(end.train_loss)} へ変わりました"
        f"({len(first.history)} エポック、{first.seconds:.2f} 秒)。",
    ]
    if len(results) > 1:
        sentences.insert(0, f"5つの種の判定は、順に {'、'.join(labels)} でした。")
    lowest = [(e.validation_loss, e.number) for e in first.history if e.validation_loss is not None]
    if lowest:
        loss, at = min(lowest)
        sentences.append(f"検証損失が最も低かったのは {at} エポック目の {text.number(loss)} です。")
    if first.test_accuracy is not None:
        accuracies = [r.test_accuracy or 0.0 for r in results]
        shown = (
            f"{accuracies[0]:.1%}"
            if len(results) == 1
            else f"{min(accuracies):.1%} 〜 {max(accuracies):.1%}(5シード)"
        )
        sentences.append(f"学習に使っていない {first.rows[2]} 例の正解率は {shown} でした。")
    st.markdown("\n".join(f"- {s}" for s in sentences))
