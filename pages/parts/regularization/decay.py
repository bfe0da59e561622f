"""Lesson 正則化: L2 in the loss against decoupled weight decay."""

import streamlit as st

from pages.parts.regularization import decay_race, decay_two

PARTS = {"2つの重みで見る": decay_two.show, "ネットワークで競わせる": decay_race.show}


def show() -> None:
    """Show the two weights, or the race of networks."""
    part = st.segmented_control(
        "見かた",
        list(PARTS),
        default=next(iter(PARTS)),
        required=True,
        key="rg_d_part",
        bind="query-params",
        label_visibility="collapsed",
    )
    PARTS[part]()
