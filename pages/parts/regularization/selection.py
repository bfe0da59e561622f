"""Lesson 正則化: real markers among useless ones."""

import streamlit as st


def show() -> None:
    """Show the experiment."""
    st.info("準備中です。")
