import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from core.reading import MIN_EPOCHS, Reading, ReasonKind, Verdict, best_epoch, first_bad, read

Losses = list[float]
Curve = Callable[[np.ndarray], np.ndarray]


def curve(shape: Curve, epochs: int = 60, noise: float = 0.0, seed: int = 0) -> Losses:
    """``shape`` over time 0…1, each epoch off by ``noise`` (relative, one standard deviation)."""
    luck = 1 + noise * np.random.default_rng(seed).standard_normal(epochs)
    losses: Losses = (shape(np.arange(epochs) / epochs) * luck).tolist()
    return losses


def kinds(reading: Reading) -> list[ReasonKind]:
    return [reason.kind for reason in reading.reasons]


def settling(floor: float, rate: float = 20) -> Curve:
    return lambda t: floor + (1.5 - floor) * np.exp(-rate * t)


# --- numbers ---------------------------------------------------------------------------------------------


def test_arrays_do_as_well() -> None:
    losses = curve(settling(0.1))
    assert read(np.array(losses), np.array(losses), 1) == read(losses, losses, 1)  # type: ignore[arg-type]


def test_best_epoch_is_the_first_minimum_and_ignores_what_is_not_finite() -> None:
    assert best_epoch([3, 1, 2, 1]) == 2
    assert best_epoch([math.nan, 3, -math.inf, 2]) == 4
    assert best_epoch([math.nan]) is None
    assert best_epoch([]) is None


def test_first_bad() -> None:
    assert first_bad([1, 2]) is None
    assert first_bad([]) is None
    assert first_bad([1, math.inf, math.nan]) == 2


def test_the_numbers_of_a_reading_by_hand() -> None:
    train = [8.0, 7, 6, 5, 4, 3, 2, 1]
    reading = read(train, [9, 8, 7, 6, 5, 4, 5, 6])
    assert (reading.epochs, reading.best_epoch, reading.best_validation) == (8, 6, 4)
    assert (reading.final_train, reading.final_validation, reading.gap) == (1, 6, 5)
    # medians of the three epochs before the last quarter and of the last three: 4 and 2
    assert reading.relative_improvement_last_quarter == 0.5
    assert reading.oscillation == 0
    assert read(train).best_epoch == 8


def test_oscillation_is_the_share_of_the_range() -> None:
    reading = read([4.0, 3, 2] + [1, 2] * 10)  # swings by 1; range 3
    assert reading.verdict == "oscillating"
    assert reading.oscillation == pytest.approx(1 / 3)
    assert reading.reasons[0].value == reading.oscillation


# --- verdicts on hand-made curves, both sides of each threshold --------------------------------------------


@pytest.mark.parametrize("epochs", [10, 20, 60, 300])
@pytest.mark.parametrize("noise", [0, 0.01, 0.03])
@pytest.mark.parametrize(
    ("train", "validation", "verdict"),
    [
        (settling(0.1), None, "converged"),
        (settling(0.1), settling(0.15), "converged"),
        (lambda t: 1 - 0.4 * t, None, "too_slow"),
        (lambda t: 0.6 + 0.3 * np.sin(2.1 * np.arange(len(t))), None, "oscillating"),
        (lambda t: 0.6 + 0.3 * (-1.0) ** np.arange(len(t)), None, "oscillating"),
        (settling(0.05, 5), lambda t: 0.6 + 0.4 * np.exp(-8 * t) + 0.4 * t, "overfitting"),
        (settling(0.05, 10), lambda t: 0.95 + 0.4 * np.exp(-8 * t), "overfitting"),
        (lambda t: 1 + 9 * t, None, "diverged"),
    ],
)
def test_noise_and_length_do_not_change_the_verdict(
    train: Curve, validation: Curve | None, verdict: Verdict, noise: float, epochs: int
) -> None:
    losses = curve(train, epochs, noise, seed=1)
    held_out = None if validation is None else curve(validation, epochs, noise, seed=2)
    assert read(losses, held_out, reference=1).verdict == verdict


def test_a_settled_noisy_curve_seldom_passes_for_a_slow_one() -> None:
    verdicts = [read(curve(settling(0.97), 20, 0.02, seed=seed), reference=1).verdict for seed in range(200)]
    assert verdicts.count("underfitting") >= 186  # the trend test allows 5 % of false alarms, give or take 2


@pytest.mark.parametrize(("epochs", "verdict"), [(0, "too_short"), (7, "too_short"), (8, "too_slow")])
def test_too_short(epochs: int, verdict: Verdict) -> None:
    assert MIN_EPOCHS == 8
    assert read(np.linspace(1, 0.5, epochs).tolist()).verdict == verdict


