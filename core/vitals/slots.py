"""Readings a few a day as what they are: a mean for each morning and each evening."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.series import FloatArray
from core.vitals.grid import part_of_day
from core.vitals.importer import Imported
from core.vitals.problems import ImportRefused

SLOTS = ("朝", "晩")
MAX_DAYS = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class DailySlots:
    """Means of one signal: ``values`` (days, slots) float32, NaN where nothing was measured, from ``counts``.

    ``days`` (days,) counts from 1970-01-01 without a hole; ``left_out`` readings were taken at noon.
    """

    names: tuple[str, ...]
    days: npt.NDArray[np.int64] = field(repr=False)
    values: FloatArray = field(repr=False)
    counts: npt.NDArray[np.int64] = field(repr=False)
    left_out: int

    def dates(self) -> npt.NDArray[np.datetime64]:
        """Return the days as dates, shape (days,)."""
        return self.days.astype("datetime64[D]")


def daily_slots(imported: Imported, source: str) -> DailySlots:
    """Return the mean of signal ``source`` for each morning (4–12 h) and evening (17–4 h) of each day.

    Raises:
        ImportRefused: the file has no dates, or no reading of the signal.
    """
    if imported.clock.kind != "datetime":
        raise ImportRefused("日付がないため、朝・晩の平均を作れません。日付の入った時刻の列が必要です。")
    seconds, values = imported.raw.seconds, imported.raw.values[imported.signal(source).source]
    known = np.isfinite(values)
    if not known.any():
        raise ImportRefused("この列には測定値がないため、朝・晩の平均を作れません。別の列を選んでください。")
    day, part = part_of_day(seconds[known])
    first = int(day.min())
    length = int(day.max()) - first + 1
    if length > MAX_DAYS:
        raise ImportRefused("日付の範囲が広すぎます。日付の列に誤りがないか確認してください。")
    counts = np.zeros((length, len(SLOTS)), dtype=np.int64)
    means = np.full((length, len(SLOTS)), np.nan)
    for i, name in enumerate(SLOTS):
        own = part == name
        at = (day[own] - first).astype(np.int64)
        counts[:, i] = np.bincount(at, minlength=length)
        sums = np.bincount(at, weights=values[known][own], minlength=length)
        np.divide(sums, counts[:, i], out=means[:, i], where=counts[:, i] > 0)
    return DailySlots(
        names=SLOTS,
        days=np.arange(first, first + length, dtype=np.int64),
        values=means.astype(np.float32),
        counts=counts,
        left_out=int(known.sum() - counts.sum()),
    )
