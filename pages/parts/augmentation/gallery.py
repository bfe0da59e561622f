"""Lesson データ拡張: gallery of one picture and nine variants."""

import streamlit as st


def show() -> None:
    """Show the experiment."""
    st.info("準備中です。")
