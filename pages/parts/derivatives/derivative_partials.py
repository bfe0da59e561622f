"""Lesson 微分と連鎖律, third experiment: move one input, hold the rest – in a formula, and in a network."""

from __future__ import annotations

from pages.parts.derivatives import derivative_network, derivative_score
from pages.ui import workings as view

PARTS = {"例題の式で": derivative_score.show, "学習したモデルで": derivative_network.show}


def show() -> None:
    """Show the part that the reader has chosen."""
    names = {label: label for label in PARTS}
    PARTS[view.choice("何を微分しますか", names, "dv_part")]()
