"""A gallery as one PNG with its title and captions, drawn by Pillow on a worker."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.gallery import original, pictures_of, to_bytes
from core.gallery_specs import GallerySpec
from core.image_files.picture import SIDE, Bytes

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

GAP, LINE = 12, 26
COLUMNS = 5
FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansJP-Regular.otf",
    "NotoSansJP-Regular.ttf",
    "ipaexg.ttf",
    "ipag.ttf",
    "Hiragino Sans GB.ttc",
    "ヒラギノ角ゴシック W3.ttc",
    "YuGothM.ttc",
    "meiryo.ttc",
)


def font_file() -> str | None:
    """Find a Japanese font: the one that comes with japanize-matplotlib, or one of the system's."""
    from PIL import ImageFont

    found = find_spec("japanize_matplotlib")
    if found is not None and found.origin is not None:
        path = Path(found.origin).parent / "fonts" / "ipaexg.ttf"
        if path.exists():
            return str(path)
    for name in FONTS:
        try:
            return str(ImageFont.truetype(name).path)
        except OSError:
            continue
    return None


@lru_cache(maxsize=4)
def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(font_file() or "DejaVuSans.ttf", size)


def _picture(picture: Bytes) -> Image:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(picture, (3, SIDE, SIDE)).transpose(1, 2, 0)))


def sheet(
    spec: GallerySpec,
    upload: Bytes | None,
    title: str,
    captions: Sequence[Sequence[str]],
    foot: Sequence[str],
) -> bytes:
    """Draw the gallery: the original with one row, or at the head of each of several rows.

    ``captions`` has one list a row, the original's first; ``foot`` are lines beneath.

    Returns:
        A PNG file without any metadata.
    """
    from PIL import Image, ImageDraw

    first = to_bytes(original(spec.source, upload))
    cells = [
        list(zip([first, *pictures], told, strict=True))
        for (pictures, _), told in zip(pictures_of(spec, upload), captions, strict=True)
    ]
    lines = [row[at : at + COLUMNS] for row in cells for at in range(0, len(row), COLUMNS)]
    height = 60 + len(lines) * (SIDE + LINE + GAP) + LINE * len(foot) + GAP
    page = Image.new("RGB", (GAP + COLUMNS * (SIDE + GAP), height), "white")
    pen = ImageDraw.Draw(page)
    pen.text((GAP, 14), title, fill="black", font=_font(26))
    top = 60
    for line in lines:
        for column, (picture, caption) in enumerate(line):
            left = GAP + column * (SIDE + GAP)
            page.paste(_picture(picture), (left, top))
            pen.text((left, top + SIDE + 3), caption, fill="black", font=_font(17))
        top += SIDE + LINE + GAP
    for text in foot:
        pen.text((GAP, top), text, fill="#444444", font=_font(17))
        top += LINE
    file = io.BytesIO()
    page.save(file, "PNG")
    return file.getvalue()
