"""Tables of patients by name: real ones from scikit-learn, and simulated ones made here.

Plain NumPy. The functions that simulate patients are also written, word for word, into the scripts that
readers take home: they use ``np`` alone, and hold no comments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Feature:
    """An input or a target as a doctor writes it; ``digits`` are those that it is measured to."""

    name: str
    unit: str
    digits: int = 0


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """A table of patients.

    Attributes:
        label: what it is, in Japanese.
        inputs: number of input columns.
        classes: number of classes; 0 when the target is a number.
        features: the input columns of a simulated table.
        target: what is predicted.
        make: simulates a table from the arguments named in ``uses`` -> inputs (patients, inputs) and
            targets (patients,); None for a real table.
        uses: fields of the spec that ``make`` takes, in its order.
        robust: whether the target is scaled by median and interquartile range, which outliers spare.
    """

    label: str
    inputs: int
    classes: int
    target: Feature
    features: tuple[Feature, ...] = ()
    make: Callable[..., tuple[Matrix, Matrix]] | None = None
    uses: tuple[str, ...] = ()
    robust: bool = False

    @property
    def outputs(self) -> int:
        """How many numbers a network gives for a patient."""
        return max(self.classes, 1)


def blood_pressure(seed: int) -> tuple[Matrix, Matrix]:
    """Simulate 150 adults whose systolic pressure (mmHg) rises with age (years), sd 8 mmHg."""
    rng = np.random.RandomState(seed)
    age = rng.uniform(25, 85, 150).round()
    pressure = (100 + 0.55 * age + rng.normal(0, 8, 150)).round()
    return age[:, None], pressure


def sepsis(patients: int, positive_share: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate ward patients, a share of them septic: lactate, respiratory rate, pressure, temperature."""
    rng = np.random.RandomState(seed)
    ill = np.zeros(patients)
    ill[: max(round(patients * positive_share), 5)] = 1
    lactate = np.exp(rng.normal(0.2 + 0.6 * ill, 0.45)).round(1)
    breaths = rng.normal(17 + 4 * ill, 3.5 + ill).round()
    pressure = rng.normal(125 - 14 * ill, 17).round()
    temperature = rng.normal(36.8 + 0.8 * ill, 0.5 + 0.4 * ill).round(1)
    return np.column_stack([lactate, breaths, pressure, temperature]), ill


def readmission(patients: int, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate patients sent home after heart failure, and who is back within 30 days.

    Risk rises with age and the logarithm of BNP, falls with ejection fraction, and is lowest at a
    systolic pressure of 125 mmHg.
    """
    rng = np.random.RandomState(seed)
    age = rng.normal(74, 10, patients).clip(40, 98).round()
    pressure = rng.normal(122, 20, patients).clip(75, 200).round()
    ejection = rng.normal(44, 13, patients).clip(12, 75).round()
    bnp = np.exp(rng.normal(5.6 - 0.03 * (ejection - 44), 0.8)).clip(5, 5000).round()
    logit = -1.6 + 0.05 * (age - 74) - 0.06 * (ejection - 44) + 0.9 * (np.log(bnp) - 5.6)
    logit += 0.0012 * (pressure - 125) ** 2
    back = (rng.uniform(0, 1, patients) < 1 / (1 + np.exp(-logit))).astype(np.float64)
    return np.column_stack([age, pressure, ejection, np.log(bnp)]), back


AGE, PRESSURE = Feature(name="年齢", unit="歳"), Feature(name="収縮期血圧", unit="mmHg")

COHORTS: dict[str, Cohort] = {
    # Wolberg, Mangasarian, Street (1995). There 0 means malignant; here malignant is 1.
    "breast_cancer": Cohort(
        label="乳がん(良性・悪性)", inputs=30, classes=2, target=Feature(name="悪性", unit="")
    ),
    # Efron, Hastie, Johnstone, Tibshirani, Least angle regression (2004).
    "diabetes": Cohort(
        label="糖尿病の進行度", inputs=10, classes=0, target=Feature(name="1年後の進行度", unit="点")
    ),
    "blood_pressure": Cohort(
        label="年齢と収縮期血圧(模擬)",
        inputs=1,
        classes=0,
        target=PRESSURE,
        features=(AGE,),
        make=blood_pressure,
        uses=("seed",),
        robust=True,
    ),
    "sepsis": Cohort(
        label="敗血症のスクリーニング(模擬)",
        inputs=4,
        classes=2,
        target=Feature(name="敗血症", unit=""),
        features=(
            Feature(name="乳酸値", unit="mmol/L", digits=1),
            Feature(name="呼吸数", unit="回/分"),
            PRESSURE,
            Feature(name="体温", unit="℃", digits=1),
        ),
        make=sepsis,
        uses=("patients", "positive_share", "seed"),
    ),
    "readmission": Cohort(
        label="心不全退院後30日以内の再入院(模擬)",
        inputs=4,
        classes=2,
        target=Feature(name="30日以内の再入院", unit=""),
        features=(AGE, PRESSURE, Feature(name="LVEF", unit="%"), Feature(name="ln BNP", unit="", digits=2)),
        make=readmission,
        uses=("patients", "seed"),
    ),
}


def arguments(cohort: Cohort, spec: Any) -> tuple[Any, ...]:
    """Return what ``cohort.make`` takes from ``spec``."""
    return tuple(getattr(spec, name) for name in cohort.uses)
