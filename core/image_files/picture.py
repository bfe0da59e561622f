"""What is kept of a reader's picture: a small grid of numbers and a window, none of the file's words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

SIDE = 256
MAX_BYTES = 5 * 2**20
MAX_PIXELS = 25_000_000
MAX_EDGE = 20_000
MIN_EDGE = 8

Values = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


class Refused(ValueError):  # noqa: N818 - a message to the reader, not a failure
    """The file is not taken. The message is Japanese, says what to change, and quotes nothing of the file."""


@dataclass(frozen=True)
class PictureFile:
    """The bytes of a file, on their way to a worker. They never show in a message or a log."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A picture no longer than ``SIDE`` on its longer edge.

    Attributes:
        values: brightness or measured values, (height, width) or (height, width, 3) for colours.
        low, high: the window at first: what is shown black and what white.
        lowest, highest: the values that a window can be moved over.
        adjustable: whether the values go beyond 8 bits, so that a window is worth choosing.
        inverted: whether low values are shown white (MONOCHROME1).
        kind: what the file was: PNG, JPEG, GIF, WEBP or DICOM.
        notes: what was done to the picture, in Japanese sentences.
    """

    values: Values
    low: float = 0.0
    high: float = 255.0
    lowest: float = 0.0
    highest: float = 255.0
    adjustable: bool = False
    inverted: bool = False
    kind: str = "PNG"
    notes: tuple[str, ...] = ()


def require_edges(width: int, height: int, most: int = MAX_PIXELS) -> None:
    """Check the size that a header claims, at most ``most`` pixels, before anything is decoded.

    Raises:
        Refused: it is too large or too small.
    """
    if width * height > most or max(width, height) > MAX_EDGE:
        raise Refused(
            f"画像が大きすぎます(幅 {width:,} × 高さ {height:,} 画素)。"
            f"合計 {most // 10_000:,} 万画素までです。"
            "長い辺を 2,000 画素ほどに縮小して保存し直してください。"
        )
    if min(width, height) < MIN_EDGE:
        raise Refused(
            f"画像が小さすぎます(幅 {width:,} × 高さ {height:,} 画素)。"
            f"縦も横も {MIN_EDGE} 画素以上の画像を選んでください。"
        )


def shrunk(values: npt.NDArray[np.generic]) -> Values:
    """Fit a grid (height, width[, 3]) to ``SIDE`` on its longer edge; blocks of pixels are averaged first."""
    from PIL import Image

    block = max(1, max(values.shape[:2]) // (2 * SIDE))
    if 1 < block <= min(values.shape[:2]):
        height, width = (edge // block * block for edge in values.shape[:2])
        total = np.zeros((height // block, width // block, *values.shape[2:]), dtype=np.float32)
        for row in range(block):
            for column in range(block):
                total += values[row:height:block, column:width:block]
        values = total / np.float32(block * block)
    scale = SIDE / max(values.shape[:2])
    height, width = (max(1, round(edge * scale)) for edge in values.shape[:2])
    planes = values.astype(np.float32).reshape(*values.shape[:2], -1)
    fitted = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(planes[..., channel])).resize(
                (width, height), Image.Resampling.BILINEAR
            ),
            dtype=np.float32,
        )
        for channel in range(planes.shape[2])
    ]
    return fitted[0] if len(fitted) == 1 else np.stack(fitted, axis=-1)


def windowed(values: Values, *, notes: tuple[str, ...], inverted: bool = False, **window: float) -> Picture:
    """Make a picture whose window is ``low`` and ``high``, or else leaves 1 % out at either end."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise Refused("画像に数値が入っていません。別の画像を選んでください。")
    values = np.nan_to_num(
        values, nan=float(finite.min()), posinf=float(finite.max()), neginf=float(finite.min())
    )
    low, high = (float(q) for q in np.percentile(finite, [1, 99]))
    low, high = window.get("low", low), window.get("high", high)
    if not (math.isfinite(low) and math.isfinite(high) and high - low > 1e-6):
        low, high = float(finite.min()), float(finite.max())
    if high - low < 1e-6:
        raise Refused("画像全体が同じ明るさで、写っているものがありません。別の画像を選んでください。")
    return Picture(
        values=values,
        low=low,
        high=high,
        lowest=min(low, float(finite.min())),
        highest=max(high, float(finite.max())),
        adjustable=True,
        inverted=inverted,
        notes=notes,
    )


def shown(picture: Picture, low: float | None = None, high: float | None = None) -> Bytes:
    """Show a picture through a window, in the middle of a black square.

    Returns:
        Bytes of shape (1 or 3, SIDE, SIDE).
    """
    low = picture.low if low is None else low
    high = picture.high if high is None else high
    bright = np.clip((picture.values - low) / max(high - low, 1e-6), 0, 1)
    if picture.inverted:
        bright = 1 - bright
    height, width = bright.shape[:2]
    planes = np.moveaxis(bright.reshape(height, width, -1), -1, 0)
    square = np.zeros((len(planes), SIDE, SIDE), dtype=np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    square[:, top : top + height, left : left + width] = np.round(planes * 255)
    return square
