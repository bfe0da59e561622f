"""Scores of several folds as one, against arithmetic written out by hand."""

import math

import numpy as np
import pytest

from core.accuracy import HorizonScores, Score
from core.conformal import Coverage
from core.horizon_pool import best_rival, standing, standings
from core.horizon_run import HorizonRun
from core.horizon_scores import Judged, TargetScores
from core.horizon_windows import Stretches


def scores(count: int, mae: float | None, rmse: float, mase: float) -> tuple[HorizonScores, ...]:
    missing = Score(reason="no_truth")
    one = HorizonScores(
        horizon=1,
        count=count,
        left_out=0,
        mae=missing if mae is None else Score(value=mae),
        rmse=missing if mae is None else Score(value=rmse),
        mase=missing if mae is None else Score(value=mase),
        skill=missing,
    )
    return (one,)


def covered(inside: int, count: int) -> tuple[Coverage, ...]:
    return (Coverage(horizon=1, nominal=0.9, inside=inside, count=count, measured=inside / count),)


def fold(models: dict[str, Judged]) -> HorizonRun:
    target = TargetScores(name="HR", scale=Score(value=1.0), models=models, claimed=())
    empty = np.zeros((0, 1, 1), dtype=np.float32)
    piece = slice(0, 1)
    return HorizonRun(
        history=(),
        ending="finished",
        device="CPU",
        parameters=1,
        stretches=Stretches(train=piece, validation=piece, calibration=piece, test=piece),
        windows=(1, 1, 1, 1),
        origins=np.zeros(0, dtype=np.int64),
        truth=empty,
        forecast=empty,
        targets=(target,),
        weights={},
        weights_epoch=0,
        mean=(0.0,),
        sd=(1.0,),
    )


FIRST = fold(
    {
        "network": Judged(scores=scores(10, 2.0, 3.0, 1.0), coverage=covered(9, 10)),
        "persistence": Judged(scores=scores(10, 4.0, 5.0, 2.0), coverage=covered(10, 10)),
        "drift": Judged(scores=scores(10, 3.0, 5.0, 2.0)),
    }
)
SECOND = fold(
    {
        "network": Judged(scores=scores(30, 6.0, 7.0, 3.0), coverage=covered(15, 30)),
        "persistence": Judged(scores=scores(30, 4.0, 5.0, 2.0), coverage=covered(30, 30)),
        "drift": Judged(scores=scores(30, 5.0, 5.0, 2.0)),
    }
)


def test_each_fold_counts_by_the_forecasts_that_it_judged() -> None:
    pooled = standing([FIRST, SECOND], 0, "network", 1)
    assert pooled.count == 40
    assert pooled.mae.value == pytest.approx((10 * 2 + 30 * 6) / 40)  # 5
    assert pooled.rmse.value == pytest.approx(math.sqrt((10 * 9 + 30 * 49) / 40))
    assert pooled.mase.value == pytest.approx((10 * 1 + 30 * 3) / 40)
    assert pooled.skill.value == pytest.approx(1 - 5 / 4)
    assert pooled.coverage == pytest.approx(24 / 40)


def test_a_fold_without_any_truth_says_nothing() -> None:
    silent = fold(
        {name: Judged(scores=scores(0, None, 0, 0)) for name in ("network", "persistence", "drift")}
    )
    assert standing([FIRST, silent], 0, "network", 1) == standing([FIRST], 0, "network", 1)
    alone = standing([silent], 0, "network", 1)
    assert alone.mae == Score(reason="no_truth")
    assert alone.coverage is None


def test_the_best_rival_is_the_baseline_of_least_error() -> None:
    rival = best_rival(standings([FIRST, SECOND], 0, 1))
    assert rival is not None
    assert rival.model == "persistence"  # 4.0 of 40 forecasts, drift (30 + 150) / 40 = 4.5
    first = best_rival(standings([FIRST], 0, 1))
    assert first is not None
    assert first.model == "drift"


def test_a_model_that_gives_no_forecast_keeps_its_reason() -> None:
    refused = fold(
        {"network": Judged(refused="短すぎます。"), "persistence": FIRST.targets[0].models["drift"]}
    )
    found = standing([refused], 0, "network", 1)
    assert found.refused == "短すぎます。"
    assert found.mae.value is None


def test_skill_beside_a_perfect_baseline_is_said_in_words() -> None:
    perfect = fold(
        {
            "network": Judged(scores=scores(10, 1.0, 1.0, 1.0)),
            "persistence": Judged(scores=scores(10, 0.0, 0.0, 0.0)),
        }
    )
    assert standing([perfect], 0, "network", 1).skill == Score(reason="perfect_baseline")