@pytest.mark.parametrize(("peak", "verdict"), [(99.0, "converged"), (101.0, "diverged")])
def test_a_peak_of_a_hundred_times_the_start_is_divergence(peak: float, verdict: Verdict) -> None:
    assert read([1, peak] + [0.1] * 18).verdict == verdict
    assert read([1, 101]).verdict == "diverged"  # also where the run is too short for anything else


@pytest.mark.parametrize(("end", "verdict"), [(1.9, "too_slow"), (2.1, "diverged")])
def test_ending_above_twice_the_start_is_divergence(end: float, verdict: Verdict) -> None:
    reading = read([1.0] + [end] * 19)
    assert reading.verdict == verdict
    assert kinds(reading) == ["ended_above_start" if verdict == "diverged" else "hardly_moved"]


@pytest.mark.parametrize(
    ("train", "validation", "epoch"),
    [([1, 1, math.nan], None, 3), ([1, math.inf], [1, 1], 2), ([1, 1], [math.nan, 1], 1)],
)
def test_the_epoch_that_was_not_finite(train: Losses, validation: Losses | None, epoch: int) -> None:
    reading = read(train, validation)
    assert reading.verdict == "diverged"
    assert [(reason.kind, reason.value) for reason in reading.reasons] == [("not_finite", epoch)]
    assert reading.oscillation is None


@pytest.mark.parametrize(("swing", "verdict"), [(0.18, "converged"), (0.22, "oscillating")])
def test_swings_count_from_a_fifth_of_the_range(swing: float, verdict: Verdict) -> None:
    assert read([1.0] + [0.0, swing] * 15).verdict == verdict


@pytest.mark.parametrize(("swing", "oscillates"), [(0.24, False), (0.26, True)])
def test_swings_count_from_a_quarter_of_the_loss(swing: float, oscillates: bool) -> None:
    reading = read([1.0 + swing, 1.0] * 15 + [1.0], reference=1.1)
    assert reading.oscillation == 1
    assert (reading.verdict == "oscillating") is oscillates


def test_the_reference_keeps_a_first_epoch_from_hiding_the_swings() -> None:
    losses = [300.0] + [0.5, 2.0] * 15
    assert read(losses, reference=0.69).verdict == "oscillating"
    assert read(losses).verdict == "converged"


def test_a_lone_spike_is_no_swing() -> None:
    losses = curve(settling(0.1))
    losses[50] = 1.4
    reading = read(losses, reference=1)
    assert reading.verdict == "converged"
    assert reading.oscillation == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("rise", "verdict"), [(0.09, "converged"), (0.11, "overfitting")])
def test_overfitting_counts_from_a_rise_of_a_tenth(rise: float, verdict: Verdict) -> None:
    held_out = np.concatenate([np.linspace(1, 0.5, 20), np.linspace(0.5, 0.5 * (1 + rise), 20)]).tolist()
    held_out += [held_out[-1]] * 20
    train = curve(settling(0.1, 10))
    reading = read(train, held_out, reference=1)
    assert reading.verdict == verdict
    assert reading.best_epoch == 20
    if verdict == "overfitting":
        # the best level is a median of six epochs, so slightly above the best epoch
        assert reading.reasons[0].value == pytest.approx(rise, rel=0.1)


def test_a_rise_too_small_to_see_is_not_overfitting() -> None:
    train = curve(lambda t: 0.01 + np.exp(-30 * t))
    assert read(train, curve(lambda t: 0.02 + 0.01 * t + np.exp(-30 * t))).verdict == "converged"
    assert read(train, curve(lambda t: 0.02 + 0.10 * t + np.exp(-30 * t))).verdict == "overfitting"


def test_validation_that_rises_with_training_is_not_overfitting() -> None:
    both = curve(lambda t: 1 - 0.8 * np.minimum(t, 0.5) + 0.24 * np.maximum(t - 0.5, 0))
    assert read(both, both).verdict != "overfitting"


@pytest.mark.parametrize(("train", "verdict"), [(0.48, "overfitting"), (0.52, "converged")])
def test_what_is_only_memorised_is_overfitting_where_the_reference_says_so(
    train: float, verdict: Verdict
) -> None:
    held_out = curve(settling(1.0))
    reading = read(curve(settling(train)), held_out, reference=1)
    assert reading.verdict == verdict
    assert (kinds(reading) == ["memorised"]) is (verdict == "overfitting")
    assert read(curve(settling(train)), held_out).verdict == "converged"


