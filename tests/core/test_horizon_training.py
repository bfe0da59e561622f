"""Training forecasters of many horizons: what they are fed, how they answer, and every way a run may end."""

import math
import pickle
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core import models
from core.history import Epoch, Frame, Paused
from core.horizon_run import HorizonRun
from core.horizon_specs import MODEL, RIVALS, HorizonSpec, StretchSpec
from core.horizon_training import WindowSamples, forecast, train_horizons
from core.horizon_windows import Part, carried, cut
from core.panel import Panel, PanelSpec
from core.specs import ModelSpec, OptimizerSpec, SpecError, TrainingSpec
from core.training import Unwatched
from tests.core.horizon_cases import SPEC, panel_of, same_weights, train, walk

NAN = math.nan


def tensors(seed: int = 0, points: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Make scaled values (points, 2) without gaps, and the readings with some."""
    readings = torch.randn(points, 2, generator=torch.Generator().manual_seed(seed))
    values = readings.clone()
    readings[torch.rand(points, 2, generator=torch.Generator().manual_seed(seed)) < 0.2] = NAN
    return values, readings


# --- windows ---


@settings(max_examples=40, deadline=None)
@given(
    strategy=st.sampled_from(["direct", "recursive"]),
    differences=st.booleans(),
    targets=st.sampled_from([("a",), ("b",), ("b", "a")]),
    length=st.integers(1, 9),
    horizons=st.integers(1, 7),
    seed=st.integers(0, 99),
)
def test_windows_are_those_of_naive_slices(
    strategy: str, differences: bool, targets: tuple[str, ...], length: int, horizons: int, seed: int
) -> None:
    spec = replace(
        SPEC,
        panel=PanelSpec(source="upload", inputs=("a", "b"), targets=targets),
        strategy=strategy,
        differences=differences,
        length=length,
        horizons=horizons,
    )
    values, readings = tensors(seed)
    part = Part(origins=np.arange(12, 39), within=slice(15, 37))
    samples = WindowSamples(spec, values, readings, part)
    assert samples.rows == 27
    for batch in (torch.tensor([3, 0, 26, 3]), torch.tensor([[1, 2, 3], [26, 25, 0]])):
        inputs, answers = samples.take(batch)
        assert inputs.shape == (*batch.shape, length, 2)
        assert answers.shape == (*batch.shape, spec.outputs)
        for place in np.ndindex(*batch.shape):
            origin = int(part.origins[int(batch[place])])
            assert torch.equal(inputs[place], values[origin + 1 - length : origin + 1])
            expected = []
            for h in range(1, (1 if strategy == "recursive" else horizons) + 1):
                for column in (0, 1) if strategy == "recursive" else [("a", "b").index(t) for t in targets]:
                    came = readings[origin + h, column] if 15 <= origin + h < 37 else torch.tensor(NAN)
                    expected.append(came - values[origin, column] if differences else came)
            assert torch.equal(answers[place].nan_to_num(99.0), torch.stack(expected).nan_to_num(99.0))


@pytest.mark.parametrize("differences", [False, True])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_direct_forecast_is_the_answer_of_the_network(cell: str, differences: bool) -> None:
    spec = replace(
        SPEC,
        panel=PanelSpec(source="upload", inputs=("a", "b"), targets=("b", "a")),
        model=ModelSpec(name=cell, hidden=3),
        differences=differences,
    )
    values, _ = tensors()
    part = Part(origins=np.array([8, 20, 39]), within=slice(9, 40))
    network = models.build(spec.model, 0, 2, spec.outputs)
    found = forecast(network, spec, values, part)
    assert found.shape == (3, 4, 2)
    for row, origin in enumerate(part.origins):
        window = values[origin - 5 : origin + 1]
        answer = network(window[None])[0].detach()
        for h in range(4):
            for number, column in enumerate((1, 0)):
                expected = answer[2 * h + number] + (window[-1, column] if differences else 0)
                assert found[row, h, number] == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("differences", [False, True])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_recursive_forecast_reads_its_own_answers(cell: str, differences: bool) -> None:
    spec = replace(SPEC, strategy="recursive", model=ModelSpec(name=cell, hidden=3), differences=differences)
    values, _ = tensors()
    part = Part(origins=np.array([8, 20, 39]), within=slice(9, 40))
    network = models.build(spec.model, 0, 2, spec.outputs)
    found = forecast(network, spec, values, part)
    for row, origin in enumerate(part.origins):
        path = [values[t] for t in range(origin - 5, origin + 1)]
        for h in range(4):
            answer = network(torch.stack(path[-6:])[None])[0].detach()
            path.append(answer + path[-1] if differences else answer)
            assert found[row, h, 0].item() == pytest.approx(path[-1][1].item(), abs=1e-5)


def test_a_forecast_in_the_signals_unit_is_the_networks() -> None:
    values = walk(gaps=0.0)
    for strategy in ("direct", "recursive"):
        spec = replace(SPEC, strategy=strategy)
        (run,) = train([spec], values)
        where = run.stretches
        seen = values[: where.train.stop, :2].astype(np.float64)
        assert run.mean == pytest.approx(seen.mean(axis=0))
        assert run.sd == pytest.approx(seen.std(axis=0))
        network = models.build(spec.model, 0, 2, spec.outputs)
        network.load_state_dict({name: torch.tensor(array) for name, array in run.weights.items()})
        scaled = torch.tensor(((values[:, :2] - run.mean) / run.sd).astype(np.float32))
        part = Part(origins=run.origins, within=where.test)
        expected = forecast(network, spec, scaled, part).numpy() * run.sd[1] + run.mean[1]
        assert run.forecast == pytest.approx(expected, rel=1e-5)
        for row, origin in enumerate(run.origins):
            for h in range(1, 5):
                known = where.test.start <= origin + h < where.test.stop
                wanted = values[origin + h, 1] if known else NAN
                assert (
                    run.truth[row, h - 1, 0] == wanted or np.isnan([run.truth[row, h - 1, 0], wanted]).all()
                )


def test_the_validation_loss_is_that_of_readings_and_never_of_what_was_carried() -> None:
    readings = walk(gaps=0.15)[:, :2]
    for strategy in ("direct", "recursive"):
        spec = replace(SPEC, strategy=strategy, length=2)
        (run,) = train([spec], readings)
        filled = carried(readings, spec.carry)
        where, parts = cut(spec, readings, filled)
        network = models.build(spec.model, 0, 2, spec.outputs)
        network.load_state_dict({name: torch.tensor(array) for name, array in run.weights.items()})
        inputs, known = ((each - run.mean) / run.sd for each in (filled, readings))
        squares = []
        for origin in parts.validation.origins:
            window = torch.tensor(inputs[origin - 1 : origin + 1], dtype=torch.float32)
            answers = network(window[None])[0].tolist()
            for h in range(1, (1 if strategy == "recursive" else 4) + 1):
                for column in spec.answers:
                    answer = answers.pop(0) + inputs[origin, column]
                    time = origin + h
                    if where.validation.start <= time < where.validation.stop and np.isfinite(
                        known[time, column]
                    ):
                        squares.append((answer - known[time, column]) ** 2)
        best = run.history[run.weights_epoch - 1]
        assert best.validation_loss == pytest.approx(sum(squares) / len(squares), rel=1e-4)


# --- side by side ---


def same(one: HorizonRun, other: HorizonRun) -> bool:
    return (
        one.history == other.history
        and one.ending == other.ending
        and one.weights_epoch == other.weights_epoch
        and same_weights(one, other)
        and np.array_equal(one.forecast, other.forecast, equal_nan=True)
        and one.targets[0].claimed == other.targets[0].claimed
        and one.targets[0].models[MODEL].scores == other.targets[0].models[MODEL].scores
    )


LONG = replace(SPEC, training=replace(SPEC.training, epochs=14, patience=2), optimizer=OptimizerSpec(lr=0.05))
GROUP = [
    *(replace(LONG, fold=fold, folds=3) for fold in range(3)),
    replace(LONG, strategy="recursive", training=replace(LONG.training, patience=None, seed=5)),
    replace(LONG, optimizer=OptimizerSpec(name="sgd", lr=10.0), differences=False, model=ModelSpec(hidden=9)),
]


class Impatient(Unwatched):
    """Pauses after every epoch, or interrupts after so many questions."""

    def __init__(self, pauses: bool = False, questions: float = math.inf) -> None:
        self.pauses, self.questions, self.rows = pauses, questions, list[Sequence[Epoch]]()

    def report(self, row: Sequence[Epoch]) -> None:
        self.rows.append(row)

    def frame(self, frame: Frame) -> None:
        raise AssertionError(frame)

    def pausing(self) -> bool:
        return self.pauses

    def interrupted(self) -> bool:
        self.questions -= 1
        return self.questions < 0


def test_each_run_is_the_same_alone_and_in_company() -> None:
    together = train(GROUP, walk())
    for spec, run in zip(GROUP, together, strict=True):
        (alone,) = train([spec], walk())
        assert same(alone, run)
    endings = [run.ending for run in together]
    assert endings[3:] == ["finished", "diverged"]
    assert "early" in endings[:3]
    early = together[endings.index("early")]
    assert early.weights_epoch == len(early.history) - 2 < 12
    losses = [epoch.validation_loss for epoch in early.history]
    assert min(loss for loss in losses if loss is not None) == losses[early.weights_epoch - 1]
    assert together[3].weights_epoch == 14


def test_a_run_that_is_paused_after_every_epoch_ends_in_the_same_numbers() -> None:
    values, paused, handed = panel_of(walk()), None, 0
    while True:
        found = train_horizons(GROUP, values, paused, Impatient(pauses=True))
        if not isinstance(found, Paused):
            break
        paused = pickle.loads(pickle.dumps(found))
        handed += 1
        assert len(paused.rows) == handed
    assert handed == 13
    assert all(same(one, other) for one, other in zip(found, train(GROUP, walk()), strict=True))


def test_a_run_that_has_stopped_early_can_be_paused_at_its_last_epoch() -> None:
    (whole,) = train([LONG], walk())
    assert whole.ending == "early"
    paused: Paused | None = None
    for _ in whole.history:
        found = train_horizons([LONG], panel_of(walk()), paused, Impatient(pauses=True))
        assert isinstance(found, Paused)
        paused = found
    again = train_horizons([LONG], panel_of(walk()), paused)
    assert not isinstance(again, Paused)
    assert same(again[0], whole)


@pytest.mark.parametrize("questions", [0, 1, 5, 9, 22, 23, 40])
def test_an_interrupted_run_is_of_use_whenever_it_is(questions: int) -> None:
    watch = Impatient(questions=questions)
    runs = train_horizons(GROUP, panel_of(walk()), None, watch)
    assert not isinstance(runs, Paused)
    whole = train(GROUP, walk())
    for number, (run, full) in enumerate(zip(runs, whole, strict=True)):
        assert run.history == full.history[: len(watch.rows)]
        assert run.ending == (full.ending if len(full.history) <= len(watch.rows) else "stopped")
        assert run.weights_epoch <= len(run.history)
        assert run.forecast.shape == full.forecast.shape
        assert np.array_equal(run.truth, full.truth, equal_nan=True)
        assert len(run.targets[0].models[MODEL].scores) == 4
        assert run.seconds >= 0
        if number == 0 and not run.history:
            assert np.isfinite(run.forecast).all()


def test_a_run_that_diverges_says_so_and_its_scores_say_why_they_are_none() -> None:
    spec = GROUP[-1]
    (run,) = train([replace(spec, training=replace(spec.training, batch_size=4, patience=None))], walk())
    assert run.ending == "diverged"
    assert not math.isfinite(run.history[-1].train_loss)
    judged = run.targets[0].models[MODEL]
    for score in judged.scores:
        assert (score.mae.value, score.mae.reason) == (None, "not_finite")
        assert (score.mase.reason, score.skill.reason) == ("not_finite", "not_finite")
        assert score.count > 0
    assert {band.reason for band in judged.bands} == {"not_finite"}
    assert {coverage.reason for coverage in judged.coverage} == {"not_finite"}
    for name in RIVALS:
        assert run.targets[0].models[name].scores[0].mae.value is not None


# --- series that cannot be learnt from ---

JAPANESE = re.compile("[ぁ-んァ-ン一-龥]")


def refused_or_trained(spec: HorizonSpec, data: Panel) -> str:
    """Return what a reader is told, nothing if all went well; any other exception is an error."""
    try:
        train_horizons([spec], data)
    except SpecError as error:
        return str(error)
    return ""


TINY = replace(
    SPEC, model=ModelSpec(name="rnn", hidden=1), training=TrainingSpec(epochs=1, batch_size=64, patience=1)
)


@settings(max_examples=150, deadline=None)
@given(
    values=(st.integers(0, 30) | st.integers(60, 120)).flatmap(
        lambda points: arrays(
            np.float32,
            (points, 2),
            elements=st.floats(-(2.0**99), 2.0**99, width=32) | st.just(NAN) | st.just(70.0),
            fill=st.sampled_from([70.0, 0.0, NAN]),
        )
    ),
    length=st.integers(1, 8) | st.integers(1, 70),
    horizons=st.integers(1, 60),
    strategy=st.sampled_from(["direct", "recursive"]),
    leak=st.sampled_from(["none", "scaler", "shuffle"]),
    carry=st.integers(0, 3),
    train_share=st.sampled_from([0.2, 0.6, 0.7]),
    folds=st.integers(1, 3),
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_series_is_trained_on_or_refused_in_japanese(
    values: np.ndarray,
    length: int,
    horizons: int,
    strategy: str,
    leak: str,
    carry: int,
    train_share: float,
    folds: int,
) -> None:
    spec = replace(
        TINY,
        length=length,
        horizons=horizons,
        strategy=strategy,
        carry=carry,
        stretch=StretchSpec(train=train_share, validation=0.05, calibration=0.05),
        **({"folds": folds} if leak == "none" else {"leak": leak}),
    )
    told = refused_or_trained(spec, panel_of(values))
    assert not told or (JAPANESE.search(told) and "ください" in told)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((0, 2)), "0 点しかない"),
        (np.ones((2, 2)), "2 点しかない"),
        (np.full((200, 2), NAN), "欠測をまたがない窓が足りません"),
        (np.column_stack([np.ones(200), np.full(200, NAN)]), "欠測をまたがない窓が足りません"),
        (np.where(np.arange(200)[:, None] < 118, NAN, 1.0).repeat(2, axis=1), "学習用 0 個"),
        (
            np.where(np.arange(200)[:, None] < 120, 1.0, NAN).repeat(2, axis=1),
            "検証用 0 個、較正用 0 個、テスト用 0 個",
        ),
    ],
)
def test_what_is_too_short_or_too_empty_is_refused(values: np.ndarray, message: str) -> None:
    told = refused_or_trained(TINY, panel_of(values))
    assert re.search(message, told), told
    assert "ください" in told


def test_a_constant_is_forecast_without_an_error_and_has_no_mase() -> None:
    (run,) = train([replace(SPEC, differences=True)], np.full((200, 2), 70.0))
    judged = run.targets[0].models
    assert {s.mase.reason for m in (MODEL, *RIVALS) for s in judged[m].scores} == {"constant_training"}
    assert {s.skill.reason for s in judged[MODEL].scores} == {"perfect_baseline"}
    assert [s.mae.value for s in judged["autoregression"].scores] == [0.0] * 4
    assert run.sd == (1.0, 1.0)


def test_a_signal_that_is_gone_and_epochs_that_differ_are_refused() -> None:
    with pytest.raises(SpecError, match="信号を選び直して"):
        train([replace(SPEC, panel=PanelSpec(source="upload", inputs=("x",), targets=("x",)))], walk())
    with pytest.raises(SpecError, match="エポック数をそろえて"):
        train([SPEC, replace(SPEC, training=replace(SPEC.training, epochs=5))], walk())
    with pytest.raises(SpecError, match="もう一度ファイル"):
        train_horizons([SPEC])
