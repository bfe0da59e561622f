"""What a training costs before it is begun: parameters × samples × epochs, as multiplications."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.cohorts import COHORTS
from core.horizon_specs import HorizonSpec
from core.series import ARTICLE_POINTS
from core.specs import ConvSpec, ForecastSpec, ModelSpec, SpecError, TableRunSpec

MOST = 2e13
"""The largest training that one reader may ask for: about half an hour of one processor core."""

_GATES = {"rnn": 1, "lstm": 4, "gru": 3}
_ROWS = {"breast_cancer": 569, "diabetes": 442, "digits": 1797}


def recurrent_parameters(model: ModelSpec, features: int = 1, outputs: int = 1) -> int:
    """Count the numbers of a recurrent network and its linear head."""
    first = _GATES[model.name] * model.hidden * (features + model.hidden + 2)
    more = _GATES[model.name] * model.hidden * (2 * model.hidden + 2)
    return first + (model.layers - 1) * more + outputs * (model.hidden + 1)


def table_multiplications(spec: TableRunSpec) -> int:
    """Count the multiplications of one pass of a perceptron or a convolutional network over one patient."""
    total, features = 0, spec.table.inputs
    if isinstance(spec.model, ConvSpec):
        side, channels = math.isqrt(features), 1
        for filters in spec.model.channels:
            total += 9 * channels * filters * side**2
            side, channels = side // 2, filters
        features = channels * side * side
    for units in (*spec.model.hidden, COHORTS[spec.table.name].outputs):
        total += features * units
        features = units
    return total


def cost(spec: object, points: int | None = None) -> float:
    """Return the multiplications of a training, forwards only; 0 for a kind of run that is always small.

    ``points`` is the length of a reader's own series.
    """
    if isinstance(spec, TableRunSpec):
        rows = _ROWS.get(spec.table.name, spec.table.patients)
        if spec.table.train_rows is not None:
            rows = min(rows, spec.table.train_rows)
        return float(table_multiplications(spec)) * rows * spec.training.epochs
    if isinstance(spec, HorizonSpec):
        parameters = recurrent_parameters(spec.model, len(spec.panel.inputs), spec.outputs)
        known = points or round(spec.panel.hours * 3600 / spec.panel.step_s)
        return float(parameters) * spec.length * known * spec.training.epochs
    if isinstance(spec, ForecastSpec):
        windows = (points or ARTICLE_POINTS) * spec.split.train
        return float(recurrent_parameters(spec.model)) * spec.length * windows * spec.training.epochs
    return 0.0


def require_affordable(specs: Sequence[object], points: int | None = None) -> None:
    """Check that trainings do not cost more together than one reader may ask for.

    Raises:
        SpecError: they do; the message says by how much, and what to change.
    """
    total = sum(cost(spec, points) for spec in specs)
    if total > MOST:
        raise SpecError(
            "この設定の計算量(パラメータの数 × データの数 × エポック数)は、"
            f"1回の学習の上限の約 {total / MOST:.1f} 倍です。"
            "エポック数、隠れユニット数、窓の長さ、くり返しの回数のどれかを減らしてください。"
        )
