"""Forecasts that a network has to beat, at horizons 1…H from every origin of a series.

An origin t is the index of the newest reading that is known; its forecast at horizon h is for t + h.
Nothing after an origin touches its forecast, and nothing from ``train_end`` on touches what is fitted.
Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.autoregression import Readings, fit_autoregression
from core.specs import SpecError, require_between, require_one_of

Indices = npt.NDArray[np.int64]

MAX_HORIZONS = 500


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What to forecast: ``values`` (points,) with NaN gaps, from ``origins`` (rows,), 1…``horizons`` ahead.

    ``values[:train_end]`` is the training stretch. Every origin lies in ``train_end - 1 <= t < points``.
    The representation leaves the values out, so that a log that names a task holds nothing of them.
    """

    values: Readings = field(repr=False)
    train_end: int
    origins: Indices = field(repr=False)
    horizons: int
    period: int | None = None
    order: int | None = None

    def __post_init__(self) -> None:
        require_between("予測する先の長さ", self.horizons, 1, MAX_HORIZONS)
        require_between("学習に使う区間の長さ", self.train_end, 1, max(1, len(self.values)))
        outside = (self.origins < self.train_end - 1) | (self.origins >= len(self.values))
        if outside.any():
            raise SpecError(
                "予測の起点は、学習に使う区間の最後の点から、データの最後の点までで選んでください。"
            )

    @property
    def train(self) -> Readings:
        """Return the training stretch, (train_end,). A view."""
        return self.values[: self.train_end]

    @property
    def ahead(self) -> Indices:
        """Return the horizons 1…H, (horizons,)."""
        return np.arange(1, self.horizons + 1)


def newest(values: Readings, step: int = 1) -> Indices:
    """Return, for each i, the first of i, i − step, i − 2 step, … that holds a reading; −1 if none does."""
    seen = np.where(np.isfinite(values), np.arange(len(values)), -1)
    for phase in range(min(step, len(values))):
        seen[phase::step] = np.maximum.accumulate(seen[phase::step])
    return seen


def persistence(task: Task) -> Readings:
    """Repeat the newest reading; (origins, horizons). NaN where there is none yet."""
    last = newest(task.values)[task.origins]
    level = np.where(last >= 0, task.values[last], np.nan)
    return np.repeat(level[:, None], task.horizons, axis=1)


def seasonal(task: Task) -> Readings:
    """Repeat the reading of the same phase one period ago; (origins, horizons).

    A missing reading is looked up one more period back. NaN where none is left.

    Raises:
        SpecError: no ``period``, or one longer than the training stretch.
    """
    if task.period is None:
        raise SpecError("季節ナイーブ予測には周期が要ります。周期を点の数で指定してください。")
    require_between("周期", task.period, 1, task.train_end)
    back = task.ahead - task.period * -(-task.ahead // task.period)  # (horizons,), -period < back <= 0
    last = newest(task.values, task.period)[task.origins[:, None] + back]
    return np.where(last >= 0, task.values[last], np.nan)


def drift(task: Task) -> Readings:
    """Carry on from the newest reading along the mean change per step of the training stretch.

    The mean change is that of the line from the first reading of the training stretch to its last one: at the
    origin ``train_end - 1`` this is the book's drift method, and later origins keep that slope, since only
    training may be fitted. Steps count from the newest reading, over a gap too. NaN where there is none yet.
    """
    known = np.flatnonzero(np.isfinite(task.train))
    slope = 0.0
    if len(known) > 1:
        slope = float((task.train[known[-1]] - task.train[known[0]]) / (known[-1] - known[0]))
    silence = task.origins - newest(task.values)[task.origins]  # (origins,) steps since the newest reading
    return persistence(task) + slope * (silence[:, None] + task.ahead)


def mean(task: Task) -> Readings:
    """Answer the mean of the training stretch, always; NaN when it holds no reading."""
    known = task.train[np.isfinite(task.train)]
    level = known.mean() if known.size else np.nan
    return np.full((len(task.origins), task.horizons), level)


def _frames(task: Task) -> tuple[int, Readings]:
    """Return the order and the last readings up to each origin, (origins, order)."""
    if task.order is None:
        raise SpecError("自己回帰には次数が要ります。さかのぼって見る点の数を指定してください。")
    require_between("自己回帰の次数", task.order, 1, task.train_end)
    frames = np.lib.stride_tricks.sliding_window_view(task.values, task.order)
    return task.order, frames[task.origins - task.order + 1]


def autoregression(task: Task) -> Readings:
    """Forecast one step by least squares and feed it back for the next; (origins, horizons).

    NaN where the last ``order`` readings up to the origin have a gap.

    Raises:
        SpecError: no ``order``, or too few complete rows to fit it.
    """
    order, frames = _frames(task)
    model = fit_autoregression(task.train, order)
    path = np.empty((len(frames), order + task.horizons))
    path[:, :order] = frames
    for step in range(task.horizons):
        path[:, order + step] = model.predict(path[:, step : order + step])
    return path[:, order:]


def direct_autoregression(task: Task) -> Readings:
    """Forecast each horizon by a regression of its own, with no feeding back; (origins, horizons).

    NaN where the last ``order`` readings up to the origin have a gap.

    Raises:
        SpecError: no ``order``, or too few complete rows to fit the furthest horizon.
    """
    order, frames = _frames(task)
    models = [fit_autoregression(task.train, order, int(h)) for h in task.ahead]
    return np.column_stack([model.predict(frames) for model in models])


BASELINES: dict[str, Callable[[Task], Readings]] = {
    "persistence": persistence,
    "seasonal": seasonal,
    "drift": drift,
    "mean": mean,
    "autoregression": autoregression,
    "direct_autoregression": direct_autoregression,
}


def forecast(
    name: str,
    values: npt.ArrayLike,
    train_end: int,
    origins: npt.ArrayLike,
    horizons: int,
    *,
    period: int | None = None,
    order: int | None = None,
) -> Readings:
    """Forecast ``values`` (points,) by the baseline ``name``; (origins, horizons), in the unit of the values.

    Readings that are not finite count as missing. A forecast may reach past the end of the series.

    Raises:
        SpecError: an unknown name, an origin inside training or past the end, or a missing or unfit setting.
    """
    require_one_of("基準の予測", name, tuple(BASELINES))
    readings = np.asarray(values, dtype=np.float64)
    task = Task(
        values=np.where(np.isfinite(readings), readings, np.nan),
        train_end=train_end,
        origins=np.asarray(origins, dtype=np.int64),
        horizons=horizons,
        period=period,
        order=order,
    )
    return BASELINES[name](task)
