"""What the race of schedules has shown: a table of its ends, and each plan as a formula with its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from core.history import TableRun
from core.specs import ScheduleSpec, TableRunSpec
from pages.ui import text


def table(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> None:
    """Show, for each schedule, its lowest validation loss and its last."""
    lines = ["| スケジュール | 最低の検証損失(エポック) | 最後の検証損失 |", "|:--|--:|--:|"]
    for spec, result in zip(specs, results, strict=True):
        losses = {e.number: e.validation_loss or math.inf for e in result.history}
        finite = {number: loss for number, loss in losses.items() if math.isfinite(loss)}
        name = text.unbroken(text.SCHEDULE_LABELS[spec.schedule.name])
        if result.ending == "diverged" or not finite:
            lines.append(f"| {name} | — | 発散 |")
            continue
        best = min(finite, key=finite.__getitem__)
        last = text.number(result.history[-1].validation_loss or math.inf)
        lines.append(f"| {name} | {text.number(finite[best])}({best}) | {last} |")
    st.markdown("\n".join(lines))


def formulas(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> None:
    """Show how each schedule sets the learning rate, and what it was half way through this run."""
    rate, epochs = specs[0].optimizer.lr, specs[0].training.epochs
    half = min(len(result.history) for result in results) // 2
    with st.expander("数式で見る(それぞれの計画と、この学習の数字)"):
        st.markdown(
            f"t は終わったエポックの数、T = {epochs} は全部のエポック数、η = {rate:g} は選んだ学習率です。"
            f"右端は、この学習で t = {half} のときに使われた学習率です。"
        )
        for spec, result in zip(specs, results, strict=True):
            words, formula = _plan(spec.schedule)
            st.markdown(f"**{text.SCHEDULE_LABELS[spec.schedule.name]}**" + (f" — {words}" if words else ""))
            used = rf"\eta_{{{half}}} = {_tex(result.history[half].lr)}"
            st.latex(rf"\begin{{gathered}}{formula} \\ {used}\end{{gathered}}" if formula else used)


def _plan(plan: ScheduleSpec) -> tuple[str, str]:
    """Return the idea in words, and the formula; "" where the losses decide."""
    gamma = f"{plan.gamma:g}"
    known = {
        "constant": ("最後まで変えません。", r"\eta_t = \eta"),
        "step": (
            f"{plan.every} エポックごとに {gamma} 倍にします。",
            rf"\eta_t = \eta \times {gamma}^{{\lfloor t / {plan.every} \rfloor}}",
        ),
        "exponential": (f"毎エポック {gamma} 倍にします。", rf"\eta_t = \eta \times {gamma}^{{t}}"),
        "cosine": (
            "コサインの曲線に沿って、なめらかに 0 へ近づけます。",
            r"\eta_t = \tfrac{\eta}{2}\left(1 + \cos\tfrac{\pi t}{T}\right)",
        ),
        "one_cycle": (
            "η の 25 分の 1 から始め、はじめの約3割で η まで上げてから、ほぼ 0 まで下げます。",
            r"\tfrac{\eta}{25} \to \eta \to \tfrac{\eta}{25 \times 10^4}",
        ),
        "warm_up": (
            f"η の 100 分の 1 から始め、{plan.warm_up} エポックかけて η まで上げます。",
            r"\eta_t = \eta\left(0.01 + 0.99\,\min\left("
            rf"\tfrac{{t}}{{{plan.warm_up}}}, 1\right)\right)",
        ),
        "plateau": (
            f"検証損失が {plan.patience} エポックを超えて改善しなければ、{gamma} 倍にします。",
            "",
        ),
    }
    return known.get(plan.name, ("", ""))


def _tex(rate: float) -> str:
    """Write a learning rate for LaTeX."""
    mantissa, _, exponent = f"{rate:.3g}".partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa
