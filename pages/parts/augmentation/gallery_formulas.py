"""The formulas of the gallery, with the numbers of its first variant."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from core.gallery import Drawn
from core.gallery_specs import VARIANTS, GallerySpec
from pages.ui.workings import fixed


def show(spec: GallerySpec, drawn: Sequence[Drawn], colours: bool) -> None:
    """Write what was computed for variant ①; a picture in ``colours`` has three numbers a pixel."""
    first, strengths = drawn[0], dict(spec.strengths)
    with st.expander("数式で見る(① の1枚)"):
        if first.angle is not None:
            _turn(first.angle)
        if first.brightness is not None and first.contrast is not None:
            st.markdown(
                "明るさは全体に b を掛け、コントラストは画像の平均 m からの開きに c を掛けます"
                "(どちらが先かは、くじで決まります)。"
            )
            st.latex(r"I' = b\,I,\qquad I'' = m + c\,(I' - m)")
            st.latex(rf"b = {fixed(first.brightness, 2)},\qquad c = {fixed(first.contrast, 2)}")
        if "flip" in strengths:
            count, p = sum(one.flipped for one in drawn), strengths["flip"]
            st.markdown(f"{VARIANTS} 枚のうち、ちょうど {count} 枚が反転する確率(二項分布)です。")
            chance = math.comb(VARIANTS, count) * p**count * (1 - p) ** (VARIANTS - count)
            st.latex(
                rf"\binom{{{VARIANTS}}}{{{count}}} p^{{{count}}}(1-p)^{{{VARIANTS - count}}}"
                rf" = {math.comb(VARIANTS, count)} \times {p:g}^{{{count}}}"
                rf" \times {1 - p:g}^{{{VARIANTS - count}}}"
                rf" = {chance:.3f}"
            )
        st.markdown(
            "差の平均は、全部の画素の値(N 個)で、変形後 J ともとの I の明るさの差の絶対値を平均します。"
        )
        st.latex(rf"D = \frac{{1}}{{N}} \sum_i |J_i - I_i| = {first.difference:.4f}")
        st.latex(r"N = 256 \times 256 \times 3 = 196{,}608" if colours else r"N = 256 \times 256 = 65{,}536")


def _turn(angle: float) -> None:
    st.markdown(f"回転は、画素の場所を中心のまわりに θ = {fixed(angle, 1)}° 回します(+ は反時計回り)。")
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    c, minus, plus = (fixed(value, 3).replace("−", "-") for value in (cos, -sin, sin))
    turn = r"\begin{pmatrix} \cos\theta & -\sin\theta \\ \sin\theta & \cos\theta \end{pmatrix}"
    st.latex(
        r"\begin{pmatrix} x' \\ y' \end{pmatrix} = R \begin{pmatrix} x \\ y \end{pmatrix},\quad R = " + turn
    )
    st.latex(rf"R = \begin{{pmatrix}} {c} & {minus} \\ {plus} & {c} \end{{pmatrix}}")
