"""Read the pixels of a DICOM file, and of its tags only what the pixels need. Nothing else is looked at."""

from __future__ import annotations

import io
import logging
import math
import warnings
from typing import Any

import numpy as np

from core.image_files.bitmap import read_bitmap
from core.image_files.picture import Picture, Refused, Values, require_edges, shrunk, windowed

PLAIN = {
    "1.2.840.10008.1.2": "<",
    "1.2.840.10008.1.2.1": "<",
    "1.2.840.10008.1.2.2": ">",
}
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
TAGS = [
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PlanarConfiguration",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "PixelPaddingValue",
    "PixelData",
]
MAX_FRAMES = 10_000
_BROKEN = (
    "DICOM を最後まで読めませんでした。途中で切れているか、壊れています。"
    "装置や閲覧ソフトから書き出し直すか、PNG に書き出して選んでください。"
)
_COMPRESSED = (
    "圧縮された DICOM で、この圧縮の方式は読めません。閲覧ソフトで「非圧縮(Explicit VR Little Endian)」の "
    "DICOM か、PNG・JPEG に書き出してください。"
)


def read_dicom(data: bytes) -> Picture:
    """Read the picture in a DICOM file; of several, the one in the middle.

    Raises:
        Refused: it has no picture, or one that is compressed, too large or broken.
    """
    syntax, dataset = _split(data)
    if syntax not in PLAIN and syntax != JPEG_BASELINE:
        raise Refused(_COMPRESSED)
    import pydicom

    logging.getLogger("pydicom").disabled = True  # its warnings quote values
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tags = pydicom.dcmread(io.BytesIO(_headed(syntax) + dataset), specific_tags=TAGS)
            return _picture(tags, syntax)
    except Refused:
        raise
    except Exception:  # pydicom raises nearly anything for a broken file
        raise Refused(_BROKEN) from None


def _split(data: bytes) -> tuple[str, bytes]:
    """Return the transfer syntax, (0002,0010), and what follows the first group, which is always explicit.

    So a file whose syntax would have to be inflated without limit never reaches pydicom.
    """
    at, syntax = 132, ""
    while data[at : at + 2] == b"\x02\x00":
        long = data[at + 4 : at + 6] in (b"OB", b"OW", b"UN", b"UT", b"SQ")
        start = at + (12 if long else 8)
        length = int.from_bytes(data[start - (4 if long else 2) : start], "little")
        if data[at + 2 : at + 4] == b"\x10\x00":
            syntax = data[start : start + length].rstrip(b"\0 ").decode("ascii", "replace")
        at = start + length
    if not syntax or at >= len(data):
        raise Refused(_BROKEN)
    return syntax, data[at:]


def _headed(syntax: str) -> bytes:
    """Write the first group of a file with nothing in it but the transfer syntax."""
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM\x02\x00\x10\x00UI" + len(value).to_bytes(2, "little") + value


