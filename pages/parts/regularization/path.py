"""Lesson 正則化: coefficient paths over the strength of a penalty."""

import streamlit as st


def show() -> None:
    """Show the experiment."""
    st.info("準備中です。")
