"""Several signals on one clock: what a forecaster of many horizons reads and answers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.series import ARTICLE_POINTS, FloatArray, article_series
from core.specs import SpecError, require_between, require_one_of
from core.vitals import Imported
from core.vitals.export import measured
from core.vitals.sample import SampleSpec, simulate

ICU_SIGNALS = ("心拍数", "収縮期血圧", "拡張期血圧", "呼吸数", "SpO2", "体温")
ICU_UNITS = ("回/分", "mmHg", "mmHg", "回/分", "%", "℃")
ARTICLE_SIGNALS = ("波",)
MAX_SIGNALS = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Readings of several signals on a regular grid: ``values`` (points, signals), float32, NaN for a gap.

    ``step_s`` is the time between two points, None where points are only counted. The representation
    leaves the values out, so that a log that names a panel holds nothing of it.
    """

    values: FloatArray = field(repr=False)
    names: tuple[str, ...]
    units: tuple[str, ...]
    step_s: float | None = None

    def columns(self, names: tuple[str, ...]) -> FloatArray:
        """Return the columns of ``names``, (points, len(names)).

        Raises:
            SpecError: a name is not that of a signal.
        """
        missing = [name for name in names if name not in self.names]
        if missing:
            raise SpecError("選んだ信号がデータにありません。信号を選び直してください。")
        return self.values[:, [self.names.index(name) for name in names]]


@dataclass(frozen=True, kw_only=True)
class PanelSpec:
    """Which signals to read (``inputs``) and which of them to forecast (``targets``).

    ``icu`` is the simulated patient of ``core.vitals.sample`` with the numbers that follow; an upload travels
    beside the spec, never inside it.
    """

    source: str = "icu"
    inputs: tuple[str, ...] = ("心拍数",)
    targets: tuple[str, ...] = ("心拍数",)
    seed: int = 0
    hours: float = 24.0
    step_s: int = 60
    deterioration: bool = True
    artefacts: float = 0.01

    def __post_init__(self) -> None:
        require_one_of("データ", self.source, ("article", "icu", "upload"))
        require_between("入力の信号の数", len(self.inputs), 1, MAX_SIGNALS)
        require_between("予測する信号の数", len(self.targets), 1, MAX_SIGNALS)
        if len(set(self.inputs)) != len(self.inputs) or len(set(self.targets)) != len(self.targets):
            raise SpecError("同じ信号が2回選ばれています。")
        if not set(self.targets) <= set(self.inputs):
            raise SpecError("予測する信号は、入力の信号の中から選んでください。")
        known = {"article": ARTICLE_SIGNALS, "icu": ICU_SIGNALS}.get(self.source, self.inputs)
        for name in self.inputs:
            require_one_of("信号", name, known)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)
        require_between("時間の長さ", self.hours, 0.1, 240.0)
        require_between("測定の間隔(秒)", self.step_s, 1, 3600)
        require_between("点の数", self.hours * 3600 / self.step_s, 50, 50_000)
        require_between("乱れの割合", self.artefacts, 0.0, 0.5)

    @property
    def answered(self) -> tuple[int, ...]:
        """Return the places of the targets among the inputs."""
        return tuple(self.inputs.index(name) for name in self.targets)


def load(spec: PanelSpec, upload: Panel | None = None) -> Panel:
    """Return the panel of ``spec``; simulated ones are the same for the same spec.

    Raises:
        SpecError: the spec reads an upload, and there is none.
    """
    if spec.source == "upload":
        if upload is None:
            raise SpecError("CSVの内容がもう残っていません。もう一度ファイルを選んでください。")
        return upload
    if spec.source == "article":
        wave = article_series().values.reshape(ARTICLE_POINTS, 1)
        return Panel(values=wave, names=ARTICLE_SIGNALS, units=("",))
    readings = simulate(
        SampleSpec(
            seed=spec.seed,
            hours=spec.hours,
            step_s=spec.step_s,
            deterioration=spec.deterioration,
            artefacts=spec.artefacts,
        )
    )
    values = readings.astype(np.float32)
    return Panel(values=values, names=ICU_SIGNALS, units=ICU_UNITS, step_s=float(spec.step_s))


def panel_of(imported: Imported) -> Panel:
    """Return the signals of a file; a reading that was filled in between two others is a gap again."""
    return Panel(
        values=np.column_stack([measured(signal) for signal in imported.signals]),
        names=tuple(signal.source for signal in imported.signals),
        units=tuple(signal.unit for signal in imported.signals),
        step_s=imported.clock.interval_s if imported.clock.kind != "rows" else None,
    )
