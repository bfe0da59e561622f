"""What to run: small frozen values. Equal specs are the same run and share one training."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from core.cohorts import COHORTS, COLUMNS
from core.update_rules import RULES


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
    """An update rule and its learning rate.

    ``momentum`` is used by the rules that have one; ``weight_decay`` is the rule's own when None.
    """

    name: str = "adam"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        require_one_of("オプティマイザ", self.name, tuple(RULES))
        require_between("学習率", self.lr, 1e-7, 10.0)
        require_between("モメンタム", self.momentum, 0.0, 0.999)
        if self.weight_decay is not None:
            require_between("重み減衰", self.weight_decay, 0.0, 10.0)


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
class LossSpec:
    """What the network is scored by while it learns.

    ``auto`` is cross-entropy for classes and the mean squared error for numbers. ``delta`` is where
    Huber's loss turns straight (in standardized units), ``positive_weight`` how much a patient of class 1
    counts in ``weighted``, ``gamma`` how little an easy patient counts in ``focal``.
    """

    name: str = "auto"
    delta: float = 1.0
    positive_weight: float = 10.0
    gamma: float = 2.0

    def __post_init__(self) -> None:
        require_one_of("損失関数", self.name, ("auto", *LOSSES_OF_NUMBERS, *LOSSES_OF_CLASSES))
        require_between("Huber 損失の δ", self.delta, 0.01, 100.0)
        require_between("陽性の重み", self.positive_weight, 0.01, 1000.0)
        require_between("focal 損失の γ", self.gamma, 0.0, 10.0)


LOSSES_OF_NUMBERS = ("mse", "mae", "huber")
LOSSES_OF_CLASSES = ("cross_entropy", "weighted", "focal")


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """A table of patients, cut by ``seed`` into training, validation and test rows.

    Simulated tables use more: ``patients`` and ``positive_share`` are how many to make and which share of
    them is ill, ``noise`` how much chance there is in them; ``mistyped`` is how many training targets are
    ten times what they should be. ``columns`` are made from the two inputs of a map (see
    ``core.cohorts.COLUMNS``). Of the training rows only the first ``train_rows`` are used, all if None;
    ``sorted_labels`` puts them in the order of their targets, the highest first.
    """

    name: str = "breast_cancer"
    validation: float = 0.2
    test: float = 0.2
    seed: int = 0
    patients: int = 1000
    positive_share: float = 0.05
    mistyped: int = 0
    noise: float = 0.0
    columns: tuple[str, ...] = ("x1", "x2")
    train_rows: int | None = None
    sorted_labels: bool = False

    def __post_init__(self) -> None:
        require_one_of("データ", self.name, tuple(COHORTS))
        require_between("雑音", self.noise, 0.0, 1.0)
        if not self.columns:
            raise SpecError("入力を1つ以上選んでください。")
        for column in self.columns:
            require_one_of("入力", column, tuple(COLUMNS))
        if len(set(self.columns)) != len(self.columns):
            raise SpecError("同じ入力が2回選ばれています。")
        if self.train_rows is not None:
            require_between("学習に使う患者数", self.train_rows, 4, 20_000)
        require_between("患者数", self.patients, 50, 20_000)
        require_between("陽性の割合", self.positive_share, 0.01, 0.5)
        require_between("打ち間違いの数", self.mistyped, 0, 20)
        require_between("検証に使う割合", self.validation, 0.05, 0.4)
        require_between("テストに使う割合", self.test, 0.05, 0.4)
        require_between("分割の乱数の種", self.seed, 0, 2**31 - 1)

    @property
    def inputs(self) -> int:
        """Return the number of input columns, or of pixels."""
        cohort = COHORTS[self.name]
        return len(self.columns) if cohort.is_map else cohort.inputs


@dataclass(frozen=True, kw_only=True)
class MLPSpec:
    """A multilayer perceptron: hidden units layer by layer, and the activation between them.

    ``dropout`` is the share of hidden units that rest in each step of training.
    """

    hidden: tuple[int, ...] = (16,)
    activation: str = "relu"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require_between("隠れ層の数", len(self.hidden), 0, 6)
        for units in self.hidden:
            require_between("隠れユニット数", units, 1, 512)
        require_one_of("活性化関数", self.activation, ACTIVATIONS)
        require_between("ドロップアウト率", self.dropout, 0.0, 0.9)


ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "gelu", "silu", "linear")


@dataclass(frozen=True, kw_only=True)
class AugmentSpec:
    """How strongly pictures are changed while a network trains; nothing by default. See ``core.augment``.

    ``flip``, ``upside_down`` and ``erase`` are probabilities, ``degrees`` and ``shear`` angles, the others
    shares and factors.
    """

    flip: float = 0.0
    upside_down: float = 0.0
    degrees: float = 0.0
    translate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    noise: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        require_between("左右反転の確率", self.flip, 0.0, 1.0)
        require_between("180°回転の確率", self.upside_down, 0.0, 1.0)
        require_between("回転の角度", self.degrees, 0.0, 180.0)
        require_between("平行移動", self.translate, 0.0, 0.5)
        require_between("拡大・縮小", self.scale, 0.0, 0.5)
        require_between("せん断の角度", self.shear, 0.0, 45.0)
        require_between("明るさ", self.brightness, 0.0, 1.0)
        require_between("コントラスト", self.contrast, 0.0, 1.0)
        require_between("雑音", self.noise, 0.0, 1.0)
        require_between("消去の確率", self.erase, 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class ConvSpec(MLPSpec):
    """A convolutional network: 3×3 filters and 2×2 max pooling for each of ``channels``, then a perceptron.

    ``augment`` is what happens to its pictures while it trains.
    """

    hidden: tuple[int, ...] = ()
    channels: tuple[int, ...] = (8, 16)
    augment: AugmentSpec = field(default_factory=AugmentSpec)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between("畳み込み層の数", len(self.channels), 1, 3)
        for channels in self.channels:
            require_between("チャンネル数", channels, 1, 64)


@dataclass(frozen=True, kw_only=True)
class PenaltySpec:
    """What large weights cost beside the loss: ``l1`` times Σ|w| plus ``l2`` times Σw², biases apart."""

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        require_between("L1 の強さ", self.l1, 0.0, 10.0)
        require_between("L2 の強さ", self.l2, 0.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """How long and in what order to train. ``patience`` counts epochs without a better validation loss.

    ``clip`` is the longest a gradient may be: a longer one is shortened to it before each step.
    """

    epochs: int = 200
    batch_size: int = 16
    shuffle: bool = True
    seed: int = 0
    patience: int | None = None
    min_delta: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        if self.clip is not None:
            require_between("勾配クリッピングの上限", self.clip, 1e-4, 1e4)
        require_between("エポック数", self.epochs, 1, 2000)
        require_between("バッチサイズ", self.batch_size, 1, 4096)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)
        require_between("最小の改善幅", self.min_delta, 0.0, 1e6)
        if self.patience is not None:
            require_between("早期終了の我慢", self.patience, 1, 2000)


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
    loss: LossSpec = field(default_factory=LossSpec)
    penalty: PenaltySpec = field(default_factory=PenaltySpec)
    optimizer: OptimizerSpec = field(default_factory=OptimizerSpec)
    schedule: ScheduleSpec = field(default_factory=ScheduleSpec)
    training: TrainingSpec = field(default_factory=lambda: TrainingSpec(epochs=60, batch_size=32))

    def __post_init__(self) -> None:
        wrong = LOSSES_OF_NUMBERS if COHORTS[self.table.name].classes else LOSSES_OF_CLASSES
        if self.loss.name in wrong:
            raise SpecError("この損失関数は、このデータの目的(分類か数値の予測か)に合いません。")
        if self.loss.name == "weighted" and COHORTS[self.table.name].classes > 2:
            raise SpecError("重み付き損失は、2つに分ける問題で使えます。別の損失関数を選んでください。")
        if isinstance(self.model, ConvSpec) != bool(COHORTS[self.table.name].side):
            raise SpecError("画像には畳み込みネットワーク、表には多層パーセプトロンを選んでください。")

    @property
    def loss_name(self) -> str:
        """Return the loss by name, with ``auto`` resolved."""
        if self.loss.name != "auto":
            return self.loss.name
        return "cross_entropy" if COHORTS[self.table.name].classes else "mse"


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
CellSpec = TypeVar("CellSpec")
"""A spec with a ``ModelSpec`` and a ``TrainingSpec``."""


def with_seeds(spec: SomeSpec, count: int) -> tuple[SomeSpec, ...]:
    """Return ``count`` copies of ``spec`` with the seeds that follow its own, itself first."""
    first = spec.training.seed
    return tuple(replace(spec, training=replace(spec.training, seed=first + i)) for i in range(count))


def with_cells(spec: CellSpec, names: Sequence[str], seeds: int = 1) -> tuple[CellSpec, ...]:
    """Return ``spec`` for each kind of cell and of ``seeds`` seeds in a row, the cells turning fastest."""
    given: Any = spec
    return tuple(
        replace(
            given,
            model=replace(given.model, name=name),
            training=replace(given.training, seed=given.training.seed + seed),
        )
        for seed in range(seeds)
        for name in names
    )


def stack_shape(spec: AnySpec) -> AnySpec:
    """Return ``spec`` without what may differ between runs of one stack.

    Those are the learning rate, weight decay, penalty, schedule and seed.
    """
    optimizer = replace(spec.optimizer, lr=1.0, weight_decay=0.0)
    training = replace(spec.training, seed=0)
    if isinstance(spec, TableRunSpec):
        return replace(
            spec, optimizer=optimizer, training=training, schedule=ScheduleSpec(), penalty=PenaltySpec()
        )
    return replace(spec, optimizer=optimizer, training=training)


def require_stackable(specs: Sequence[AnySpec]) -> None:
    """Check that ``specs`` differ only in what a stack allows, and so can train as one.

    Raises:
        SpecError: they differ in more.
    """
    if len({stack_shape(spec) for spec in specs}) != 1:
        raise SpecError("一緒に学習できるのは、学習率・スケジュール・乱数の種だけが違う設定です。")


def require_together(specs: Sequence[AnySpec]) -> None:
    """Check that ``specs`` can train side by side, epoch by epoch.

    Perceptrons may differ in anything but the number of epochs, forecasters only in what a stack allows.

    Raises:
        SpecError: they cannot.
    """
    if not all(isinstance(spec, TableRunSpec) for spec in specs):
        require_stackable(specs)
    elif len({spec.training.epochs for spec in specs}) != 1:
        raise SpecError("一緒に学習する設定は、エポック数をそろえてください。")
    elif len({spec.training.clip for spec in specs}) != 1:
        raise SpecError("一緒に学習する設定は、勾配クリッピングの上限をそろえてください。")
