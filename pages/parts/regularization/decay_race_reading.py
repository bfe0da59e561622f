"""What the race between Adam with L2 and AdamW has shown, in sentences, a table and formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.history import Frame, Row, TableRun
from core.specs import TableRunSpec
from core.weight_bins import SQUARES
from pages.parts.regularization.decay_race_view import NAMES
from pages.ui import lesson, text
from pages.ui import side_by_side as parts

PLAIN, ADDED, TAKEN = range(3)
SAME = "同じ(差が 5 % 未満)"
CHOICES = [NAMES[ADDED], NAMES[TAKEN], SAME]
CLOSE = 0.05
UNDERFIT = 0.8
REAL = 6
"""How many of the simulated markers decide the class; they come first."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One runner's end: ``squares`` and ``tests`` (seeds,), the other numbers medians of the seeds."""

    name: str
    squares: tuple[float, ...]
    tests: tuple[float, ...]
    train: float
    held: float
    constant: float

    @property
    def square(self) -> float:
        """Return the middle of Σw²."""
        return float(np.median(self.squares))

    @property
    def test(self) -> float:
        """Return the middle of the test losses."""
        return float(np.median(self.tests))


def standings(results: Sequence[TableRun], frame: Frame, rows: Sequence[Row]) -> list[Standing]:
    """Return how the three stand at the look ``frame``, in their order."""
    count, row = len(NAMES), rows[frame.epoch - 1]
    held = np.array([epoch.validation_loss for epoch in row], dtype=np.float64)
    train = np.array([arrays["train"][0] for arrays in frame.arrays], dtype=np.float64)
    sums = np.array([arrays["sums"] for arrays in frame.arrays], dtype=np.float64)
    return [
        Standing(
            name=name,
            squares=tuple(sums[place::count, SQUARES].tolist()),
            tests=tuple(result.test_loss for result in results[place::count]),
            train=float(np.median(train[place::count])),
            held=float(np.median(held[place::count])),
            constant=float(np.median([result.reference_loss for result in results[place::count]])),
        )
        for place, name in enumerate(NAMES)
    ]


def answer(found: Sequence[Standing]) -> lesson.Answer:
    """Say who ends with the smaller weights: in every seed, or nobody."""
    added, taken = found[ADDED], found[TAKEN]
    because = (
        f"最後の Σw²(5シードの中央値)は Adam + L2 が {text.number(added.square)}、"
        f"AdamW が {text.number(taken.square)} です。"
    )
    ratio = added.square / max(taken.square, 1e-12)
    won = sum(a < b for a, b in zip(added.squares, taken.squares, strict=True))
    if abs(ratio - 1) < CLOSE or won not in (0, len(added.squares)):
        return lesson.Answer(SAME, because)
    winner = ADDED if won else TAKEN
    times = max(won, len(added.squares) - won)
    because += f"同じ種どうしで比べると、5回中 {times} 回、{NAMES[winner]} のほうが小さく終わりました。"
    return lesson.Answer(NAMES[winner], because)


def show_table(found: Sequence[Standing]) -> None:
    """Compare the three in numbers."""
    parts.table(
        ["方法", "Σw²", "学習", "検証", "テスト"],
        [
            [
                s.name,
                text.number(s.square),
                text.number(s.train),
                text.number(s.held),
                text.number(s.test),
            ]
            for s in found
        ],
    )
    st.caption("5シードの中央値です。右の3つは、罰を含まない損失です。")


def whys(specs: Sequence[TableRunSpec], found: Sequence[Standing]) -> list[str]:
    """Say why a runner fails, if it does."""
    told = []
    decay = specs[ADDED].optimizer.weight_decay or 0.0
    lost = [s for s in found[ADDED:] if s.train > UNDERFIT * s.constant]
    for one in lost:
        told.append(
            f"**減衰が強すぎる({one.name}、未学習)**: weight_decay = {decay:g} では Σw² が "
            f"{text.number(one.square)} まで縮み、学習損失 {text.number(one.train)} は、"
            f"いつも同じ答えを返す場合({text.number(one.constant)})とほとんど変わりません。"
            "重みが縮む力が、患者から学ぶ力に勝ちました。"
        )
    if len(lost) == 1:
        (other,) = [s for s in found[ADDED:] if s is not lost[0]]
        told.append(
            f"同じ数字でも、{other.name} は Σw² {text.number(other.square)}、"
            f"テスト損失 {text.number(other.test)} です。"
            "**weight_decay の数字は、Adam と AdamW のあいだで使い回せません。**"
        )
    if found[PLAIN].train < 0.2 * found[PLAIN].held:
        told.append(
            f"**減衰なし(過学習)**: 学習損失 {text.number(found[PLAIN].train)} に対して、"
            f"検証損失は {text.number(found[PLAIN].held)} です。"
        )
    return told


