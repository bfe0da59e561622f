import math
from typing import Any

import pytest

from core.specs import (
    ForecastSpec,
    ModelSpec,
    OptimizerSpec,
    ScheduleSpec,
    SeriesSpec,
    SpecError,
    SplitSpec,
    TrainingSpec,
    digest,
)


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (ModelSpec, {"name": "transformer"}),
        (ModelSpec, {"hidden": 0}),
        (ModelSpec, {"hidden": 10**9}),
        (OptimizerSpec, {"lr": math.nan}),
        (OptimizerSpec, {"lr": math.inf}),
        (OptimizerSpec, {"lr": -1.0}),
        (TrainingSpec, {"epochs": 0}),
        (TrainingSpec, {"batch_size": 10**6}),
        (SplitSpec, {"train": 0.9, "validation": 0.1}),
        (SeriesSpec, {"source": "elsewhere"}),
        (ScheduleSpec, {"name": "plateau", "gamma": 1.0}),
        (ScheduleSpec, {"name": "sawtooth"}),
        (ForecastSpec, {"length": 0}),
        (ForecastSpec, {"training": TrainingSpec(patience=3)}),
    ],
)
def test_a_value_out_of_range_says_in_japanese_what_to_change(make: Any, values: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=r"ください|要ります"):
        make(**values)


def test_equal_specs_share_a_name_and_others_do_not() -> None:
    assert digest(ForecastSpec()) == digest(ForecastSpec(length=10))
    assert digest(ForecastSpec()) != digest(ForecastSpec(length=11))
