"""How a race on a real network stands: its curves, live or finished, and a ranking that knows luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.history import TableRun
from core.specs import TableRunSpec
from pages.parts.optimizers.race_view import COLOURS, small
from pages.ui import charts, lesson, loss_view, text
from pages.ui.runs import Watched

EVEN = "はっきりした差はない"
TARGET = 0.1
FLOOR, CEILING = 1e-4, 10.0
"""Losses beyond are drawn at these heights: one that diverges, or is zero, doesn't flatten the others."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One optimizer's last validation loss over its seeds; the other numbers are medians of the seeds.

    Attributes:
        places: where its runs are among all.
        losses: (seeds,), the last validation loss of each; infinite if it diverged.
        reached: the epoch at which ``TARGET`` was reached; None unless most seeds did.
        seconds: of training, all seeds together.
        per_update: seconds of one update of all seeds.
    """

    name: str
    lr: float
    places: tuple[int, ...]
    losses: tuple[float, ...]
    reached: int | None
    seconds: float
    per_update: float
    train: float
    diverged: int

    @property
    def median(self) -> float:
        """Return the middle of the losses."""
        return float(np.median(self.losses))

    @property
    def low(self) -> float:
        """Return the smallest loss."""
        return min(self.losses)

    @property
    def high(self) -> float:
        """Return the largest loss."""
        return max(self.losses)


def members(specs: Sequence[TableRunSpec]) -> dict[str, tuple[int, ...]]:
    """Return the places of each optimizer's runs."""
    found: dict[str, tuple[int, ...]] = {}
    for place, spec in enumerate(specs):
        found[spec.optimizer.name] = (*found.get(spec.optimizer.name, ()), place)
    return found


