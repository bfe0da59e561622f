"""Points in time as people write them: explicit formats, Japanese eras, zones. No date is guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone

import numpy as np

from core.vitals.cells import LONGEST, FloatColumn, normalize

READABLE_SHARE = 0.9
SAMPLE = 200
ISO = "ISO8601"
TOKYO_S = 9 * 3600.0
EPOCH = date(1970, 1, 1).toordinal()
FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y年%m月%d日",
)
# Those below are read by the importer alone, after ``_tidy``.
TIDY_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S.%f",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y%m%d %H%M%S",
    "%Y%m%d %H%M",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%Y%m%d",
)
MONTH_FIRST = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y")
DAY_FIRST = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")
_PARTS = {
    "%Y": r"(?P<Y>\d{4})",
    "%m": r"(?P<m>\d{1,2})",
    "%d": r"(?P<d>\d{1,2})",
    "%H": r"(?P<H>\d{1,2})",
    "%M": r"(?P<M>\d{1,2})",
    "%S": r"(?P<S>\d{1,2})",
    "%f": r"(?P<f>\d{1,6})",
}
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "R": 2018, "H": 1988, "S": 1925, "T": 1911}
_ERA = re.compile(r"^(令和|平成|昭和|大正|[RHST])\.?\s*(元|\d{1,2})\s*(?:年|[./-])\s*(?=\d)", re.IGNORECASE)
_WEEKDAY = re.compile(r"\s*\((?:[月火水木金土日]曜?日?|mon|tue|wed|thu|fri|sat|sun)\)\s*", re.IGNORECASE)
_HALF = re.compile(r"(午前|午後|am|pm)\s*(\d{1,2})(?=\D|$)|(\d{1,2})(:[\d:.]+)?\s*(am|pm)", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2})時(?:\s*(\d{1,2})分(?:\s*(\d{1,2})秒)?)?")
_ZONED = re.compile(r"\d{4}-?\d\d-?\d\d[T ]?.*(?:Z|[+-]\d\d:?\d\d)$")
_COMPACT = re.compile(r"\d{8}|\d{12}|\d{14}")
_OF_DAY = re.compile(r"(\d{1,3}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?")
_DATED = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,3}:\d\d|\d{1,2}時|\d{8}[T ]"
    r"|(?:令和|平成|昭和|大正|[RHST]\.?)\s*(?:元|\d{1,2})\s*[年./-]|(?:午前|午後)\s*\d"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dated:
    """A column as points in time: ``seconds`` (cells,) from 1970 on the wall clock, NaN where unreadable.

    ``zoned``: the file wrote a zone, and the clock is Japan's. ``plain``: a script can read it as it is.
    """

    seconds: FloatColumn = field(repr=False)
    format: str
    zoned: bool = False
    plain: bool = True
    note: str = ""

    @property
    def date_only(self) -> bool:
        """Say whether the column holds days without a time of day."""
        return self.format != ISO and "%H" not in self.format


def is_dated(text: str) -> bool:
    """Say whether a normalized cell begins like a date or a time of day."""
    return len(text) <= LONGEST and _DATED.match(text) is not None


def _pattern(fmt: str) -> re.Pattern[str]:
    """Turn a strptime pattern into the regular expression that strptime itself would use."""
    text = re.escape(fmt).replace(r"\ ", r"\s+")
    compact = "%Y%m%d" in fmt  # without separators every part but the year has two digits
    for part, expression in _PARTS.items():
        text = text.replace(re.escape(part), expression.replace("{1,2}", "{2}") if compact else expression)
    return re.compile(text)


_PATTERNS = {fmt: _pattern(fmt) for fmt in (*FORMATS, *TIDY_FORMATS, *MONTH_FIRST, *DAY_FIRST)}


def _reader(fmt: str) -> Callable[[str], float]:
    """Return a function from a cell's text to seconds; NaN if it does not fit ``fmt``."""
    pattern = _PATTERNS.get(fmt)
    known = pattern.groupindex if pattern else {}
    days: dict[tuple[str, str, str], float] = {}

    def by_pattern(text: str) -> float:
        match = pattern.fullmatch(text) if pattern else None
        if match is None:
            return np.nan
        day = match["Y"], match["m"], match["d"]
        if day not in days:
            try:
                found = date(int(day[0]), int(day[1]), int(day[2])).toordinal() - EPOCH
            except ValueError:
                return np.nan
            days[day] = found * 86400.0
        hour = int(match["H"]) if "H" in known else 0
        minute = int(match["M"]) if "M" in known else 0
        second = int(match["S"]) if "S" in known else 0
        if hour > 23 or minute > 59 or second > 59:
            return np.nan
        fraction = int(match["f"].ljust(6, "0")) / 1e6 if "f" in known else 0.0
        return days[day] + hour * 3600.0 + minute * 60.0 + second + fraction

    def by_strptime(text: str) -> float:
        try:
            return _wall_seconds(datetime.strptime(text, fmt))
        except (ValueError, OverflowError, re.error):
            return np.nan

    return by_pattern if pattern else by_strptime


