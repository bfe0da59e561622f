"""A simulated patient in intensive care, as a CSV to try the importer with: no real person's data."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.vitals.cells import FloatColumn
from core.vitals.problems import ImportRefused

HEADER = (
    "日時",
    "心拍数(回/分)",
    "収縮期血圧(mmHg)",
    "拡張期血圧(mmHg)",
    "呼吸数(回/分)",
    "SpO2(%)",
    "体温(℃)",
)
START = datetime(2024, 5, 1, 7, 0)
DECIMALS = (0, 0, 0, 0, 0, 1)
_MAX_ROWS = 50_000


@dataclass(frozen=True, kw_only=True)
class SampleSpec:
    """``hours`` of readings every ``step_s`` seconds. ``deterioration``: the patient becomes septic half-way.

    ``artefacts`` is the share of readings that a slipped sensor or a moving patient spoils or loses.
    """

    seed: int = 0
    hours: float = 24.0
    step_s: int = 60
    deterioration: bool = True
    artefacts: float = 0.01

    def __post_init__(self) -> None:
        if not (0 < self.hours * 3600 / max(1, self.step_s) <= _MAX_ROWS and self.step_s >= 1):
            raise ImportRefused(f"見本は {_MAX_ROWS:,} 行までです。時間を短くするか、間隔を広げてください。")
        if not 0 <= self.artefacts <= 0.5 or self.seed < 0:
            raise ImportRefused("乱れの割合は 0〜0.5、乱数の種は 0 以上にしてください。")


def simulate(spec: SampleSpec) -> FloatColumn:
    """Return HR, SBP, DBP, RR, SpO2 and temperature, shape (rows, 6), NaN where a reading was lost.

    Each is a level that follows the hour of the day, a slow wandering (AR(1) with a time constant of half an
    hour), quick noise, and, if the patient deteriorates, a sigmoid from half-way on: fever, tachycardia,
    falling pressure and saturation, rapid breathing.
    """
    rng = np.random.default_rng(spec.seed)
    rows = max(2, round(spec.hours * 3600 / spec.step_s))
    hours = np.arange(rows) * spec.step_s / 3600
    awake = np.cos(2 * np.pi * (START.hour + hours - 16) / 24)  # highest at 16 h, lowest at 4 h
    ill = 1 / (1 + np.exp(-8 * (hours / spec.hours - 0.65))) if spec.deterioration else np.zeros(rows)
    level = np.array([76.0, 122.0, 70.0, 15.0, 97.0, 36.7])
    daily = np.array([5.0, 6.0, 4.0, 1.0, 0.2, 0.3])
    illness = np.array([38.0, -34.0, -20.0, 11.0, -6.0, 2.0])
    slow = np.array([3.0, 5.0, 3.0, 1.2, 0.6, 0.1])
    quick = np.array([1.5, 2.5, 2.0, 0.8, 0.5, 0.03])
    keep = np.exp(-spec.step_s / 1800)
    wander = np.zeros((rows, 6))
    wander[0] = rng.normal(size=6)
    shocks = rng.normal(size=(rows, 6)) * np.sqrt(1 - keep**2)
    for i in range(1, rows):
        wander[i] = keep * wander[i - 1] + shocks[i]
    values = level + np.outer(awake, daily) + np.outer(ill, illness)
    values += wander * slow + rng.normal(size=(rows, 6)) * quick
    values[:, 4] = np.minimum(values[:, 4], 100)
    values[:, 1] = np.maximum(values[:, 1], values[:, 2] + 12)
    for column, shift in ((0, 45.0), (3, 25.0), (4, -22.0)):  # movement: false beats, breaths, desaturation
        spoiled = rng.random(rows) < spec.artefacts / 2
        values[spoiled, column] += shift * rng.uniform(0.6, 1.0, size=int(spoiled.sum()))
    values[rng.random((rows, 6)) < spec.artefacts / 2] = np.nan
    decimals = np.array(DECIMALS)
    rounded: FloatColumn = np.round(values * 10**decimals) / 10**decimals
    return rounded


def sample_csv(spec: SampleSpec | None = None) -> str:
    """Return the text of a CSV with Japanese headers and units; write it as ``utf-8-sig`` for Excel."""
    spec = spec or SampleSpec()
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(HEADER)
    for i, row in enumerate(simulate(spec).tolist()):
        time = START + timedelta(seconds=i * spec.step_s)
        cells = [
            "---" if value != value else f"{value:.{digits}f}"
            for value, digits in zip(row, DECIMALS, strict=True)
        ]
        writer.writerow([time.strftime("%Y/%m/%d %H:%M:%S"), *cells])
    return file.getvalue()
