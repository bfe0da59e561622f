"""What the experiments on fitting share: start button, tables, lists, and curves of several networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.history import Row, TableRun
from core.specs import TableRunSpec
from pages.ui import charts, compare, lesson, run_reading, runs, text
from pages.ui.loss_view import curve

LONGEST = 240  # epochs drawn of a longer run: more would not be told apart on the screen
TRAINING, VALIDATION = 0, 1
Array = npt.NDArray[np.float64]


def start(slot: str, label: str, job: Callable[..., Any], specs: tuple[Any, ...], mode: str) -> None:
    """Offer to train ``specs`` in ``slot``; say when other settings are shown."""
    if st.button(label, type="primary", icon=":material/play_arrow:", width="stretch", key=f"{slot}/start"):
        runs.start(slot, job, lesson.seeded(slot, specs, mode))
        st.rerun()
    watched = runs.current(slot)
    if watched and watched.specs != specs and mode != lesson.SEEDS[1]:
        st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")


def experiment(
    slot: str,
    page: str,
    choices: Sequence[lesson.Preset],
    *,
    controls: Callable[[DeltaGenerator, DeltaGenerator], None],
    draw: Callable[[runs.Watched], None],
    result: Callable[[runs.Watched], None],
) -> None:
    """Lay out an experiment: question, controls beside the stage, then the reading and the pins of ``page``.

    ``controls(question, picture)`` fills the place above the columns and that on top of the stage, ``draw``
    shows a run live, ``result`` reads one that is done.
    """
    question = st.container()
    left, stage = st.columns([2, 3], gap="large")
    with stage:
        picture = st.container()
    with left:
        controls(question, picture)
        presets(slot, choices)
    with stage:
        runs.show_notice(slot)
        watched = runs.current(slot)
        if watched is not None:
            runs.live(slot, draw)
    if watched and watched.run.done:
        result(watched)
    compare.show(page)


def results(watched: runs.Watched) -> tuple[TableRun, ...] | None:
    """Return what a run that is done has left, or say why there is nothing to read and return None."""
    found = run_reading.results(watched)
    if found is None:
        return None
    if any(result.ending == "diverged" for result in found):
        st.warning("損失が計算不能になりました。設定を既定に戻して試してください。")
        return None
    return found


def presets(slot: str, choices: Sequence[lesson.Preset]) -> None:
    """Offer settings to try."""
    st.caption("試してみる設定:")
    lesson.presets(slot, choices)


def choice(label: str, options: Mapping[str, Any], key: str, place: DeltaGenerator | None = None) -> Any:
    """Ask for one of a few named values, the first at the beginning, and return the value."""
    chosen = (place or st).segmented_control(
        label, list(options), default=next(iter(options)), required=True, key=key, bind="query-params"
    )
    return options[chosen]


def cell(key: str, default: str) -> str:
    """Ask for the kind of a recurrent network, and return its name."""
    chosen: str = st.segmented_control(
        "ネットワーク",
        list(text.CELL_LABELS),
        default=default,
        required=True,
        format_func=text.CELL_LABELS.__getitem__,
        key=key,
        bind="query-params",
        help="SimpleRNNは最も単純な回帰型、LSTMとGRUは「忘れる・覚える」を調節するゲートを持つ改良型です。",
    )
    return chosen


def points(sentences: Sequence[str]) -> None:
    """List sentences."""
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences))


def whys(sentences: Sequence[str]) -> None:
    """Say why these settings fail, if they do."""
    for sentence in sentences:
        st.markdown(f"**なぜ** — {sentence}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a small table whose first column is text."""
    lines = [" | ".join(head), " | ".join(["---", *["---:"] * (len(head) - 1)])]
    st.markdown("\n".join(f"| {line} |" for line in [*lines, *(" | ".join(row) for row in rows)]))


def validation_losses(result: TableRun) -> list[float]:
    """Return the validation losses of a run, one an epoch."""
    return [epoch.validation_loss for epoch in result.history if epoch.validation_loss is not None]


@lru_cache(maxsize=32)
def _curves_spec(
    names: tuple[str, ...],
    colours: tuple[str, ...],
    epochs: int,
    title: str,
    log: bool,
    rule: tuple[float, str] | None,
    height: int,
) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=True)
    y = alt.Y("loss:Q", title=title, scale=scale, axis=alt.Axis(tickCount=4) if log else alt.Axis())
    line = base.mark_line(strokeWidth=2, clip=True).encode(
        x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
        y=y,
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=names, range=colours),
            legend=alt.Legend(orient="top", title=None, labelLimit=260),
        ),
        strokeDash=alt.condition(f"datum.part == {VALIDATION}", alt.value([1, 0]), alt.value([4, 4])),
        opacity=alt.condition(f"datum.part == {VALIDATION}", alt.value(1), alt.value(0.65)),
        detail="part:N",
        tooltip=[
            alt.Tooltip("name:N", title="ネットワーク"),
            alt.Tooltip("epoch:Q", title="エポック"),
            alt.Tooltip("loss:Q", title="損失", format=".4g"),
        ],
    )
    if rule is None:
        return charts.finish(line, height)
    return charts.finish(alt.layer(line, *charts.level(*rule)), height)


def curves(
    rows: Sequence[Row],
    names: tuple[str, ...],
    colours: tuple[str, ...],
    *,
    epochs: int,
    title: str,
    alt_text: str,
    log: bool = False,
    rule: tuple[float, str] | None = None,
    height: int = 220,
) -> None:
    """Draw the losses so far: solid for validation, dashed for training, the median of repeated runs.

    The runs are those of ``names``, over and over; ``rule`` is a level to compare with, and its name.
    """
    shown = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, LONGEST).astype(int))] if rows else []
    epoch = np.array([row[0].number for row in shown], dtype=np.int32)
    parts: list[pa.Table] = []
    for part in (TRAINING, VALIDATION):
        values = curve(shown, part == VALIDATION)
        for place, name in enumerate(names):
            loss = np.median(values[:, place :: len(names)], axis=1) if shown else np.empty(0)
            fit = np.isfinite(loss) & (loss > 0)
            where = {"epoch": epoch[fit], "loss": loss[fit].astype(np.float32)}
            parts.append(charts.rows(name, **where, part=np.full(int(fit.sum()), part, dtype=np.int8)))
    spec = _curves_spec(names, colours, epochs, title, log, rule, height)
    charts.draw(spec, pa.concat_tables(parts), alt_text)


def ranked(values: Mapping[str, float], show: Callable[[float], str] = text.number) -> str:
    """Write named numbers in their order: 「小 0.5、中 0.3」."""
    return "、".join(f"{name} {show(value)}" for name, value in values.items())


def seeds_told(specs: Sequence[TableRunSpec]) -> str:
    """Name the seeds of runs for a table of pins."""
    seeds = sorted({spec.training.seed for spec in specs})
    return f"種 {seeds[0]}" + (f"〜{seeds[-1]}" if len(seeds) > 1 else "")
