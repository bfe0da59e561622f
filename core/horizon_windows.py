"""Which readings a forecaster of many horizons may learn from, and by which it is judged.

A stretch is a slice of the readings to be forecast: a forecast belongs to the stretch that its truth lies in,
wherever its origin is. Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.backtest import folds
from core.baselines import newest
from core.horizon_specs import HorizonSpec, StretchSpec
from core.origins import truth_at
from core.series import FloatArray
from core.specs import SpecError
from core.windows import MIN_TEST_WINDOWS, MIN_TRAIN_WINDOWS

Indices = npt.NDArray[np.int64]
Readings = npt.NDArray[np.float64]


def carried(values: FloatArray, limit: int) -> FloatArray:
    """Fill each gap of ``values`` (points, signals) by the reading before it, ``limit`` points at the most.

    Only the past is looked at, unlike with interpolation: what comes later changes nothing.
    """
    filled = values.copy()
    for column in filled.T:
        last = newest(column)
        near = (last >= 0) & (np.arange(len(column)) - last <= limit)
        column[near] = column[last[near]]
    return filled


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """Where time is cut, each stretch right after the one before; the test's end may not be the series'."""

    train: slice
    validation: slice
    calibration: slice
    test: slice


def stretches(points: int, shares: StretchSpec, fold: int = 0, count: int = 1) -> Stretches:
    """Cut ``points`` readings for rolling origin ``fold`` of ``count``.

    The last ``count`` equal pieces of the series are the tests; each fold learns from all that lies before
    its validation. With one fold this is the plain cut by ``shares``.

    Raises:
        SpecError: the series is too short.
    """
    watched = [max(1, round(points * share)) for share in (shares.validation, shares.calibration)]
    test = max(1, (points - round(points * shares.train) - sum(watched)) // count)
    cut = folds(points, count, test, validation=sum(watched))[fold]
    middle = cut.validation.start + watched[0]
    return Stretches(
        train=cut.train,
        validation=slice(cut.validation.start, middle),
        calibration=slice(middle, cut.validation.stop),
        test=cut.test,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Origins (rows,) of one purpose, and the stretch in which their truth has to lie."""

    origins: Indices = field(repr=False)
    within: slice

    def __len__(self) -> int:
        return len(self.origins)

    def truth(self, values: npt.ArrayLike, horizons: int) -> Readings:
        """Return what came at 1…H of ``values`` (points,), inside the stretch; (rows, horizons), else NaN."""
        came = truth_at(values, self.origins, horizons)
        place = self.origins[:, None] + np.arange(1, horizons + 1)
        return np.where((place >= self.within.start) & (place < self.within.stop), came, np.nan)


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """What to learn from, to stop by, to calibrate by, and the future to be judged on."""

    train: Part
    validation: Part
    calibration: Part
    test: Part


def _origins(
    readings: FloatArray,
    values: FloatArray,
    answers: tuple[int, ...],
    length: int,
    horizons: int,
    part: slice,
) -> Part:
    """Find the origins with a complete window of ``values`` and a truth of ``readings`` in ``part``."""
    complete = np.isfinite(values).all(axis=1)
    total = np.concatenate([[0], np.cumsum(complete)])
    origins = np.arange(max(part.start - horizons, length - 1), part.stop - 1)
    origins = origins[total[origins + 1] - total[origins + 1 - length] == length]
    inside = np.arange(len(readings)) >= part.start
    known = np.isfinite(readings[:, list(answers)]).any(axis=1) & inside
    seen = np.concatenate([[0], np.cumsum(known)])
    last = np.minimum(origins + horizons, part.stop - 1)
    found: Indices = origins[seen[last + 1] - seen[origins + 1] > 0]
    return Part(origins=found, within=part)


def cut(spec: HorizonSpec, readings: FloatArray, values: FloatArray) -> tuple[Stretches, Parts]:
    """Lay out the parts of ``readings`` (points, inputs) for ``spec``; ``values`` are those with gaps filled.

    An origin of calibration or test never lies before the end of training less one, so that the baselines
    can start from the same ones. With the leak ``shuffle`` the windows of all time before the test are mixed
    first, and then cut by the same shares.

    Raises:
        SpecError: the series is too short, or too full of gaps.
    """
    where = stretches(len(values), spec.stretch, spec.fold, spec.folds)
    ahead = 1 if spec.strategy == "recursive" else spec.horizons
    targets = spec.panel.answered

    def judged(part: slice) -> Part:
        found = _origins(readings, values, targets, spec.length, spec.horizons, part)
        return Part(origins=found.origins[found.origins >= where.train.stop - 1], within=part)

    train = _origins(readings, values, spec.answers, spec.length, ahead, where.train)
    validation = _origins(readings, values, spec.answers, spec.length, ahead, where.validation)
    calibration = judged(where.calibration)
    if spec.leak == "shuffle":
        past = slice(0, where.test.start)
        mixed = _origins(readings, values, spec.answers, spec.length, ahead, past).origins
        mixed = np.random.RandomState(spec.training.seed).permutation(mixed)
        ends = [where.train.stop, where.validation.stop]
        first, second = (round(len(mixed) * end / where.test.start) for end in ends)
        train, validation, calibration = (
            Part(origins=np.sort(piece), within=past)
            for piece in (mixed[:first], mixed[first:second], mixed[second:])
        )
    parts = Parts(train=train, validation=validation, calibration=calibration, test=judged(where.test))
    _require_enough(parts)
    return where, parts


def _require_enough(parts: Parts) -> None:
    least = {"学習": MIN_TRAIN_WINDOWS, "検証": 1, "較正": 1, "テスト": MIN_TEST_WINDOWS}
    found = dict(
        zip(
            least,
            map(len, (parts.train, parts.validation, parts.calibration, parts.test)),
            strict=True,
        )
    )
    short = [f"{name}用 {found[name]} 個" for name in least if found[name] < least[name]]
    if short:
        raise SpecError(
            f"欠測をまたがない窓が足りません({'、'.join(short)})。"
            "窓を短くするか、欠測の少ない信号を選ぶか、もっと長いデータを使ってください。"
        )


def scale(values: FloatArray, seen: slice) -> tuple[Readings, Readings]:
    """Return mean and standard deviation (inputs,) of ``values[seen]``; 1 for a constant.

    Raises:
        SpecError: an input has no reading there.
    """
    stretch = values[seen].astype(np.float64)
    if not np.isfinite(stretch).any(axis=0).all():
        raise SpecError("学習に使う区間に値のない信号があります。別の信号を選んでください。")
    sd = np.nanstd(stretch, axis=0)
    return np.nanmean(stretch, axis=0), np.where(sd > 0, sd, 1.0)
