"""Lesson 正則化: L2 in the loss against decoupled weight decay."""

import streamlit as st


def show() -> None:
    """Show the experiment."""
    st.info("準備中です。")
