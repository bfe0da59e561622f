"""Lesson 活性化関数, second experiment: layers without activation are one layer, which cannot bend."""

from __future__ import annotations

from pages.parts.activations import activation_bend, activation_stack
from pages.ui import side_by_side as parts


def show() -> None:
    """Let the reader multiply a stack out, or train one on a risk that is U-shaped."""
    tasks = {"掛け合わせて1枚にする": activation_stack.show, "U字のリスクを学ばせる": activation_bend.show}
    parts.choice("課題", tasks, "ac_l_task")()
