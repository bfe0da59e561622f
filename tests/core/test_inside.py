"""A network read by hand against torch's own layers, and what is measured of it against definitions."""

import contextlib
import io
import re

import numpy as np
import pytest
import torch

from core import inside_script, jobs, models
from core.forecaster import train_forecaster
from core.inside import Layer, Network, forecast, head, last_step, network, sigmoid, walk
from core.inside_look import MOST, correlation, look, saturated, saturation, slopes, spaced, units
from core.series import Series, article_series
from core.specs import ForecastSpec, ModelSpec, OptimizerSpec, SeriesSpec, TrainingSpec
from core.windows import Windows, bounds, make_windows

CELLS = ("rnn", "lstm", "gru")
LENGTH = 7


def windows(count: int, length: int = LENGTH) -> Windows:
    values = np.random.default_rng(1).normal(size=count + length).astype(np.float32)
    return make_windows(values, length)


def made(cell: str, layers: int = 1, hidden: int = 5) -> tuple[ModelSpec, models.Forecaster, Network]:
    """Make a network with weights as large as a trained one's."""
    spec = ModelSpec(name=cell, hidden=hidden, layers=layers)
    model = models.build(spec, 3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return spec, model, network(spec, weights_of(model), (0.0, 1.0))


def weights_of(model: models.Forecaster) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_every_state_and_the_answer_are_those_of_torch(cell: str, layers: int) -> None:
    _, model, net = made(cell, layers)
    read = windows(20).inputs
    x = torch.tensor(read).unsqueeze(-1)
    with torch.no_grad():
        states, last = model.recurrent(x)
        answers = model(x)[:, 0].numpy()
    walked = list(walk(net, read.astype(np.float64)))
    ours = np.stack([steps[-1].state for steps in walked], axis=1)
    assert np.abs(ours - states.numpy()).max() < 1e-6
    final = last[0] if cell == "lstm" else last
    for place in range(layers):
        assert np.abs(walked[-1][place].state - final[place].numpy()).max() < 1e-6
        if cell == "lstm":
            assert np.abs(walked[-1][place].cell - last[1][place].numpy()).max() < 1e-6
    assert np.abs(forecast(net, read.astype(np.float64)) - answers).max() < 1e-6
    assert np.abs(head(net, ours[:, -1]) - answers).max() < 1e-6


@pytest.mark.parametrize("cell", CELLS)
def test_sums_and_gates_are_what_torch_cells_use(cell: str) -> None:
    """The gates of one step, from torch's own cell: its blocks put to use by their names."""
    _, model, net = made(cell)
    read = windows(4).inputs
    with torch.no_grad():
        states, _ = model.recurrent(torch.tensor(read).unsqueeze(-1))
    weights = {name: tensor.double() for name, tensor in model.state_dict().items()}
    x = torch.tensor(read[:, -1:]).double()
    h = states[:, -2].double()
    left = x @ weights["recurrent.weight_ih_l0"].T + weights["recurrent.bias_ih_l0"]
    right = h @ weights["recurrent.weight_hh_l0"].T + weights["recurrent.bias_hh_l0"]
    step = last_step(net, read.astype(np.float64))
    if cell == "gru":
        a, b = left.chunk(3, dim=1), right.chunk(3, dim=1)
        r, z = torch.sigmoid(a[0] + b[0]), torch.sigmoid(a[1] + b[1])
        n = torch.tanh(a[2] + r * b[2])
        expected = torch.cat([r, z, n], dim=1)
        assert torch.allclose((1 - z) * n + z * h, states[:, -1].double(), atol=1e-6)
    elif cell == "lstm":
        i, f, g, o = (left + right).chunk(4, dim=1)
        expected = torch.cat([i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()], dim=1)
    else:
        expected = torch.tanh(left + right)
    assert np.abs(step.gates - expected.numpy()).max() < 1e-6
    if cell != "gru":
        assert np.abs(step.sums - (left + right).numpy()).max() < 1e-6


def test_one_unit_worked_by_hand() -> None:
    layer = Layer(w_ih=np.array([[0.5]]), w_hh=np.array([[-1.0]]), b_ih=np.array([0.1]), b_hh=np.array([0.2]))
    net = Network(cell="rnn", layers=(layer,), w_hy=np.array([2.0]), b_y=-0.5, mean=80.0, sd=10.0)
    first = np.tanh(0.5 * 1.0 + 0.1 + 0.2)
    second = np.tanh(0.5 * 2.0 + 0.1 - first + 0.2)
    steps = [step[0].state[0] for step in walk(net, np.array([1.0, 2.0]))]
    assert steps == pytest.approx([first, second], abs=1e-12)
    output = float(forecast(net, np.array([1.0, 2.0])))
    assert net.unscale(output) == pytest.approx((2 * second - 0.5) * 10 + 80)


def test_sigmoid_meets_its_definition_and_never_overflows() -> None:
    x = np.array([-3.0, 0.0, 2.5])
    assert sigmoid(x) == pytest.approx(1 / (1 + np.exp(-x)))
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e4, 1e4])).tolist() == [0, 1]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("standardize", [False, True])
def test_a_trained_run_is_read_as_it_forecasts(cell: str, standardize: bool) -> None:
    values = article_series().values * (12 if standardize else 1) + (80 if standardize else 0)
    spec = ForecastSpec(
        series=SeriesSpec(source="upload", signal="HR"),
        standardize=standardize,
        model=ModelSpec(name=cell, hidden=4, layers=2),
        optimizer=OptimizerSpec(lr=1e-2),
        training=TrainingSpec(epochs=5),
    )
    run = train_forecaster(spec, Series(values=values))
    tested = make_windows(values, 10).between(bounds(len(values), spec.split).validation, len(values))
    found = jobs.inside(spec.model, run.weights, run.scale, tested)
    assert np.abs(found.outputs - run.test.model).max() < (2e-5 if standardize else 1e-6)
    assert found.places.tolist() == list(range(len(tested)))


