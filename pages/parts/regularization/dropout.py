"""Lesson 正則化: units that rest, train() and eval()."""

from __future__ import annotations

import streamlit as st

from pages.parts.regularization import dropout_forget, dropout_ones, dropout_rest

PARTS = {
    "休む様子": dropout_rest.show,
    "train() と eval()": dropout_ones.show,
    "eval() を忘れる": dropout_forget.show,
}


def show() -> None:
    """Show who rests, what the others pass on, and what happens if the rest goes on after training."""
    part = st.segmented_control(
        "ドロップアウトの実験",
        list(PARTS),
        default="休む様子",
        required=True,
        key="rg_o_part",
        bind="query-params",
        label_visibility="collapsed",
    )
    PARTS[part]()
