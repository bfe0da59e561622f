"""Runs that train together against the same runs one by one."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn, optim

from core import models, optimizers, schedules
from core.forecaster import train_forecasters
from core.history import Epoch, ForecastRun, Paused, Row, TableRun
from core.learners import Interrupted, Learner, Plain, Stacked, Table
from core.losses import MSE
from core.perceptron import train_on_table
from core.specs import (
    ForecastSpec,
    MLPSpec,
    ModelSpec,
    OptimizerSpec,
    ScheduleSpec,
    SplitSpec,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
)
from core.stacked import UPDATES, Stack, Updates
from core.training import Training

SEEDS = st.integers(0, 2**31 - 1)
OPTIMIZERS = tuple(UPDATES)
SCHEDULES = {
    name: ScheduleSpec(name=name, gamma=0.6, every=3, warm_up=4, patience=1) for name in schedules.SCHEDULES
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@contextmanager
def double() -> Iterator[None]:
    """Build networks in float64: then nothing but a different calculation can tell two runs apart."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def assert_same_histories(together: Sequence[Epoch], alone: Sequence[Epoch], rel: float) -> None:
    assert len(together) == len(alone)
    for ours, theirs in zip(together, alone, strict=True):
        assert ours.number == theirs.number
        assert ours.lr == pytest.approx(theirs.lr, rel=1e-9, abs=1e-15)
        assert ours.train_loss == pytest.approx(theirs.train_loss, rel=rel)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=rel)


def tables_of(*specs: TableRunSpec) -> tuple[TableRun, ...]:
    runs = train_on_table(specs)
    assert not isinstance(runs, Paused)
    return runs


def forecasts_of(*specs: ForecastSpec) -> tuple[ForecastRun, ...]:
    runs = train_forecasters(specs)
    assert not isinstance(runs, Paused)
    return runs


mlp_specs = st.builds(
    MLPSpec,
    hidden=st.lists(st.integers(1, 12), max_size=3).map(tuple),
    activation=st.sampled_from(tuple(models.ACTIVATIONS)),
)
cell_specs = st.builds(
    ModelSpec, name=st.sampled_from(tuple(models.CELLS)), hidden=st.integers(1, 8), layers=st.integers(1, 2)
)


def run_settings(highest_lr: float) -> st.SearchStrategy[list[tuple[float, ScheduleSpec, int]]]:
    """Draw what may differ between the runs of a stack: learning rate, schedule, seed."""
    schedule = st.sampled_from(tuple(SCHEDULES.values()))
    return st.lists(st.tuples(st.floats(1e-5, highest_lr), schedule, SEEDS), min_size=2, max_size=4)


@settings(max_examples=8, deadline=None)
@given(
    name=st.sampled_from(["breast_cancer", "diabetes"]),
    model=mlp_specs,
    optimizer=st.sampled_from(OPTIMIZERS),
    batch_size=st.integers(20, 150),
    runs=run_settings(0.01),
)
def test_perceptrons_on_a_table_learn_together_what_each_learns_alone(
    name: str, model: MLPSpec, optimizer: str, batch_size: int, runs: list[tuple[float, ScheduleSpec, int]]
) -> None:
    specs = [
        TableRunSpec(
            table=TableSpec(name=name),
            model=model,
            optimizer=OptimizerSpec(name=optimizer, lr=lr),
            schedule=schedule,
            training=TrainingSpec(epochs=10, batch_size=batch_size, seed=seed),
        )
        for lr, schedule, seed in runs
    ]
    for together, spec in zip(tables_of(*specs), specs, strict=True):
        (alone,) = tables_of(spec)
        assert_same_histories(together.history, alone.history, rel=1e-5)
        assert together.test_loss == pytest.approx(alone.test_loss, rel=1e-4)
        assert (together.ending, together.parameters) == (alone.ending, alone.parameters)


