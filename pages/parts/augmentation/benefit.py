"""Lesson データ拡張: a small network trained with and without augmentation."""

import streamlit as st


def show() -> None:
    """Show the experiment."""
    st.info("準備中です。")
