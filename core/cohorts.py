"""Tables of patients by name: real ones from scikit-learn, and simulated ones. Plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core import pictures, simulated
from core.simulated import Matrix


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
        is_map: whether ``make`` gives points of a plane, from which the spec's ``columns`` are made.
        side: of pictures, their height and width in pixels; 0 for tables of numbers.
        answers: the classes of pictures by name.
    """

    label: str
    inputs: int
    classes: int
    target: Feature
    features: tuple[Feature, ...] = ()
    make: Callable[..., tuple[Matrix, Matrix]] | None = None
    uses: tuple[str, ...] = ()
    robust: bool = False
    is_map: bool = False
    side: int = 0
    answers: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """How many numbers a network gives for a patient."""
        return max(self.classes, 1)


COLUMNS: dict[str, str] = {
    "x1": "x1",
    "x2": "x2",
    "x1_squared": "x1**2",
    "x2_squared": "x2**2",
    "x1_x2": "x1 * x2",
    "sin_x1": "np.sin(x1)",
    "sin_x2": "np.sin(x2)",
}
"""Columns that can be made from the two inputs of a map: name -> the expression that makes it."""


def make_columns(points: Matrix, columns: tuple[str, ...]) -> Matrix:
    """Turn points (patients, 2) into the ``columns`` asked for, (patients, columns)."""
    x1, x2 = points[:, 0], points[:, 1]
    made = {
        "x1": x1,
        "x2": x2,
        "x1_squared": x1**2,
        "x2_squared": x2**2,
        "x1_x2": x1 * x2,
        "sin_x1": np.sin(x1),
        "sin_x2": np.sin(x2),
    }
    return np.column_stack([made[column] for column in columns])


AGE, PRESSURE = Feature(name="年齢", unit="歳"), Feature(name="収縮期血圧", unit="mmHg")

COHORTS: dict[str, Cohort] = {
    # Wolberg, Mangasarian, Street (1995). There 0 means malignant; here malignant is 1.
    "breast_cancer": Cohort(
        label="乳腺腫瘍(良性・悪性)", inputs=30, classes=2, target=Feature(name="悪性", unit="")
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
        make=simulated.blood_pressure,
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
        make=simulated.sepsis,
        uses=("patients", "positive_share", "seed"),
    ),
    "readmission": Cohort(
        label="心不全退院後30日以内の再入院(模擬)",
        inputs=4,
        classes=2,
        target=Feature(name="30日以内の再入院", unit=""),
        features=(AGE, PRESSURE, Feature(name="LVEF", unit="%"), Feature(name="ln BNP", unit="", digits=2)),
        make=simulated.readmission,
        uses=("patients", "seed"),
    ),
    "u_shape": Cohort(
        label="血清カリウムと死亡率(模擬)",
        inputs=1,
        classes=0,
        target=Feature(name="死亡率", unit="%"),
        features=(Feature(name="血清カリウム", unit="mmol/L", digits=1),),
        make=simulated.u_shape,
        uses=("patients", "noise", "seed"),
    ),
    "wave": Cohort(
        label="3日間の体温(模擬)",
        inputs=1,
        classes=0,
        target=Feature(name="体温", unit="℃", digits=1),
        features=(Feature(name="時刻", unit="時間", digits=1),),
        make=simulated.wave,
        uses=("patients", "noise", "seed"),
    ),
    "markers": Cohort(
        label="20 種類のバイオマーカー(模擬)",
        inputs=20,
        classes=2,
        target=Feature(name="疾患", unit=""),
        make=simulated.markers,
        uses=("patients", "noise", "seed"),
    ),
    "random_labels": Cohort(
        label="特徴と無関係な診断名(模擬)",
        inputs=20,
        classes=2,
        target=Feature(name="疾患", unit=""),
        make=simulated.random_labels,
        uses=("patients", "seed"),
    ),
    "hospital": Cohort(
        label="病院Aの胸部画像の特徴(模擬)",
        inputs=3,
        classes=2,
        target=Feature(name="肺炎", unit=""),
        features=(
            Feature(name="陰影", unit="SD", digits=1),
            Feature(name="明るさ", unit="SD", digits=1),
            Feature(name="コントラスト", unit="SD", digits=1),
        ),
        make=simulated.hospital,
        uses=("patients", "noise", "seed"),
    ),
    # Alpaydin and Kaynak, Optical recognition of handwritten digits (1998).
    "digits": Cohort(
        label="手書きの数字",
        inputs=64,
        classes=10,
        target=Feature(name="数字", unit=""),
        side=8,
        answers=tuple("0123456789"),
    ),
    **{
        name: Cohort(
            label=f"胸部X線の模式図: {label}",
            inputs=pictures.FILM_SIDE**2,
            classes=2,
            target=Feature(name=answers[1], unit=""),
            make=make,
            uses=("patients", "noise", "seed"),
            side=pictures.FILM_SIDE,
            answers=answers,
        )
        for name, label, make, answers in (
            ("situs", "心臓の左右", pictures.situs, ("内臓正位", "内臓逆位")),
            ("nodules", "結節の有無", pictures.nodules, ("結節なし", "結節あり")),
        )
    },
    **{
        name: Cohort(
            label=f"2つの検査値: {label}(模擬)",
            inputs=2,
            classes=2,
            target=Feature(name="疾患", unit=""),
            features=(
                Feature(name="検査値 A", unit="", digits=1),
                Feature(name="検査値 B", unit="", digits=1),
            ),
            make=make,
            uses=("patients", "noise", "seed"),
            is_map=True,
        )
        for name, label, make in (
            ("circle", "内と外", simulated.circle),
            ("exclusive_or", "組み合わせ", simulated.exclusive_or),
            ("clusters", "2つの集まり", simulated.clusters),
            ("spiral", "渦巻き", simulated.spiral),
        )
    },
}


def arguments(cohort: Cohort, spec: Any) -> tuple[Any, ...]:
    """Return what ``cohort.make`` takes from ``spec``."""
    return tuple(getattr(spec, name) for name in cohort.uses)
