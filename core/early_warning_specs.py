"""What a forecaster learns from, before its errors are watched in simulated patients: one small value.

The patients are those of ``core.vitals.sample``. Each is simulated twice with the same random numbers: once
getting worse, and once, its *twin*, staying well. So a flag in the twin is known to be a false one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from core.horizon_specs import HorizonSpec, StretchSpec
from core.horizon_windows import Stretches, stretches
from core.panel import ICU_SIGNALS, ICU_UNITS, PanelSpec
from core.specs import ModelSpec, OptimizerSpec, TrainingSpec, require_between, require_one_of

STEP_S = 300
PER_HOUR = 3600 // STEP_S
SIGNALS = ("心拍数", "収縮期血圧", "呼吸数", "SpO2", "体温")
UNITS = tuple(ICU_UNITS[ICU_SIGNALS.index(name)] for name in SIGNALS)
RESOLUTION = (1.0, 1.0, 1.0, 1.0, 0.1)
"""How coarsely each signal is written down."""
SOURCES = ("ward", "own", "mixed")
PATIENTS = 20
OTHERS_FROM, WARD_FROM = 20_000, 10_000
HELD_WARD = (4, 4, 3)
"""How many patients of the ward are kept for validation, calibration and test."""
WARD_HOURS = 24.0
CARRY = 3
OWN_TIME = StretchSpec(train=0.25, validation=0.04, calibration=0.08)
ONSET = 0.1
"""The share of the simulated illness from which a patient counts as getting worse."""
MIDDLE, STEEPNESS = 0.65, 8.0  # of the sigmoid in core.vitals.sample, as shares of the time


def illness(shares: float) -> float:
    """Return how far the illness has come, 0 to 1, at a share of the simulated time."""
    return 1 / (1 + math.exp(-STEEPNESS * (shares - MIDDLE)))


@dataclass(frozen=True, kw_only=True)
class WarningSpec:
    """One forecaster and the patients it is tried on.

    ``ward`` learns from that many other patients who stay well, ``mixed`` from as many of whom every second
    gets worse, and ``own`` from the calm beginning of the patient ``seed`` alone. ``horizon`` and
    ``length`` count readings, which come every ``STEP_S`` seconds.
    """

    source: str = "ward"
    seed: int = 0
    hours: int = 24
    artefacts: float = 0.01
    ward: int = 8
    length: int = 12
    horizon: int = 6
    model: ModelSpec = field(default_factory=lambda: ModelSpec(name="lstm", hidden=16))
    optimizer: OptimizerSpec = field(default_factory=lambda: OptimizerSpec(lr=5e-3))
    training: TrainingSpec = field(default_factory=lambda: TrainingSpec(epochs=25, batch_size=64, patience=8))

    def __post_init__(self) -> None:
        require_one_of("学習するデータ", self.source, SOURCES)
        require_between("患者の種", self.seed, 0, WARD_FROM - 1)
        require_between("観察する時間", self.hours, 24, 48)
        require_between("乱れの割合", self.artefacts, 0.0, 0.3)
        require_between("学習に使う患者数", self.ward, 4, 32)
        require_between("窓の長さ", self.length, 2, 36)
        require_between("予測する先", self.horizon, 1, 24)

    @property
    def points(self) -> int:
        """Return how many readings a patient has."""
        return self.hours * PER_HOUR

    @property
    def cut(self) -> Stretches:
        """Return the stretches of a patient's time; watching begins with the test, for every source."""
        return stretches(self.points, OWN_TIME)

    @property
    def onset(self) -> int:
        """Return the first reading at which the illness has come to ``ONSET``."""
        share = MIDDLE + math.log(ONSET / (1 - ONSET)) / STEEPNESS
        return math.ceil(share * self.points)

    @property
    def gap(self) -> int:
        """Return how many missing readings part two patients, so that no window or forecast joins them."""
        return CARRY + self.horizon + 1

    def patient(self, seed: int, worse: bool, hours: float | None = None) -> PanelSpec:
        """Return a simulated patient, of this spec's length unless ``hours`` says otherwise."""
        return PanelSpec(
            inputs=SIGNALS,
            targets=SIGNALS,
            seed=seed,
            hours=hours or float(self.hours),
            step_s=STEP_S,
            deterioration=worse,
            artefacts=self.artefacts,
        )

    @property
    def watched(self) -> tuple[PanelSpec, ...]:
        """Return the patients to watch, each followed by the twin; the reader's own patient comes first."""
        seeds = [self.seed, *range(OTHERS_FROM, OTHERS_FROM + PATIENTS)]
        return tuple(self.patient(seed, worse) for seed in seeds for worse in (True, False))

    @property
    def learnt(self) -> tuple[PanelSpec, ...]:
        """Return the patients to learn from."""
        if self.source == "own":
            return (self.patient(self.seed, True),)
        count = self.ward + sum(HELD_WARD)
        return tuple(
            self.patient(WARD_FROM + i, self.source == "mixed" and i % 2 == 1, WARD_HOURS)
            for i in range(count)
        )

    @property
    def forecaster(self) -> HorizonSpec:
        """Return the training: patients strung together in time, cut where one ends and the next begins."""
        held = self.ward + sum(HELD_WARD)
        shares = (self.ward / held, HELD_WARD[0] / held, HELD_WARD[1] / held)
        strung = StretchSpec(train=shares[0], validation=shares[1], calibration=shares[2])
        return HorizonSpec(
            panel=PanelSpec(source="upload", inputs=SIGNALS, targets=SIGNALS),
            length=self.length,
            horizons=self.horizon,
            stretch=OWN_TIME if self.source == "own" else strung,
            carry=CARRY,
            model=self.model,
            optimizer=self.optimizer,
            training=self.training,
        )
