"""The readings as a clean CSV: one table on one clock, that Excel opens and a short script reads again."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta

import numpy as np

from core.series import FloatArray
from core.vitals.cells import normalize
from core.vitals.clock import ClockKind
from core.vitals.importer import Imported, Signal
from core.vitals.signals import split_unit
from core.vitals.table import unique

CLEANED_ENCODING = "utf-8-sig"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WHOLE, _FRACTION = "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"


def safe_text(text: str) -> str:
    """Put a ``'`` before text that a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def cleaned_name(file_name: str, *, measured_only: bool = False) -> str:
    """Return the name of the cleaned CSV of a file; see ``cleaned_csv``."""
    stem = re.split(r"[\\/]", file_name)[-1].rsplit(".", 1)[0] or "data"
    return f"{stem}_整えた{'_測定値のみ' if measured_only else ''}.csv"


def cleaned_names(imported: Imported) -> dict[str, str]:
    """Return the header of each signal (by its ``source``) in the cleaned CSV, its unit in brackets."""
    names = []
    for signal in imported.signals:
        name = split_unit(signal.source)[0]
        names.append(safe_text(normalize(f"{name}[{signal.unit}]" if signal.unit else name)))
    clock = cleaned_clock(imported)[1]
    names = unique([clock, *names])[1:]
    return {signal.source: name for signal, name in zip(imported.signals, names, strict=True)}


def cleaned_clock(imported: Imported) -> tuple[ClockKind, str, str]:
    """Return the kind, the header and the strptime pattern ("" for elapsed seconds) of the cleaned clock."""
    if imported.clock.kind != "datetime":
        return "elapsed", "経過[s]", ""
    whole = bool(np.all(imported.clock.times == np.round(imported.clock.times)))
    return "datetime", "日時", _WHOLE if whole else _FRACTION


def measured(signal: Signal) -> FloatArray:
    """Return the readings (points,) of a signal; what was filled in between two others is NaN again.

    It was made with the help of what came later, which no forecast may know.
    """
    values: FloatArray = np.where(signal.made, np.float32(np.nan), signal.values)
    return values


def cleaned_csv(imported: Imported, *, measured_only: bool = False) -> bytes:
    """Write times and signals as UTF-8 with a byte-order mark; a missing reading is an empty cell.

    Reading it again gives the same series. With ``measured_only`` what was filled in is missing, too.
    """
    _, clock, pattern = cleaned_clock(imported)
    times = imported.clock.times.tolist()
    if pattern:
        start = datetime(1970, 1, 1)
        stamps = [(start + timedelta(seconds=round(t, 6))).strftime(pattern) for t in times]
    else:
        stamps = [f"{t:.6f}".rstrip("0").rstrip(".") for t in times]
    kept = [measured(signal) if measured_only else signal.values for signal in imported.signals]
    columns = [["" if value != value else str(value) for value in values] for values in kept]
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([clock, *cleaned_names(imported).values()])
    writer.writerows(zip(stamps, *columns, strict=True))
    return file.getvalue().encode(CLEANED_ENCODING)
