"""Lesson 正則化: units that rest, train() and eval()."""

import streamlit as st


def show() -> None:
    """Show the experiment."""
    st.info("準備中です。")
