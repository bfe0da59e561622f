"""Lesson データ拡張: transforms that change the answer."""

import streamlit as st


def show() -> None:
    """Show the experiment."""
    st.info("準備中です。")
