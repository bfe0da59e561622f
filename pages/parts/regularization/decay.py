"""Lesson 正則化: L2 in the loss against decoupled weight decay."""

from pages.parts.regularization import decay_race, decay_two
from pages.ui import lesson

PARTS = {"2つの重みで見る": decay_two.show, "ネットワークで競わせる": decay_race.show}


def show() -> None:
    """Show the two weights, or the race of networks."""
    part = lesson.part("見かた", PARTS, "rg_d_part")
    PARTS[part]()