def updates(rows: int, batch_size: int) -> int:
    """Return how many updates an epoch of ``rows`` patients makes."""
    return -(-rows // batch_size)


def rank(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> list[Standing]:
    """Return the standings, the lowest median of the last validation loss first."""
    standings = []
    for name, places in members(specs).items():
        mine = [results[place] for place in places]
        hits = [_first_below(result) for result in mine]
        reached = float(np.median(hits))
        made = updates(mine[0].rows[0], specs[places[0]].training.batch_size) * len(mine[0].history)
        standings.append(
            Standing(
                name=name,
                lr=specs[places[0]].optimizer.lr,
                places=places,
                losses=tuple(_last(result) for result in mine),
                reached=int(reached) if math.isfinite(reached) else None,
                seconds=mine[0].seconds,
                per_update=mine[0].seconds / max(made, 1),
                train=float(np.median([result.history[-1].train_loss for result in mine])),
                diverged=sum(result.ending == "diverged" for result in mine),
            )
        )
    return sorted(standings, key=lambda s: s.median)


def _last(result: TableRun) -> float:
    loss = result.history[-1].validation_loss
    return loss if loss is not None and math.isfinite(loss) else math.inf


def _first_below(result: TableRun) -> float:
    return next(
        (float(e.number) for e in result.history if (e.validation_loss or math.inf) <= TARGET), math.inf
    )


def wins(best: Standing, other: Standing) -> int:
    """Return in how many seeds ``best`` ended lower; both have met the same start and the same batches."""
    return sum(a < b for a, b in zip(best.losses, other.losses, strict=True))


def answer(standings: Sequence[Standing]) -> lesson.Answer:
    """Name the winner if it beat the second in every seed; a narrower lead may be luck."""
    best = standings[0]
    label = text.OPTIMIZER_LABELS[best.name]
    if not math.isfinite(best.median):
        return lesson.Answer(EVEN, "どの方法も、5つの種のうち3つ以上で発散しました。")
    if len(standings) == 1:
        return lesson.Answer(label, f"検証損失の中央値は {text.number(best.median)} でした。")
    second = standings[1]
    won, seeds = wins(best, second), len(best.losses)
    because = (
        f"中央値は {label} が {text.number(best.median)}、"
        f"2位の {text.OPTIMIZER_LABELS[second.name]} が {text.number(second.median)} で、"
        f"同じ種どうしを比べると {seeds} 回中 {won} 回、{label} のほうが低く終わりました。"
    )
    if won == seeds:
        return lesson.Answer(label, because)
    return lesson.Answer(EVEN, because + "種を変えれば順位が入れ替わる差なので、実力の差とは言えません。")


def table(standings: Sequence[Standing]) -> None:
    """Show the standings with their spread."""
    lines = [
        "| 順位 | η | 中央値 | 最小〜最大 | 到達 |",
        "|:--|--:|--:|--:|--:|",
    ]
    for place, s in enumerate(standings, start=1):
        middle = _short(s.median)
        spread = f"{_short(s.low)}〜{_short(s.high)}"
        reached = "—" if s.reached is None else str(s.reached)
        label = text.OPTIMIZER_LABELS[s.name]
        lines.append(f"| {place}. {label} | {s.lr:g} | {middle} | {spread} | {reached} |")
    st.markdown("\n".join(lines))
    st.caption(
        "中央値と最小〜最大は、5シードの最後の検証損失です。"
        f"到達は検証損失が初めて {TARGET:g} 以下になったエポック(5シードの中央値)です。"
    )


def _short(loss: float) -> str:
    return small(loss) if loss < 1e3 else "発散"


def facts(standings: Sequence[Standing]) -> None:
    """Say who was quick to the target, who was cheap, and who was lost."""
    lines = []
    fast = [s for s in standings if s.reached is not None]
    if fast:
        soonest = min(s.reached or 0 for s in fast)
        names = "、".join(text.OPTIMIZER_LABELS[s.name] for s in fast if s.reached == soonest)
        lines.append(f"検証損失 {TARGET:g} に最初に届いたのは {names} で、{soonest} エポック目でした。")
    costs = sorted(standings, key=lambda s: s.per_update)
    told = "、".join(f"{text.OPTIMIZER_LABELS[s.name]} {s.per_update * 1e3:.2f}" for s in costs)
    lines.append(
        f"1回の修正にかかった時間は、5シードまとめて {told} ミリ秒でした"
        "(予測、逆伝播、検証を含みます。コンピューターの混みぐあいでも変わります)。"
    )
    lost = [f"{text.OPTIMIZER_LABELS[s.name]} {s.diverged} 個" for s in standings if s.diverged]
    if lost:
        lines.append(f"損失が数値として計算できなくなった学習: {'、'.join(lost)}。")
    over = [s for s in standings if math.isfinite(s.median) and s.train < s.median / 5]
    if over:
        names = "、".join(text.OPTIMIZER_LABELS[s.name] for s in over)
        lines.append(
            f"{names} は、学習損失が検証損失の5分の1より低くなりました。"
            "下る速さと、初めて見る患者への強さは別です(過学習)。"
        )
    st.markdown("\n".join(f"- {line}" for line in lines))


@lru_cache(maxsize=32)
def _spec(
    names: tuple[str, ...], field: str, x_title: str, last: int | None, title: str, log: bool
) -> charts.Spec:
    x_scale = alt.Scale(domain=[0, last], nice=False) if last else alt.Scale(domainMin=0, nice=False)
    scale = alt.Scale(type="log") if log else alt.Scale(domainMin=0, zero=True)
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X(f"{field}:Q", title=x_title, scale=x_scale),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(
                domain=[text.OPTIMIZER_LABELS[n] for n in names], range=[COLOURS[n] for n in names]
            ),
            legend=alt.Legend(orient="top", title=None, columns=2, symbolType="stroke", symbolOpacity=1)
            if last
            else None,
        ),
    )
    band = base.mark_area(opacity=0.13, clip=True).encode(
        y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"
    )
    lines = base.mark_line(strokeWidth=2, clip=True).encode(
        y=alt.Y("loss:Q", title=title, scale=scale),
        tooltip=[
            alt.Tooltip("name:N", title="オプティマイザ"),
            alt.Tooltip("epoch:Q", title="エポック"),
            alt.Tooltip("seconds:Q", title="秒", format=".3f"),
            alt.Tooltip("loss:Q", title=title, format=".3g"),
        ],
    )
    return charts.finish(band + lines, 300 if last else 190)


def draw(watched: Watched, validation: bool, log: bool) -> None:
    """Draw the losses so far against epochs and against seconds: the middle of five seeds and their range."""
    rows = watched.run.rows
    specs: tuple[TableRunSpec, ...] = watched.specs
    losses = np.clip(loss_view.curve(rows, validation), FLOOR, CEILING)
    losses = np.where(np.isnan(losses), CEILING, losses)
    groups = members(specs)
    parts = []
    for name, places in groups.items():
        mine = losses[:, list(places)] if rows else np.empty((0, 1))
        parts.append(
            charts.rows(
                text.OPTIMIZER_LABELS[name],
                epoch=np.arange(1, len(mine) + 1),
                seconds=np.array([row[places[0]].seconds for row in rows], dtype=np.float64),
                loss=np.median(mine, axis=1),
                low=mine.min(axis=1, initial=np.inf),
                high=mine.max(axis=1, initial=-np.inf),
            )
        )
    title = "検証損失" if validation else "学習損失"
    data = pa.concat_tables(parts)
    charts.draw(
        _spec(tuple(groups), "epoch", "エポック", watched.epochs, title, log),
        data,
        f"エポックごとの{title}。線は5シードの中央値、帯は最小から最大です。",
        key="op_net/epochs",
    )
    charts.draw(
        _spec(tuple(groups), "seconds", "それぞれの学習にかかった秒数", None, title, log),
        data,
        f"学習にかかった秒数に対する{title}。線は5シードの中央値、帯は最小から最大です。",
        key="op_net/seconds",
    )
