import math

import numpy as np
import pytest

from core.forecast import Scores, judge, persistence, score
from core.windows import make_windows


def test_scores_by_hand() -> None:
    # errors 2 and -20: squares 4 and 400
    scores = score(np.array([120, 120], np.float32), np.array([122, 100], np.float32))
    assert scores == Scores(mse=202.0, mae=11.0)


def test_persistence_repeats_the_reading_before() -> None:
    windows = make_windows(np.array([5, 7, 1, 4], np.float32), 2)
    assert persistence(windows).tolist() == [7.0, 1.0]


@pytest.mark.parametrize(
    ("model", "baseline", "kind"),
    [
        (0.8, 1.0, "better"),
        (0.97, 1.0, "even"),
        (1.04, 1.0, "even"),
        (1.2, 1.0, "worse"),
        (0.1, 0.0, "perfect_baseline"),
        (math.nan, 1.0, "diverged"),
    ],
)
def test_verdicts(model: float, baseline: float, kind: str) -> None:
    verdict = judge(Scores(mse=0, mae=model), Scores(mse=0, mae=baseline))
    assert verdict.kind == kind
    if kind in ("better", "even", "worse"):
        assert verdict.skill == pytest.approx(1 - model / baseline)
    else:
        assert verdict.skill is None
