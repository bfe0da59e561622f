"""Mini-batches counted, dealt out, walked and recorded, against numbers worked by hand and plain torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from core import batch_walk, tables
from core.batch_record import Recording
from core.batch_walk import WalkSpec, spread, walk
from core.batches import PlanSpec, held_for_backward, leftover, plan, training_rows, updates
from core.history import Frame, Paused
from core.perceptron import train_on_table
from core.specs import MLPSpec, OptimizerSpec, SpecError, TableRunSpec, TableSpec, TrainingSpec, with_seeds
from core.training import Unwatched


@pytest.mark.parametrize(
    ("rows", "size", "ceiling", "floor", "rest"),
    [
        (341, 32, 11, 10, 21),
        (341, 1, 341, 341, 0),
        (341, 341, 1, 1, 0),
        (600, 64, 10, 9, 24),
        (10, 12, 1, 0, 10),
    ],
)
def test_updates_worked_by_hand_and_as_a_dataloader_counts_them(
    rows: int, size: int, ceiling: int, floor: int, rest: int
) -> None:
    assert (updates(rows, size), updates(rows, size, drop_last=True), leftover(rows, size)) == (
        ceiling,
        floor,
        rest,
    )
    data = TensorDataset(torch.zeros(rows))
    assert len(DataLoader(data, batch_size=size)) == ceiling
    assert len(DataLoader(data, batch_size=size, drop_last=True)) == floor


@pytest.mark.parametrize(
    "spec",
    [
        TableSpec(name="breast_cancer"),
        TableSpec(name="diabetes"),
        TableSpec(name="readmission"),
        TableSpec(name="sepsis", patients=333),
        TableSpec(name="breast_cancer", train_rows=50),
    ],
)
def test_training_rows_are_those_of_the_loaded_table(spec: TableSpec) -> None:
    assert training_rows(spec) == len(tables.load(spec).train.inputs)


@pytest.mark.parametrize(("hidden", "weights"), [((16,), 128), ((8, 4), 4 * (8 * 4 + 4 * 2))])
def test_memory_for_backward_worked_by_hand(hidden: tuple[int, ...], weights: int) -> None:
    # Of each patient: 30 inputs, the hidden units after ReLU and 2 log-probabilities in float32, and the
    # class in int64; once the total weight of the loss. Weights but the first layer's pass gradients on.
    spec = TableRunSpec(model=MLPSpec(hidden=hidden))
    each = 4 * (30 + sum(hidden) + 2) + 8
    for held in held_for_backward(spec, (1, 32, 341)):
        assert held.batch == each * held.batch_size + 4
        assert held.weights == weights


def test_a_plan_is_dealt_out_by_hand_without_shuffling() -> None:
    dealt = plan(PlanSpec(patients=7, batch_size=3, shuffle=False, epochs=2))
    assert dealt.epochs == (((1, 2, 3), (4, 5, 6), (7,)),) * 2
    short = plan(PlanSpec(patients=7, batch_size=3, shuffle=False, drop_last=True, epochs=2))
    assert short.epochs == (((1, 2, 3), (4, 5, 6)),) * 2
    assert short.dropped(0, 7) == (7,) == short.never(7)


def test_a_shuffled_plan_uses_everybody_once_and_changes_with_epoch_and_seed() -> None:
    dealt = plan(PlanSpec(seed=3))
    for epoch in range(3):
        assert sorted(dealt.used(epoch)) == list(range(1, 21))
        assert dealt.dropped(epoch, 20) == ()
    assert len({dealt.used(epoch) for epoch in range(3)}) == 3
    assert dealt == plan(PlanSpec(seed=3)) != plan(PlanSpec(seed=4))


def test_a_plan_with_a_batch_too_large_makes_no_update() -> None:
    empty = plan(PlanSpec(patients=10, batch_size=12, drop_last=True))
    assert empty.epochs == ((), (), ())
    assert empty.never(10) == tuple(range(1, 11))


def by_hand(weights: torch.Tensor) -> torch.Tensor:
    age, pressure = (torch.from_numpy(v) for v in batch_walk.patients())
    return torch.mean((weights[0] + weights[1] * age - pressure) ** 2)


def test_the_bowl_and_its_slope_are_those_of_autograd() -> None:
    for point in ((0.0, 0.0), (-2.0, 1.5), batch_walk.bottom()):
        weights = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        value = by_hand(weights)
        value.backward()
        assert float(batch_walk.loss(point)) == pytest.approx(value.item(), rel=1e-12)
        assert weights.grad is not None
        np.testing.assert_allclose(batch_walk.gradients(point), weights.grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(batch_walk.gradients(batch_walk.bottom()), [0, 0], atol=1e-12)


def test_the_slope_in_clinical_units_is_that_of_a_fit_to_the_raw_numbers() -> None:
    table = tables.load(batch_walk.TABLE)
    years = table.train.inputs[:, 0] * table.scale[0] + table.centre[0]
    mmhg = table.train.targets * table.target_scale + table.target_centre
    assert batch_walk.per_year(batch_walk.bottom()[1]) == pytest.approx(
        np.polyfit(years, mmhg, 1)[0], rel=1e-5
    )


@pytest.mark.parametrize("size", [1, 32, 90])
def test_a_walk_is_a_textbook_loop_over_a_dataloader(size: int) -> None:
    spec = WalkSpec(batch_size=size, updates=25, seed=5)
    (path,) = walk([spec])
    model = nn.Linear(1, 1, dtype=torch.float64)
    with torch.no_grad():
        model.bias.fill_(spec.start[0])
        model.weight.fill_(spec.start[1])
    optimizer = torch.optim.SGD(model.parameters(), lr=spec.lr)
    age, pressure = (torch.from_numpy(v)[:, None] for v in batch_walk.patients())
    loader = DataLoader(
        TensorDataset(age, pressure),
        batch_size=size,
        shuffle=True,
        generator=torch.Generator().manual_seed(5),
    )
    went = [spec.start]
    while len(went) <= spec.updates:
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
            went.append((model.bias.item(), model.weight.item()))
    np.testing.assert_allclose(path.positions, went[: spec.updates + 1], atol=1e-12)
    for row in (0, 10, 25):
        assert path.losses[row] == pytest.approx(by_hand(torch.from_numpy(path.positions[row])).item())


def test_a_rate_too_large_for_one_patient_suits_them_all() -> None:
    whole, single = walk([WalkSpec(batch_size=size, lr=0.5, updates=90) for size in (90, 1)])
    assert whole.ending == "finished"
    assert whole.losses[-1] == pytest.approx(float(batch_walk.loss(batch_walk.bottom())))
    assert single.ending == "diverged"
    assert single.diverged_at == len(single.positions) - 1
    assert np.abs(single.positions[-1]).max() > batch_walk.FAR >= np.abs(single.positions[-2]).max()


def test_the_spread_of_gradients_follows_one_over_the_root_of_the_batch() -> None:
    points = [(-2.0, -1.0), batch_walk.bottom()]
    for point, found in zip(points, spread(points), strict=True):
        age, pressure = batch_walk.patients()
        error = point[0] + point[1] * age - pressure
        each = np.column_stack([2 * error, 2 * error * age])
        np.testing.assert_allclose(found.gradient, each.mean(axis=0), atol=1e-12)
        sigma = np.sqrt(np.mean(np.sum((each - each.mean(axis=0)) ** 2, axis=1)))
        assert found.sigma == pytest.approx(sigma)
        assert found.sizes.tolist() == [1, 2, 4, 8, 16, 32, 64, 90]
        np.testing.assert_allclose(found.measured, found.theory(), rtol=0.06, atol=1e-9)
        assert found.theory()[0] == pytest.approx(sigma)  # one of N: the plain standard deviation
        assert found.theory()[4] == pytest.approx(sigma / 4 * np.sqrt(74 / 89))


class Keeps(Unwatched):
    """Keeps the frames; hands the training over after ``pause`` epochs, if any."""

    def __init__(self, pause: int | None = None) -> None:
        self.frames: list[Frame] = []
        self.left = pause

    def frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def pausing(self) -> bool:
        if self.left is None:
            return False
        self.left -= 1
        return self.left == 0


SORTED = TableRunSpec(
    table=TableSpec(sorted_labels=True),
    optimizer=OptimizerSpec(name="sgd", lr=0.3),
    training=TrainingSpec(epochs=3, batch_size=32, shuffle=False),
)
MIXED = replace(SORTED, training=replace(SORTED.training, shuffle=True))


def recorded(specs: tuple[TableRunSpec, ...]) -> tuple[tuple, list[Frame]]:  # type: ignore[type-arg]
    watch = Keeps()
    runs = train_on_table(specs, None, watch, lambda course, outer: Recording(specs, course, outer))
    assert isinstance(runs, tuple)
    return runs, watch.frames


@pytest.mark.parametrize("seeds", [1, 2])
def test_recording_changes_no_digit_and_its_losses_are_those_of_the_epochs(seeds: int) -> None:
    specs = (*with_seeds(SORTED, seeds), *with_seeds(MIXED, seeds))
    runs, frames = recorded(specs)
    plain = train_on_table(specs)
    assert isinstance(plain, tuple)
    sizes = np.array([32] * 10 + [21])
    for place, (mine, theirs) in enumerate(zip(runs, plain, strict=True)):
        for name, weights in mine.weights.items():
            np.testing.assert_array_equal(weights, theirs.weights[name])
        for frame, epoch in zip(frames, theirs.history, strict=True):
            losses = frame.arrays[place]["losses"]
            assert losses.shape == (11,)
            assert (losses * sizes).sum() / 341 == pytest.approx(epoch.train_loss, rel=1e-5)


def test_recording_tells_who_was_in_each_batch_and_how_the_network_would_answer() -> None:
    runs, frames = recorded((SORTED, MIXED))
    ill = int(tables.load(SORTED.table).train.targets.sum())
    first = frames[0].arrays[0]["ill"]
    whole, rest = divmod(ill, 32)
    np.testing.assert_allclose(first, [1.0] * whole + [rest / 32] + [0.0] * (10 - whole), atol=1e-6)
    assert frames[0].arrays[1]["ill"].min() > 0
    sizes = np.array([32] * 10 + [21])
    assert (frames[1].arrays[1]["ill"] * sizes).sum() == pytest.approx(ill)
    inputs = torch.from_numpy(tables.load(SORTED.table).validation.inputs)
    for place, run in enumerate(runs):
        w = {name: torch.from_numpy(value) for name, value in run.weights.items()}
        out = torch.relu(inputs @ w["0.weight"].T + w["0.bias"]) @ w["2.weight"].T + w["2.bias"]
        assert frames[-1].arrays[place]["positive"][-1] == pytest.approx(out.argmax(1).double().mean().item())


def test_a_recorded_training_can_be_paused_and_taken_up() -> None:
    specs = (SORTED, MIXED)
    watch = Keeps(pause=2)
    paused = train_on_table(specs, None, watch, lambda course, outer: Recording(specs, course, outer))
    assert isinstance(paused, Paused)
    rest = Keeps()
    train_on_table(specs, paused, rest, lambda course, outer: Recording(specs, course, outer))
    _, frames = recorded(specs)
    together = watch.frames + rest.frames
    assert [frame.epoch for frame in together] == [1, 2, 3]
    for mine, straight in zip(together, frames, strict=True):
        for a, b in zip(mine.arrays, straight.arrays, strict=True):
            np.testing.assert_array_equal(a["losses"], b["losses"])


def test_one_that_has_diverged_has_no_more_updates() -> None:
    wild = replace(
        MIXED,
        optimizer=OptimizerSpec(name="sgd", lr=1.0),
        training=replace(MIXED.training, batch_size=1),
    )
    runs, frames = recorded((wild, SORTED))
    assert runs[0].ending == "diverged"
    end = len(runs[0].history)
    assert [len(frame.arrays[0]["losses"]) for frame in frames] == [341] * end + [0] * (3 - end)
    assert all(len(frame.arrays[1]["losses"]) == 11 for frame in frames)


def test_the_order_of_all_patients_changes_but_the_last_digits() -> None:
    specs = tuple(replace(s, training=replace(s.training, batch_size=341)) for s in (SORTED, MIXED))
    a, b = recorded(specs)[0]
    for name, weights in a.weights.items():
        np.testing.assert_allclose(weights, b.weights[name], atol=2e-6)


@pytest.mark.parametrize(
    "wrong",
    [{"batch_size": 0}, {"lr": float("nan")}, {"updates": 0}, {"start": (9.0, 0.0)}, {"seed": -1}],
)
def test_a_walk_that_cannot_be_made_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="指定して"):
        WalkSpec(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"patients": 0}, {"batch_size": 0}, {"epochs": 99}, {"seed": -1}])
def test_a_plan_that_cannot_be_made_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SpecError, match="指定して"):
        PlanSpec(**wrong)  # type: ignore[arg-type]
