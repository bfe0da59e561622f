"""The experiment 「さかのぼる勾配」: what is left of the gradient on its way back through time."""

from __future__ import annotations

from pages.parts.vitals import backtime_clip, backtime_fresh, backtime_trained
from pages.ui import lesson

PARTS = {
    "学習前に測る": backtime_fresh.show,
    "学習しながら測る": backtime_trained.show,
    "爆発を止める": backtime_clip.show,
}


def show() -> None:
    """Show gradients before training, during it, or a training whose gradient explodes."""
    part = lesson.part("見かた", PARTS, "vb_part")
    PARTS[part]()
