"""Lesson 正則化: none, L1, L2, dropout and all on the same seeds."""

import streamlit as st


def show() -> None:
    """Show the experiment."""
    st.info("準備中です。")
