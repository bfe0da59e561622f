"""The pictures of the gallery, sent over the reader's own connection and kept nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

_HTML = (
    '<div class="lab-gallery"><div class="rows"></div><p class="note"></p>'
    '<div class="legend" hidden><div class="bar"></div>'
    '<div class="ticks"><span>−1 暗くなった</span><span>−0.25</span><span>0</span>'
    "<span>+0.25</span><span>+1 明るくなった</span></div></div></div>"
)
_HERE = Path(__file__).parent
_grid = st.components.v2.component(
    "lab_gallery",
    html=_HTML,
    css=(_HERE / "gallery_grid.css").read_text(encoding="utf-8"),
    js=(_HERE / "gallery_grid.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Cell:
    """A picture as JPEG (None: not there yet), what stands under it, and what it shows to the blind."""

    picture: bytes | None
    caption: str
    alt: str
    mark: str = ""


def _source(picture: bytes | None) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode() if picture else ""


def show(rows: Sequence[tuple[str, Sequence[Cell]]], *, narrow: bool, legend: bool, note: str) -> None:
    """Show titled rows of pictures, ``narrow`` ones five in a row on a phone too.

    ``legend`` is that of the colours of differences, ``note`` a sentence beneath.
    """
    told = [
        {
            "title": title,
            "cells": [
                {"src": _source(c.picture), "caption": c.caption, "alt": c.alt, "mark": c.mark} for c in cells
            ],
        }
        for title, cells in rows
    ]
    _grid(key="au_g_grid", data={"rows": told, "narrow": narrow, "legend": legend, "note": note})
