import dataclasses

import numpy as np
import pytest

from core.forecaster import train_forecaster
from core.series import Series, article_series
from core.specs import ForecastSpec, ModelSpec, OptimizerSpec, SeriesSpec, SpecError, SplitSpec, TrainingSpec

SHORT = ForecastSpec(training=TrainingSpec(epochs=3))


def test_the_articles_run_reaches_its_test_error_and_beats_persistence() -> None:
    run = train_forecaster(ForecastSpec())
    assert run.ending == "finished"
    assert len(run.history) == 200
    assert (run.train_windows, len(run.test.index)) == (150, 40)
    assert run.model_scores.mse == pytest.approx(0.05, abs=0.01)
    values = article_series().values.astype(np.float64)
    assert run.persistence_scores.mse == pytest.approx(np.mean((values[160:] - values[159:-1]) ** 2))
    assert run.model_scores.mae < run.persistence_scores.mae


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_the_same_spec_gives_the_same_run_twice(name: str) -> None:
    spec = dataclasses.replace(SHORT, model=ModelSpec(name=name))
    first, second = train_forecaster(spec), train_forecaster(spec)
    assert first.history == second.history
    assert np.array_equal(first.test.model, second.test.model)
    other = dataclasses.replace(spec, training=TrainingSpec(epochs=3, seed=1))
    assert train_forecaster(other).history != first.history


def test_changing_the_test_stretch_changes_nothing_that_was_learnt() -> None:
    spec = dataclasses.replace(SHORT, standardize=True, split=SplitSpec(train=0.7, validation=0.1))
    values = article_series().values.copy()
    changed = values.copy()
    changed[160:] = changed[160:] * 100 + 7
    first = train_forecaster(spec, Series(values=values))
    second = train_forecaster(spec, Series(values=changed))
    assert first.history == second.history
    assert first.test.model[0] == second.test.model[0]  # its window lies before the change


def test_forecasts_come_back_in_the_signals_unit() -> None:
    spec = dataclasses.replace(SHORT, standardize=True)
    run = train_forecaster(spec, Series(values=article_series().values * 10 + 120))
    assert 100 < run.test.model.mean() < 140
    assert run.test.truth == pytest.approx(article_series().values[160:] * 10 + 120, rel=1e-6)


def test_early_stopping_brings_back_the_weights_of_the_best_epoch() -> None:
    spec = ForecastSpec(
        split=SplitSpec(train=0.6, validation=0.2),
        optimizer=OptimizerSpec(lr=0.02),
        training=TrainingSpec(epochs=300, patience=5),
    )
    run = train_forecaster(spec)
    assert run.ending == "early"
    best = min(run.history, key=lambda e: e.validation_loss or 0.0)
    assert run.weights_epoch == best.number == len(run.history) - 5
    stopped_there = dataclasses.replace(spec, training=TrainingSpec(epochs=best.number))
    assert np.array_equal(run.test.model, train_forecaster(stopped_there).test.model)


def test_a_run_that_is_interrupted_returns_what_it_learnt() -> None:
    calls = iter(range(10**6))
    run = train_forecaster(ForecastSpec(), interrupted=lambda: next(calls) >= 25)
    assert run.ending == "stopped"
    assert len(run.history) == 2  # ten batches an epoch
    assert np.isfinite(run.test.model).all()


def test_a_diverged_run_says_so() -> None:
    spec = dataclasses.replace(
        SHORT, optimizer=OptimizerSpec(name="sgd", lr=10.0), training=TrainingSpec(epochs=200)
    )
    series = Series(values=article_series().values * 1e6)
    assert train_forecaster(spec, series).ending == "diverged"


def test_gaps_are_never_bridged() -> None:
    values = article_series().values.copy()
    values[50] = np.nan
    run = train_forecaster(SHORT, Series(values=values))
    assert run.train_windows == 150 - 11


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.arange(8, dtype=np.float32), "窓を短く"),
        (np.arange(14, dtype=np.float32), "学習用に"),
        (np.full(100, np.nan, np.float32), "値がありません|窓が"),
    ],
)
def test_too_little_data_is_refused_in_words(values: np.ndarray, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        train_forecaster(dataclasses.replace(SHORT, standardize=True), Series(values=values))


def test_an_upload_that_is_gone_is_asked_for_again() -> None:
    with pytest.raises(SpecError, match="もう一度"):
        train_forecaster(ForecastSpec(series=SeriesSpec(source="upload")))