@settings(max_examples=8, deadline=None)
@given(
    model=cell_specs,
    optimizer=st.sampled_from(OPTIMIZERS),
    length=st.integers(2, 10),
    batch_size=st.integers(16, 100),
    runs=run_settings(0.01),
)
def test_forecasters_learn_together_what_each_learns_alone(
    model: ModelSpec,
    optimizer: str,
    length: int,
    batch_size: int,
    runs: list[tuple[float, ScheduleSpec, int]],
) -> None:
    specs = [
        ForecastSpec(
            length=length,
            split=SplitSpec(train=0.6, validation=0.2),
            model=model,
            optimizer=OptimizerSpec(name=optimizer, lr=lr),
            training=TrainingSpec(epochs=10, batch_size=batch_size, seed=seed),
        )
        for lr, _, seed in runs
    ]
    for together, spec in zip(forecasts_of(*specs), specs, strict=True):
        (alone,) = forecasts_of(spec)
        assert_same_histories(together.history, alone.history, rel=1e-5)
        assert together.test.model == pytest.approx(alone.test.model, rel=1e-3, abs=1e-4)


def toy_table(samples: int, *shape: int) -> Table:
    """Make inputs (samples, *shape) and targets (samples, 1) that can be learnt."""
    inputs = torch.randn(samples, *shape, generator=torch.Generator().manual_seed(3))
    return Table(inputs, inputs.flatten(1).mean(dim=1, keepdim=True).sin())


def plain(
    model: nn.Module,
    optimizer: OptimizerSpec,
    schedule: ScheduleSpec,
    epochs: int,
    clip: float | None = None,
) -> Plain:
    torch_optimizer = optimizers.build(optimizer, model.parameters())
    return Plain(model, MSE, torch_optimizer, schedules.build(schedule, torch_optimizer, epochs), clip=clip)


@settings(max_examples=20, deadline=None)
@given(
    model=st.one_of(mlp_specs, cell_specs),
    optimizer=st.sampled_from(OPTIMIZERS),
    samples=st.integers(3, 50),
    batch_size=st.integers(3, 30),
    shuffle=st.booleans(),
    clip=st.sampled_from([None, 0.05]),
    runs=run_settings(0.01),
)
def test_in_float64_nothing_but_the_tenth_digit_tells_them_apart(
    model: MLPSpec | ModelSpec,
    optimizer: str,
    samples: int,
    batch_size: int,
    shuffle: bool,
    clip: float | None,
    runs: list[tuple[float, ScheduleSpec, int]],
) -> None:
    epochs, seeds = 10, [seed for _, _, seed in runs]

    def network(seed: int) -> nn.Module:
        if isinstance(model, ModelSpec):
            return models.build(model, seed)
        return models.build_mlp(model, 4, 1, seed)

    with double():
        shape = (5, 1) if isinstance(model, ModelSpec) else (4,)
        train, validation = toy_table(samples, *shape), toy_table(7, *shape)
        spec = TrainingSpec(epochs=epochs, batch_size=batch_size, shuffle=shuffle)
        clocks = [schedules.Clock(schedule, lr, epochs) for lr, schedule, _ in runs]
        rules = [OptimizerSpec(name=optimizer, lr=lr) for lr, _, _ in runs]
        stacked = Stacked([network(seed) for seed in seeds], MSE, rules, clocks, clip=clip)
        together = list(Training(stacked, train, validation, spec, seeds).epochs())
        for run, (lr, schedule, seed) in enumerate(runs):
            rule = OptimizerSpec(name=optimizer, lr=lr)
            single = plain(network(seed), rule, schedule, epochs, clip)
            alone = [row for (row,) in Training(single, train, validation, spec, [seed]).epochs()]
            assert_same_histories([row[run] for row in together], alone, rel=1e-10)
            for name, weight in single.weights(0).items():
                assert weight.dtype == torch.float64
                torch.testing.assert_close(stacked.weights(run)[name], weight, rtol=1e-8, atol=1e-11)


