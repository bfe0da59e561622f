"""What a training costs, against torch's own count and arithmetic by hand."""

from dataclasses import replace

import pytest

from core import models
from core.cohorts import COHORTS
from core.cost import MOST, cost, recurrent_parameters, require_affordable, table_multiplications
from core.horizon_specs import HorizonSpec
from core.panel import PanelSpec
from core.specs import (
    ConvSpec,
    ForecastSpec,
    MLPSpec,
    ModelSpec,
    SpecError,
    SplitSpec,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(("hidden", "layers", "features", "outputs"), [(5, 1, 1, 1), (7, 3, 4, 12)])
def test_a_recurrent_network_is_counted_as_torch_counts_it(
    cell: str, hidden: int, layers: int, features: int, outputs: int
) -> None:
    spec = ModelSpec(name=cell, hidden=hidden, layers=layers)
    built = models.Forecaster(spec, features, outputs)
    assert recurrent_parameters(spec, features, outputs) == models.count_parameters(built)


def test_multiplications_by_hand() -> None:
    table = TableSpec(name="breast_cancer")
    perceptron = TableRunSpec(table=table, model=MLPSpec(hidden=(8, 4)))
    assert table_multiplications(perceptron) == 30 * 8 + 8 * 4 + 4 * 2
    assert cost(perceptron) == (240 + 32 + 8) * 569 * 60
    digits = TableRunSpec(table=TableSpec(name="digits", train_rows=100), model=ConvSpec(channels=(4, 6)))
    assert COHORTS["digits"].side == 8
    # 8×8 pixels, 4 filters of 3×3; 4×4 pixels, 6 filters over 4 channels; 6 channels of 2×2 to ten classes
    assert table_multiplications(digits) == 9 * 4 * 64 + 9 * 4 * 6 * 16 + 6 * 4 * 10
    assert cost(digits) == table_multiplications(digits) * 100 * 60
    wave = ForecastSpec(length=10, split=SplitSpec(train=0.8), training=TrainingSpec(epochs=3))
    assert cost(wave) == recurrent_parameters(wave.model) * 10 * 160 * 3
    assert cost(wave, 1000) == recurrent_parameters(wave.model) * 10 * 800 * 3


def test_what_the_lessons_ask_for_is_affordable_and_a_monster_is_not() -> None:
    require_affordable([ForecastSpec(), TableRunSpec(), HorizonSpec()])
    large = HorizonSpec(
        panel=PanelSpec(source="upload", inputs=("a", "b", "c", "d", "e"), targets=("a",)),
        length=60,
        model=ModelSpec(name="lstm", hidden=64),
        training=TrainingSpec(epochs=200, batch_size=16),
    )
    require_affordable([large], 10_000)  # the largest that is promised
    monster = replace(large, length=500, training=TrainingSpec(epochs=2000))
    assert cost(monster, 100_000) > MOST
    with pytest.raises(SpecError, match=r"上限の約 [\d.]+ 倍"):
        require_affordable([monster], 100_000)
    with pytest.raises(SpecError):
        require_affordable([large] * 100, 10_000)
