"""Contour regions and curves of a surface as SVG path data, small enough to send to a browser."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from core.surfaces import LANDSCAPES

Array = npt.NDArray[np.float64]

SIZE = 1000
"""Paths are written in whole numbers from 0 to SIZE, left to right and top to bottom."""

LEVELS = 14
MOST_SKEWED = 8.0


def levels(heights: Array, count: int = LEVELS) -> Array:
    """Choose ``count`` heights, rising, at which to draw a surface; (count,).

    They are low + (high - low) · tᵖ for evenly spaced t, with p such that half of the surface lies below
    the middle one: evenly spaced on a bowl, crowded near the ground where a few walls are very high. Of
    a plateau, most of which is high, they stay evenly spaced, so that it looks as flat as it is.
    """
    known = heights[np.isfinite(heights)]
    low, high = float(known.min()), float(known.max())
    if high <= low:
        return np.full(count, high)
    middle = (float(np.median(known)) - low) / (high - low)
    power = np.log(max(middle, 1e-12)) / np.log(0.5)
    share = np.arange(1, count + 1) / (count + 1)
    return np.asarray(low + (high - low) * share ** np.clip(power, 1.0, MOST_SKEWED))


def regions(heights: Array, at: Array) -> tuple[str, ...]:
    """Return, for each height of ``at``, the outline of what lies below it, as SVG path data.

    ``heights`` (rows, columns) lie on an even grid; the first row is the lowest value of the vertical axis.
    Holes run the other way round, so fill with the rule "evenodd". Heights that are no number are high.
    """
    from contourpy import FillType, contour_generator

    known = np.nan_to_num(heights, nan=np.inf, posinf=np.inf)
    walls = float(known[np.isfinite(known)].max()) if np.isfinite(known).any() else 0.0
    ground = np.minimum(known, walls)
    ys, xs = (np.linspace(0, SIZE, size) for size in ground.shape)
    generator: Any = contour_generator(xs, ys[::-1], ground, fill_type=FillType.OuterOffset)
    bottom = float(ground.min()) - 1.0
    outlines = []
    for level in at:
        polygons, offsets = generator.filled(bottom, max(float(level), bottom + 0.5))
        pieces = [
            path_data(points[a:b], close=True)
            for points, ends in zip(polygons, offsets, strict=True)
            for a, b in pairwise(ends)
        ]
        outlines.append("".join(pieces))
    return tuple(outlines)


def path_data(points: npt.ArrayLike, close: bool = False) -> str:
    """Write points (n, 2) as SVG path data in whole numbers; neighbours that fall together are one."""
    whole = np.rint(np.asarray(points, dtype=np.float64)).astype(np.int64)
    moved = np.any(np.diff(whole, axis=0) != 0, axis=1)
    whole = whole[np.concatenate([[True], moved])]
    if len(whole) > 2:  # a point halfway on a straight line says nothing
        before, after = np.diff(whole[:-1], axis=0), np.diff(whole[1:], axis=0)
        straight = np.all(before == after, axis=1)
        whole = whole[np.concatenate([[True], ~straight, [True]])]
    if close and len(whole) < 3:
        return ""
    steps = np.diff(whole, axis=0).ravel().tolist()
    text = f"M{whole[0, 0]},{whole[0, 1]}l" + ",".join(map(str, steps))
    return text.replace(",-", "-") + ("z" if close else "")


def curve(values: Array, low: float, high: float) -> str:
    """Return evenly spaced ``values`` (n,) as a line whose box spans ``low`` (bottom) to ``high`` (top)."""
    across = np.linspace(0, SIZE, len(values))
    up = SIZE * (1 - (values - low) / (high - low))
    return path_data(np.column_stack([across, up]))


@lru_cache(maxsize=32)
def grid(landscape: str, points: int = 121) -> tuple[Array, Array]:
    """Return the losses (rows, columns) of a landscape of two weights, and the size of their gradients."""
    (x_low, x_high), (y_low, y_high) = LANDSCAPES[landscape].domain
    x, y = np.meshgrid(np.linspace(x_low, x_high, points), np.linspace(y_low, y_high, points))
    where = np.stack([x, y], axis=-1)
    slopes = np.linalg.norm(LANDSCAPES[landscape].gradient(where), axis=-1)
    return LANDSCAPES[landscape].value(where), slopes
