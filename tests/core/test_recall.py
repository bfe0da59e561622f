"""Delayed recall: its sequences by hand, its saliency against differences, its script against the page."""

import contextlib
import copy
import io
import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from core import recall_script
from core.history import Frame, Paused
from core.recall import CELLS, HELD_OUT, RecallRun, RecallSpec, sequences, together
from core.recall_train import build, data, flipped, kept, saliency, train
from core.specs import ModelSpec, OptimizerSpec, SpecError, TrainingSpec
from core.training import Unwatched


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute as the workers do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


SMALL = RecallSpec(
    length=6,
    sequences=64,
    model=ModelSpec(hidden=8),
    optimizer=OptimizerSpec(lr=0.01),
    training=TrainingSpec(epochs=4, batch_size=16, clip=0.5, seed=3),
)


class Watch(Unwatched):
    """Keeps frames, and asks for a pause after every epoch up to one."""

    def __init__(self, last: int = 0) -> None:
        self.epoch, self.last = 0, last
        self.frames: list[Frame] = []

    def report(self, row: object) -> None:
        self.epoch = row[0].number  # type: ignore[index]

    def frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def pausing(self) -> bool:
        return 0 < self.epoch <= self.last


def carried_out(specs: tuple[RecallSpec, ...]) -> tuple[RecallRun, ...]:
    found = train(specs)
    assert not isinstance(found, Paused)
    return found


def test_only_the_first_reading_tells_the_classes_apart() -> None:
    readings, classes = sequences(2000, 5, 0.5, 1)
    assert classes.mean() == 0.5
    assert (readings[:, 0] == np.where(classes, 1, -1)).all()
    assert readings[:, 1:].std() == pytest.approx(0.5, abs=0.02)
    correlation = [abs(np.corrcoef(readings[:, t], classes)[0, 1]) for t in range(5)]
    assert correlation[0] == pytest.approx(1)
    assert max(correlation[1:]) < 0.1


def test_what_is_held_out_is_not_learnt_from() -> None:
    learn, held_out = data(SMALL)
    assert (len(learn.inputs), len(held_out.inputs)) == (64, HELD_OUT)
    seen = {row.numpy().tobytes() for row in learn.inputs}
    assert not any(row.numpy().tobytes() in seen for row in held_out.inputs)


def test_gates_begin_where_the_spec_says() -> None:
    """ln(T − 1) opens a forget gate to 1 − 1/T."""
    for name in ("lstm", "gru"):
        spec = RecallSpec(length=50, model=ModelSpec(name=name))
        plain = build(RecallSpec(length=50, gate="default", model=ModelSpec(name=name)))
        moved = build(spec).recurrent.get_parameter("bias_ih_l0") - plain.recurrent.get_parameter(
            "bias_ih_l0"
        )
        expected = torch.zeros_like(moved)
        expected[32:64] = math.log(49)
        torch.testing.assert_close(moved, expected)
        assert torch.sigmoid(torch.tensor(spec.added)).item() == pytest.approx(1 - 1 / 50)
    assert RecallSpec(gate="one").added == 1
    bare = build(RecallSpec(model=ModelSpec(name="rnn")))
    same = build(RecallSpec(gate="default", model=ModelSpec(name="rnn")))
    assert all((a == b).all() for a, b in zip(bare.parameters(), same.parameters(), strict=True))


