import re
import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import altair as alt
import pytest

from pages.parts.augmentation.pairs import COLOURS as PAIRS
from pages.ui import charts, ink

CONFIG = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text("utf-8"))
THEMES = CONFIG["theme"]
PALETTE = sorted({*charts.COLOURS.values(), *charts.PIN_COLOURS, *charts.LOSS_COLOURS.values()})
LIGHT, DARK = ink.PAPERS


def over(colour: str, paper: str, opacity: float) -> str:
    """Return what is seen of a colour that lets the paper through."""
    pairs = zip(*([int(each[i : i + 2], 16) for i in (1, 3, 5)] for each in (colour, paper)), strict=True)
    return "#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02X}" for a, b in pairs)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert ink.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert ink.contrast("#777777", "#FFFFFF") == pytest.approx(4.478, abs=1e-3)  # WCAG's own near miss
    assert ink.contrast("#FF0000", "#FFFFFF") == pytest.approx(3.998, abs=1e-3)
    assert ink.contrast("#2D8BD0", "#2D8BD0") == 1


def test_the_papers_are_those_of_the_theme() -> None:
    assert tuple(THEMES[name]["backgroundColor"] for name in ("light", "dark")) == ink.PAPERS


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_words_links_and_buttons_of_the_theme_can_be_read(name: str) -> None:
    theme = THEMES[name]
    papers = ("backgroundColor", "secondaryBackgroundColor")
    for paper, colour in product(papers, ("textColor", "primaryColor")):
        assert ink.contrast(theme[paper], theme[colour]) >= ink.READABLE, (paper, colour)


@pytest.mark.parametrize("colour", PALETTE)
def test_every_colour_of_a_chart_has_a_readable_one_of_its_hue_for_words(colour: str) -> None:
    for paper in ink.PAPERS:
        found = ink.readable(colour, paper)
        assert ink.contrast(found, paper) >= 4.5
        if ink.contrast(colour, paper) >= 4.5 * ink.MARGIN:
            assert found == colour
    assert ink.contrast(colour, "#000000") >= 4.5  # what is written on a tile of this colour is black


def test_words_in_a_chart_get_readable_colours_and_nothing_else_changes() -> None:
    base = alt.Chart(alt.NamedData("rows")).encode(x="x:Q", y="y:Q")
    colour = alt.Color("name:N", scale=alt.Scale(domain=["検証", '"学習"'], range=["#D55E00", "#2D8BD0"]))
    when = alt.condition("datum.x > 1", alt.value("#8A8F94"), alt.value("black"))
    spec: dict[str, Any] = charts.finish(
        alt.layer(
            base.mark_line(color="#E69F00").encode(color=colour),
            base.mark_text(color="#E69F00"),
            base.mark_text().encode(color=colour),
            base.mark_text().encode(color=when),
            base.mark_text(color="#FFFFFF", stroke="#16181B"),
        ),
        100,
    )
    line, fixed, named, chosen, outlined = spec["layer"]
    assert line["mark"]["color"] == "#E69F00"
    assert line["encoding"]["color"]["scale"]["range"] == ["#D55E00", "#2D8BD0"]
    assert shades(fixed["mark"]["color"]["expr"]) == [ink.readable("#E69F00", each) for each in ink.PAPERS]
    assert "color" not in named["encoding"]
    expected = [ink.readable(each, paper) for paper in ink.PAPERS for each in ("#D55E00", "#2D8BD0")]
    assert shades(named["mark"]["color"]["expr"]) == expected
    assert r'"\"学習\""' in named["mark"]["color"]["expr"]
    assert chosen["encoding"]["color"]["value"] == "black"
    told = chosen["encoding"]["color"]["condition"]["value"]["expr"]
    assert shades(told) == [ink.readable("#8A8F94", each) for each in ink.PAPERS]
    assert outlined["mark"]["color"] == "#FFFFFF"


def shades(expression: str) -> list[str]:
    """Return the colours in an expression."""
    return re.findall(r"#[0-9A-F]{6}", expression)


@pytest.mark.parametrize(("colour", "change"), [(charts.COLOURS["学習"], 0.84), (PAIRS[1], 0.89)])
def test_counts_on_cells_of_any_strength_can_be_read(colour: str, change: float) -> None:
    for hundredth in range(1, 101):
        share = hundredth / 100
        opacity = 0.04 + 0.96 * share
        assert ink.contrast(over(colour, LIGHT, opacity), "#000000") >= 4.5
        word = "#000000" if share > change else "#FFFFFF"
        assert ink.contrast(over(colour, DARK, opacity), word) >= 4.4, share
