"""Lesson データ拡張: augmented curves."""

import streamlit as st


def show() -> None:
    """Show the experiment."""
    st.info("準備中です。")