@pytest.mark.parametrize("name", CELLS)
def test_saliency_against_differences(name: str) -> None:
    model = build(RecallSpec(length=6, model=ModelSpec(name=name, hidden=4))).eval()
    x = torch.randn(3, 6, 1)
    found = saliency(model, x)

    def margin(inputs: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            outputs: torch.Tensor = copy.deepcopy(model).double()(inputs)
        return outputs[:, 1] - outputs[:, 0]

    for t in range(6):
        up, down = x.double().clone(), x.double().clone()
        up[:, t] += 1e-5
        down[:, t] -= 1e-5
        slope = ((margin(up) - margin(down)) / 2e-5).abs().mean().item()
        assert found[t] == pytest.approx(slope, rel=1e-4)


def test_flipping_the_cue_of_a_network_that_reads_nothing_else() -> None:
    model = build(RecallSpec(length=1 + 1, model=ModelSpec(name="rnn", hidden=1))).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.recurrent.get_parameter("weight_hh_l0").fill_(5.0)
        model.recurrent.get_parameter("weight_ih_l0").fill_(1.0)
        model.head.weight[1] = 1.0
    x = torch.tensor([[1.0, 0.1], [-1.0, 0.3]]).unsqueeze(-1)
    assert flipped(model, x) == 1.0
    with torch.no_grad():
        model.recurrent.get_parameter("weight_hh_l0").zero_()  # nothing is remembered
    assert flipped(model, x) == 0.0


def test_what_one_step_keeps() -> None:
    lstm = RecallSpec(length=100, model=ModelSpec(name="lstm"))
    inputs = data(lstm)[1].inputs[:16]
    assert kept(build(lstm), inputs) == pytest.approx(0.99, abs=0.005)
    default = RecallSpec(length=100, gate="default", model=ModelSpec(name="lstm"))
    assert kept(build(default), inputs) == pytest.approx(0.5, abs=0.05)


def test_a_short_memory_is_learnt_by_all() -> None:
    """The preset of ten readings, as measured over five seeds."""
    for run in carried_out(together(RecallSpec(length=10, training=TrainingSpec(epochs=10, clip=1.0)))):
        assert run.accuracy > 0.9
        assert run.learnt is not None
        assert run.flipped > 0.9


def test_a_long_memory_needs_an_open_gate() -> None:
    """After six epochs an LSTM recalls 60 readings back; a SimpleRNN and one that forgets half do not."""
    training = TrainingSpec(epochs=6, batch_size=32, clip=1.0)
    lstm = RecallSpec(length=60, model=ModelSpec(name="lstm"), training=training)
    rnn = RecallSpec(length=60, training=training)
    half = RecallSpec(length=60, gate="default", model=ModelSpec(name="lstm"), training=training)
    good, forgetful, closed = (carried_out((spec,))[0] for spec in (lstm, rnn, half))
    assert good.accuracy > 0.9
    assert max(forgetful.accuracy, closed.accuracy) < 0.6
    assert good.before[0] > 1e6 * max(forgetful.before[0], closed.before[0])


def test_a_pause_changes_nothing_and_frames_hold_the_first_seed() -> None:
    specs = together(SMALL, 2)
    assert [s.model.name for s in specs] == [*CELLS, *CELLS]
    assert [s.training.seed for s in specs] == [3, 3, 3, 4, 4, 4]
    whole = carried_out(specs)
    watch = Watch(last=3)
    handed = train(specs, watch=watch)
    stretches = 1
    while isinstance(handed, Paused):
        handed = train(specs, handed, watch)
        stretches += 1
    assert stretches == 4
    for one, other in zip(whole, handed, strict=True):
        assert one.history == other.history
        assert one.after.tolist() == other.after.tolist()
    assert [frame.epoch for frame in watch.frames] == [0, 1, 2, 3, 4]
    last = watch.frames[-1].arrays
    assert [len(array) for array in last] == [1, 1, 1, 0, 0, 0]
    assert last[1]["saliency"].tolist() == whole[1].after.tolist()


def test_the_script_prints_the_numbers_of_the_page() -> None:
    specs = together(SMALL)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(recall_script.script(specs), "script.py", "exec"), {"__name__": "__main__"})
    lines = out.getvalue().splitlines()
    for spec, run in zip(specs, carried_out(specs), strict=True):
        name = spec.model.name
        printed = [line.split() for line in lines if line.startswith(f"{name} 種 3 エポック")]
        told = [(float(p[-5]), float(p[-3]), float(p[-1])) for p in printed]
        expected = [(e.train_loss, e.validation_loss, e.validation_accuracy) for e in run.history]
        assert told == expected
        assert f"{name} 種 3 合図を逆にすると答えが変わる割合 {run.flipped!r}" in lines
        assert f"{name} 種 3 合図への感度 {float(run.after[0])!r}" in lines


def test_bad_settings_are_told() -> None:
    for wrong in ({"length": 1}, {"noise": -1.0}, {"sequences": 3}, {"gate": "open"}):
        with pytest.raises(SpecError):
            RecallSpec(**wrong)
