"""A chart of many steps with a ▶ bar beneath it that moves through them inside the browser.

The chart holds every step and shows the one named by its parameter ``step``. Vega draws a slider for that
parameter; the bar moves this slider and hides it (full screen, where the bar is covered, shows it). So
playing sends nothing to the server, whatever the number of readers.
"""

from __future__ import annotations

import re
from pathlib import Path

import altair as alt
import pyarrow as pa
import streamlit as st

from pages.ui import charts

SPEEDS = ("0.5", "1", "2", "4")
_ICONS = {
    "start": ("最初に戻る", '<path d="M6 6h2v12H6zm3.5 6 8.5 6V6z"/>'),
    "back": ("1つ戻る", '<path d="M15.41 7.41 14 6l-6 6 6 6 1.41-1.41L10.83 12z"/>'),
    "toggle": (
        "再生",
        '<path class="lab-player-play" d="M8 5v14l11-7z"/>'
        '<path class="lab-player-pause" d="M6 19h4V5H6zm8-14v14h4V5z"/>',
    ),
    "forward": ("1つ進む", '<path d="M10 6 8.59 7.41 13.17 12l-4.58 4.59L10 18l6-6z"/>'),
}


def _html() -> str:
    """Return the bar, the same for every player: what differs reaches the script as data."""
    buttons = "".join(
        f'<button type="button" data-action="{action}" aria-label="{label}" title="{label}">'
        f'<svg viewBox="0 0 24 24" aria-hidden="true">{icon}</svg></button>'
        for action, (label, icon) in _ICONS.items()
    )
    speeds = "".join(
        f'<option value="{speed}"{" selected" if speed == "1" else ""}>×{speed}</option>' for speed in SPEEDS
    )
    return (
        '<div class="lab-player" role="toolbar" aria-label="再生の操作" tabindex="-1">'
        f'<div class="lab-player-buttons">{buttons}</div>'
        '<span class="lab-player-count"></span>'
        '<input type="range" min="0" step="1" value="0">'
        f'<select aria-label="再生の速さ" title="再生の速さ">{speeds}</select>'
        "</div>"
    )


_HERE = Path(__file__).parent
_bar = st.components.v2.component(
    "lab_player",
    html=_html(),
    css=(_HERE / "player.css").read_text(encoding="utf-8"),
    js=(_HERE / "player.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # the bar looks for its chart, and hides its slider
)


def step_param(steps: int, label: str = "ステップ") -> alt.Parameter:
    """Return the parameter that says which step, 0 to ``steps``, a chart shows.

    Use it as ``alt.datum.step == step`` in a filter or condition, and once in ``add_params``.
    ``label`` names the chart's own slider, seen in full screen only. ValueError without a step to play.
    """
    if steps < 1:
        raise ValueError(f"再生するステップが 1 つ以上必要です(steps={steps})。")
    return alt.param(name="step", value=0, bind=alt.binding_range(min=0, max=steps, step=1, name=f"{label} "))


def play(
    spec: charts.Spec,
    rows: pa.Table,
    *,
    steps: int,
    key: str,
    alt_text: str,
    label: str = "ステップ",
    speed: int = 10,
) -> None:
    """Draw ``spec`` with the data ``rows``, and under it the bar that plays steps 0 to ``steps``.

    ``spec`` contains ``step_param(steps)``; a chart without it shows still. ``key`` is unique on the page
    and stays the same while the chart is the same, so that a rerun keeps the place. ``label`` is what a
    step is called; ``speed`` is in steps a second, at ×1. Beyond the screen's frame rate, steps are skipped.
    """
    block = f"{key}/player"
    with st.container(key=block, gap="xsmall"):
        charts.draw(spec, rows, alt_text, key=f"{key}/chart")
        bar(block, steps=steps, key=f"{key}/bar", label=label, speed=speed)


def bar(block: str, *, steps: int, key: str, label: str = "ステップ", speed: int = 10) -> None:
    """Draw the bar alone; call it inside the container whose key is ``block``.

    It moves what else is there and has an ``<input name="step">`` within a ``.vega-bindings``: a chart, or
    a component of one's own.
    """
    _bar(key=key, data={"steps": steps, "speed": speed, "label": label, "block": css_class(block)})


def css_class(key: str) -> str:
    """Return the CSS class that Streamlit gives to the container of this key."""
    return "st-key-" + re.sub(r"[^a-zA-Z0-9_-]", "-", key.strip())