def _picture(tags: Any, syntax: str) -> Picture:
    if "PixelData" not in tags or "Rows" not in tags or "Columns" not in tags:
        raise Refused(
            "この DICOM には画像が入っていません(レポートや波形などのファイルです)。"
            "画像のファイルを選んでください。"
        )
    rows, columns = int(tags.Rows), int(tags.Columns)
    require_edges(columns, rows)
    frames = int(tags.get("NumberOfFrames") or 1)
    if not 1 <= frames <= MAX_FRAMES:
        raise Refused(_BROKEN)
    notes = [
        f"DICOM として読み込みました(幅 {columns:,} × 高さ {rows:,} 画素)。画素に要る項目だけを読みました。"
    ]
    if frames > 1:
        notes.append(f"{frames:,} 枚が入っているので、真ん中の {frames // 2 + 1:,} 枚目を使います。")
    if syntax == JPEG_BASELINE:
        from pydicom.encaps import get_frame

        inside = read_bitmap(get_frame(tags.PixelData, frames // 2, number_of_frames=frames), "JPEG")
        inverted = tags.get("PhotometricInterpretation") == "MONOCHROME1"
        return Picture(values=inside.values, inverted=inverted, notes=tuple(notes))
    return _plain(tags, frames // 2, PLAIN[syntax], notes)


def _plain(tags: Any, frame: int, order: str, notes: list[str]) -> Picture:
    rows, columns = int(tags.Rows), int(tags.Columns)
    samples, bits = int(tags.get("SamplesPerPixel") or 1), int(tags.BitsAllocated)
    meaning = str(tags.get("PhotometricInterpretation") or "MONOCHROME2")
    if bits not in (8, 16) or samples not in (1, 3) or meaning == "PALETTE COLOR":
        raise Refused(
            "この DICOM の画素の持ち方(ビット数や色の表)には対応していません。"
            "PNG か JPEG に書き出してください。"
        )
    size = rows * columns * samples
    if len(tags.PixelData) < (frame + 1) * size * bits // 8:
        raise Refused(_BROKEN)
    kind = "u1" if bits == 8 else f"{order}u2"
    raw = np.frombuffer(tags.PixelData, kind, count=size, offset=frame * size * bits // 8)
    if samples == 3:
        return _colours(raw, rows, columns, bits, meaning, bool(tags.get("PlanarConfiguration")), notes)
    values = _measured(raw.reshape(rows, columns), tags, bits)
    slope, intercept = float(tags.get("RescaleSlope") or 1), float(tags.get("RescaleIntercept") or 0)
    if not (
        math.isfinite(slope) and math.isfinite(intercept) and 0 < abs(slope) < 1e6 and abs(intercept) < 1e9
    ):
        slope, intercept = 1.0, 0.0
    inverted = meaning == "MONOCHROME1"
    if inverted:
        notes.append("白黒が逆に記録された画像(MONOCHROME1)なので、ふつうの見え方に直しました。")
    small = (shrunk(values) * slope + intercept).astype(np.float32)
    return windowed(small, notes=tuple(notes), inverted=inverted, **_window(tags))


def _measured(raw: np.ndarray[Any, Any], tags: Any, bits: int) -> Values:
    """Take the stored bits out of the allocated ones, with their sign; padding becomes the lowest value."""
    stored = int(tags.get("BitsStored") or bits)
    high = int(tags.get("HighBit") if tags.get("HighBit") is not None else stored - 1)
    if not (1 <= stored <= bits and stored - 1 <= high < bits):
        raise Refused(_BROKEN)
    values = (raw.astype(np.int32) >> (high + 1 - stored)) & ((1 << stored) - 1)
    if tags.get("PixelRepresentation") == 1:
        values = np.where(values >= 1 << (stored - 1), values - (1 << stored), values)
    padding = tags.get("PixelPaddingValue")
    if isinstance(padding, int) and (values != padding).any():
        values = np.where(values == padding, values[values != padding].min(), values)
    return values.astype(np.float32)


def _window(tags: Any) -> dict[str, float]:
    """Return the file's own window, the first if it has several; nothing if it has none."""
    centre, width = tags.get("WindowCenter"), tags.get("WindowWidth")
    if centre is None or width is None:
        return {}
    first = [float(value if isinstance(value, int | float) else value[0]) for value in (centre, width)]
    if not (all(math.isfinite(value) and abs(value) < 1e9 for value in first) and first[1] > 0):
        return {}
    return {"low": first[0] - first[1] / 2, "high": first[0] + first[1] / 2}


def _colours(
    raw: np.ndarray[Any, Any],
    rows: int,
    columns: int,
    bits: int,
    meaning: str,
    planar: bool,
    notes: list[str],
) -> Picture:
    if bits != 8 or meaning not in ("RGB", "YBR_FULL"):
        raise Refused("この DICOM の色の持ち方には対応していません。PNG か JPEG に書き出してください。")
    grid = raw.reshape(3, rows, columns).transpose(1, 2, 0) if planar else raw.reshape(rows, columns, 3)
    values = shrunk(grid)
    if meaning == "YBR_FULL":
        y, blue, red = values[..., 0], values[..., 1] - 128, values[..., 2] - 128
        values = np.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], axis=-1)
    return Picture(values=values.astype(np.float32), notes=tuple(notes))
