"""Windows over a series in time order: what the network sees, and which part of time it may learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.series import FloatArray
from core.specs import SpecError, SplitSpec

MIN_TRAIN_WINDOWS = 8
MIN_TEST_WINDOWS = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """``inputs`` (windows, length) predict ``targets`` (windows,), the readings at ``index`` (windows,)."""

    inputs: FloatArray
    targets: FloatArray
    index: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.targets)

    def between(self, start: int, stop: int) -> Windows:
        """Return the windows whose target lies in ``start <= index < stop``. Views, no copies."""
        first, last = np.searchsorted(self.index, (start, stop))
        part = slice(int(first), int(last))
        return Windows(inputs=self.inputs[part], targets=self.targets[part], index=self.index[part])


def make_windows(values: FloatArray, length: int) -> Windows:
    """Cut every window of ``length`` readings and the one after it out of ``values`` (points,).

    A window that touches a missing reading is left out: a gap is never bridged by a made-up value.
    """
    if len(values) <= length:
        raise SpecError(
            f"データが {len(values)} 点しかないため、長さ {length} の窓を作れません。窓を短くしてください。"
        )
    frames = np.lib.stride_tricks.sliding_window_view(values, length + 1)  # (points - length, length + 1)
    index = np.arange(length, len(values))
    complete = np.isfinite(frames).all(axis=1)
    if not complete.all():
        frames, index = frames[complete], index[complete]
    return Windows(inputs=frames[:, :-1], targets=frames[:, -1], index=index)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Where time is cut: up to ``train`` to learn from, up to ``validation`` to watch, the rest to test."""

    train: int
    validation: int


def bounds(points: int, split: SplitSpec) -> Bounds:
    """Cut ``points`` readings in time order by the shares of ``split``."""
    train = round(points * split.train)
    return Bounds(train=train, validation=round(points * (split.train + split.validation)))


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """An affine change of unit, fitted on the training stretch alone."""

    mean: float = 0.0
    sd: float = 1.0

    @classmethod
    def fit(cls, values: FloatArray) -> Scaler:
        """Fit mean and standard deviation to the finite readings; a constant stretch keeps its unit."""
        finite = values[np.isfinite(values)].astype(np.float64)
        if finite.size == 0:
            raise SpecError("学習に使う区間に値がありません。別の信号を選んでください。")
        sd = float(finite.std())
        return cls(mean=float(finite.mean()), sd=sd if sd > 0 else 1.0)

    def scale(self, values: FloatArray) -> FloatArray:
        """Return ``(values - mean) / sd``."""
        return ((values - self.mean) / self.sd).astype(np.float32)

    def unscale(self, values: FloatArray) -> FloatArray:
        """Undo ``scale``: back to the signal's unit."""
        return (values * self.sd + self.mean).astype(np.float32)


def require_enough(train: Windows, validation: Windows, test: Windows, split: SplitSpec) -> None:
    """Check that every part that was asked for has windows.

    Raises:
        SpecError: a part is too small to learn from or to judge by.
    """
    if len(train) < MIN_TRAIN_WINDOWS or len(test) < MIN_TEST_WINDOWS:
        raise SpecError(
            f"欠測をまたがない窓が、学習用に {len(train)} 個、テスト用に {len(test)} 個しかありません"
            f"(学習用 {MIN_TRAIN_WINDOWS} 個、テスト用 {MIN_TEST_WINDOWS} 個以上が必要です)。"
            "窓を短くするか、欠測の少ない信号を選んでください。"
        )
    if split.validation > 0 and len(validation) == 0:
        raise SpecError("検証用の窓がありません。検証に使う割合を増やすか、窓を短くしてください。")
