"""A map of a landscape, or its curve, on which walkers go downhill inside the browser.

The ground is drawn once per landscape as vector outlines; each walker's whole path travels with it. The ▶
bar of ``player`` moves them, so playing sends nothing to the server, whatever the number of readers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path as File
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from core import contours
from core.landscape import LANDSCAPES, Path
from core.surfaces import Array
from pages.ui import charts, player

ARROW_COLOURS = [charts.PIN_COLOURS[4], charts.PIN_COLOURS[0], charts.PIN_COLOURS[3], charts.PIN_COLOURS[5]]
CURVE_RATIO = 0.68
_STEP_LABELS = {"歩": "歩数"}
FAR = 1e30  # float32 ends at 3.4e38


@dataclass(frozen=True, kw_only=True)
class Walker:
    """Somebody on the map: where they went, and what to show of each position.

    ``arrows`` maps a label to vectors (rows, dimension) in weight space, drawn from the position at the
    step shown; their length on the map goes with the square root of their size. ``facts`` maps a label to
    numbers (rows,) for the panel beside the map. A gradient of NaN is not shown.
    """

    name: str
    colour: str
    path: Path
    arrows: Mapping[str, Array] = field(default_factory=dict)
    facts: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the walkers walk on, ready to be drawn.

    Attributes:
        domain: lowest and highest value of each weight, one for a curve, two for a map.
        heights: lowest and highest loss; a curve is drawn between them.
        shapes: SVG path data from 0 to 1000, see ``core.contours``: the curve, or a region a level.
        deepest: points to mark as the lowest, ``shallow`` as other minima.
        slope: size of a steep gradient here, for the words about the slope; 0 for none.
        titles: of the horizontal and the vertical axis.
        ratio: height of the picture over its width.
    """

    domain: tuple[tuple[float, float], ...]
    heights: tuple[float, float]
    shapes: tuple[str, ...]
    deepest: tuple[tuple[float, ...], ...] = ()
    shallow: tuple[tuple[float, ...], ...] = ()
    slope: float = 0.0
    titles: tuple[str, str] = ("重み w₁", "重み w₂")
    ratio: float = 1.0

    def json(self) -> str:
        """Return all of it for the browser."""
        return json.dumps(asdict(self), separators=(",", ":"))


def _html() -> str:
    """Return the empty stage, the same for every map: what differs reaches the script as data."""
    return (
        '<div class="lab-terrain"><div class="lab-terrain-stage"></div>'
        '<div class="lab-terrain-panel"></div><p class="lab-terrain-legend"></p>'
        '<div class="vega-bindings" hidden>'
        '<input type="range" name="step" min="0" max="100000" step="1" value="0"></div></div>'
    )


_HERE = File(__file__).parent
_map = st.components.v2.component(
    "lab_terrain",
    html=_html(),
    css=(_HERE / "terrain.css").read_text(encoding="utf-8"),
    js=(_HERE / "terrain.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # the ▶ bar looks for the slider
)
# Apart from the map, whose message stays the same and so is sent only once, however often they walk anew.
_walkers = st.components.v2.component(
    "lab_terrain_walkers",
    html="<span hidden></span>",
    js=(_HERE / "terrain_walkers.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # it looks for the map
)


def show(
    landscape: str | Ground,
    walkers: Sequence[Walker],
    *,
    steps: int,
    key: str,
    alt_text: str,
    fog: bool = False,
    speed: int = 20,
    pick: bool = False,
    unit: str = "歩",
) -> tuple[float, float] | None:
    """Draw the map with the ▶ bar that plays ``steps`` updates; without a step there is no bar.

    A finished walker stays where it ended; one that leaves the map is shown at its edge. With ``fog`` only a
    disc around each walker can be seen. With ``pick`` a click on the map is returned, once, as a point (x, y)
    in weights (on a curve y is the loss clicked at): in the same run as this call, and earlier in it by
    ``picked``. ``unit`` is what a step is called. ``key`` stays the same while the map is the same.
    """
    ground = landscape_ground(landscape) if isinstance(landscape, str) else landscape_json(landscape)
    block = f"{key}/terrain"
    place = player.css_class(block)
    with st.container(key=block, gap="xsmall"):
        _map(
            key=_map_key(key),
            data={"ground": ground, "fog": fog, "pick": pick, "unit": unit, "block": place},
            on_pick_change=_ignore,
        )
        packed = [_packed(walker) for walker in walkers]
        _walkers(key=f"{key}/walkers", data={"walkers": packed, "alt": alt_text, "block": place})
        if steps > 0:
            player.bar(block, steps=steps, key=f"{key}/bar", label=_STEP_LABELS.get(unit, unit), speed=speed)
    return picked(key) if pick else None


def picked(key: str) -> tuple[float, float] | None:
    """Return where the reader has just clicked on the map ``key``, in weights; None if they did not.

    Known from the top of the run on, so that a page can move its sliders before it draws them.
    """
    point = (st.session_state.get(_map_key(key)) or {}).get("pick")
    if not isinstance(point, list | tuple) or len(point) != 2:
        return None
    if not all(isinstance(value, int | float) and np.isfinite(value) for value in point):
        return None
    return float(point[0]), float(point[1])


def _map_key(key: str) -> str:
    return f"{key}/map"


def _ignore() -> None:
    """Make Streamlit know the name of the trigger."""


landscape_json = lru_cache(maxsize=64)(Ground.json)


@lru_cache(maxsize=32)
def landscape_ground(name: str) -> str:
    """Return the ground of a landscape of ``core.surfaces``, for the browser."""
    land = LANDSCAPES[name]
    low, high = land.corners
    minima = np.array(land.minima)
    depths = land.value(minima)
    lowest = depths <= depths.min() + 1e-9
    deepest, shallow = (tuple(tuple(m) for m in minima[which].tolist()) for which in (lowest, ~lowest))
    if land.dimension == 1:
        w = np.linspace(low[0], high[0], 321)[:, None]
        values = land.value(w)
        top = float(np.ceil(values.max() * 1.03))
        return Ground(
            domain=land.domain,
            heights=(0.0, top),
            shapes=(contours.curve(values, 0.0, top),),
            slope=float(np.percentile(np.abs(land.gradient(w)), 75)),
            titles=("重み w", "損失 L"),
            ratio=CURVE_RATIO,
            deepest=deepest,
            shallow=shallow,
        ).json()
    heights, slopes = contours.grid(name)
    return Ground(
        domain=land.domain,
        heights=(float(heights.min()), float(heights.max())),
        shapes=contours.regions(heights, contours.levels(heights)),
        slope=float(np.percentile(slopes, 75)),
        ratio=float((high[1] - low[1]) / (high[0] - low[0])),
        deepest=deepest,
        shallow=shallow,
    ).json()


def _packed(walker: Walker) -> dict[str, Any]:
    """Return a walker for the browser: arrays as little-endian float32 in base64."""
    path = walker.path
    return {
        "name": walker.name,
        "colour": walker.colour,
        "positions": _numbers(path.positions),
        "losses": _numbers(path.losses),
        "gradients": _numbers(path.gradients),
        "arrows": [
            {"label": label, "colour": colour, "vectors": _numbers(vectors)}
            for (label, vectors), colour in zip(walker.arrows.items(), ARROW_COLOURS, strict=False)
        ],
        "facts": [{"label": label, "values": _numbers(values)} for label, values in walker.facts.items()],
    }


def _numbers(values: npt.ArrayLike) -> str:
    kept = np.clip(np.asarray(values, dtype=np.float64), -FAR, FAR).astype("<f4")
    return base64.b64encode(kept.tobytes()).decode("ascii")
