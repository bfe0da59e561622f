"""What to run: small frozen values. Equal specs are the same run and share one training."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar


class SpecError(ValueError):
    """A setting that cannot be run. The message is Japanese and says what to change."""


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Check ``low <= value <= high``.

    Raises:
        SpecError: ``value`` is not a finite number of that range.
    """
    if not (math.isfinite(value) and low <= value <= high):
        raise SpecError(f"{name}は {low:g} 以上 {high:g} 以下で指定してください(いまの値: {value:g})。")


def require_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Check that ``value`` is one of ``choices``.

    Raises:
        SpecError: it is not.
    """
    if value not in choices:
        raise SpecError(f"{name}は {'、'.join(choices)} のどれかを選んでください。")


@dataclass(frozen=True, kw_only=True)
class SeriesSpec:
    """Where the numbers come from. A reader's upload travels beside the spec, never inside it."""

    source: str = "article"
    signal: str = ""

    def __post_init__(self) -> None:
        require_one_of("データ", self.source, ("article", "upload"))


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A recurrent network: the kind of cell, hidden units and stacked layers."""

    name: str = "rnn"
    hidden: int = 32
    layers: int = 1

    def __post_init__(self) -> None:
        require_one_of("ネットワーク", self.name, ("rnn", "lstm", "gru"))
        require_between("隠れユニット数", self.hidden, 1, 256)
        require_between("層の数", self.layers, 1, 4)


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec:
    """An update rule and its learning rate."""

    name: str = "adam"
    lr: float = 1e-3

    def __post_init__(self) -> None:
        require_one_of("オプティマイザ", self.name, ("sgd", "momentum", "adam"))
        require_between("学習率", self.lr, 1e-7, 10.0)


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec:
    """How the learning rate changes from epoch to epoch. Each number is used by the schedule it names.

    ``step`` multiplies by ``gamma`` every ``every`` epochs, ``exponential`` by ``gamma`` each epoch,
    ``warm_up`` climbs over ``warm_up`` epochs, ``plateau`` multiplies by ``gamma`` after ``patience``
    epochs without a better loss.
    """

    name: str = "constant"
    gamma: float = 0.5
    every: int = 20
    warm_up: int = 10
    patience: int = 5

    def __post_init__(self) -> None:
        require_one_of(
            "学習率スケジュール",
            self.name,
            ("constant", "step", "exponential", "cosine", "one_cycle", "warm_up", "plateau"),
        )
        require_between("減衰率", self.gamma, 0.01, 1.0)
        if self.name == "plateau" and self.gamma >= 1:
            raise SpecError("「プラトーで減衰」の減衰率は 1 より小さくしてください。")
        require_between("減衰の間隔", self.every, 1, 2000)
        require_between("ウォームアップのエポック数", self.warm_up, 1, 2000)
        require_between("プラトーの忍耐", self.patience, 1, 2000)


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """A table of patients, cut by ``seed`` into training, validation and test rows."""

    name: str = "breast_cancer"
    validation: float = 0.2
    test: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        require_one_of("データ", self.name, ("breast_cancer", "diabetes"))
        require_between("検証に使う割合", self.validation, 0.05, 0.4)
        require_between("テストに使う割合", self.test, 0.05, 0.4)
        require_between("分割の乱数の種", self.seed, 0, 2**31 - 1)


@dataclass(frozen=True, kw_only=True)
class MLPSpec:
    """A multilayer perceptron: hidden units layer by layer, and the activation between them."""

    hidden: tuple[int, ...] = (16,)
    activation: str = "relu"

    def __post_init__(self) -> None:
        require_between("隠れ層の数", len(self.hidden), 0, 6)
        for units in self.hidden:
            require_between("隠れユニット数", units, 1, 512)
        require_one_of("活性化関数", self.activation, ("relu", "tanh", "sigmoid"))


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """How long and in what order to train. ``patience`` counts epochs without a better validation loss."""

    epochs: int = 200
    batch_size: int = 16
    shuffle: bool = True
    seed: int = 0
    patience: int | None = None
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        require_between("エポック数", self.epochs, 1, 2000)
        require_between("バッチサイズ", self.batch_size, 1, 4096)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)
        require_between("改善とみなす最小の差", self.min_delta, 0.0, 1e6)
        if self.patience is not None:
            require_between("早期終了の忍耐", self.patience, 1, 2000)


@dataclass(frozen=True, kw_only=True)
class SplitSpec:
    """Shares of the series in time order; what is left after training and validation is the test."""

    train: float = 0.8
    validation: float = 0.0

    def __post_init__(self) -> None:
        require_between("学習に使う割合", self.train, 0.1, 0.95)
        require_between("検証に使う割合", self.validation, 0.0, 0.5)
        if self.train + self.validation > 0.96:
            raise SpecError("学習と検証の割合の合計を 0.96 以下にして、テストに使う区間を残してください。")


@dataclass(frozen=True, kw_only=True)
class TableRunSpec:
    """One training of a perceptron on a table of patients."""

    table: TableSpec = field(default_factory=TableSpec)
    model: MLPSpec = field(default_factory=MLPSpec)
    optimizer: OptimizerSpec = field(default_factory=OptimizerSpec)
    schedule: ScheduleSpec = field(default_factory=ScheduleSpec)
    training: TrainingSpec = field(default_factory=lambda: TrainingSpec(epochs=60, batch_size=32))


@dataclass(frozen=True, kw_only=True)
class ForecastSpec:
    """One forecasting run: windows of ``length`` readings predict the next one."""

    series: SeriesSpec = field(default_factory=SeriesSpec)
    length: int = 10
    standardize: bool = False
    split: SplitSpec = field(default_factory=SplitSpec)
    model: ModelSpec = field(default_factory=ModelSpec)
    optimizer: OptimizerSpec = field(default_factory=OptimizerSpec)
    training: TrainingSpec = field(default_factory=TrainingSpec)

    def __post_init__(self) -> None:
        require_between("窓の長さ", self.length, 1, 500)
        if self.training.patience is not None and self.split.validation == 0:
            raise SpecError("早期終了には検証用の区間が要ります。検証に使う割合を 0 より大きくしてください。")


def digest(spec: object) -> str:
    """Give equal specs the same short name, on every machine (32 hexadecimal digits)."""
    return hashlib.sha256(repr(spec).encode()).hexdigest()[:32]


AnySpec = TableRunSpec | ForecastSpec


SomeSpec = TypeVar("SomeSpec", TableRunSpec, ForecastSpec)


def with_seeds(spec: SomeSpec, count: int) -> tuple[SomeSpec, ...]:
    """Return ``count`` copies of ``spec`` with the seeds that follow its own, itself first."""
    first = spec.training.seed
    return tuple(replace(spec, training=replace(spec.training, seed=first + i)) for i in range(count))


def require_stackable(specs: Sequence[AnySpec]) -> None:
    """Check that ``specs`` differ only in learning rate, schedule and seed, and so can train as one.

    Raises:
        SpecError: they differ in more.
    """

    def common(spec: AnySpec) -> AnySpec:
        same = replace(
            spec,
            optimizer=replace(spec.optimizer, lr=1.0),
            training=replace(spec.training, seed=0),
        )
        return replace(same, schedule=ScheduleSpec()) if isinstance(same, TableRunSpec) else same

    if len({common(spec) for spec in specs}) != 1:
        raise SpecError("一緒に学習できるのは、学習率・スケジュール・乱数の種だけが違う設定です。")
