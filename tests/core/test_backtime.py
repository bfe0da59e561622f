"""Gradients through time against hand-made recurrences, bounds and differences; scripts against the page."""

import contextlib
import io
import math
import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from core import backtime, backtime_clip, backtime_script, backtime_train, models
from core.backtime import CELLS, BackSpec, asked_windows, fresh, measure
from core.backtime_clip import ClipSpec, constant_loss, exploded, pair
from core.forecaster import train_forecaster
from core.history import Epoch, Paused
from core.specs import ForecastSpec, ModelSpec, OptimizerSpec, SpecError, TrainingSpec, with_cells
from core.training import Unwatched
from core.windows import Windows


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute as the workers do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def executed(code: str) -> str:
    """Run a script in this process and return what it prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "script.py", "exec"), {"__name__": "__main__"})
    return out.getvalue()


class Pausing(Unwatched):
    """Asks for a pause after every epoch up to one."""

    def __init__(self, last: int) -> None:
        self.epoch, self.last = 0, last

    def report(self, row: object) -> None:
        self.epoch = row[0].number  # type: ignore[index]

    def pausing(self) -> bool:
        return 0 < self.epoch <= self.last


def test_one_unit_worked_by_hand() -> None:
    """h_t = tanh(u x_t + w h_{t-1}): each step back multiplies by w (1 − h²)."""
    model = models.Forecaster(ModelSpec(hidden=1))
    u, w, v = 0.7, 0.9, 1.3
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.recurrent.get_parameter("weight_ih_l0").fill_(u)
        model.recurrent.get_parameter("weight_hh_l0").fill_(w)
        model.head.weight.fill_(v)
    x, y = [0.5, -1.0, 0.25], 0.1
    h = [0.0]
    for value in x:
        h.append(math.tanh(u * value + w * h[-1]))
    slope = [1 - value**2 for value in h]
    last = abs(2 * (v * h[3] - y) * v)
    windows = Windows(
        inputs=np.array([x], dtype=np.float32),
        targets=np.array([y], dtype=np.float32),
        index=np.array([3]),
    )
    found = measure(model, windows)
    expected = [last * w * slope[3] * w * slope[2], last * w * slope[3], last]
    np.testing.assert_allclose(found.hidden, expected, rtol=1e-6)
    assert found.radius == pytest.approx(w)
    assert found.keep == pytest.approx(np.mean(slope[1:]), rel=1e-6)
    assert found.left == pytest.approx(expected[0] / last)
    assert found.factor == pytest.approx(math.sqrt(expected[0] / last))


@pytest.mark.parametrize("name", CELLS)
def test_the_gradient_agrees_with_differences(name: str) -> None:
    """Nudge h_3 of one window in one direction and read on."""
    torch.manual_seed(1)
    model = models.Forecaster(ModelSpec(name=name, hidden=4)).double()
    x = torch.randn(1, 6, 1, dtype=torch.float64)
    states, memories, output = backtime.unroll(model, x)
    (gradient,) = torch.autograd.grad(output.sum(), states[2], retain_graph=True)
    nudge = torch.zeros_like(states[2])
    nudge[0, 0, 1] = 1e-6

    def rest(hidden: torch.Tensor) -> float:
        state = (hidden, memories[2]) if memories else hidden
        with torch.no_grad():
            _, end = model.recurrent(x[:, 3:], state)
            return float(model.head((end[0] if memories else end)[0]).sum())

    difference = (rest(states[2] + nudge) - rest(states[2] - nudge)) / 2e-6
    assert gradient[0, 0, 1].item() == pytest.approx(difference, rel=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_step_by_step_is_the_whole_layer(name: str) -> None:
    model = models.Forecaster(ModelSpec(name=name, hidden=5))
    x = torch.randn(3, 7, 1)
    _, _, output = backtime.unroll(model, x)
    torch.testing.assert_close(output, model(x))


def test_a_simple_rnn_stays_within_the_bound_of_pascanu() -> None:
    """|∂L/∂h_t| ≤ σ^(T−t) |∂L/∂h_T| window by window, so also on average."""
    for scale in (0.5, 1.0, 2.0):
        (rnn, _, _) = fresh(BackSpec(length=30, scale=scale), (30,))[30]
        steps = np.arange(29, -1, -1)
        assert (rnn.hidden <= rnn.largest**steps * rnn.hidden[-1] * (1 + 1e-9)).all()


def test_scaling_and_gates_move_what_they_name() -> None:
    plain = fresh(BackSpec(length=60), (60,))[60]
    doubled = fresh(BackSpec(length=60, scale=2.0), (60,))[60]
    opened = fresh(BackSpec(length=60, gate=5.0), (60,))[60]
    assert doubled[0].radius == pytest.approx(2 * plain[0].radius, rel=1e-6)
    assert doubled[0].left > 1e3 * plain[0].left
    assert opened[0].left == plain[0].left  # a SimpleRNN has no gate
    assert opened[1].keep > 0.98
    assert opened[1].left > 1e3 * plain[1].left
    assert opened[2].left > 1e3 * plain[2].left


def test_gates_are_those_of_the_cells() -> None:
    """What ``keeping`` finds turns one state into the next."""
    x = torch.randn(2, 5, 1)
    gru = models.Forecaster(ModelSpec(name="gru", hidden=3))
    with torch.no_grad():
        states = torch.cat(backtime.unroll(gru, x)[0])
        update = backtime.keeping(gru, x, states)
        candidate = (states[1:] - update[1:] * states[:-1]) / (1 - update[1:])
    assert (candidate.abs() <= 1).all()  # a tanh
    lstm = models.Forecaster(ModelSpec(name="lstm", hidden=3))
    backtime.open_gates(lstm, 50.0)  # nothing is forgotten
    with torch.no_grad():
        steps, _, _ = backtime.unroll(lstm, x)
        assert backtime.keeping(lstm, x, torch.cat(steps)).min() > 0.999


def test_bad_settings_are_told() -> None:
    with pytest.raises(SpecError, match="窓の長さ"):
        BackSpec(length=500)
    with pytest.raises(SpecError, match="倍率"):
        ClipSpec(scale=0)


SPEC = ForecastSpec(length=12, model=ModelSpec(hidden=8), training=TrainingSpec(epochs=3, seed=4))


def test_trainings_are_those_of_the_forecaster_and_can_be_paused() -> None:
    specs = with_cells(SPEC, CELLS)
    found = backtime_train.train(specs)
    assert not isinstance(found, Paused)
    for spec, run in zip(specs, found, strict=True):
        assert [e.train_loss for e in run.history] == [e.train_loss for e in train_forecaster(spec).history]
    watch = Pausing(2)
    handed = backtime_train.train(specs, watch=watch)
    while isinstance(handed, Paused):
        handed = backtime_train.train(specs, handed, watch)
    assert [r.after.hidden.tolist() for r in handed] == [r.after.hidden.tolist() for r in found]
    assert (
        found[0].before.hidden.tolist()
        == fresh(BackSpec(length=12, hidden=8, seed=4), (12,))[12][0].hidden.tolist()
    )


def test_five_seeds_turn_cells_fastest() -> None:
    specs = with_cells(SPEC, CELLS, 2)
    assert [(s.model.name, s.training.seed) for s in specs] == [(c, seed) for seed in (4, 5) for c in CELLS]


CLIP = ClipSpec(length=30, training=TrainingSpec(epochs=3, seed=1))


def test_clipping_against_a_plain_loop() -> None:
    """The same updates as torch's own clipping makes, and the same norms before it."""
    plain, clipped = backtime_clip.train(pair(CLIP, 0.5))  # type: ignore[misc]
    windows = backtime.training_windows(30)
    x, y = torch.tensor(windows.inputs).unsqueeze(-1), torch.tensor(windows.targets).unsqueeze(-1)
    model = models.build(ModelSpec(), 1)
    backtime.scale_recurrent(model, 2.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
    data = torch.utils.data.TensorDataset(x, y)
    generator = torch.Generator().manual_seed(1)
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True, generator=generator)
    losses, norms = [], []
    for _ in range(3):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(inputs), targets)
            loss.backward()
            norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5).item())
            losses.append(loss.item())
            optimizer.step()
    assert clipped.losses.tolist() == losses
    assert clipped.norms.tolist() == norms
    assert plain.losses[0] == clipped.losses[0]
    assert plain.norms[0] == pytest.approx(clipped.norms[0])
    assert clipped.clipped(0.5) == pytest.approx(np.mean(np.array(norms) > 0.5))


