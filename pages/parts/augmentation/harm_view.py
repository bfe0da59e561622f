"""Charts and sentences of the experiment with harmful augmentation: every class before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.cohorts import COHORTS
from core.history import TableRun
from core.specs import AugmentSpec
from pages.parts.augmentation import pairs
from pages.parts.augmentation.pairs import COLOURS, NAMES, WITH
from pages.ui import charts, ink
from pages.ui.side_by_side import Array

KINDS = ("左右反転", "180°回転", "小さな回転", "四角く消す")


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """Answers of both kinds of networks, (classes, classes) by truth and answer, over all seeds."""

    answers: tuple[str, ...]
    without: Array
    changed: Array

    @property
    def shares(self) -> tuple[Array, Array]:
        """Return the share of right answers of each class, without and with."""
        without, changed = (np.diag(t) / np.maximum(t.sum(axis=1), 1) for t in (self.without, self.changed))
        return without, changed

    @property
    def worst(self) -> int:
        """Return the class that has lost most."""
        without, changed = self.shares
        return int(np.argmax(without - changed))

    @property
    def lost(self) -> float:
        """Return how much of the accuracy is lost, as a share."""
        return float(
            np.trace(self.without) / self.without.sum() - np.trace(self.changed) / self.changed.sum()
        )


def read(table: str, results: Sequence[TableRun]) -> Findings:
    """Count the answers of a finished run."""
    answers = COHORTS[table].answers
    return Findings(
        answers=answers,
        without=pairs.counts(results[::2], len(answers)),
        changed=pairs.counts(results[1::2], len(answers)),
    )


def told(augment: AugmentSpec) -> str:
    """Name an augmentation with its strength."""
    if augment.upside_down:
        return f"{KINDS[1]} {augment.upside_down:.0%}"
    if augment.flip:
        return f"{KINDS[0]} {augment.flip:.0%}"
    if augment.degrees:
        return f"回転 ±{augment.degrees:g}°"
    return f"{KINDS[3]} {augment.erase:.0%}" if augment.erase else "なし(強さ 0)"


@lru_cache(maxsize=8)
def _classes_spec(answers: tuple[str, ...]) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).transform_calculate(answer=f"{list(answers)}[datum.place]")
    y = alt.Y(
        "answer:N",
        title="本当のクラス",
        sort=list(answers),
        axis=alt.Axis(ticks=False, domain=False, labelFontSize=13),
    )
    x = alt.X(
        "share:Q", title="正解率", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5)
    )
    line = base.mark_line(color=COLOURS[0], strokeWidth=2, opacity=0.6).encode(x=x, y=y, detail="place:N")
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x,
        y=y,
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=NAMES, range=COLOURS),
            legend=alt.Legend(orient="top", title=None),
        ),
        shape=alt.Shape("name:N", scale=alt.Scale(domain=NAMES, range=["circle", "diamond"]), legend=None),
        tooltip=[
            alt.Tooltip("answer:N", title="クラス"),
            alt.Tooltip("name:N", title="学習"),
            alt.Tooltip("share:Q", title="正解率", format=".1%"),
        ],
    )
    return charts.finish(alt.layer(line, dots), max(26 * len(answers), 150))


def show_classes(found: Findings) -> None:
    """Draw the accuracy of each class without and with augmentation, joined."""
    place = np.arange(len(found.answers), dtype=np.int8)
    rows = [charts.rows(name, place=place, share=s) for name, s in zip(NAMES, found.shares, strict=True)]
    without, changed = found.shares
    said = "、".join(
        f"{a} は {b:.0%} から {c:.0%}" for a, b, c in zip(found.answers, without, changed, strict=True)
    )
    charts.draw(
        _classes_spec(found.answers),
        pa.concat_tables(rows),
        f"クラスごとの正解率。{said}。",
        key="au_h/classes",
    )
    st.caption("クラスごとの、テスト画像の正解率です。")


@lru_cache(maxsize=8)
def _answers_spec(answers: tuple[str, ...]) -> charts.Spec:
    labels = list(answers)
    base = alt.Chart(alt.NamedData("rows")).transform_calculate(
        truth=f"{labels}[datum.row]",
        answer=f"{labels}[datum.column]",
        right="datum.row == datum.column",
    )
    x = alt.X(
        "answer:N",
        title="「拡張あり」の答え",
        sort=labels,
        axis=alt.Axis(labelAngle=0, orient="top", ticks=False),
    )
    y = alt.Y("truth:N", title="本当のクラス", sort=labels, axis=alt.Axis(ticks=False))
    cell = base.mark_rect(cornerRadius=2).encode(
        x=x,
        y=y,
        color=alt.condition("datum.right", alt.value(charts.COLOURS["学習"]), alt.value(COLOURS[1])),
        opacity=alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 1]), legend=None),
        tooltip=[
            alt.Tooltip("truth:N", title="本当"),
            alt.Tooltip("answer:N", title="答え"),
            alt.Tooltip("count:Q", title="枚数"),
        ],
    )
    # Black on the light page; on the dark one white, but for cells that are nearly all colour.
    black = f"{ink.LIGHT} || datum.share > (datum.right ? 0.84 : 0.89)"
    said = (
        base.transform_filter("datum.count > 0")
        .mark_text(fontSize=11, color=alt.expr(f"{black} ? 'black' : 'white'"))
        .encode(x=x, y=y, text=alt.Text("count:Q", format="d"))
    )
    return charts.finish(alt.layer(cell, said), max(26 * len(answers), 150))


def show_answers(found: Findings) -> None:
    """Draw the confusion of the networks with augmentation."""
    size = len(found.answers)
    row, column = np.divmod(np.arange(size * size, dtype=np.int16), size)
    share = found.changed / np.maximum(found.changed.sum(axis=1, keepdims=True), 1)
    rows = charts.rows(
        WITH, row=row, column=column, count=found.changed.ravel().astype(np.int32), share=share.ravel()
    )
    charts.draw(
        _answers_spec(found.answers), rows, "拡張ありの混同行列。行が本当、列が答え。", key="au_h/answers"
    )
    st.caption("混同行列(枚数)。青が正解、オレンジが間違いです。")