def _wall_seconds(time: datetime) -> float:
    if time.tzinfo is not None:
        time = time.astimezone(timezone(timedelta(hours=9)))
    return (time.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()


def _iso(text: str) -> float:
    """Read a time with a zone, as seconds on Japan's clock."""
    if _ZONED.fullmatch(text) is None:
        return np.nan
    try:
        time = datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d)", "", text))
        return np.nan if time.tzinfo is None else _wall_seconds(time)
    except (ValueError, OverflowError):
        return np.nan


def _tidy(text: str) -> str:
    """Bring eras, weekdays, 午前/午後, 7時30分, 年月日 and points to one way of writing."""
    text = _WEEKDAY.sub(" ", text).strip()
    match = _ERA.match(text)
    if match:
        year = _ERAS[match[1].upper()] + (1 if match[2] == "元" else int(match[2]))
        text = f"{year}/{text[match.end() :]}"
    text = re.sub(r"^(\d{4})年\s*(\d{1,2})月\s*(\d{1,2})日?", r"\1/\2/\3 ", text)
    text = re.sub(r"^(\d{4}/\d{1,2})(?:月|[.-])\s*(\d{1,2})日?", r"\1/\2 ", text)
    text = re.sub(r"^(\d{4})[.-](\d{1,2})[.-](\d{1,2})(?=\D|$)", r"\1/\2/\3 ", text)
    text = re.sub(r"^(\d{1,2})[.-](\d{1,2})[.-](\d{4})", r"\1/\2/\3", text)
    text = _CLOCK.sub(lambda m: f" {m[1]}:{m[2] or '00'}" + (f":{m[3]}" if m[3] else ""), text)
    text = _HALF.sub(_whole_day, text)
    return " ".join(text.replace("T", " ").split())


def _whole_day(match: re.Match[str]) -> str:
    half, hour = (match[1] or match[5]).lower(), int(match[2] or match[3])
    hour = hour % 12 + (12 if half in ("午後", "pm") else 0) if hour <= 12 else hour
    return f" {hour}{match[4] or ''}"


def _seconds(texts: list[str], read: Callable[[str], float]) -> FloatColumn:
    known: dict[str, float] = {}
    for text in texts:
        if text not in known:
            known[text] = read(text) if text and len(text) <= LONGEST else np.nan
    return np.array([known[text] for text in texts], dtype=np.float64)


