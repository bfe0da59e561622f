"""The 状況分析レポート: what the hidden units of a forecaster seem to follow, in our words."""

from __future__ import annotations

import streamlit as st

from core.inside_look import Look, Unit
from pages.ui import text
from pages.ui.workings import signed

STRONG, LOOSE = 0.8, 0.5
"""Correlations from which a unit is said to follow something closely, and loosely."""
TOLD, LISTED = 3, 8
"""Units told in words, and in the table."""
STILL = 0.02
"""A unit whose contribution moves less than this share of the largest one's is said to stand still."""


_MEASURES = {
    "直前の値": ("直前の値が高いほど", "いま高いか低いか"),
    "直前の変化": ("直前に上がったほど", "いま上がったか下がったか"),
    "窓の傾き": ("窓が上り坂なほど", "上り坂か下り坂か"),
}


def meaning(unit: Unit, largest: float) -> str:
    """Name what a unit seems to follow, by its strongest correlation: our word, not the model's."""
    if unit.spread < STILL * largest or unit.spread == 0:
        return "ほとんど動かず、予測を左右していません。"
    name, r = max(_correlations(unit).items(), key=lambda item: abs(item[1]))
    moves, ours = _MEASURES[name]
    moves += "大きくなります" if r > 0 else "小さくなります"
    if abs(r) >= STRONG:
        return f"{moves}(r = {signed(r, 2)})。「{ours}」の係、と私たちは読みました。"
    if abs(r) >= LOOSE:
        return f"{moves}が、連動はゆるめです(r = {signed(r, 2)})。「{ours}」の係に近いようです。"
    return f"3つのどれとも連動が弱く(最大で r = {signed(r, 2)})、ひと言では言えません。"


def _correlations(unit: Unit) -> dict[str, float]:
    return dict(zip(_MEASURES, (unit.level, unit.change, unit.slope), strict=True))


def show(found: Look, unit: str) -> None:
    """Show the 状況分析レポート: the units that move the forecast most, and what they follow."""
    told = found.units
    largest = told[0].spread
    unit = unit and f" {unit}"
    st.markdown(
        "\n".join(
            f"- **ユニット{u.number + 1}**(寄与 {signed(u.low, 2)} 〜 {signed(u.high, 2)}{unit}、"
            f"予測との相関 {signed(u.output, 2)}): {meaning(u, largest)}"
            for u in told[:TOLD]
        )
    )
    rows = [["ユニット", *_MEASURES, "w × h の標準偏差", "予測との相関"]]
    rows += [[":--", *["--:"] * 5]]
    rows += [
        [
            str(u.number + 1),
            *(signed(r, 2) for r in _correlations(u).values()),
            text.number(u.spread),
            signed(u.output, 2),
        ]
        for u in told[:LISTED]
    ]
    st.markdown("\n".join(f"| {' | '.join(row)} |" for row in rows))
    more = f"寄与の大きい {LISTED} 個だけを載せています。" if len(told) > LISTED else ""
    st.caption(
        f"「直前の値」から「窓の傾き」までは、隠れ状態 h との相関です(窓 {len(found.places)} 個)。"
        f"寄与は w × h で、w は予測を作るときの重みです。{more}"
    )
    st.info(
        "「係」という呼び名は、相関を見て私たちが付けたものです。モデルは名前を知りませんし、"
        "相関があっても「それを見て判断した」とは言えません。乱数の種を変えると、分担も変わります。",
        icon=":material/psychology_alt:",
    )
