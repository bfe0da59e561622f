"""Words that several pages use: labels of choices, formats of numbers, and safe text."""

from __future__ import annotations

import math
import re

CELL_LABELS = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}

EDUCATIONAL = "教育用のアプリです。診断・治療には使えません。"

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$:~])")


def plain(text: str) -> str:
    """Escape text of the reader's own, so that it shows as written and never as markup."""
    return _MARKDOWN.sub(r"\\\1", text)


def number(value: float, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits, without exponent where one can read it so."""
    if not math.isfinite(value):
        return "計算不能"
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".removesuffix(".")


def duration(seconds: float) -> str:
    """Write a sampling interval in the unit that a reader would use."""
    for unit, size in (("日", 86400), ("時間", 3600), ("分", 60)):
        if seconds >= size:
            return f"{seconds / size:g}{unit}" if seconds % size == 0 else f"約{seconds / size:.1f}{unit}"
    return f"{seconds:g}秒"