TORCH: dict[str, Callable[[nn.Module, float], optim.Optimizer]] = {
    "sgd": lambda model, lr: optim.SGD(model.parameters(), lr=lr),
    "momentum": lambda model, lr: optim.SGD(model.parameters(), lr=lr, momentum=0.9),
    "nesterov": lambda model, lr: optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True),
    "adagrad": lambda model, lr: optim.Adagrad(model.parameters(), lr=lr),
    "rmsprop": lambda model, lr: optim.RMSprop(model.parameters(), lr=lr),
    "adam": lambda model, lr: optim.Adam(model.parameters(), lr=lr),
    "adamw": lambda model, lr: optim.AdamW(model.parameters(), lr=lr),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_is_that_of_torch_parameter_by_parameter(name: str) -> None:
    lrs = [1e-3, 0.02, 0.3]
    with double():
        networks = [
            models.build_mlp(MLPSpec(hidden=(5, 3), activation="tanh"), 4, 2, seed) for seed in range(3)
        ]
        stack = Stack(networks)
        updates = Updates([OptimizerSpec(name=name, lr=lr) for lr in lrs], stack)
        theirs = [TORCH[name](network, lr) for network, lr in zip(networks, lrs, strict=True)]
        for step in range(30):
            factor = 0.9**step
            updates.set_lr([lr * factor for lr in lrs])
            x = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(step))
            stack(x).square().mean(dim=(1, 2)).sum().backward()
            updates.step()
            assert not stack.flat_grad.any()
            for run, (network, optimizer, lr) in enumerate(zip(networks, theirs, lrs, strict=True)):
                optimizer.param_groups[0]["lr"] = lr * factor
                optimizer.zero_grad()
                network(x[run]).square().mean().backward()
                optimizer.step()
                ours = stack.weights(run)
                for key, parameter in network.named_parameters():
                    torch.testing.assert_close(ours[key], parameter.detach(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_run_of_a_stack_has_its_own_weight_decay(name: str) -> None:
    decays = [0.0, 0.02, 0.3]
    specs = [OptimizerSpec(name=name, lr=0.01, momentum=0.8, weight_decay=decay) for decay in decays]
    with double():
        networks = [models.build_mlp(MLPSpec(hidden=(4,)), 4, 2, seed) for seed in range(3)]
        stack = Stack(networks)
        updates = Updates(specs, stack)
        updates.set_lr([0.01] * 3)
        theirs = [optimizers.build(s, n.parameters()) for s, n in zip(specs, networks, strict=True)]
        for step in range(10):
            x = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(step))
            stack(x).square().mean(dim=(1, 2)).sum().backward()
            updates.step()
            for run, (network, optimizer) in enumerate(zip(networks, theirs, strict=True)):
                optimizer.zero_grad()
                network(x[run]).square().mean().backward()
                optimizer.step()
                for key, parameter in network.named_parameters():
                    torch.testing.assert_close(
                        stack.weights(run)[key], parameter.detach(), rtol=1e-11, atol=1e-13
                    )


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_weights_of_a_run_fit_a_plain_network(kind: str) -> None:
    spec = ModelSpec(name=kind, hidden=5, layers=3)
    networks = [models.build(spec, seed) for seed in range(3)]
    stack = Stack(networks)
    x = torch.randn(3, 4, 6, 1, generator=torch.Generator().manual_seed(0))
    network = models.Forecaster(spec)
    for run in range(3):
        weights = stack.weights(run)
        assert all(torch.equal(weights[key], value) for key, value in networks[run].state_dict().items())
        network.load_state_dict(weights)
        torch.testing.assert_close(stack(x)[run], network(x[run]))
        weights["head.bias"].add_(1)  # a copy
    torch.testing.assert_close(stack(x)[0], networks[0](x[0]))


def diabetes(optimizer: str, *lrs: float) -> list[TableRunSpec]:
    spec = TableRunSpec(
        table=TableSpec(name="diabetes"),
        model=MLPSpec(activation="tanh", hidden=(8,)),
        training=TrainingSpec(epochs=40, batch_size=50),
    )
    return [replace(spec, optimizer=OptimizerSpec(name=optimizer, lr=lr)) for lr in lrs]


@pytest.mark.parametrize("name", ["sgd", "momentum"])
def test_a_diverging_run_is_alone_in_it(name: str) -> None:
    specs = diabetes(name, 0.001, 10.0, 0.003)
    first, bad, last = tables_of(*specs)
    assert bad.ending == "diverged"
    assert len(bad.history) < 40
    assert (first.ending, last.ending) == ("finished", "finished")
    # Bit for bit what they are beside a run that behaves; without it products of two, not three, networks
    # may be rounded otherwise.
    beside_good = tables_of(*diabetes(name, 0.001, 0.002, 0.003))
    assert (first.history, last.history) == (beside_good[0].history, beside_good[2].history)
    without = tables_of(specs[0], specs[2])
    for ours, theirs in zip((first, last), without, strict=True):
        assert_same_histories(ours.history, theirs.history, rel=1e-6)


def test_when_all_diverge_the_training_ends() -> None:
    runs = tables_of(*diabetes("sgd", 10.0, 9.0))
    assert [run.ending for run in runs] == ["diverged", "diverged"]
    assert max(len(run.history) for run in runs) < 40


def a_learner(runs: int, optimizer: str, schedule: ScheduleSpec, epochs: int) -> Learner:
    networks = [models.build_mlp(MLPSpec(hidden=(4,)), 4, 1, seed) for seed in range(runs)]
    lrs = [0.01 * (run + 1) for run in range(runs)]
    if runs == 1:
        return plain(networks[0], OptimizerSpec(name=optimizer, lr=lrs[0]), schedule, epochs)
    clocks = [schedules.Clock(schedule, lr, epochs) for lr in lrs]
    return Stacked(networks, MSE, [OptimizerSpec(name=optimizer, lr=lr) for lr in lrs], clocks)


def rows_of_batches(runs: int, samples: int) -> Sequence[torch.Tensor]:
    rows = torch.arange(samples) if runs == 1 else torch.arange(samples).expand(runs, -1)
    return torch.split(rows, 4, dim=-1)


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_pass_of_validation_changes_nothing(runs: int, optimizer: str) -> None:
    learner, table = a_learner(runs, optimizer, SCHEDULES["constant"], 5), toy_table(11, 4)
    batches = rows_of_batches(runs, 11)
    learner.one_pass(table, batches, True)
    before = pickle.dumps(learner.state())
    found = learner.one_pass(table, batches, False)
    assert pickle.dumps(learner.state()) == before
    if isinstance(learner, Stacked):
        assert not learner.stack.flat_grad.any()
    for run, loss in enumerate(found):
        model = models.mlp(MLPSpec(hidden=(4,)), 4, 1)
        model.load_state_dict(learner.weights(run))
        with torch.no_grad():
            assert loss == pytest.approx(nn.MSELoss()(model(table.inputs), table.targets).item(), rel=1e-6)


def test_stacked_runs_stop_between_two_batches() -> None:
    learner, asked = a_learner(3, "sgd", SCHEDULES["constant"], 5), iter([False, True])
    before = learner.weights(1)
    with pytest.raises(Interrupted):
        learner.one_pass(toy_table(12, 4), rows_of_batches(3, 12), True, lambda: next(asked))
    assert not torch.equal(learner.weights(1)["0.weight"], before["0.weight"])


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_training_taken_up_elsewhere_goes_on_bit_by_bit(runs: int, optimizer: str, schedule: str) -> None:
    epochs, table = 9, toy_table(18, 4)

    def fresh() -> Training:
        learner = a_learner(runs, optimizer, SCHEDULES[schedule], epochs)
        spec = TrainingSpec(epochs=epochs, batch_size=5)
        return Training(learner, table, toy_table(7, 4), spec, list(range(runs)))

    through = fresh()
    expected: list[Row] = list(through.epochs())
    first = fresh()
    going = first.epochs()
    rows = [next(going) for _ in range(4)]
    state = pickle.dumps(first.state())
    next(going)  # what the first does from here on is its own affair
    second = fresh()
    second.restore(pickle.loads(state))
    rows += list(second.epochs())
    assert rows == expected
    for run in range(runs):
        ours, theirs = second.learner.weights(run), through.learner.weights(run)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
