"""The three kinds of cell, their names and colours, and what the experiments on memory share."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import streamlit as st

from core.history import Row
from core.specs import TrainingSpec
from pages.ui import compare, text
from pages.ui import workings as written

CELLS = ("rnn", "lstm", "gru")
NAMES = tuple(text.CELL_LABELS[cell] for cell in CELLS)
COLOURS = ("#2D8BD0", "#D55E00", "#009E73")


def colour(names: Sequence[str] = NAMES, colours: Sequence[str] = COLOURS, columns: int = 3) -> alt.Color:
    """Return the colour of a line by its name."""
    return alt.Color(
        "name:N",
        scale=alt.Scale(domain=list(names), range=list(colours)),
        legend=alt.Legend(
            orient="top",
            title=None,
            columns=columns,
            labelLimit=200,
            symbolType="stroke",
            symbolOpacity=1,
            symbolStrokeWidth=3,
        ),
    )


def size(value: float) -> str:
    """Write a size that may be tiny or huge: 「2.9×10⁻²²」."""
    return written.scientific(value)


def tex(value: float) -> str:
    """Write a size for LaTeX."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}"


def seeds_told(trainings: Sequence[TrainingSpec]) -> str:
    """Name the seeds of runs for a table of pins."""
    seeds = sorted({training.seed for training in trainings})
    return f"種 {seeds[0]}" + (f"〜{seeds[-1]}" if len(seeds) > 1 else "")


def pin(
    page: str,
    names: Sequence[str],
    settings: dict[str, str],
    results: Sequence[dict[str, float | str | None]],
    rows: Sequence[Row],
) -> None:
    """Offer to pin one of the runs of ``names``; the runs of a row are those of ``names``, over and over."""
    if not rows:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("比較に残す学習", names, key=f"{page}/pinned", width=220)
        place = list(names).index(name)
        compare.pin_button(
            page,
            name,
            {"学習": name, **settings},
            results[place],
            rows[-1][place].seconds,
            [row[place :: len(names)] for row in rows],
        )