def _best(texts: list[str], formats: tuple[str, ...], *, tidy: bool = False) -> str | None:
    """Return the format that reads most of a sample, or None if it reads less than half."""
    filled = [text for text in texts if text and len(text) <= LONGEST]
    sample = filled[:: max(1, len(filled) // SAMPLE)]
    if tidy:
        sample = [_tidy(text) for text in sample]
    scores = {fmt: int(np.isfinite(_seconds(sample, _reader(fmt))).sum()) for fmt in formats}
    best = max(scores, key=lambda fmt: scores[fmt])
    return best if sample and 2 * scores[best] >= len(sample) else None


def _readable(seconds: FloatColumn, texts: list[str]) -> bool:
    filled = sum(bool(text) for text in texts)
    return filled > 0 and float(np.isfinite(seconds).sum()) >= READABLE_SHARE * filled


def read_datetimes(cells: list[str], chosen: str | None = None) -> Dated | None:
    """Read a column as points in time, or return None if under nine in ten can be read.

    A bare ``10:00`` is no point in time. A time with a zone is moved to Asia/Tokyo. ``chosen`` is ``iso`` or
    a strptime pattern, and is believed whatever it reads.
    """
    texts = [normalize(cell) for cell in cells]
    if chosen is not None:
        return _as_chosen(texts, chosen)
    sample = [text for text in texts if text][:SAMPLE]
    if not sample or 2 * sum(is_dated(text) or _COMPACT.fullmatch(text) is not None for text in sample) < len(
        sample
    ):
        return None
    if 2 * sum(_ZONED.fullmatch(text) is not None for text in sample) > len(sample):
        seconds = _seconds(texts, _iso)
        return Dated(seconds=seconds, format=ISO, zoned=True) if _readable(seconds, texts) else None
    plain = [text.replace("T", " ") for text in texts]
    best = _best(plain, FORMATS)
    if best:
        seconds = _seconds(plain, _reader(best))
        if _readable(seconds, texts):
            return Dated(seconds=seconds, format=best)
    return _read_tidied(texts)


def _as_chosen(texts: list[str], chosen: str) -> Dated | None:
    if chosen == "iso":
        seconds = _seconds(texts, _iso)
        found = Dated(seconds=seconds, format=ISO, zoned=True)
    else:
        plain = [text.replace("T", " ") for text in texts] if chosen in FORMATS else texts
        seconds = _seconds(plain, _reader(chosen))
        found = Dated(seconds=seconds, format=chosen, zoned="%z" in chosen, plain=chosen in FORMATS)
    return found if np.isfinite(seconds).any() else None


def _tidied(texts: list[str], fmt: str) -> Dated | None:
    read = _reader(fmt)
    seconds = _seconds(texts, lambda text: read(_tidy(text)))
    return Dated(seconds=seconds, format=fmt, plain=False) if _readable(seconds, texts) else None


def _read_tidied(texts: list[str]) -> Dated | None:
    best = _best(texts, TIDY_FORMATS, tidy=True)
    if best:
        return _tidied(texts, best)
    found = []
    for formats in (MONTH_FIRST, DAY_FIRST):
        best = _best(texts, formats, tidy=True)
        dated = _tidied(texts, best) if best else None
        if dated:
            found.append(dated)
    if not found:
        return None
    month, day = found[0], found[-1]
    if len(found) == 2 and np.isfinite(month.seconds).sum() == np.isfinite(day.seconds).sum():
        return replace(
            month, note="日付が「月/日/年」か「日/月/年」か決められないため、「月/日/年」とみなしました"
        )
    return max(found, key=lambda dated: int(np.isfinite(dated.seconds).sum()))


def read_times_of_day(cells: list[str]) -> FloatColumn | None:
    """Read a column of ``7:30``, ``7時30分`` or ``00:12:05`` as seconds (cells,), or None if it is none."""
    texts = [normalize(cell) for cell in cells]
    seconds = _seconds(texts, _of_day)
    return seconds if _readable(seconds, texts) else None


def _of_day(text: str) -> float:
    match = _OF_DAY.fullmatch(_tidy(text))
    if match is None or int(match[2]) > 59 or int(match[3] or 0) > 59:
        return np.nan
    return int(match[1]) * 3600.0 + int(match[2]) * 60.0 + int(match[3] or 0) + float(match[4] or 0)