def test_a_paused_clipping_goes_on_where_it_was() -> None:
    specs = pair(CLIP, 1.0)
    whole = backtime_clip.train(specs)
    watch = Pausing(2)
    handed = backtime_clip.train(specs, watch=watch)
    while isinstance(handed, Paused):
        handed = backtime_clip.train(specs, handed, watch)
    assert not isinstance(whole, Paused)
    for one, other in zip(whole, handed, strict=True):
        assert one.norms.tolist() == other.norms.tolist()
        assert one.history[-1].train_loss == other.history[-1].train_loss


def test_the_default_explodes_without_clipping_alone() -> None:
    spec = ClipSpec(training=TrainingSpec(epochs=12))
    plain, clipped = backtime_clip.train(pair(spec, 1.0))  # type: ignore[misc]
    constant = constant_loss(spec.length)
    assert constant == pytest.approx(0.5, abs=0.1)  # a sine's mean square, and some noise
    assert exploded(plain.history, constant)
    assert not exploded(clipped.history, constant)
    assert clipped.history[-1].train_loss < constant / 2
    calm = ClipSpec(scale=1.0, training=TrainingSpec(epochs=3))
    assert not exploded(backtime_clip.train(pair(calm, 1.0))[0].history, constant)  # type: ignore[index]


@pytest.mark.parametrize(("last", "answer"), [(math.nan, True), (math.inf, True), (6.0, True), (4.0, False)])
def test_what_counts_as_exploded(last: float, answer: bool) -> None:
    epoch = Epoch(number=1, train_loss=last, validation_loss=None, lr=0.1, seconds=0.0)
    assert exploded([epoch], 0.5) is answer


