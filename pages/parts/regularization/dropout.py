"""Lesson 正則化: units that rest, train() and eval()."""

from __future__ import annotations

from pages.parts.regularization import dropout_forget, dropout_ones, dropout_rest
from pages.ui import lesson

PARTS = {
    "休む様子": dropout_rest.show,
    "train() と eval()": dropout_ones.show,
    "eval() を忘れる": dropout_forget.show,
}


def show() -> None:
    """Show who rests, what the others pass on, and what happens if the rest goes on after training."""
    part = lesson.part("ドロップアウトの実験", PARTS, "rg_o_part")
    PARTS[part]()
