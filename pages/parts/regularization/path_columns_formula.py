"""The formulas behind coefficient paths, with the numbers of one λ."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.shrinkage import COLUMNS, STRENGTHS, Paths
from pages.ui import workings as view


def show(found: Paths, place: int) -> None:
    """Show the loss, the proximal step, and the conditions that L1's solution fulfils."""
    strength, w, slope = float(STRENGTHS[place]), found.lasso[place], found.slopes[place]
    with st.expander("数式で見る(いまの数字)"):
        st.latex(
            r"L_\text{合計} = \frac{1}{N}\sum_i (y_i - x_i^\top w)^2 + \lambda\,R(w),\quad"
            rf" \lambda = {strength:.3g}"
        )
        st.markdown("近接勾配法(ISTA)の1歩。FISTA は、これに勢いを付けて速くしたものです。")
        st.latex(
            r"w \leftarrow S_{\eta\lambda}\left(w - \eta\,\nabla L(w)\right),\quad"
            r" S_t(v) = \mathrm{sign}(v)\,\max(|v| - t,\ 0)"
        )
        st.markdown(
            f"FISTA は {found.iterations} 歩で落ち着きました。答え合わせは、損失の傾きでできます。"
            "0 でない係数では傾きの大きさがちょうど λ、0 の係数では λ 以下のはずです。"
        )
        kept, gone = np.flatnonzero(w), np.flatnonzero(w == 0)
        for places, sign in ((kept, "="), (gone, r"\le")):
            if len(places):
                first = int(places[np.abs(slope[places]).argmax()])
                shown = view.fixed(abs(float(slope[first])), 4)
                st.latex(
                    rf"\left|\frac{{\partial L}}{{\partial w_\text{{{COLUMNS[first]}}}}}\right|"
                    rf" = {shown}\ {sign}\ \lambda = {strength:.4f}"
                )
        st.markdown("すべての係数が 0 になる境目の λ は、データから決まります。")
        st.latex(rf"\lambda_{{\max}} = \frac{{2}}{{N}}\max_j |X_j^\top y| = {found.vanish:.4f}")
        st.markdown("L2 は、連立方程式を1回解けば求まります。")
        st.latex(r"w_{L2} = \left(\tfrac{1}{N}X^\top X + \lambda I\right)^{-1}\tfrac{1}{N}X^\top y")
