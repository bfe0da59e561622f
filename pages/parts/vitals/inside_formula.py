"""The recurrence of a cell in LaTeX, and the last line of a window with its numbers."""

from __future__ import annotations

import streamlit as st

from core.inside import Array, Network
from pages.ui.workings import tex

_RECURRENCES: dict[str, list[str]] = {
    "rnn": [r"h_t = \tanh(W_{xh} x_t + b_{xh} + W_{hh} h_{t-1} + b_{hh})"],
    "lstm": [
        r"i, f, o = \sigma(W_x x_t + b_x + W_h h_{t-1} + b_h),\qquad g = \tanh(\cdots)",
        r"c_t = f \odot c_{t-1} + i \odot g,\qquad h_t = o \odot \tanh(c_t)",
    ],
    "gru": [
        r"r, z = \sigma(W_x x_t + b_x + W_h h_{t-1} + b_h)",
        r"n = \tanh(W_{xn} x_t + b_{xn} + r \odot (W_{hn} h_{t-1} + b_{hn}))",
        r"h_t = (1 - z) \odot n + z \odot h_{t-1}",
    ],
}


WRITTEN = 8
"""Units up to which every product is written out."""


def show(net: Network, state: Array, place: int) -> None:
    """Show the recurrence, and the forecast of window ``place`` (from 1) whose last state is ``state``."""
    with st.expander("数式で見る(この窓の数字)"):
        for line in _RECURRENCES[net.cell]:
            st.latex(line)
        st.markdown(f"{place} 番目の窓を読み終えたときの h を入れると")
        st.latex(_answer(net, state))
        if (net.mean, net.sd) != (0.0, 1.0):
            output = float(state @ net.w_hy + net.b_y)
            st.markdown("標準化をもとに戻すと")
            st.latex(rf"\hat y \times {tex(net.sd, 3)} + {tex(net.mean, 3)} = {tex(net.unscale(output), 3)}")


def _answer(net: Network, state: Array) -> str:
    products = state * net.w_hy
    output = float(products.sum() + net.b_y)
    result = rf"{tex(float(products.sum()), 3)} + {tex(net.b_y, 3)} = {tex(output, 3)}"
    if net.hidden > WRITTEN:
        return rf"\hat y = \sum_{{k=1}}^{{{net.hidden}}} w_k h_k + b_y = {result}"
    terms = [rf"{tex(w, 2)} \times {tex(h, 2)}" for w, h in zip(net.w_hy, state, strict=True)]
    pairs = [" + ".join(terms[k : k + 2]) for k in range(0, len(terms), 2)]
    sums = r" \\ &\quad + ".join(pairs)
    return (
        r"\begin{aligned} \hat y &= \sum_k w_k h_k + b_y \\ &= "
        + sums
        + rf" + {tex(net.b_y, 3)} \\ &= {result} \end{{aligned}}"
    )
