"""What two weights that shrink in two ways have shown, in sentences, a table and formulas."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.decay import START, DecaySpec, Shrinking, Twins, rate
from core.surfaces import Array
from pages.parts.regularization.decay_two_view import ADDED, SAME, TAKEN, WAYS, WEIGHTS, lost
from pages.ui import lesson, text
from pages.ui import side_by_side as parts
from pages.ui.workings import fixed, scientific

BLOWN_UP = 1e3
EQUAL = 1e-9
"""Paths closer than this, in double precision, differ by rounding alone."""


def _apart(found: Shrinking) -> float:
    """Return the largest difference between the two ways, infinite if one of them ends early."""
    one, other = found.paths["penalty"], found.paths["decay"]
    if len(one) != len(other):
        return float("inf")
    return float(np.abs(one - other).max() / max(np.abs(one).max(), START))


def answer(spec: DecaySpec, found: Shrinking) -> lesson.Answer:
    """Say which way leaves the smaller weight A."""
    away = lost(spec, found)
    ends = {way: abs(float(path[-1, 0])) for way, path in found.paths.items()}
    if len(away) == 1:
        (other,) = set(WAYS) - set(away)
        return lesson.Answer(
            WAYS[other],
            f"「{WAYS[away[0]]}」は {len(found.paths[away[0]]) - 1} 回目の修正で発散し、"
            f"「{WAYS[other]}」は {ends[other]:.4f} で終わりました。",
        )
    if away:
        return lesson.Answer(SAME, f"どちらも {len(found.paths['decay']) - 1} 回目の修正で発散しました。")
    apart = _apart(found)
    told = f"重み A の大きさは、「{ADDED}」で {text.number(ends['penalty'], 4)}、"
    told += f"「{TAKEN}」で {text.number(ends['decay'], 4)} になりました。"
    if apart < EQUAL:
        return lesson.Answer(SAME, told + f"2つの道すじの差は最大でも {scientific(apart)}(計算の丸め)です。")
    smaller = min(ends, key=ends.__getitem__)
    return lesson.Answer(WAYS[smaller], told)


def _percent(factor: float) -> str:
    return f"{fixed(100 * (1 - factor), 3)} %"


def show_table(spec: DecaySpec, found: Shrinking) -> None:
    """Compare by how much each weight shrinks at an update."""
    away = lost(spec, found)
    rates = {way: rate(path) for way, path in found.paths.items()}
    rows = []
    for place, weight in enumerate(WEIGHTS):
        root = [] if found.roots is None else [f"{found.roots[place]:.3f}"]
        cells = ["発散" if way in away else _percent(float(rates[way][place])) for way in WAYS]
        rows.append([f"{weight}(±{spec.pulls[place]:g})", *root, *cells])
    head = ["重み(勾配)", *([] if found.roots is None else ["√v̂"]), "損失に足す", "直接縮める"]
    parts.table(head, rows)
    st.caption(
        f"1回の修正あたりの縮み(測った値、最初の10周を除く平均)。式 2λη の値は {_percent(spec.factor)} です。"
    )


def whys(spec: DecaySpec, found: Shrinking) -> list[str]:
    """Say why a setting fails, if it does."""
    away = lost(spec, found)
    if not away:
        return []
    told = (
        f"**減衰が強すぎる**: 1回の修正で重みは 1 − 2λη = {fixed(spec.factor, 2)} 倍になります。"
        "大きさが 1 を超えるので、縮むどころか、符号を変えながら大きくなります。"
        "2λη は 1 よりずっと小さくします。"
    )
    if away == ["decay"]:
        told += (
            "「損失に足す」では、Adam が罰の勾配も √v̂ で割り、1歩をおよそ η にそろえるため、"
            "発散はしませんでした。その代わり、λ の大きさが効かなくなっています。"
        )
    return [told]


def sentences(spec: DecaySpec, found: Shrinking, twins: Twins) -> list[str]:
    """Say what the numbers mean."""
    told = []
    ends = {way: path[-1] for way, path in found.paths.items()}
    if spec.strength == 0:
        told.append("λ = 0 なので、罰も減衰もありません。2つの方法は同じ計算です。")
    elif not lost(spec, found):
        if spec.rule == "sgd":
            told.append(
                "SGD では、罰の勾配 2λw に η を掛けたものが、そのまま重みから引かれます。"
                f"これは重みを 1 − 2λη = {spec.factor:.6g} 倍するのと同じ計算です。"
            )
        elif found.roots is not None:
            a, b = (float(r) for r in found.roots)
            added = 1 - rate(found.paths["penalty"])
            told.append(
                "Adam は、罰の勾配も √v̂ で割ります。√v̂ は勾配の大きさの目安で、"
                f"A では {a:.3f}、B では {b:.3f} でした。"
                f"そのため「損失に足す」では、B が A の {added[1] / added[0]:.1f} 倍の速さで縮みました"
                f"(√v̂ の比は {a / b:.1f})。"
            )
            told.append(
                "勾配の大きい重みほど減衰を免れ、勾配の小さい重みほど強く縮みます。"
                f"AdamW は減衰を √v̂ で割らないので、A も B も {_end(ends['decay'])} まで同じだけ縮みます。"
            )
    told.append(_twins_told(twins))
    return told


def _end(values: Array) -> str:
    a, b = (fixed(float(v), 3) for v in values)
    return a if a == b else f"{a} と {b}"


def _twins_told(twins: Twins) -> str:
    """Tell how far apart two real networks end."""
    start = (
        f"本物のネットワーク(マーカー20種類、重み {twins.weights} 個)も同じ λ と η で "
        f"{twins.updates} 回修正しました。"
    )
    if not (np.isfinite(twins.apart) and max(twins.apart, twins.largest) < BLOWN_UP):
        return start + "こちらでも減衰が強すぎて、重みが発散しました。"
    if twins.apart < EQUAL:
        return start + f"2つの方法の重みの差は最大 {scientific(twins.apart)} で、計算の丸めしかありません。"
    return (
        start + f"重みの差は最大 {twins.apart:.3f}、Σw² は「損失に足す」で {text.number(twins.squares[0])}、"
        f"「直接縮める」で {text.number(twins.squares[1])} です。"
    )


def show_formula(spec: DecaySpec, found: Shrinking) -> None:
    """Show both rules with their numbers."""
    with st.expander("数式で見る(いまの λ と η)", expanded=False):
        st.latex(r"L_\text{合計} = L + \lambda \sum w^2")
        st.latex(r"\nabla L_\text{合計} = \nabla L + 2\lambda w")
        st.latex(r"w \leftarrow (1 - 2\lambda\eta)\,w - \eta\,\nabla L")
        st.latex(rf"1 - 2 \times {spec.strength:g} \times {spec.lr:g} = {spec.factor:.6g}")
        if found.roots is None:
            return
        st.markdown("Adam に罰ごと渡すと、縮みも √v̂ で割られます(m̂ は罰の勾配を含む平均)。")
        st.latex(r"w \leftarrow w - \eta\,\frac{\hat m}{\sqrt{\hat v} + 10^{-8}}")
        for place, weight in enumerate(WEIGHTS):
            root = float(found.roots[place])
            share = spec.lr * spec.decay / root
            st.latex(
                rf"\text{{{weight}: }} \frac{{2\lambda\eta}}{{\sqrt{{\hat v}}}}"
                rf" = \frac{{{spec.lr * spec.decay:.3g}}}{{{root:.3f}}} = {100 * share:.3f}\ \%"
            )
        st.markdown("AdamW は、減衰を √v̂ で割る前ではなく、重みに直接かけます。")
        st.latex(r"w \leftarrow (1 - 2\lambda\eta)\,w - \eta\,\frac{\hat m}{\sqrt{\hat v} + 10^{-8}}")