@pytest.mark.parametrize(("rate", "verdict"), [(3.4, "too_slow"), (3.8, "converged")])
def test_a_curve_is_settled_when_the_last_quarter_brought_less_than_a_twentieth(
    rate: float, verdict: Verdict
) -> None:
    reading = read(curve(lambda t: np.exp(-rate * t), 400))
    assert reading.verdict == verdict
    # exp(-rate t) at the ends of the third and of the last quarter, from 1 down; windows lag by about 1/20
    share = (math.exp(-0.7 * rate) - math.exp(-0.95 * rate)) / (1 - math.exp(-0.95 * rate))
    assert reading.reasons[0].value == pytest.approx(share, rel=0.1)


@pytest.mark.parametrize(("fall", "verdict"), [(0.03, "converged"), (0.06, "too_slow")])
def test_less_than_a_hundredth_in_the_last_quarter_is_flat(fall: float, verdict: Verdict) -> None:
    late = np.linspace(0.9, 0.9 - fall, 39)
    assert read([1.0, *late.tolist()]).verdict == verdict


@pytest.mark.parametrize(("level", "verdict"), [(0.79, "converged"), (0.81, "underfitting")])
def test_underfitting_is_a_matter_of_the_reference(level: float, verdict: Verdict) -> None:
    losses = curve(settling(level), noise=0.005)
    assert read(losses, reference=1).verdict == verdict
    assert read(losses).verdict == "converged"


@pytest.mark.parametrize(("level", "verdict"), [(1.03, "underfitting"), (1.07, "too_slow")])
def test_a_flat_curve_is_slow_only_above_the_constant_answer(level: float, verdict: Verdict) -> None:
    losses = [level * 1.001, *[level] * 30]
    assert read(losses, reference=1).verdict == verdict
    assert read(losses).verdict == "too_slow"  # without a reference nobody can tell


def test_weights_that_stand_still_are_slow_and_a_tiny_steady_fall_too() -> None:
    assert read([1.0] * 20, reference=1).verdict == "too_slow"
    tiny = read(curve(lambda t: 1.01 - 0.001 * t), reference=1)
    assert tiny.verdict == "too_slow"
    assert kinds(tiny) == ["hardly_moved", "still_falling"]
    assert read([0.2] * 20, reference=1).verdict == "converged"  # all was learnt in the first epoch
    assert read([0.0] * 20, reference=1).verdict == "converged"


def test_the_scale_of_the_targets_is_not_counted_as_progress() -> None:
    # the first epoch learns the mean (14,500 to 100 mmHg²); the rest still falls, on a straight line
    losses = [14500.0, *np.linspace(100, 60, 40).tolist()]
    assert read(losses, reference=100).verdict == "too_slow"
    assert read(losses).verdict == "converged"


@pytest.mark.parametrize("reference", [math.nan, math.inf, 0.0, -1.0])
def test_a_reference_without_meaning_is_no_reference(reference: float) -> None:
    losses = curve(settling(0.97))
    assert read(losses, reference=reference) == read(losses)


# --- properties --------------------------------------------------------------------------------------------

any_loss = st.floats()
any_losses = st.lists(any_loss, max_size=40)


@settings(deadline=None)
@example([0.0] * 7 + [9e14], None, 2e-309)  # a reference that vanishes beside the losses
@given(any_losses, st.none() | any_losses, st.none() | st.floats())
def test_never_raises_and_diverged_says_why(
    train: Losses, validation: Losses | None, reference: float | None
) -> None:
    reading = read(train, validation, reference)
    assert reading.verdict in get_args(Verdict)
    assert reading.reasons
    assert all(kind in get_args(ReasonKind) for kind in kinds(reading))
    not_finite = not all(map(math.isfinite, [*train, *(validation or [])]))
    assert (kinds(reading) == ["not_finite"]) is not_finite
    if not_finite:
        assert reading.verdict == "diverged"


calm = st.lists(st.floats(0.51, 1.0), max_size=40)


@settings(deadline=None)
@given(calm, st.none() | calm, st.none() | st.floats(0.1, 10))
def test_a_curve_that_stays_within_twice_its_start_never_diverged(
    train: Losses, validation: Losses | None, reference: float | None
) -> None:
    assert read(train, validation, reference).verdict != "diverged"


