"""The film of the miniature's run, packed for the browser: patients, maps, losses, and what they show."""

from __future__ import annotations

import json
import struct
import zlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core import plane
from core.history import Frame
from core.run import Run
from core.specs import TableRunSpec
from pages.ui import plane_view, text

SHADES = 0xFC  # of a map, as many as an eye tells apart: the film is half as long on its way
WAITING = (
    "小さなネットワークが、まもなくここで学び始めます。点は患者、まだ何も知らないので地図は白いままです。"
)
BUSY = "いまは計算が混み合っています。あとでこのページを開き直すと、ネットワークが学ぶ様子が見られます。"


@lru_cache(maxsize=4)
def message(spec: TableRunSpec, run: Run | None, frames: int, done: bool) -> bytes:
    """Return the first ``frames`` looks of ``run``, the same bytes for all readers.

    Length of the head (uint32), head as JSON, then the maps (frames, side, side), deflated, each but the
    first as its difference to the one before. None for ``run`` when there will be no film.
    """
    train, test = plane.patients(spec.table)
    looks = kept_frames(run)[:frames] if run else []
    maps = np.array([look.arrays[0]["map"] for look in looks], dtype=np.uint8)
    maps = maps.reshape(-1, plane.MAP_SIDE, plane.MAP_SIDE)
    losses = [row[0].train_loss for row in run.rows] if run else []
    right = agreement(maps, test)
    head = {
        "epochs": spec.training.epochs,
        "done": done,
        "frames": len(maps),
        "side": plane.MAP_SIDE,
        "reach": plane.REACH,
        **plane_view.packed(train),
        "losses": [round(loss, 5) for loss in losses],
        "right": [round(share, 4) for share in right],
        "said": sentence(losses, right, len(test.classes), done) if run else BUSY,
        "alt": alternative(len(train.classes), right),
    }
    first = json.dumps(head, separators=(",", ":")).encode()
    changes = np.diff(maps & SHADES, axis=0, prepend=np.uint8(0))  # wraps around; so does the browser's sum
    return struct.pack("<I", len(first)) + first + zlib.compress(changes.tobytes(), 6)


def kept_frames(run: Run) -> list[Frame]:
    """Return the looks that the run keeps."""
    return [frame for frame in run.frames if not frame.fleeting]


def agreement(maps: npt.NDArray[np.uint8], patients: plane.Patients) -> list[float]:
    """Return, for each of the ``maps``, the share of patients who lie on the colour of their class."""
    last = plane.MAP_SIDE - 1
    place = ((patients.points / plane.REACH + 1) / 2 * last).round().astype(int).clip(0, last)
    ill = maps[:, last - place[:, 1], place[:, 0]] > 127
    shares: list[float] = (ill == patients.classes.astype(bool)).mean(axis=1).tolist()
    return shares


def sentence(losses: list[float], right: list[float], patients: int, done: bool) -> str:
    """Say what is seen, with the numbers of the run."""
    if not losses or not right:
        return WAITING
    if not done:
        return (
            "いま、PyTorch のネットワークが学んでいます。"
            "予測、採点、反省、修正をくり返すたびに、地図が塗り変わります。"
        )
    return (
        f"学習に使っていない模擬患者 {patients} 人を地図の色で診断すると、正解は学習前の {right[0]:.0%} から"
        f" {right[-1]:.0%} へ。損失(外れ具合)は {text.number(losses[0])} から {text.number(losses[-1])} へ"
        f"下がりました({len(losses)} エポック)。"
    )


def alternative(patients: int, right: list[float]) -> str:
    """Describe the map for those who do not see it."""
    said = (
        f"検査値 A と B の平面に、学習用の模擬患者 {patients} 人。橙は病気あり、青は病気なしで、"
        "病気ありの人は中央に、病気なしの人はそのまわりに輪のように並びます。"
    )
    if len(right) < 2:
        return said
    return said + (
        "ネットワークの診断が平面を塗り分け、"
        f"色の合う人の割合は {right[0]:.0%} から {right[-1]:.0%} に変わります。"
    )
