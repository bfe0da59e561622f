"""Rolling-origin evaluation: the same question asked from several points in time.

Tashman (2000), Out-of-sample tests of forecasting accuracy; Hyndman and Athanasopoulos, Forecasting:
Principles and Practice, 3rd edition, section 5.10.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.specs import SpecError
from core.windows import MIN_TRAIN_WINDOWS


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Three stretches in time order: to learn from, to watch or calibrate by, and to judge on.

    Each slice is of the readings to be forecast (the truth); the readings that a forecast looks back on may
    lie before it. ``validation`` is empty when none was asked for.
    """

    train: slice
    validation: slice
    test: slice

    def origins(self, horizons: int = 1) -> range:
        """Return the origins whose truth at 1…``horizons`` all lies in the test stretch."""
        return range(self.test.start - 1, self.test.stop - horizons)

    def calibration_origins(self, horizons: int = 1) -> range:
        """Return the origins whose truth at 1…``horizons`` all lies in the validation stretch."""
        return range(self.validation.start - 1, self.validation.stop - horizons)


def folds(
    points: int,
    count: int,
    test: int,
    gap: int = 0,
    expanding: bool = True,
    *,
    validation: int | None = None,
    least: int = MIN_TRAIN_WINDOWS,
) -> tuple[Fold, ...]:
    """Lay ``count`` test stretches of ``test`` readings end to end, the last one at the end of the series.

    Each has a validation stretch of ``validation`` readings (as many as ``test`` when None; 0 for none) and
    the training before it, ``gap`` readings apart. Training starts at 0 and grows (``expanding``), or keeps
    the length of the first fold and slides along. The first fold trains on at least ``least`` readings.

    Raises:
        SpecError: a number is out of range, or the series is too short for that many folds.
    """
    watched = test if validation is None else validation
    for name, number, low in (
        ("くり返しの回数", count, 1),
        ("テスト区間の長さ", test, 1),
        ("検証区間の長さ", watched, 0),
        ("間隔", gap, 0),
        ("学習区間の最小の長さ", least, 1),
    ):
        if number < low:
            raise SpecError(f"{name}は {low} 以上で指定してください(いまの値: {number})。")
    before = gap + (watched + gap if watched else 0)  # readings between the end of training and the test
    first = points - count * test - before
    if first < least:
        raise SpecError(
            f"データが {points} 点しかないため、{test} 点のテストを {count} 回くり返せません"
            f"({count * test + before + least} 点以上が必要です)。"
            "くり返しの回数を減らすか、テスト・検証の区間や間隔を短くするか、もっと長いデータを選んでください。"
        )

    def fold(number: int) -> Fold:
        start = points - (count - number) * test
        stop = start - before
        return Fold(
            train=slice(0 if expanding else stop - first, stop),
            validation=slice(start - gap - watched, start - gap),
            test=slice(start, start + test),
        )

    return tuple(fold(number) for number in range(count))
