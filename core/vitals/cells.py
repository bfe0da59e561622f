"""What one cell says: a number, a pair such as 128/76, a mark for a missing reading, or a word."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FloatColumn = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LARGEST = 3.4e38  # what a float32 holds; beyond it a number is as good as missing
LONGEST = 64  # no number and no date is longer
_MINUS = str.maketrans(dict.fromkeys("−‐‑–—―─", "-"))
_LONG_SOUND = re.compile(r"(?:(?<=\d)|^)ー+(?=\d|\.|$)")
_NUMBER = re.compile(r"[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+")
_PAIR = re.compile(r"(\d{2,3})\s*/\s*(\d{2,3})(?:\s*\(\d{1,3}\))?")
_MARK = re.compile(r"^[↑↓HL*]\s*(?=\d)|(?<=\d)\s*[↑↓HL*]$")
_SUFFIX = re.compile(
    r"(?<=[\d.])\s*(%|°[CF]|bpm|mmHg|kPa|回/分|拍/分|/分|/min|回|mg/dL|mmol/L|kg)$", re.IGNORECASE
)
_MARKER = re.compile(
    r"[-*.?/×✕]+|n/?a|nan|null|none|nil|inf(inity)?|#n/a|#value!|#div/0!|error|err|エラー|欠測|欠損"
    r"|測定(不能|不可|エラー|なし|せず)|未測定|未実施|未検|計測(不能|不可|なし|エラー)|判定不能|なし|無し|無",
    re.IGNORECASE,
)


def normalize(cell: str) -> str:
    """Fold full-width characters (NFKC) and every kind of minus sign, and trim."""
    if cell.isascii():
        return cell.strip()
    text = unicodedata.normalize("NFKC", cell).translate(_MINUS).strip()
    return _LONG_SOUND.sub("-", text) if "ー" in text else text


def is_number(cell: str) -> bool:
    """Say whether a normalized cell is a plain number."""
    return len(cell) <= LONGEST and _NUMBER.fullmatch(cell) is not None


def is_marker(cell: str) -> bool:
    """Say whether a normalized cell is a mark for a reading that is missing, such as ``---`` or 測定不能."""
    return len(cell) <= LONGEST and _MARKER.fullmatch(cell) is not None


def to_number(cell: str) -> float:
    """Read one cell: ``９５%`` → 95, ``1,013`` → 1013, ``↑132`` → 132, anything else → NaN."""
    text = normalize(cell)
    if len(text) > LONGEST:
        return math.nan
    return _number(_MARK.sub("", text).removesuffix("%").rstrip())


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        return math.nan
    value = float(text.replace(",", ""))
    return value if abs(value) <= LARGEST else math.nan


def to_pair(cell: str) -> tuple[float, float] | None:
    """Read ``128/76`` as the upper and the lower pressure, or None if it is no such pair."""
    text = normalize(cell)
    match = _PAIR.fullmatch(text) if len(text) <= LONGEST else None
    return (float(match[1]), float(match[2])) if match else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Parsed:
    """A column as numbers.

    ``values`` (cells,) are NaN where there is no number; ``marked`` (cells,) is true where a high/low mark
    stood beside one. ``gone`` counts what stands in place of a number. ``units`` are those in the cells.
    """

    values: FloatColumn = field(repr=False)
    marked: Flags = field(repr=False)
    gone: Counter[str] = field(repr=False)
    units: tuple[str, ...] = ()
    decimal_comma: bool = False
    plain: bool = True

    @property
    def numbers(self) -> int:
        """Return how many cells hold a number."""
        return int(np.isfinite(self.values).sum())

    def is_signal(self) -> bool:
        """Say whether these are readings: most cells that are neither empty nor a marker are numbers."""
        words = sum(count for text, count in self.gone.items() if text and not is_marker(text))
        return self.numbers >= max(words, min(2, len(self.values)))


def parse_column(cells: list[str]) -> Parsed:
    """Read a column of cells; each distinct text is looked at once."""
    counts = Counter(cells)
    texts = {cell: normalize(cell) for cell in counts}
    bare = {cell: _bare(text) for cell, text in texts.items() if len(text) <= LONGEST}
    comma = _has_decimal_comma(bare)
    values: dict[str, float] = {}
    for cell in counts:
        text = bare[cell][0] if cell in bare else ""
        if comma and _DECIMAL_COMMA.fullmatch(text):
            text = text.replace(",", ".")
        values[cell] = _number(text) if text else math.nan
    gone: Counter[str] = Counter()
    for cell, count in counts.items():
        if math.isnan(values[cell]):
            gone[texts[cell]] += count
    numbers = [bare[cell] for cell, value in values.items() if not math.isnan(value)]
    marked = {cell for cell, (_, mark, _) in bare.items() if mark and not math.isnan(values[cell])}
    return Parsed(
        values=np.array([values[cell] for cell in cells], dtype=np.float64),
        marked=np.array([cell in marked for cell in cells], dtype=np.bool_)
        if marked
        else np.zeros(len(cells), dtype=np.bool_),
        gone=gone,
        units=tuple(sorted({unit for _, _, unit in numbers if unit})),
        decimal_comma=comma,
        plain=not comma and all(unit in ("", "%") for _, _, unit in numbers),
    )


def _bare(text: str) -> tuple[str, bool, str]:
    """Take a high/low mark and a unit off a number; return the number's text, the mark and the unit."""
    if not text or (text[-1].isdigit() and text[0].isdigit()):
        return text, False, ""
    without = _MARK.sub("", text)
    match = _SUFFIX.search(without)
    unit = match[1] if match else ""
    return (without[: match.start()] if match else without).rstrip(), without != text, unit


def _has_decimal_comma(bare: dict[str, tuple[str, bool, str]]) -> bool:
    """Say whether a column writes 36,5 for 36.5: some comma cuts off no thousands, and there is no point."""
    found = False
    for text, _, _ in bare.values():
        if "." in text and _NUMBER.fullmatch(text):
            return False
        if "," in text and _DECIMAL_COMMA.fullmatch(text) and not _THOUSANDS.fullmatch(text):
            found = True
    return found
