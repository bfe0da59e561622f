"""What a race of five has shown: who won, by how much, and why a way failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.curve_axis import curve_inputs
from core.history import Frame, Row, TableRun
from core.specs import TableRunSpec
from core.weight_bins import SIZES, SMALL, SQUARES, TINY, ZERO
from pages.parts.regularization import penalties_plan as plan
from pages.parts.regularization.penalties_plan import L1, L2, NAMES, NONE
from pages.parts.regularization.penalties_view import losses_at
from pages.ui import lesson, text
from pages.ui import side_by_side as parts
from pages.ui.workings import signed

EVEN = "はっきりした差はない"
CLOSE = 0.05
"""Lead, as a share of the second's loss, below which one seed says little."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One way's race; every number but ``tests`` is the median of the seeds.

    Attributes:
        train, held: losses after the last epoch with every unit at work.
        gap: held − train.
        tests: (seeds,), the loss on the test patients.
        squares, sizes, small, zeros: Σw², Σ|w|, the share of |w| < ``TINY``, the number of exact zeros.
        bends: Σ|second difference| of the curve over that of the truth; None without a curve.
        constant: what always giving the training patients' middle or shares would cost there.
    """

    name: str
    train: float
    held: float
    gap: float
    tests: tuple[float, ...]
    squares: float
    sizes: float
    small: float
    zeros: float
    bends: float | None
    constant: float

    @property
    def test(self) -> float:
        """Return the middle of the test losses."""
        return float(np.median(self.tests))


def standings(
    specs: Sequence[TableRunSpec], results: Sequence[TableRun], frame: Frame, rows: Sequence[Row]
) -> list[Standing]:
    """Return how the five stand at the look ``frame``, in their order."""
    count = len(NAMES)
    train, held = losses_at(frame, rows)
    sums = np.array([arrays["sums"] for arrays in frame.arrays], dtype=np.float64)
    size = np.array([arrays["counts"].sum() for arrays in frame.arrays], dtype=np.float64)
    table = specs[0].table
    truth = plan.BY_NAME[table.name].truth
    true_bends = plan.bends(truth(curve_inputs(table))) if truth else 1.0
    found = []
    for place, name in enumerate(NAMES):
        mine = slice(place, None, count)
        bends = (
            float(np.median([plan.bends(arrays["curve"]) for arrays in frame.arrays[mine]])) / true_bends
            if truth
            else None
        )
        found.append(
            Standing(
                name=name,
                train=float(np.median(train[mine])),
                held=float(np.median(held[mine])),
                gap=float(np.median((held - train)[mine])),
                tests=tuple(result.test_loss for result in results[mine]),
                squares=float(np.median(sums[mine, SQUARES])),
                sizes=float(np.median(sums[mine, SIZES])),
                small=float(np.median(sums[mine, SMALL] / size[mine])),
                zeros=float(np.median(sums[mine, ZERO])),
                bends=bends,
                constant=float(np.median([result.reference_loss for result in results[mine]])),
            )
        )
    return found


def answer(found: Sequence[Standing]) -> lesson.Answer:
    """Name the lowest test loss if its lead is more than luck: in every seed, or by 5 % with one seed."""
    first, second = sorted(found, key=lambda s: s.test)[:2]
    seeds = len(first.tests)
    because = f"テスト損失{'(5シードの中央値)' if seeds > 1 else ''}は、"
    because += parts.ranked({standing.name: standing.test for standing in found}) + " でした。"
    if seeds > 1:
        won = sum(a < b for a, b in zip(first.tests, second.tests, strict=True))
        because += (
            f"「{first.name}」が「{second.name}」より低かったのは、同じ種どうしで {seeds} 回中 {won} 回です。"
        )
        clear = won == seeds
    else:
        lead = 1 - first.test / second.test
        because += f"いちばん低い「{first.name}」と次の「{second.name}」の差は {lead:.1%} です。"
        clear = lead >= CLOSE
    if clear:
        return lesson.Answer(first.name, because)
    return lesson.Answer(EVEN, because + "乱数の運で入れ替わりうる差です。")


def show_tables(found: Sequence[Standing]) -> None:
    """Compare the five in losses, and in their weights."""
    parts.table(
        ["方法", "学習", "検証", "差", "テスト"],
        [
            [s.name, text.number(s.train), text.number(s.held), signed(s.gap, 3), text.number(s.test)]
            for s in found
        ],
    )
    bent = found[0].bends is not None
    parts.table(
        ["方法", "Σw²", "Σ\\|w\\|", "ほぼ0", *(["折れ曲がり"] if bent else [])],
        [
            [
                s.name,
                text.number(s.squares),
                text.number(s.sizes),
                f"{s.small:.0%}",
                *([f"{s.bends:.1f} 倍"] if s.bends is not None else []),
            ]
            for s in found
        ],
    )
    told = "損失は、罰を足さず、全部のユニットが働いた状態で測りました。"
    told += f"「ほぼ0」は |w| < {TINY:g} の重みの割合です。"
    if bent:
        told += "「折れ曲がり」は曲線の曲がりの合計で、本当の曲線を1倍とします。"
    st.caption(told)


def sentences(found: Sequence[Standing]) -> list[str]:
    """Say what the numbers mean."""
    none, one, two = found[NONE], found[L1], found[L2]
    narrow = min(found, key=lambda s: abs(s.gap))
    best = min(found, key=lambda s: s.test)
    told = [
        f"学習と検証の差がいちばん小さいのは「{narrow.name}」の {signed(narrow.gap, 3)}、"
        f"正則化なしでは {signed(none.gap, 3)} でした。"
    ]
    if narrow is not best:
        told.append(
            f"ただし、テスト損失がいちばん低いのは「{best.name}」の {text.number(best.test)} です"
            f"(「{narrow.name}」は {text.number(narrow.test)})。"
            "差が小さくても、学習の成績ごと悪くしていれば、よいモデルとは言えません。"
        )
    if none.bends is not None and best.bends is not None:
        told.append(
            f"曲線の折れ曲がりは、正則化なしで本当の曲線の {none.bends:.1f} 倍、"
            + "、".join(f"{s.name}で {s.bends:.1f} 倍" for s in found[1:] if s.bends is not None)
            + "です。"
        )
    told.append(
        f"重みの2乗の合計 Σw² は、なし {text.number(none.squares)} に対して、"
        f"L1 {text.number(one.squares)}、L2 {text.number(two.squares)} です。"
        f"L1 では重みの {one.small:.0%} が |w| < {TINY:g} になり、L2 では {two.small:.0%} でした。"
    )
    told.append(
        f"L1 でも、ちょうど 0 の重みは {one.zeros:.0f} 個です。"
        "Adam の1歩は 0 を飛び越え、0 のまわりで揺れるためです。"
        "ちょうど 0 に止める方法は「0になる重み」で試せます。"
    )
    return told