def sentences(
    specs: Sequence[TableRunSpec], found: Sequence[Standing], results: Sequence[TableRun]
) -> list[str]:
    """Say what the numbers mean."""
    plain, added, taken = found
    rule = specs[TAKEN].optimizer
    decay = rule.weight_decay or 0.0
    updates = -(-results[0].rows[0] // specs[0].training.batch_size) * len(results[0].history)
    alone = (1 - rule.lr * decay) ** updates
    told = [
        f"AdamW が {updates} 回の修正で重みを縮める倍率は、減衰だけなら "
        f"(1 − {rule.lr:g} × {decay:g}){text.superscript(updates)} = {alone:.3f} です。"
        "勾配がこれに逆らって、重みを育て直します。",
    ]
    if added.square < taken.square * (1 - CLOSE):
        told.append(
            "Adam + L2 のほうが強く縮んだのは、このネットワークの勾配が 1 よりずっと小さく、"
            "罰の勾配を √v̂ で割ると、かえって大きくなるためです。"
            "学習が進んで勾配が小さくなるほど、罰の取り分が増えます。"
        )
    best = min(found, key=lambda s: s.test)
    told.append(
        f"テスト損失は {parts.ranked({s.name: s.test for s in found})} で、"
        f"いちばん低いのは {best.name} です。どちらが優れているかではなく、"
        "同じ数字でも効き方の違う薬だと考えて、それぞれに合う強さを探します。"
    )
    if specs[0].table.name == "markers":
        told.append(_inputs(results))
    if decay == 0:
        told = [
            "weight_decay = 0 なら罰も減衰もないので、3つは同じ学習です"
            f"(Σw² は {text.number(plain.square)})。"
        ]
    return told


def _inputs(results: Sequence[TableRun]) -> str:
    """Tell how large the weights of real and of useless markers are."""
    shares = []
    for place in (ADDED, TAKEN):
        first = [np.square(result.weights["0.weight"]).sum(axis=0) for result in results[place :: len(NAMES)]]
        mean = np.median(first, axis=0)  # (inputs,): Σw² of the weights that leave each marker
        shares.append((float(mean[:REAL].mean()), float(mean[REAL:].mean())))
    (real, idle), (real_w, idle_w) = shares
    return (
        "診断に関わる6種類のマーカーにつながる重みの2乗の合計(1種類あたりの平均)は、"
        "関わらない14種類の、"
        f"Adam + L2 では {real / max(idle, 1e-12):.1f} 倍、"
        f"AdamW では {real_w / max(idle_w, 1e-12):.1f} 倍です。"
        + _spared(real / max(idle, 1e-12), real_w / max(idle_w, 1e-12))
    )


def _spared(added: float, taken: float) -> str:
    if added <= taken * (1 + CLOSE):
        return ""
    return "関わるマーカーの重みには大きい勾配が来るので、Adam + L2 では減衰を免れやすかった、と読めます。"


def show_formula(specs: Sequence[TableRunSpec], frame: Frame) -> None:
    """Show both rules with the numbers of the run."""
    rule = specs[TAKEN].optimizer
    decay = rule.weight_decay or 0.0
    loss, square = float(frame.arrays[ADDED]["train"][0]), float(frame.arrays[ADDED]["sums"][SQUARES])
    with st.expander("数式で見る(1つ目の種の数字)"):
        st.markdown("Adam + L2 が下げようとする損失です(weight_decay = 2λ)。")
        st.latex(
            rf"L + \lambda \sum w^2 = {loss:.4f} + {decay / 2:g} \times {square:.3f}"
            rf" = {loss + decay / 2 * square:.4f}"
        )
        st.markdown("AdamW は損失を変えず、1回の修正ごとに重みを縮めます。")
        st.latex(r"w \leftarrow (1 - 2\lambda\eta)\,w - \eta\,\frac{\hat m}{\sqrt{\hat v} + 10^{-8}}")
        st.latex(rf"1 - 2\lambda\eta = 1 - {decay:g} \times {rule.lr:g} = {1 - decay * rule.lr:.6g}")
        st.markdown("PyTorch の weight_decay はバイアスも縮めます。Σw² にバイアスは含みません。")
