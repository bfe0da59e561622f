"""Why real markers stand out, or don't: the size of chance, with the numbers of one study."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from core.marker_study import MARKERS, REAL, STRENGTHS, StudySpec, correlations


def show(spec: StudySpec, place: int) -> None:
    """Show the loss, and compare what L1 must overcome for a real marker with what chance gives."""
    strong = 2 * np.abs(correlations(spec)[list(REAL)])
    useless = MARKERS - len(REAL)
    chance = 2 * math.sqrt(2 * math.log(useless) / spec.patients)
    with st.expander("数式で見る(いまの数字)"):
        st.latex(
            r"L_\text{合計} = \frac{1}{N}\sum_i (y_i - x_i^\top w)^2 + \lambda\sum_j |w_j|,"
            rf"\quad N = {spec.patients},\ \lambda = {STRENGTHS[place]:.3g}"
        )
        st.markdown(
            "マーカーがほかと無関係なら、重みが 0 でなくなるのは、"
            "スコアとの相関 r の大きさの2倍が λ を超えたときです。"
            "本物10個では、次の範囲でした。"
        )
        st.latex(rf"2|r_j|:\ {strong.min():.3f}\ \text{{〜}}\ {strong.max():.3f}")
        st.markdown(
            f"無関係な {useless} 個も、偶然で相関します。そのうち最大のものは、おおよそ次の大きさになります。"
            "患者数 N が4倍になると、半分です。"
        )
        st.latex(
            rf"2\sqrt{{\frac{{2\ln {useless}}}{{N}}}}"
            rf" = 2\sqrt{{\frac{{2\ln {useless}}}{{{spec.patients}}}}} = {chance:.3f}"
        )
        apart = (
            "離れているので、λ をその間に置けば見分けられます"
            if strong.min() > chance
            else ("重なっているので、どの λ でも、本物だけをきれいに分けることは難しくなります")
        )
        st.markdown(f"いまの設定では、2つの大きさは{apart}。")
        st.markdown("エラスティックネットでは、罰を半分ずつ混ぜます。")
        st.latex(r"\lambda\left(\tfrac{1}{2}\sum_j |w_j| + \tfrac{1}{2}\sum_j w_j^2\right)")
