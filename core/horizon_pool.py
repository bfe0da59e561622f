"""Scores of several rolling origins as one: each counts by the forecasts that it judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core import accuracy, conformal
from core.accuracy import Score
from core.horizon_run import HorizonRun
from core.horizon_specs import MODEL

Reason = accuracy.Reason | conformal.Reason


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One model at one horizon over all folds; ``count`` forecasts were judged.

    ``coverage`` is the share of truths inside the intervals, None with the reason where there is none.
    """

    model: str
    horizon: int
    count: int
    mae: Score
    rmse: Score
    mase: Score
    skill: Score
    coverage: float | None
    coverage_reason: Reason | None = None
    refused: str = ""


def _mean(scores: Sequence[Score], counts: Sequence[int], power: float = 1.0) -> Score:
    """Return the mean of ``scores``, each counted as often as it judged; the first reason wins."""
    missing = next((score for score in scores if score.value is None), None)
    if missing is not None:
        return missing
    total = sum(count * (score.value or 0.0) ** power for score, count in zip(scores, counts, strict=True))
    return Score(value=(total / sum(counts)) ** (1 / power))


def standing(results: Sequence[HorizonRun], target: int, model: str, horizon: int) -> Standing:
    """Pool one model's scores at ``horizon`` on the target of that number over the folds ``results``.

    MAE, MASE and coverage are means over all forecasts, RMSE the root of the mean square, and skill is
    1 − pooled MAE / pooled MAE of persistence.
    """
    judged = [run.targets[target].models[model] for run in results]
    refused = next((each.refused for each in judged if each.refused), "")
    if refused:
        none = Score(reason="short_training")
        return Standing(
            model=model,
            horizon=horizon,
            count=0,
            mae=none,
            rmse=none,
            mase=none,
            skill=none,
            coverage=None,
            refused=refused,
        )
    naive = [run.targets[target].models["persistence"].scores[horizon - 1].mae for run in results]
    scores = [each.scores[horizon - 1] for each in judged]
    if any(score.count for score in scores):  # a fold without any truth this far ahead says nothing
        naive = [each for each, score in zip(naive, scores, strict=True) if score.count]
        judged = [each for each, score in zip(judged, scores, strict=True) if score.count]
        scores = [score for score in scores if score.count]
    counts = [score.count for score in scores]
    mae = _mean([score.mae for score in scores], counts)
    repeated = _mean(naive, counts)
    skill = next((score for score in (mae, repeated) if score.value is None), Score())
    if mae.value is not None and repeated.value is not None:
        known = repeated.value > 0
        skill = Score(value=1 - mae.value / repeated.value) if known else Score(reason="perfect_baseline")
    held = [each.coverage[horizon - 1] for each in judged if each.coverage]
    reason = next((each.reason for each in held if each.reason), None)
    asked = sum(each.count for each in held)
    share = sum(each.inside for each in held) / asked if held and asked and reason is None else None
    return Standing(
        model=model,
        horizon=horizon,
        count=sum(counts),
        mae=mae,
        rmse=_mean([score.rmse for score in scores], counts, 2.0),
        mase=_mean([score.mase for score in scores], counts),
        skill=skill,
        coverage=share,
        coverage_reason=reason,
    )


def standings(results: Sequence[HorizonRun], target: int, horizon: int) -> dict[str, Standing]:
    """Return the ``standing`` of every model by name, the network first."""
    return {name: standing(results, target, name, horizon) for name in results[0].targets[target].models}


def best_rival(found: dict[str, Standing]) -> Standing | None:
    """Return the baseline of the least MAE, None if no baseline has one."""
    rivals = [s for name, s in found.items() if name != MODEL and s.mae.value is not None]
    return min(rivals, key=lambda s: s.mae.value or math.inf, default=None)
