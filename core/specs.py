"""What to run: small frozen values. Equal specs are the same run and share one training."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field


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
