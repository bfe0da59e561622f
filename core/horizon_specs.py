"""What to forecast many steps ahead, and by which rules it is judged: one small frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.baselines import BASELINES
from core.panel import PanelSpec
from core.specs import ModelSpec, OptimizerSpec, SpecError, TrainingSpec, require_between, require_one_of

MODEL = "network"
MAX_HORIZON = 120
STRATEGIES = ("direct", "recursive")
LEAKS = ("none", "scaler", "shuffle")
RIVALS = ("persistence", "seasonal", "drift", "mean", "autoregression")
"""The baselines that stand beside a network, by their names in ``core.baselines``."""
assert set(RIVALS) <= set(BASELINES)


@dataclass(frozen=True, kw_only=True)
class StretchSpec:
    """Shares of a series in time order: to learn from, to stop by, to calibrate by. The rest is the test."""

    train: float = 0.6
    validation: float = 0.1
    calibration: float = 0.1

    def __post_init__(self) -> None:
        require_between("学習に使う割合", self.train, 0.2, 0.9)
        require_between("検証に使う割合", self.validation, 0.02, 0.4)
        require_between("較正に使う割合", self.calibration, 0.02, 0.4)
        if self.train + self.validation + self.calibration > 0.95:
            raise SpecError(
                "学習・検証・較正の割合の合計を 0.95 以下にして、テストに使う区間を残してください。"
            )


@dataclass(frozen=True, kw_only=True)
class HorizonSpec:
    """One forecasting run: windows of ``length`` readings answer the targets 1…``horizons`` steps ahead.

    ``direct`` answers all horizons at once; ``recursive`` answers all inputs one step ahead and reads its own
    answers. With ``differences`` the network answers the change from the newest reading. ``leak`` breaks a
    rule on purpose: ``scaler`` scales by the whole past, ``shuffle`` mixes the windows of the past before
    they are cut. ``fold`` of ``folds`` says which rolling origin this is, the last one at the series' end.
    ``alpha`` is the share of truths that an interval may miss, ``period`` (points) and ``order`` are those of
    the seasonal-naive forecast and the autoregression. A window may bridge a gap of up to ``carry`` points by
    the reading before it; what is forecast is never made up.
    """

    panel: PanelSpec = field(default_factory=PanelSpec)
    length: int = 30
    horizons: int = 10
    strategy: str = "direct"
    differences: bool = True
    stretch: StretchSpec = field(default_factory=StretchSpec)
    fold: int = 0
    folds: int = 1
    leak: str = "none"
    alpha: float = 0.1
    period: int = 24
    order: int = 5
    carry: int = 5
    model: ModelSpec = field(default_factory=lambda: ModelSpec(name="lstm", hidden=16))
    optimizer: OptimizerSpec = field(default_factory=lambda: OptimizerSpec(lr=3e-3))
    training: TrainingSpec = field(default_factory=lambda: TrainingSpec(epochs=40, batch_size=64, patience=8))

    def __post_init__(self) -> None:
        require_between("窓の長さ", self.length, 1, 500)
        require_between("予測する先の長さ", self.horizons, 1, MAX_HORIZON)
        require_one_of("予測のしかた", self.strategy, STRATEGIES)
        require_one_of("リーク", self.leak, LEAKS)
        require_between("くり返しの回数", self.folds, 1, 8)
        require_between("何回目か", self.fold, 0, self.folds - 1)
        require_between("外れてよい割合", self.alpha, 0.01, 0.5)
        require_between("周期", self.period, 1, 100_000)
        require_between("自己回帰の次数", self.order, 1, 100)
        require_between("欠測を直前の値で補う点の数", self.carry, 0, 100)
        if self.leak != "none" and self.folds > 1:
            raise SpecError("リークの実験では、くり返しの回数を 1 にしてください。")

    @property
    def answers(self) -> tuple[int, ...]:
        """Return the places among the inputs of what the network answers."""
        if self.strategy == "recursive":
            return tuple(range(len(self.panel.inputs)))
        return self.panel.answered

    @property
    def outputs(self) -> int:
        """Return how many numbers the network answers for a window."""
        return len(self.answers) * (1 if self.strategy == "recursive" else self.horizons)
