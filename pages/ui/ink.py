"""Colours of words in charts: the hue of what they name, dark on the light page and light on the dark one.

Words must be 4.5 : 1 against what they stand on (WCAG 2.2, 1.4.3). A spec is built once for all readers,
whatever their theme; Vega knows the page's colour as its signal ``background``.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

PAPERS = ("#FFFFFF", "#10161C")  # the page's background, light and dark, as in .streamlit/config.toml
READABLE = 4.5
MARGIN = 1.03  # what anti-aliasing and rounding may take
LIGHT = "luminance(background) > 0.4"
PLAIN = f"{LIGHT} ? '#4A5560' : '#B0BAC4'"  # the words on axes and in legends

Spec = dict[str, Any]


def _channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour ``#RRGGBB``, from 0 for black to 1 for white."""
    parts = (value / 255 for value in _channels(colour))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 (the same) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=256)
def readable(colour: str, paper: str) -> str:
    """Return ``colour`` mixed with black or white, just as far as words need to be read on ``paper``."""
    end = 0 if luminance(paper) > 0.18 else 255
    for percent in range(100):
        mixed = [round(value + (end - value) * percent / 100) for value in _channels(colour)]
        found = "#" + "".join(f"{value:02X}" for value in mixed)
        if contrast(found, paper) >= READABLE * MARGIN:
            return found
    raise ValueError(f"{paper} の上で読める色がありません。")


def on_page(colour: str) -> str:
    """Return the Vega expression of ``colour`` as it can be read on the page of the moment."""
    light, dark = (readable(colour, paper) for paper in PAPERS)
    return f"{LIGHT} ? '{light}' : '{dark}'"


def _by_name(field: str, colours: dict[str, str]) -> str:
    """Return the Vega expression of the colour that belongs to the value of ``field``."""
    tables = [
        json.dumps({name: readable(colour, paper) for name, colour in colours.items()}, ensure_ascii=False)
        for paper in PAPERS
    ]
    return f"({LIGHT} ? {tables[0]} : {tables[1]})[datum[{json.dumps(field)}]]"


def make_readable(spec: Spec) -> None:
    """Give all words in a Vega-Lite spec colours that can be read on the page, in place.

    Words in black, white or with an outline stand on something else and stay as they are.
    """
    _color_marks(spec)
    config = spec.setdefault("config", {})
    for part in ("axis", "legend", "header"):
        for words in ("labelColor", "titleColor"):
            config.setdefault(part, {})[words] = {"expr": PLAIN}


def _color_marks(part: Any) -> None:
    if isinstance(part, list):
        for each in part:
            _color_marks(each)
        return
    if not isinstance(part, dict):
        return
    mark = part.get("mark")
    if isinstance(mark, dict) and mark.get("type") == "text" and "stroke" not in mark:
        _write(mark, part.get("encoding", {}))
        return
    for each in part.values():
        _color_marks(each)


def _write(mark: Spec, encoding: Spec) -> None:
    if _is_hue(mark.get("color")):
        mark["color"] = {"expr": on_page(mark["color"])}
    colour = encoding.get("color")
    if not isinstance(colour, dict):
        return
    scale = colour.get("scale") or {}
    if "field" in colour and isinstance(scale.get("range"), list) and all(map(_is_hue, scale["range"])):
        names = dict(zip(scale["domain"], scale["range"], strict=False))
        mark["color"] = {"expr": _by_name(colour["field"], names)}
        del encoding["color"]
        return
    conditions = colour.get("condition", [])
    for each in [colour, *(conditions if isinstance(conditions, list) else [conditions])]:
        if _is_hue(each.get("value")):
            each["value"] = {"expr": on_page(each["value"])}


def _is_hue(colour: Any) -> bool:
    return isinstance(colour, str) and len(colour) == 7 and colour[0] == "#" and colour.upper() != "#FFFFFF"
