"""The experiment 「さかのぼる勾配」: what is left of the gradient on its way back through time."""

from __future__ import annotations

import streamlit as st

from pages.parts.vitals import backtime_clip, backtime_fresh, backtime_trained

PARTS = {
    "学習前に測る": backtime_fresh.show,
    "学習しながら測る": backtime_trained.show,
    "爆発を止める": backtime_clip.show,
}


def show() -> None:
    """Show gradients before training, during it, or a training whose gradient explodes."""
    part = st.segmented_control(
        "見かた",
        list(PARTS),
        default=next(iter(PARTS)),
        required=True,
        key="vb_part",
        bind="query-params",
        label_visibility="collapsed",
    )
    PARTS[part]()