@pytest.mark.parametrize("cell", CELLS)
def test_a_look_measures_every_reading_by_erasing_it(cell: str) -> None:
    spec, model, _ = made(cell)
    cut = windows(30)
    found = look(spec, weights_of(model), (0.0, 2.0), cut)
    x = torch.tensor(cut.inputs / 2).unsqueeze(-1)
    with torch.no_grad():
        full = model(x)[:, 0]
        for place in range(LENGTH):
            without = x.clone()
            without[:, place] = 0
            change = 2 * (model(without)[:, 0] - full).abs().mean().item()
            assert found.effects[place] == pytest.approx(change, rel=1e-4)
    assert found.erased == len(cut)


def test_a_look_holds_every_gate_of_the_last_layer() -> None:
    spec, model, _ = made("lstm", 2, hidden=3)
    cut = windows(33)
    found = look(spec, weights_of(model), (0.0, 1.0), cut)
    assert sorted(found.parts) == ["c", "f", "g", "h", "i", "o"]
    assert all(part.shape == (33, 3) for part in found.parts.values())
    assert found.parts["h"] == pytest.approx(found.parts["o"] * np.tanh(found.parts["c"]))
    with torch.no_grad():
        states, (_, cells) = model.recurrent(torch.tensor(cut.inputs).unsqueeze(-1))
    assert np.abs(found.parts["h"] - states[:, -1].numpy()).max() < 1e-6
    assert np.abs(found.parts["c"] - cells[1].numpy()).max() < 1e-6


def test_units_that_follow_level_change_and_slope_are_told_apart() -> None:
    raw = np.random.default_rng(0).normal(size=(50, LENGTH))
    fits = np.polynomial.polynomial.polyfit(np.arange(LENGTH), raw.T, 1)[1]
    assert slopes(raw) == pytest.approx(fits)
    states = np.stack([raw[:, -1], raw[:, -2] - raw[:, -1], fits, np.ones(50)], axis=1)
    layer = made("rnn", hidden=4)[2].layers
    net = Network(cell="rnn", layers=layer, w_hy=np.array([1.0, 0.1, -9.0, 2.0]), b_y=0.0, sd=3.0)
    told = {unit.number: unit for unit in units(net, states, raw)}
    assert told[0].level == pytest.approx(1)
    assert told[1].change == pytest.approx(-1)
    assert told[2].slope == pytest.approx(1)
    assert (told[3].spread, told[3].level, told[3].low, told[3].high) == (0, 0, 6, 6)
    assert told[1].spread == pytest.approx(0.3 * np.diff(raw[:, -2:]).std())


