"""A line chart to take home: PNG for slides, SVG and PDF for print, drawn by matplotlib on a worker.

Japanese shows wherever the file is opened: SVG holds the shapes of its letters instead of text, and PDF
holds the part of the font that it uses, as TrueType (Type 42).
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import east_asian_width

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

Kind = Literal["png", "svg", "pdf"]
Numbers = npt.NDArray[Any]

SIZE_IN, DPI = (10.0, 5.625), 300  # 16:9, as a slide
FONT_SIZE = 12.0
FOOT = "AI研修医ラボ 教育用です。診断・治療には使えません。"
MAX_DOTS = 100
COLOURS = ("#2D8BD0", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#8A8F94")


class CannotDraw(Exception):  # noqa: N818 - it tells no detail, for that might quote a reader's file
    """matplotlib could not draw a chart."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A line through ``x`` and ``y`` (points,), broken where ``y`` is NaN; points in time are datetime64.

    Later lines lie on earlier ones: a ``wide`` one (in points of print) shows beneath.
    """

    name: str
    x: Numbers = field(repr=False)
    y: Numbers = field(repr=False)
    colour: str = ""
    dashed: bool = False
    wide: float = 1.8


@dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """An area between ``low`` and ``high`` (points,)."""

    name: str
    x: Numbers = field(repr=False)
    low: Numbers = field(repr=False)
    high: Numbers = field(repr=False)
    colour: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chart:
    """What to draw. ``settings`` stand below the title in small letters.

    The representation holds no words or numbers that might come from a reader's own file.
    """

    lines: tuple[Line, ...]
    x_title: str = field(repr=False)
    y_title: str = field(repr=False)
    title: str = field(repr=False)
    settings: str = field(default="", repr=False)
    bands: tuple[Band, ...] = ()

    @property
    def key(self) -> str:
        """Give charts that look the same the same name."""
        words = [self.x_title, self.y_title, self.title, self.settings]
        found = hashlib.sha256(repr([words, self.lines, self.bands]).encode())
        for line in self.lines:
            found.update(_bytes(line.x, line.y))
        for band in self.bands:
            found.update(_bytes(band.x, band.low, band.high))
        return found.hexdigest()


def _bytes(*arrays: Numbers) -> bytes:
    return b"".join(f"{a.dtype}{a.shape}".encode() + np.ascontiguousarray(a).tobytes() for a in arrays)


def broken(index: npt.NDArray[np.integer], *arrays: Numbers) -> tuple[Numbers, ...]:
    """Return ``arrays`` (points,) with NaN (or no time) put in wherever ``index`` jumps by more than one."""
    gaps = np.flatnonzero(np.diff(index) > 1) + 1
    return tuple(np.insert(a, gaps, np.datetime64("NaT") if a.dtype.kind == "M" else np.nan) for a in arrays)


def figure(chart: Chart, kind: Kind) -> bytes:
    """Draw ``chart`` as a file of ``kind``; the same chart gives the same bytes.

    Raises:
        CannotDraw: with nothing but the kind of error.
    """
    try:
        return _drawn(chart, kind)
    except Exception as error:  # whatever it is: its text may quote what was to be drawn
        reason = type(error).__name__
    raise CannotDraw(reason)


@lru_cache(maxsize=1)
def _families() -> list[str]:
    """Make the Japanese font known to matplotlib, and return the fonts to look for letters in."""
    from matplotlib.font_manager import FontProperties, fontManager

    from core.gallery_sheet import font_file

    found = font_file()
    if found is None:
        return ["DejaVu Sans"]
    fontManager.addfont(found)
    return [FontProperties(fname=found).get_name(), "DejaVu Sans"]


def _drawn(chart: Chart, kind: Kind) -> bytes:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {
        "font.family": _families(),
        "font.size": FONT_SIZE,
        "text.parse_math": False,  # a $ in a header is a letter
        "svg.fonttype": "path",
        "svg.hashsalt": "chart",
        "pdf.fonttype": 42,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#E4E7EA",
    }
    # Only what the file's own bytes would depend on is left out: when, and with which version, it was drawn.
    about = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    file = io.BytesIO()
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they would name letters of a header that no font has
        page = Figure(figsize=SIZE_IN, layout="constrained")
        parts: Any = page.subfigures(2, 1, height_ratios=[24, 1])
        upper, lower = parts
        _lay(upper, chart)
        lower.text(0.99, 0.5, FOOT, ha="right", va="center", fontsize=9, color="#55595E")
        page.savefig(file, format=kind, dpi=DPI, metadata=about)
    return file.getvalue()


def _lay(page: SubFigure, chart: Chart) -> None:
    axes = page.subplots()
    colours = iter(COLOURS * 10)
    for band in chart.bands:
        axes.fill_between(
            band.x,
            band.low,
            band.high,
            color=band.colour or next(colours),
            alpha=0.2,
            linewidth=0,
            label=_shown(band.name, 40),
        )
    for line in chart.lines:
        axes.plot(
            line.x,
            line.y,
            label=_shown(line.name, 40),
            color=line.colour or next(colours),
            linestyle="--" if line.dashed else "-",
            linewidth=line.wide,
            marker="o",
            markersize=line.wide + 1.2,
            markevery=slice(None) if len(line.x) <= MAX_DOTS else _alone(line.y),
        )
    axes.set_xlabel(_shown(chart.x_title, 100))
    axes.set_ylabel(_shown(chart.y_title, 44))
    axes.set_title(_shown(chart.settings, 120), loc="left", fontsize=10.5, color="#55595E")
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    if any(line.x.dtype.kind == "M" for line in chart.lines):
        _in_time(axes)
    page.suptitle(_shown(chart.title, 84), x=0.012, ha="left", fontsize=16)
    names = [*(band.name for band in chart.bands), *(line.name for line in chart.lines)]
    widest = max((_width(_shown(name, 40)) for name in names), default=0)
    columns = int(SIZE_IN[0] * 72 / (FONT_SIZE / 2 * widest + 50))  # 50 points for the sample and the space
    page.legend(loc="outside lower left", ncols=max(1, min(4, columns)), frameon=False)


def _alone(values: Numbers) -> list[int]:
    """Find the values that stand alone between gaps, which no line would show."""
    known = np.isfinite(np.concatenate([[np.nan], values, [np.nan]]))
    alone: list[int] = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]).tolist()
    return alone


def _in_time(axes: Axes) -> None:
    """Write points in time in figures alone, the larger unit where it begins."""
    from matplotlib import dates

    lib: Any = dates  # partly untyped
    locator = lib.AutoDateLocator()
    formatter = lib.ConciseDateFormatter(
        locator,
        formats=["%Y", "%Y/%m", "%m/%d", "%H:%M", "%H:%M", "%S.%f"],
        zero_formats=["", "%Y", "%Y/%m", "%m/%d", "%H:%M", "%H:%M"],
        offset_formats=["", "", "", "%Y/%m", "%Y/%m/%d", "%Y/%m/%d %H:%M"],
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)


def _shown(text: str, most: int) -> str:
    """Return ``text`` on one line that is at most ``most`` Latin letters wide; a Japanese one counts two."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if _width(plain) <= most:
        return plain
    fitting = sum(reached <= most - 2 for reached in accumulate(map(_width, plain)))
    return plain[:fitting] + "…"


def _width(text: str) -> int:
    """Count letters, a Japanese one twice."""
    return sum(2 if east_asian_width(c) in "WFA" else 1 for c in text)
