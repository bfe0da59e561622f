"""What came of both arms on the test patients, and what that tells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.batches import training_rows
from core.history import Frame, TableRun
from core.specs import TableRunSpec
from pages.ui import lesson, text

ARMS = {"シャッフルなし": False, "シャッフルあり": True}
"""The two arms in the order of their specs, and whether they shuffle."""

SEEDS = 5

CHOICES = ["シャッフルあり", "シャッフルなし", "ほとんど同じ(差は1割以内)"]

CLOSE = 0.1


@dataclass(frozen=True, kw_only=True)
class Range:
    """A number of five seeds: their median, lowest and highest."""

    middle: float
    low: float
    high: float

    def percent(self) -> str:
        """Write a share."""
        return f"{self.middle:.1%} ({self.low:.1%}〜{self.high:.1%})"

    def number(self) -> str:
        """Write a loss."""
        return f"{text.number(self.middle)} ({text.number(self.low)}〜{text.number(self.high)})"


def _range(values: Sequence[float]) -> Range:
    return Range(middle=float(np.median(values)), low=min(values), high=max(values))


@dataclass(frozen=True, kw_only=True)
class Arm:
    """Five networks that got their patients in the same manner."""

    label: str
    places: tuple[int, ...]
    loss: Range
    accuracy: Range
    sensitivity: Range
    specificity: Range
    validation: float
    diverged: int


def _share_right(result: TableRun, truth: int) -> float:
    mine = result.test_targets == truth
    return float(np.mean(result.test_outputs[mine].argmax(axis=1) == truth))


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.inf


def arms(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> dict[str, Arm]:
    """Return what came of both arms on the test patients."""
    found = {}
    for label, shuffle in ARMS.items():
        places = tuple(i for i, spec in enumerate(specs) if spec.training.shuffle is shuffle)
        mine = [results[place] for place in places]
        found[label] = Arm(
            label=label,
            places=places,
            loss=_range([_finite(r.test_loss) for r in mine]),
            accuracy=_range([r.test_accuracy or 0.0 for r in mine]),
            sensitivity=_range([_share_right(r, 1) for r in mine]),
            specificity=_range([_share_right(r, 0) for r in mine]),
            validation=float(np.median([_finite(r.history[-1].validation_loss) for r in mine])),
            diverged=sum(r.ending == "diverged" for r in mine),
        )
    return found


def answer(found: dict[str, Arm]) -> lesson.Answer:
    """Say which arm ended with the lower test loss, or that they are within a tenth."""
    without, shuffled = (found[label].loss.middle for label in ARMS)
    because = f"テスト損失の中央値は、なしが {text.number(without)}、ありが {text.number(shuffled)} でした。"
    if without == shuffled or abs(without - shuffled) <= CLOSE * min(without, shuffled):
        return lesson.Answer(CHOICES[2], because)
    return lesson.Answer(CHOICES[0] if shuffled < without else CHOICES[1], because)


def table(found: dict[str, Arm]) -> None:
    """Show both arms on the test patients."""
    both = list(found.values())
    told = {
        "テスト損失": [arm.loss.number() for arm in both],
        "正解率": [arm.accuracy.percent() for arm in both],
        "感度": [arm.sensitivity.percent() for arm in both],
        "特異度": [arm.specificity.percent() for arm in both],
    }
    lines = [f"| | {both[0].label} | {both[1].label} |", "|:--|--:|--:|"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in told.items()]
    st.markdown("\n".join(lines))
    st.caption("5シードの中央値と、括弧の中は最小〜最大です。どちらも同じ患者、同じ初期値で学習しました。")


def recorded(frames: Sequence[Frame], run: int, name: str) -> npt.NDArray[np.float64]:
    """Return what every update of one run showed, (updates,), over the epochs of ``frames``."""
    parts = [frame.arrays[run][name].astype(np.float64) for frame in frames]
    return np.concatenate(parts) if parts else np.empty(0)


def _swing(frames: Sequence[Frame], run: int, name: str) -> float:
    """Return the mean over epochs of the largest minus the smallest value within an epoch."""
    spans = [np.ptp(frame.arrays[run][name]) for frame in frames if len(frame.arrays[run][name])]
    return float(np.mean(spans)) if spans else 0.0


def facts(
    found: dict[str, Arm],
    frames: Sequence[Frame],
    specs: Sequence[TableRunSpec],
    results: Sequence[TableRun],
) -> None:
    """Say what the numbers mean."""
    without, shuffled = found.values()
    lines = []
    whole = specs[0].training.batch_size >= training_rows(specs[0].table)
    if whole:
        gap = max(_gap(results[a], results[b]) for a, b in zip(without.places, shuffled.places, strict=True))
        lines.append(
            "1エポックに1回、全員で修正する学習なので、順番は結果に響きません。"
            f"学習後の重みの差は、5シードで最大 {gap:.1e} でした。"
            "0 でないのは、小数の足し算が、足す順番によって末尾の桁で変わるためです。"
        )
    elif frames:
        swings = [_swing(frames, arm.places[0], "positive") for arm in (without, shuffled)]
        lines.append(
            "1エポックの間に、検証用の患者を「陽性」と答える割合は、なしで平均 "
            f"{swings[0]:.0%}、ありで平均 {swings[1]:.0%} の幅で揺れました(最初の種)。"
        )
        ill = recorded(frames[:1], 0, "ill")
        pure = int(np.sum((ill == 0) | (ill == 1)))
        mixed = recorded(frames[:1], SEEDS, "ill")
        lines.append(
            f"なしの1エポックは {len(ill)} 個のバッチのうち {pure} 個が、"
            "陽性の人だけ、または陰性の人だけでした。"
            f"ありでは、バッチの中の陽性の割合は {mixed.min():.0%}〜{mixed.max():.0%} です。"
        )
    if not whole:
        lines.append(
            f"感度(陽性の人を陽性と判定できた割合)は、なし {without.sensitivity.middle:.1%}、"
            f"あり {shuffled.sensitivity.middle:.1%}。特異度は、なし {without.specificity.middle:.1%}、"
            f"あり {shuffled.specificity.middle:.1%} でした。"
            "なしでは、エポックの最後に見たのが陰性の人ばかりなので、見落としが増えやすくなります。"
        )
    blunder = without.loss.middle / max(shuffled.loss.middle, 1e-12)
    missed = shuffled.accuracy.middle - without.accuracy.middle
    if 3 < blunder < math.inf and missed < 0.05:
        lines.append(
            f"正解率の差は {missed * 100:.1f} ポイントなのに、テスト損失は {text.number(blunder)} 倍です。"
            "外した数人に、並外れた自信で反対の答えを出しているからです。これでは確率として使えません。"
        )
    for arm in found.values():
        if arm.diverged:
            lines.append(f"{arm.label}では、5つのうち {arm.diverged} つが発散しました。")
    st.markdown("\n".join(f"- {line}" for line in lines))


def _gap(a: TableRun, b: TableRun) -> float:
    return max(float(np.max(np.abs(a.weights[name] - b.weights[name]))) for name in a.weights)


def formula(frames: Sequence[Frame], spec: TableRunSpec) -> None:
    """Show why shuffling helps, with the shares of the run's first and last batch."""
    with st.expander("数式で見る(なぜ混ぜるのか)"):
        st.markdown("混ぜたバッチの勾配は、平均すれば全員の勾配に一致します(偏りのない推定値)。")
        st.latex(r"\mathrm{E}\!\left[\frac{1}{B}\sum_{i \in \text{バッチ}}\nabla L_i\right] = \nabla L")
        st.markdown(
            "全員の勾配は、陽性の人の平均 g₁ と陰性の人の平均 g₀ を、陽性の割合 p で混ぜたものです。"
            "並べたままのバッチでは、p がこれとはかけ離れた値になります。"
        )
        st.latex(r"\nabla L = p\,g_1 + (1 - p)\,g_0")
        if frames:
            rows, size = training_rows(spec.table), spec.training.batch_size
            ill = recorded(frames[:1], 0, "ill")
            sizes = np.full(len(ill), size)
            sizes[-1] = rows - size * (len(ill) - 1)
            share = float(np.sum(ill * sizes) / rows)
            st.latex(
                rf"p = {share:.3f}\ (\text{{全員}}),\qquad p = {ill[0]:.3f}\ (\text{{最初のバッチ}}),\qquad "
                rf"p = {ill[-1]:.3f}\ (\text{{最後のバッチ}})"
            )
