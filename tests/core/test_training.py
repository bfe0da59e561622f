import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from core import losses, models
from core.history import Epoch
from core.learners import Interrupted, Plain, Table
from core.losses import MSE
from core.specs import LossSpec, ModelSpec, TrainingSpec
from core.training import EarlyStopping, Training, order


def small_table(samples: int) -> Table:
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(samples, 5, 1, generator=generator)
    return Table(x, x.sum(dim=1))


def textbook(spec: TrainingSpec, model_spec: ModelSpec, table: Table, lr: float) -> list[float]:
    """The loop as a textbook writes it, with a DataLoader."""
    torch.manual_seed(spec.seed)
    model = models.Forecaster(model_spec)
    generator = torch.Generator().manual_seed(spec.seed)
    loader = DataLoader(
        TensorDataset(*table), batch_size=spec.batch_size, shuffle=spec.shuffle, generator=generator
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    loss_function = nn.MSELoss()
    losses = []
    for _ in range(spec.epochs):
        total = 0.0
        for x, y in loader:
            loss = loss_function(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / len(table.inputs))
    return losses


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["rnn", "lstm", "gru"]),
    seed=st.integers(0, 2**31 - 1),
    batch_size=st.integers(1, 40),
    shuffle=st.booleans(),
    samples=st.integers(2, 40),
)
def test_our_loop_gives_the_digits_of_a_textbook_loop_with_a_dataloader(
    name: str, seed: int, batch_size: int, shuffle: bool, samples: int
) -> None:
    torch.set_num_threads(1)
    spec = TrainingSpec(epochs=4, batch_size=batch_size, shuffle=shuffle, seed=seed)
    model_spec = ModelSpec(name=name, hidden=6)
    table = small_table(samples)
    model = models.build(model_spec, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    training = Training(Plain(model, MSE, optimizer), table, None, spec)
    ours = [epoch.train_loss for (epoch,) in training.epochs()]
    assert ours == textbook(spec, model_spec, table, 0.01)


def test_building_a_model_leaves_the_global_stream_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    models.build(ModelSpec(), seed=5)
    assert torch.equal(torch.rand(3), expected)


def test_unshuffled_order_is_the_given_one() -> None:
    assert order(5, False, torch.Generator().manual_seed(0)).tolist() == [0, 1, 2, 3, 4]


def test_validation_is_a_pass_without_a_step() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(5, 1))
    table = small_table(12)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    spec = TrainingSpec(epochs=1, batch_size=12)
    ((epoch,),) = Training(Plain(model, MSE, optimizer), table, table, spec).epochs()
    with torch.no_grad():
        assert epoch.validation_loss == pytest.approx(nn.MSELoss()(model(table.inputs), table.targets).item())
    assert model.training is False


def test_a_diverging_run_ends_at_the_epoch_that_is_no_number() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(5, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e6)
    spec = TrainingSpec(epochs=500, batch_size=4)
    training = Training(Plain(model, MSE, optimizer), small_table(12), None, spec)
    rows = [epoch for (epoch,) in training.epochs()]
    assert len(rows) < 500
    assert not math.isfinite(rows[-1].train_loss)
    assert all(math.isfinite(row.train_loss) for row in rows[:-1])


def test_an_interrupted_run_stops_between_two_batches() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(5, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    asked = iter([False, False, False, True])
    spec = TrainingSpec(epochs=9, batch_size=6)
    training = Training(Plain(model, MSE, optimizer), small_table(12), None, spec)
    run = training.epochs(lambda: next(asked))
    assert next(run)[0].number == 1
    with pytest.raises(Interrupted):
        next(run)


def test_early_stopping_waits_for_patience_and_keeps_the_best_weights() -> None:
    model = nn.Linear(1, 1)
    stopping = EarlyStopping(patience=2)
    outcome = []
    for number, loss in enumerate([3.0, 1.0, 2.0, 1.5], start=1):
        with torch.no_grad():
            model.weight.fill_(float(number))
        row = Epoch(number=number, train_loss=0.0, validation_loss=loss, lr=0.0, seconds=0.0)
        outcome.append(stopping.update(row, lambda: {k: v.clone() for k, v in model.state_dict().items()}))
    assert outcome == [False, False, False, True]
    assert (stopping.best_epoch, stopping.best_loss) == (2, 1.0)
    assert stopping.best_weights["weight"].item() == 2.0


def test_the_same_loop_classifies_images() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(60, 1, 8, 8, generator=generator)
    labels = (images[:, 0, :4].mean(dim=(1, 2)) > images[:, 0, 4:].mean(dim=(1, 2))).long()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    learner = Plain(
        model,
        losses.build(LossSpec(), "cross_entropy"),
        torch.optim.Adam(model.parameters(), lr=0.01, fused=True),
    )
    spec = TrainingSpec(epochs=30, batch_size=16)
    rows = [epoch for (epoch,) in Training(learner, Table(images, labels), None, spec).epochs()]
    assert rows[0].train_loss == pytest.approx(math.log(2), abs=0.1)
    assert rows[-1].train_loss < 0.3
