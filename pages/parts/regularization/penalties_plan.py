"""The five ways that race one another, the patients they learn from, and the specs of a race."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.specs import MLPSpec, OptimizerSpec, PenaltySpec, TableRunSpec, TableSpec, TrainingSpec
from pages.ui import charts
from pages.ui.side_by_side import Array

NAMES = ("なし", "L1", "L2", "ドロップアウト", "全部")
COLOURS = ("#D55E00", "#2D8BD0", "#009E73", "#CC79A7", "#E69F00")
NONE, L1, L2, DROPOUT, ALL = range(5)
PATIENTS, HELD_OUT = 1200, 0.3
BATCH = 512  # more than there are patients: every update sees them all
RATE = 0.01
GREY = charts.COLOURS["実測値"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A table in the reader's words; ``truth`` and what follows are for tables with one input.

    ``noise`` is what the table is made with, ``unit`` that of its target, ``x`` and ``y`` the ranges drawn.
    """

    label: str
    name: str
    about: str
    noise: float = 0.0
    unit: str = ""
    x_title: str = ""
    y_title: str = ""
    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    truth: Callable[[Array], Array] | None = None


def _temperature(hour: Array) -> Array:
    found: Array = 37 + 0.7 * np.sin(hour / 72 * 6 * np.pi) + 0.01 * hour
    return found


def _mortality(potassium: Array) -> Array:
    found: Array = 3 + 9 * (potassium - 4.2) ** 2
    return found


STUDIES = {
    study.label: study
    for study in (
        Study(
            label="体温",
            name="wave",
            about="3日間の体温(模擬、雑音は標準偏差 0.4 ℃)を、測った時刻だけから予測します",
            noise=0.4,
            unit="℃",
            x_title="時刻(時間)",
            y_title="体温(℃)",
            x=(0.0, 72.0),
            y=(35.5, 39.5),
            truth=_temperature,
        ),
        Study(
            label="血清K",
            name="u_shape",
            about="血清カリウムから死亡率(模擬、雑音は標準偏差 8 %)を予測します",
            noise=0.8,
            unit="%",
            x_title="血清カリウム(mmol/L)",
            y_title="死亡率(%)",
            x=(2.3, 6.3),
            y=(-20.0, 70.0),
            truth=_mortality,
        ),
        Study(
            label="マーカー",
            name="markers",
            about="20種類のバイオマーカー(模擬、1割は診断名の付けまちがい)から疾患の有無を見分けます",
            noise=0.1,
        ),
        Study(
            label="乳腺",
            name="breast_cancer",
            about="細胞核の特徴30項目から悪性か良性かを見分けます(Wisconsin、569例)",
        ),
    )
}
BY_NAME = {study.name: study for study in STUDIES.values()}


@dataclass(frozen=True, kw_only=True)
class Strength:
    """How strong each way is."""

    l1: float
    l2: float
    dropout: float

    def told(self, place: int) -> str:
        """Name one of the five with its strength."""
        one, two, rest = f"λ₁ = {self.l1:g}", f"λ₂ = {self.l2:g}", f"p = {self.dropout:g}"
        return ("", one, two, rest, f"{one}、{two}、{rest}")[place]


def specs(
    study: Study,
    strength: Strength,
    *,
    rows: int,
    hidden: tuple[int, ...],
    epochs: int,
    ward: int,
    seed: int,
    repeats: int,
) -> tuple[TableRunSpec, ...]:
    """Return the specs of a race: the five ways, over and over with the seeds that follow ``seed``."""
    table = TableSpec(name=study.name, train_rows=rows, seed=ward)
    if study.name != "breast_cancer":
        table = replace(table, patients=PATIENTS, noise=study.noise, validation=HELD_OUT, test=HELD_OUT)
    ways = (
        (PenaltySpec(), 0.0),
        (PenaltySpec(l1=strength.l1), 0.0),
        (PenaltySpec(l2=strength.l2), 0.0),
        (PenaltySpec(), strength.dropout),
        (PenaltySpec(l1=strength.l1, l2=strength.l2), strength.dropout),
    )
    return tuple(
        TableRunSpec(
            table=table,
            model=MLPSpec(hidden=hidden, activation="tanh", dropout=dropout),
            penalty=penalty,
            optimizer=OptimizerSpec(lr=RATE),
            training=TrainingSpec(epochs=epochs, batch_size=BATCH, seed=seed + repeat),
        )
        for repeat in range(repeats)
        for penalty, dropout in ways
    )


def strength_of(specs: Sequence[TableRunSpec]) -> Strength:
    """Return how strong the ways of a race are."""
    last = specs[ALL]
    return Strength(l1=last.penalty.l1, l2=last.penalty.l2, dropout=last.model.dropout)


def shape(model: MLPSpec) -> str:
    """Name a network by its hidden layers."""
    return f"{model.hidden[0]}×{len(model.hidden)}層"


def bends(curve: Array) -> float:
    """Return how much a curve bends in all: Σ|second difference|, in the target's unit."""
    return float(np.abs(np.diff(curve.astype(np.float64), n=2)).sum())
