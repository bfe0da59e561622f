"""Forecasts as CSV files that Excel opens as they are: one step ahead, or many steps from many origins."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.vitals.cells import FloatColumn, normalize
from core.vitals.export import CLEANED_ENCODING, safe_text

TimesKind = Literal["datetime", "elapsed", "rows", "points"]
Readings = npt.NDArray[np.floating]
Origins = npt.NDArray[np.integer]

_HEADERS = {"datetime": "日時", "elapsed": "経過[s]", "rows": "行番号", "points": "時刻[点]"}
_UNITS = {"datetime": "", "elapsed": "s", "rows": "行", "points": "点"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Times:
    """When each point of a series was read, as the reader's file counts it.

    ``values`` (points,) are seconds from 1970 on the wall clock (``datetime``), seconds from the file's own
    zero (``elapsed``), or the numbers of rows or points.
    """

    kind: TimesKind
    values: FloatColumn = field(repr=False)

    def stamps(self) -> list[str]:
        """Write every time as a cell."""
        if self.kind != "datetime":
            return [f"{time:.6f}".rstrip("0").rstrip(".") for time in self.values.tolist()]
        moments = np.round(self.values * 1e6).astype("int64").astype("datetime64[us]")
        unit: Literal["s", "us"] = "s" if np.all(self.values == np.round(self.values)) else "us"
        return [stamp.replace("T", " ") for stamp in np.datetime_as_string(moments, unit=unit).tolist()]


def forecasts_csv(times: Times, columns: Mapping[str, Readings], unit: str = "") -> bytes:
    """Write one row for each of ``times``, with a column for the time and for each of ``columns`` (rows,).

    UTF-8 with a byte-order mark and CRLF. A header has the ``unit`` in brackets, a number is the shortest
    that gives its float32 back, and what is no number is an empty cell. The importer reads it again.

    Raises:
        ValueError: a column is not as long as ``times``.
    """
    headers = [_HEADERS[times.kind], *(_header(name, unit) for name in columns)]
    return _written(
        headers, [times.stamps(), *(_cells(values, len(times.values)) for values in columns.values())]
    )


def horizons_csv(
    times: Times,
    origins: Origins,
    truth: Readings,
    forecasts: Mapping[str, Readings],
    bands: Mapping[str, tuple[Readings, Readings]] | None = None,
    unit: str = "",
    horizons: Sequence[int] | None = None,
) -> bytes:
    """Write one row for each origin and horizon: when it was asked, how far ahead, and for when.

    ``times`` are those of all points of the series, and ``origins`` (origins,) the points that the forecasts
    were made at: the last reading known. ``truth``, the ``forecasts`` by name, and the lower and the upper
    ends of ``bands`` by name have shape (origins, horizons); ``horizons`` are 1, 2, … points if not given.
    For the format see ``forecasts_csv``.

    Raises:
        ValueError: shapes differ, or a forecast is for a time beyond ``times``.
    """
    steps = np.asarray(range(1, truth.shape[1] + 1) if horizons is None else horizons, dtype=np.int64)
    places = np.repeat(np.asarray(origins, dtype=np.int64), len(steps))  # (origins * horizons,)
    ahead = np.tile(steps, len(origins))
    rows = len(places)
    if rows and not (places.min() >= 0 and 0 <= (places + ahead).max() < len(times.values)):
        raise ValueError("a forecast lies outside of the times")
    stamps = np.array(times.stamps(), dtype=np.str_)
    named = {"実測値": truth, **forecasts}
    for name, (low, high) in (bands or {}).items():
        named |= {f"{name} 下限": low, f"{name} 上限": high}
    wrong = [name for name, values in named.items() if values.shape != (len(origins), len(steps))]
    if wrong:
        raise ValueError(f"{len(wrong)} columns are not of shape {(len(origins), len(steps))}")
    clock = _UNITS[times.kind]
    headers = [_header("起点の時刻", clock), "何点先", _header("予測対象の時刻", clock)]
    headers += [_header(name, unit) for name in named]
    begin: list[Sequence[str]] = [stamps[places].tolist(), ahead.astype(np.str_).tolist()]
    begin.append(stamps[places + ahead].tolist())
    return _written(headers, [*begin, *(_cells(values.ravel(), rows) for values in named.values())])


def _header(name: str, unit: str) -> str:
    """Write a header on one line that no spreadsheet takes for a formula."""
    text = f"{name}[{unit}]" if unit else name
    return safe_text(" ".join(normalize(text).split()))


def _cells(values: Readings, rows: int) -> list[str]:
    """Write ``values`` (rows,) as float32 in the fewest digits, and nothing for what is no number."""
    if values.shape != (rows,):
        raise ValueError(f"a column of shape {values.shape} beside {rows} rows")
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    cells: list[str] = np.where(np.isfinite(single), single.astype(np.str_), "").tolist()
    return cells


def _written(headers: Iterable[str], columns: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(headers)
    writer.writerows(zip(*columns, strict=True))
    return file.getvalue().encode(CLEANED_ENCODING)