def numbers(printed: str, start: str) -> list[float]:
    return [float(line.split()[-1]) for line in printed.splitlines() if line.startswith(start)]


def test_the_script_of_untrained_networks() -> None:
    spec = BackSpec(length=15, scale=1.5, gate=2.0, hidden=8, seed=3)
    printed = executed(backtime_script.fresh(spec))
    for name, back in zip(CELLS, fresh(spec, (15,))[15], strict=True):
        assert numbers(printed, f"{name} |dL/dh_") == back.hidden.tolist()
        assert numbers(printed, f"{name} 1点ごとに残す割合") == [back.keep]


def test_the_script_of_the_trainings() -> None:
    specs = with_cells(SPEC, CELLS)
    printed = executed(backtime_script.trained(specs))
    for spec, run in zip(specs, backtime_train.train(specs), strict=True):  # type: ignore[arg-type]
        name = spec.model.name
        assert numbers(printed, f"{name} 種 4 エポック") == [e.train_loss for e in run.history]
        assert numbers(printed, f"{name} 種 4 最初まで残る割合") == [run.before.left, run.after.left]


def test_the_script_of_clipping() -> None:
    specs = pair(ClipSpec(training=TrainingSpec(epochs=4, seed=2)), 1.0)
    printed = executed(backtime_script.clipped(specs))
    for name, run in zip(("クリッピングなし", "上限 1.0"), backtime_clip.train(specs), strict=True):  # type: ignore[arg-type]
        printed_losses = numbers(printed, f"種 2 {name} エポック")
        np.testing.assert_array_equal(printed_losses, [e.train_loss for e in run.history])
        assert numbers(printed, f"種 2 {name} 上限を超えた") == [run.clipped(1.0)]
    assert re.search(r"SGD\(model.parameters\(\), lr=0.1", backtime_script.clipped(specs))


def test_windows_asked_are_training_windows() -> None:
    asked, all_of_them = asked_windows(100), backtime.training_windows(100)
    assert len(asked) == 32
    assert set(asked.index) <= set(all_of_them.index)
    assert all_of_them.index.max() < 160
    assert OptimizerSpec(name="sgd", lr=0.1) == ClipSpec().optimizer
