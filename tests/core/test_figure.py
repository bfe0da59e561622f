"""Figures are opened again: by Pillow, by an XML parser, and the fonts inside of a PDF by fontTools."""

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from PIL import Image

from core.figure import FOOT, Band, CannotDraw, Chart, Kind, Line, broken, figure
from core.gallery_sheet import font_file

ROOT = Path(__file__).parents[2]
X = np.arange(60.0)
WAVE = np.sin(X / 5).astype(np.float32)
CHART = Chart(
    lines=(
        Line(name="実測値", x=X, y=WAVE, colour="#8A8F94"),
        Line(name="予測 LSTM", x=X, y=WAVE + 0.1, colour="#009E73"),
        Line(name="直前の値", x=X, y=np.roll(WAVE, 1), colour="#CC79A7", dashed=True),
    ),
    bands=(Band(name="90%の区間", x=X, low=WAVE - 1, high=WAVE + 1),),
    x_title="経過時間(秒)",
    y_title="心拍数(回/分)",
    title="LSTM による次の値の予測(テスト区間)",
    settings="例題の波形・窓 10 点・32 ユニット",
)
HOSTILE = "=x $\\frac{ </svg> & -- __ 😀 \x00\x1b\n改行" * 9


def coloured(data: bytes, colour: str) -> int:
    """Count the pixels of a colour."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(pixels - wanted).max(axis=2) <= 2).sum())


def test_a_png_is_large_enough_for_a_slide_and_holds_every_line() -> None:
    data = figure(CHART, "png")
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (3000, 1687)
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert "Software" not in picture.info
    for line in CHART.lines:
        assert coloured(data, line.colour) > 2000


def test_a_line_is_broken_where_a_value_is_missing() -> None:
    index = np.array([0, 1, 2, 10, 11])
    x, y = broken(index, index.astype(float), np.ones(5, np.float32))
    assert np.array_equal(y, [1, 1, 1, np.nan, 1, 1], equal_nan=True)
    assert np.isnan(x[3])
    (times,) = broken(index, index.astype("datetime64[ms]"))
    assert np.isnat(times[3])
    whole, gap = (
        coloured(
            figure(
                replace(CHART, bands=(), lines=(Line(name="a", x=x, y=y, colour="#CC79A7"),)),
                "png",
            ),
            "#CC79A7",
        )
        for x, y in ((index, np.ones(5)), (x, y))
    )
    assert gap < whole / 2


def test_a_reading_that_stands_alone_between_gaps_shows_in_a_long_line() -> None:
    values = np.full(500, np.nan)
    nothing = replace(CHART, bands=(), lines=(Line(name="a", x=np.arange(500), y=values, colour="#CC79A7"),))
    legend = coloured(figure(nothing, "png"), "#CC79A7")
    values[250] = 1.0
    assert coloured(figure(nothing, "png"), "#CC79A7") > legend + 50


def test_an_svg_shows_japanese_without_any_font() -> None:
    root = ElementTree.fromstring(figure(CHART, "svg"))
    names = [element.tag.split("}")[-1] for element in root.iter()]
    assert "text" not in names
    assert names.count("use") > 100  # letters


def test_a_pdf_brings_its_fonts_as_true_type() -> None:
    data = figure(CHART, "pdf")
    descriptors = re.findall(rb"/Type /FontDescriptor.*?>>", data, re.DOTALL)
    assert descriptors
    assert all(b"/FontFile2 " in descriptor for descriptor in descriptors)  # TrueType: Type 42
    assert b"/Type3" not in data
    used = set(re.findall(rb"/BaseFont /(\S+)", data))
    assert {name.split(b"+")[-1] for name in used} == {b"IPAexGothic"}
    assert all(re.match(rb"[A-Z]{6}\+", name) for name in used)  # a part of the font, not all of it
    for number in re.findall(rb"/FontFile2 (\d+) 0 R", data):
        stream = re.search(rb"\n%s 0 obj.*?stream\r?\n(.*?)\r?\nendstream" % number, data, re.DOTALL)
        assert stream
        font = TTFont(io.BytesIO(zlib.decompress(stream[1])))
        glyphs = [font["glyf"][name] for name in font.getGlyphOrder()]
        assert sum(glyph.numberOfContours != 0 for glyph in glyphs) > 5


def test_the_fonts_have_every_letter_that_the_lab_writes() -> None:
    paths = [font_file(), Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"]  # the second helps out
    letters = {letter for path in paths for letter in TTFont(path, fontNumber=0).getBestCmap()}
    words = "".join([*(line.name for line in CHART.lines), CHART.x_title, CHART.y_title, CHART.title, FOOT])
    words += CHART.settings + "SpO₂℃−0123456789…・"
    assert not [letter for letter in words if ord(letter) not in letters]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_chart_gives_the_same_bytes_and_no_date(kind: Kind) -> None:
    data = figure(CHART, kind)
    assert data == figure(replace(CHART), kind)
    assert b"Date" not in data


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_words_of_a_readers_own_are_drawn_as_they_stand(kind: Kind) -> None:
    hostile = replace(CHART, x_title=HOSTILE, y_title=HOSTILE, title=HOSTILE, settings=HOSTILE)
    hostile = replace(hostile, lines=(*CHART.lines, Line(name=f"_{HOSTILE}", x=X, y=WAVE)))
    data = figure(hostile, kind)
    assert len(data) > 10_000
    if kind == "svg":
        ElementTree.fromstring(data)


def test_points_in_time_and_a_line_of_nothing_can_be_drawn() -> None:
    times = np.datetime64("2024-05-01T22:00", "ms") + 600_000 * np.arange(60)
    assert len(figure(replace(CHART, bands=(), lines=(Line(name="a", x=times, y=WAVE),)), "svg")) > 10_000
    assert figure(replace(CHART, bands=(), lines=(Line(name="a", x=X, y=X * np.nan),)), "svg")


def test_what_cannot_be_drawn_is_told_without_quoting_it() -> None:
    secret = np.array([77.625, 77.625])
    chart = replace(CHART, lines=(Line(name="a", x=X, y=secret),), title="神無月", y_title="神無月")
    with pytest.raises(CannotDraw) as refused:
        figure(chart, "png")
    assert str(refused.value) == "ValueError"
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    assert "77" not in repr(chart)
    assert "神無月" not in repr(chart)


def test_charts_that_differ_in_anything_have_other_keys() -> None:
    line = CHART.lines[0]
    others = [
        replace(CHART, title="x"),
        replace(CHART, settings="x"),
        replace(CHART, bands=()),
        replace(CHART, lines=CHART.lines[:2]),
        replace(CHART, lines=(replace(line, y=WAVE + 1e-6), *CHART.lines[1:])),
        replace(CHART, lines=(replace(line, dashed=True), *CHART.lines[1:])),
    ]
    assert CHART.key == replace(CHART).key
    assert len({CHART.key, *(other.key for other in others)}) == 7


def test_describing_a_figure_loads_no_matplotlib() -> None:
    code = "import sys, core.figure, core.jobs; print('matplotlib' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "False"