def test_a_long_stretch_and_a_large_network_are_thinned_evenly() -> None:
    assert spaced(5, 600).tolist() == [0, 1, 2, 3, 4]
    chosen = spaced(20_000, MOST)
    assert (len(chosen), chosen[0], chosen[-1]) == (MOST, 0, 19_999)
    assert np.ptp(np.diff(chosen)) <= 1
    spec, model, _ = made("lstm", hidden=64)
    found = look(spec, weights_of(model), (0.0, 1.0), windows(900, 40))
    assert len(found.places) < MOST
    assert 1 <= found.erased <= len(found.places)


def test_contributions_add_up_to_the_forecast() -> None:
    spec, model, net = made("rnn", hidden=4)
    found = look(spec, weights_of(model), (1.0, 2.0), windows(60))
    given = found.parts["h"] * net.w_hy * 2
    assert given.sum(axis=1) + 2 * net.b_y + 1 == pytest.approx(found.outputs)
    assert sorted(unit.number for unit in found.units) == [0, 1, 2, 3]
    assert [u.spread for u in found.units] == sorted((u.spread for u in found.units), reverse=True)
    first = found.units[0]
    assert (first.low, first.high) == pytest.approx(
        (given[:, first.number].min(), given[:, first.number].max())
    )
    assert first.output == pytest.approx(np.corrcoef(given[:, first.number], found.outputs)[0, 1])
    assert correlation(np.ones(5), np.arange(5.0)) == 0


def test_saturation_counts_flat_stretches() -> None:
    assert saturated(np.array([0.995, -0.995, 0.5, 0.98]), "tanh") == 0.5
    assert saturated(np.array([0.995, 0.005, 0.5, 0.02]), "sigmoid") == 0.5
    spec, model, _ = made("gru")
    assert set(saturation(look(spec, weights_of(model), (0.0, 1.0), windows(10)))) == {"h", "r", "z", "n"}


def test_a_learning_rate_of_1_saturates_tanh() -> None:
    def share(lr: float) -> float:
        spec = ForecastSpec(
            model=ModelSpec(hidden=4), optimizer=OptimizerSpec(lr=lr), training=TrainingSpec(epochs=100)
        )
        run = train_forecaster(spec)
        tested = make_windows(article_series().values, 10).between(160, 200)
        return saturation(look(spec.model, run.weights, run.scale, tested))["h"]

    assert share(1.0) > 0.8
    assert share(1e-2) < 0.05


@pytest.mark.parametrize(
    ("cell", "layers", "standardize"), [("rnn", 1, False), ("lstm", 2, True), ("gru", 1, True)]
)
def test_the_script_trains_the_same_network_and_prints_the_same_numbers(
    cell: str, layers: int, standardize: bool
) -> None:
    spec = ForecastSpec(
        standardize=standardize,
        model=ModelSpec(name=cell, hidden=4, layers=layers),
        optimizer=OptimizerSpec(lr=1e-2),
        training=TrainingSpec(epochs=3),
    )
    run = train_forecaster(spec)
    tested = make_windows(article_series().values, 10).between(160, 200)
    found = look(spec.model, run.weights, run.scale, tested)
    printed = io.StringIO()
    code = inside_script.script(spec, 11, len(found.places), found.erased, None)
    threads = torch.get_num_threads()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "script.py", "exec"), {"__name__": "__main__"})
    torch.set_num_threads(threads)
    lines = printed.getvalue()
    (by_hand,) = re.findall(r"手で計算した予測 (\S+)", lines)
    assert float(by_hand) == pytest.approx(found.outputs[11], abs=1e-6)
    (torchs,) = re.findall(r"PyTorch の予測 (\S+)", lines)
    assert float(torchs) == pytest.approx(float(run.test.model[11]), abs=1e-7)
    effects = [float(value) for value in re.findall(r"点目を消すと、予測は平均 (\S+) 変わる", lines)]
    assert effects == pytest.approx(found.effects, abs=2e-6)
    told = re.findall(r"ユニット (\d): 直前の値との相関 (\S+), 寄与の標準偏差 (\S+)", lines)
    assert [int(number) - 1 for number, _, _ in told] == [u.number for u in found.units]
    for (_, level, spread), unit in zip(told, found.units, strict=True):
        assert float(level) == pytest.approx(unit.level, abs=1e-3)
        assert float(spread) == pytest.approx(unit.spread, abs=1e-4)


def test_a_run_that_was_stopped_is_repeated_as_far_as_it_went() -> None:
    spec = ForecastSpec(training=TrainingSpec(epochs=100))
    assert "EPOCHS = 7" in inside_script.script(inside_script.repeated(spec, 7), 0, 40, 40, None)
