"""How the race of batch sizes stands: a ranking that knows luck, and what its numbers tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.batches import Held, leftover, training_rows, updates
from core.history import TableRun
from core.specs import TableRunSpec
from pages.ui import lesson, text

EVEN = "はっきりした差はない"

CLOSE = 0.05
"""Lead, as a share of the winner's loss, below which one run each says little."""


def label(size: int, rows: int) -> str:
    """Name a batch size as the reader knows it."""
    if size >= rows:
        return f"全データ({rows})"
    return "1(オンライン)" if size == 1 else str(size)


def members(specs: Sequence[TableRunSpec]) -> dict[str, tuple[int, ...]]:
    """Return the places of the runs of each batch size, by its label."""
    rows = training_rows(specs[0].table)
    found: dict[str, tuple[int, ...]] = {}
    for place, spec in enumerate(specs):
        name = label(spec.training.batch_size, rows)
        found[name] = (*found.get(name, ()), place)
    return found


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One batch size's race; its numbers are medians over the seeds.

    Attributes:
        places: where its runs are among all.
        rows: patients that the network learns from.
        epochs: made, the fewest of the seeds.
        updates: of one epoch.
        losses: (seeds,), the last validation loss of each; infinite if it diverged.
        seconds: of all seeds together, validation included.
        course: (epochs,), median validation loss.
        clock: (epochs,), seconds from the start to the end of each epoch.
        rises: how often the validation loss rose from one epoch to the next.
    """

    size: int
    label: str
    lr: float
    places: tuple[int, ...]
    rows: int
    epochs: int
    updates: int
    losses: tuple[float, ...]
    seconds: float
    accuracy: float
    course: tuple[float, ...]
    clock: tuple[float, ...]
    rises: int
    diverged: int

    @property
    def median(self) -> float:
        """Return the middle of the losses."""
        return float(np.median(self.losses))

    @property
    def per_epoch(self) -> float:
        """Return the seconds of one epoch, the median of all."""
        return float(np.median(np.diff(self.clock, prepend=0.0)))


def rank(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> list[Standing]:
    """Return the standings, the largest batch first."""
    found = []
    for name, places in members(specs).items():
        mine, spec = [results[place] for place in places], specs[places[0]]
        rows = mine[0].rows[0]
        epochs = min(len(result.history) for result in mine)
        course = np.array([[_loss(e.validation_loss) for e in r.history[:epochs]] for r in mine])
        middle = np.median(course, axis=0)
        found.append(
            Standing(
                size=spec.training.batch_size,
                label=name,
                lr=spec.optimizer.lr,
                places=places,
                rows=rows,
                epochs=epochs,
                updates=updates(rows, spec.training.batch_size),
                losses=tuple(_loss(result.history[-1].validation_loss) for result in mine),
                seconds=max(result.seconds for result in mine),
                accuracy=float(np.median([result.test_accuracy or 0.0 for result in mine])),
                course=tuple(middle.tolist()),
                clock=tuple(epoch.seconds for epoch in mine[0].history[:epochs]),
                rises=int(np.sum(course[0, 1:] > course[0, :-1])),
                diverged=sum(result.ending == "diverged" for result in mine),
            )
        )
    return found


def _loss(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.inf


def answer(standings: Sequence[Standing]) -> lesson.Answer:
    """Name the winner if its lead is more than luck: in every seed, or by 5 % when there is one seed."""
    ranked = sorted(standings, key=lambda s: s.median)
    best = ranked[0]
    if not math.isfinite(best.median):
        return lesson.Answer(EVEN, "どのバッチサイズでも発散しました。学習率を下げて試してください。")
    if len(ranked) == 1:
        return lesson.Answer(best.label, f"検証損失は {text.number(best.median)} でした。")
    second = ranked[1]
    because = f"最後の検証損失は B = {best.label} が {text.number(best.median)}、"
    because += f"次が B = {second.label} の {text.number(second.median)} でした"
    if len(best.losses) > 1:
        won = sum(a < b for a, b in zip(best.losses, second.losses, strict=True))
        because += f"(5シードの中央値。同じ種どうしでは5回中 {won} 回、前者が低い)。"
        clear = won == len(best.losses)
    else:
        because += "。"
        clear = second.median > (1 + CLOSE) * best.median
    if clear:
        return lesson.Answer(best.label, because)
    return lesson.Answer(EVEN, because + "乱数の運で入れ替わりうる差です。")


def facts(standings: Sequence[Standing], memory: Sequence[Held] | None) -> None:
    """Say what the numbers mean."""
    large, small = standings[0], standings[-1]
    lines = []
    if len(standings) > 1:
        ratio = small.updates / large.updates
        lines.append(
            f"同じ1エポックでも、修正は B = {large.label} の {large.updates:,} 回に対して、"
            f"B = {small.label} では {small.updates:,} 回({ratio:.0f} 倍)です。"
        )
        slower = small.per_epoch / large.per_epoch
        lines.append(
            f"計算する人数は同じなのに、1エポックの時間は {large.per_epoch * 1e3:.1f} ms と "
            f"{small.per_epoch * 1e3:.1f} ms({slower:.0f} 倍)でした。"
            "まとめて計算すれば一度の行列計算で済みますが、1人ずつでは、1回ごとの手間が人数分かかるためです。"
        )
        lines += _target(large, standings[1:])
        lines.append(
            "検証損失が前のエポックより上がったのは、"
            + "、".join(f"B = {s.label} で {s.rises} 回" for s in standings if math.isfinite(s.median))
            + "でした。B が小さいほど、ふつう道すじはゆれます。"
        )
    lost = [f"B = {s.label} は {s.epochs} エポック目" for s in standings if s.diverged]
    if lost:
        lines.append(f"損失が数として計算できなくなった(発散した)もの: {'、'.join(lost)}。")
    if memory and len(memory) > 1:
        lines.append(
            f"逆伝播のために保持したメモリは、B = {large.label} で {memory[0].batch / 1024:.1f} KiB、"
            f"B = {small.label} で {memory[-1].batch / 1024:.2f} KiB でした。B にほぼ比例します。"
            "画像のように1人分が大きいデータでは、これが B の上限を決めます。"
        )
    tail = [s for s in standings if leftover(s.rows, s.size) and s.size < s.rows]
    if tail:
        s = tail[-1]
        rest = leftover(s.rows, s.size)
        lines.append(
            f"B = {s.label} では、{s.rows} 人を分けると最後のバッチが {rest} 人だけになります。"
            f"このページでは端数も使いました。`drop_last=True` なら使わず、1エポックの更新は "
            f"{s.updates} 回から {updates(s.rows, s.size, drop_last=True)} 回に減ります。"
        )
    st.markdown("\n".join(f"- {line}" for line in lines))


def _target(large: Standing, others: Sequence[Standing]) -> list[str]:
    """Say how soon the others came to where the largest batch ended."""
    if not math.isfinite(large.median):
        return []
    told, never = [], []
    for s in others:
        at = next((i for i, loss in enumerate(s.course) if loss <= large.median), None)
        if at is None:
            never.append(f"B = {s.label}")
        else:
            told.append(f"B = {s.label} は {at + 1} エポック目({s.clock[at]:.3f} 秒)")
    said = f"B = {large.label} が {large.epochs} エポック({large.seconds:.3f} 秒)で着いた検証損失 "
    said += f"{text.number(large.median)} に、"
    said += f"{'、'.join(told)}で届きました。" if told else ""
    said += f"{'、'.join(never)} は届きませんでした。" if never else ""
    return [said]


def formula(standings: Sequence[Standing], memory: Sequence[Held] | None, spec: TableRunSpec) -> None:
    """Show counts, update and memory with the numbers of the run."""
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown("更新回数は、患者数 N とバッチサイズ B、エポック数で決まります。")
        for s in standings:
            st.latex(
                rf"\lceil N / B \rceil \times \text{{エポック}} = \lceil {s.rows} / {s.size} \rceil \times "
                rf"{s.epochs} = {s.updates * s.epochs:,}"
                rf"\qquad(\texttt{{drop\_last}}: \lfloor {s.rows} / {s.size} \rfloor \times {s.epochs} = "
                rf"{updates(s.rows, s.size, drop_last=True) * s.epochs:,})"
            )
        st.markdown("1回の修正には、バッチの B 人の勾配の平均を使います。")
        st.latex(r"w \leftarrow w - \eta\,\frac{1}{B}\sum_{i \in \text{バッチ}} \nabla L_i(w)")
        if memory:
            units = sum(spec.model.hidden)
            each = 4 * (spec.table.inputs + units + 2) + 8
            st.markdown(
                f"1人につき、入力 {spec.table.inputs} 個、隠れユニット {units} 個、出力 2 個(各 4 バイト)と"
                f"正解の番号(8 バイト)、合わせて {each} バイトを逆伝播まで取っておきます。"
            )
            last = memory[0]
            st.latex(
                rf"{each} \times {last.batch_size} + 4 = {each * last.batch_size + 4:,}\ \text{{バイト}}"
                rf"\qquad (\text{{実測 }} {last.batch:,}\ \text{{バイト}})"
            )
