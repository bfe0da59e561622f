"""The stage of the playground: a decision map and its network, over the epochs of a run.

The stage itself (patients, columns, sizes) travels once. Each look into the network follows in a small
message of its own, a few a second while it trains; the browser keeps them all, so that moving through the
epochs sends nothing. What a browser has missed it asks for when the run has ended.
"""

from __future__ import annotations

import json
import struct
import uuid
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core import plane
from core.history import Frame
from core.run import Run
from core.specs import TableRunSpec, TableSpec
from pages.ui import plane_view, player, text
from pages.ui.runs import Watched

BUDGET = (
    50_000  # bytes of frames in one refresh while it trains; the rest of the message takes a few thousand
)
PLAY_S = 8.0  # seconds that the whole film takes at ×1


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_stage = st.components.v2.component(
    "lab_playground",
    html=_read("playground.html"),
    css=_read("playground.css"),
    js=plane_view.SCRIPT + _read("playground.js"),
    isolate_styles=False,  # the ▶ bar looks for the slider
)
# Apart from the stage, whose script would otherwise travel with every refresh.
_frames = st.components.v2.component(
    "lab_playground_film", html="<span hidden></span>", js=_read("playground_film.js"), isolate_styles=False
)


class Film:
    """What a browser has been sent of a run's frames. One lives in the session for the run it shows."""

    def __init__(self, run: Run) -> None:
        self.run, self.restarts = run, run.restarts
        self.id = uuid.uuid4().hex[:12]
        self.sent: set[int] = set()
        self._latest: list[int] = []

    def shows(self, run: Run) -> bool:
        """Say whether this is the film of ``run``, which has not begun anew."""
        return self.run is run and self.restarts == run.restarts

    def message(self) -> bytes:
        """Return what the browser needs now: new frames, as many as a refresh may carry; all when done."""
        frames, done = self.run.frames, not self.run.busy
        new = [frame for frame in frames if frame.epoch not in self.sent]
        if done:
            packed = [(frame, _packed(frame)) for frame in new]
        else:
            packed = _within(BUDGET, new)
            if not packed:  # once more, lest a browser that was busy has skipped it
                packed = _within(BUDGET, [frame for frame in frames if frame.epoch in self._latest])
        self._latest = [frame.epoch for frame, _ in packed]
        self.sent.update(self._latest)
        losses = {row[0].number: row[0] for row in self.run.rows}
        head = {
            "film": self.id,
            "done": done,
            "epochs": [frame.epoch for frame in frames if not frame.fleeting],
            "shape": _shape(frames[0]) if frames else None,
            "frames": [
                {
                    "epoch": frame.epoch,
                    "train": _finite(losses[frame.epoch].train_loss) if frame.epoch in losses else None,
                    "validation": (
                        _finite(losses[frame.epoch].validation_loss) if frame.epoch in losses else None
                    ),
                }
                for frame, _ in packed
            ],
        }
        first = json.dumps(head, separators=(",", ":")).encode()
        body = zlib.compress(b"".join(part for _, part in packed), 1) if packed else b""
        return struct.pack("<I", len(first)) + first + body

    def resend(self, epochs: object) -> None:
        """Note that the browser lacks these epochs."""
        if isinstance(epochs, list):
            self.sent -= {epoch for epoch in epochs if isinstance(epoch, int)}


def _within(budget: int, frames: Sequence[Frame]) -> list[tuple[Frame, bytes]]:
    """Return the newest of ``frames`` that fit, at least one if there is any, packed, in their order."""
    kept: list[tuple[Frame, bytes]] = []
    for frame in reversed(frames):
        packed = _packed(frame)
        budget -= len(zlib.compress(packed, 1))
        if kept and budget < 0:
            break
        kept.insert(0, (frame, packed))
    return kept


def _packed(frame: Frame) -> bytes:
    """Return the first network's arrays as bytes; maps as differences along their rows, which pack better."""
    arrays = frame.arrays[0]
    maps = [arrays[name] for name in ("map", "units")]
    slopes = [np.diff(m, axis=-1, prepend=np.uint8(0)) for m in maps]  # uint8 wraps around; so does the sum
    return b"".join(a.tobytes() for a in (*slopes, arrays["weights"], arrays["biases"]))


def _shape(frame: Frame) -> dict[str, int]:
    arrays = frame.arrays[0]
    return {
        "map": plane.MAP_SIDE,
        "unit": plane.UNIT_SIDE,
        "units": len(arrays["units"]),
        "weights": len(arrays["weights"]),
        "biases": len(arrays["biases"]),
    }


def _finite(loss: float | None) -> float | None:
    return loss if loss is not None and np.isfinite(loss) else None


def film_of(slot: str, run: Run) -> Film:
    """Return the film of ``run`` in this session, a new one if the last was of another run."""
    kept = st.session_state.get(f"{slot}/film")
    if not isinstance(kept, Film) or not kept.shows(run):
        kept = st.session_state[f"{slot}/film"] = Film(run)
    return kept


def show(slot: str, spec: TableRunSpec, watched: Watched | None, *, test: bool, discrete: bool) -> None:
    """Draw the stage for ``spec``; with ``watched`` the film of its run and the ▶ bar.

    ``test`` shows the test patients as well, ``discrete`` the class instead of its probability.
    """
    film = film_of(slot, watched.run) if watched else None
    block = f"{slot}/stage"
    with st.container(key=block, gap="xsmall"):
        data = _data(spec.table, spec.model.hidden) | {
            "film": film.id if film else None,
            "test": test,
            "discrete": discrete,
        }
        _stage(key=f"{slot}/drawing", data=data)
        if watched is None or film is None:
            return
        carrier = f"{slot}/frames"
        _frames(key=carrier, data=film.message(), on_lacking_change=lambda: _resend(carrier, film))
        rows = watched.run.rows
        steps = len(rows) if watched.run.done and rows else watched.epochs
        player.bar(
            block, steps=steps, key=f"{slot}/bar", label="エポック", speed=max(1, round(steps / PLAY_S))
        )


def _resend(carrier: str, film: Film) -> None:
    asked = (st.session_state.get(carrier) or {}).get("lacking")
    if isinstance(asked, dict) and asked.get("film") == film.id:
        film.resend(asked.get("epochs"))


@lru_cache(maxsize=64)
def _data(table: TableSpec, hidden: tuple[int, ...]) -> dict[str, Any]:
    """Return what of the stage does not change while it trains."""
    train, test = plane.patients(table)
    labels = [text.COLUMN_LABELS[name] for name in table.columns]
    maps = plane.column_maps(table.columns)
    return {
        "reach": plane.REACH,
        "sizes": list(hidden),
        "columns": [
            {"label": label, "map": plane_view.base64_of(m)} for label, m in zip(labels, maps, strict=True)
        ],
        "points": {"train": plane_view.packed(train), "test": plane_view.packed(test)},
        "alt": (
            f"検査値 A と B の平面。データは「{text.PLANE_LABELS[table.name]}」、"
            f"学習用の患者 {len(train.classes)} 人。橙は病気あり、青は病気なし。"
        ),
    }