@settings(deadline=None)
@given(
    st.lists(st.floats(1e-6, 1e6), max_size=40),
    st.none() | st.lists(st.floats(1e-6, 1e6), max_size=40),
    st.none() | st.floats(1e-6, 1e6),
    st.integers(-100, 100),
)
def test_the_unit_of_the_loss_does_not_matter(
    train: Losses, validation: Losses | None, reference: float | None, power: int
) -> None:
    # powers of two scale without rounding, so that not even a loss on a threshold may flip
    factor = 2.0**power
    scaled = read(
        [loss * factor for loss in train],
        None if validation is None else [loss * factor for loss in validation],
        None if reference is None else reference * factor,
    )
    plain = read(train, validation, reference)
    assert (scaled.verdict, kinds(scaled)) == (plain.verdict, kinds(plain))
    assert (scaled.best_epoch, scaled.epochs) == (plain.best_epoch, plain.epochs)
    assert scaled.oscillation == pytest.approx(plain.oscillation)
    assert scaled.gap == (None if plain.gap is None else pytest.approx(plain.gap * factor))


def test_reading_needs_no_torch() -> None:
    code = "import sys, core.reading; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- real trainings ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """With a neighbour on the machine, two threads are many times slower than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


Table = tuple[torch.Tensor, torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def train_for_real(
    model: nn.Module,
    loss_of: Loss,
    optimizer: torch.optim.Optimizer,
    data: Table,
    held_out: Table,
    epochs: int = 40,
) -> tuple[Losses, Losses]:
    """The textbook loop: mini-batches of 16, shuffled; training and validation losses of each epoch."""
    generator = torch.Generator().manual_seed(0)
    (x, y), train, validation = data, [], []
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(x), generator=generator).split(16):
            loss = loss_of(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        train.append(total / len(x))
        with torch.no_grad():
            validation.append(loss_of(model(held_out[0]), held_out[1]).item())
    return train, validation


def u_shape(seed: int, patients: int = 128) -> Table:
    """Risk that rises at both ends."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(patients, 1, generator=generator) * 4 - 2
    return x, x**2 + 0.1 * torch.randn(patients, 1, generator=generator)


def cases(seed: int, patients: int, rule: Callable[[torch.Tensor], torch.Tensor] | None) -> Table:
    """Ten findings and a diagnosis that follows ``rule``, or nothing at all."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(patients, 10, generator=generator)
    labels = torch.randint(2, (patients,), generator=generator) if rule is None else rule(x).long()
    return x, labels


def network(inputs: int, outputs: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, outputs))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("rate", "verdict"), [(1e-6, "too_slow"), (1e-4, "too_slow"), (0.05, "converged"), (3.0, "diverged")]
)
def test_learning_rates_of_a_real_network(rate: float, verdict: Verdict, seed: int) -> None:
    data, held_out = u_shape(seed), u_shape(seed + 50)
    model = network(1, 1, seed)
    curves = train_for_real(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=rate), data, held_out)
    assert read(*curves, reference=data[1].var(unbiased=False).item()).verdict == verdict
    assert read(*curves).verdict == verdict


def test_real_networks_that_oscillate() -> None:
    verdicts = []
    for seed in range(4):
        data = cases(seed, 160, lambda x: x[:, 0] + x[:, 1] ** 2 > 1)
        model = network(10, 2, seed)
        optimizer = torch.optim.Adam(model.parameters(), lr=3.0)
        train, _ = train_for_real(model, nn.CrossEntropyLoss(), optimizer, data, data)
        verdicts.append(read(train, reference=math.log(2)).verdict)
    # chaos: the last digit of a machine's arithmetic decides where each run goes, so one may calm down
    assert verdicts.count("oscillating") >= 3


@pytest.mark.parametrize("seed", [0, 1])
def test_a_real_network_overfits_random_labels(seed: int) -> None:
    data, held_out = cases(seed, 160, None), cases(seed + 50, 160, None)
    model = network(10, 2, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    train, validation = train_for_real(model, nn.CrossEntropyLoss(), optimizer, data, held_out)
    reading = read(train, validation, reference=math.log(2))
    assert reading.verdict == "overfitting"
    assert reading.best_epoch is not None
    assert reading.best_epoch < 15
    assert reading.gap is not None
    assert reading.gap > 0.3


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_a_real_line_underfits_a_u_shape(rate: float, seed: int) -> None:
    data, held_out = u_shape(seed), u_shape(seed + 50)
    torch.manual_seed(seed)
    model = nn.Linear(1, 1)
    curves = train_for_real(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=rate), data, held_out)
    reading = read(*curves, reference=data[1].var(unbiased=False).item())
    assert reading.verdict == "underfitting"
    assert reading.reasons[0].value == pytest.approx(1, abs=0.1)
