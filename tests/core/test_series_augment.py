"""Augmented curves: the transforms by their own arithmetic, what is measured by what was built in."""

import contextlib
import io
import re
from dataclasses import replace

import numpy as np
import pytest

from core import series_augment as augment
from core import series_augment_script
from core import series_transforms as transforms
from core.augment_show import changed_pictures
from core.series_augment import KINDS, KNOTS, LABELS, Beats, WaveSpec
from core.series_measure import find_peaks, measure_ecg, measure_pulse
from core.specs import AugmentSpec, ConvSpec, SpecError, TableRunSpec, TableSpec
from core.tables import load

STILL = WaveSpec(noise=0.0, scale=0.0, warp=0.0, mask=0.0)


def strip(**wanted: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    beats = Beats(**wanted)
    return transforms.heartbeats(np.arange(1500) / 250, beats.rate, beats.waves)


@pytest.mark.parametrize("rate", [45.0, 66.0, 106.0])
def test_the_heart_rate_is_the_one_the_beats_were_made_with(rate: float) -> None:
    found = measure_ecg(strip(rate=rate), 250)
    assert found["rate"] == pytest.approx(rate, rel=1e-3)
    assert found["longest"] == pytest.approx(60 / rate, rel=2e-3)


def test_the_peaks_are_found_between_the_samples() -> None:
    expected = 0.35 + np.arange(7) * 60 / 66
    assert find_peaks(strip(rate=66.0), 250) == pytest.approx(expected, abs=5e-4)


def test_qt_ends_where_the_tangent_of_a_gaussian_meets_the_baseline() -> None:
    # The steepest tangent of a Gaussian crosses zero two widths from its centre, whatever its height.
    for corrected in (0.40, 0.485):
        beats = Beats(rate=60.0, corrected=corrected)
        centre, _, width = next(w for w in beats.waves if w[0] > 0.2)
        q_centre, q_height, q_width = beats.waves[1]
        onset = q_centre - q_width * np.sqrt(2 * np.log(abs(q_height) / (0.03 * 1.2)))
        found = measure_ecg(strip(rate=60.0, corrected=corrected), 250)
        assert found["qt"] == pytest.approx(1000 * (centre + 2 * width - onset), abs=8)
        assert found["qtc"] == pytest.approx(found["qt"])  # at 60 beats a minute Bazett changes nothing


def test_heights_are_measured_in_millivolts() -> None:
    found = measure_ecg(strip(tall=2.9, lift=0.13), 250)
    assert found["r"] == pytest.approx(2.9, rel=0.02)
    assert found["st"] == pytest.approx(0.13 * np.exp(-(0.01**2) / (2 * 0.035**2)), abs=0.005)


def test_p_is_told_in_units_of_the_noise() -> None:
    noise = np.random.default_rng(3).normal(0, 0.05, 1500)
    found = measure_ecg(strip(rate=60.0) + noise, 250)
    assert found["p"] == pytest.approx(0.15 / 0.05, rel=0.25)
    assert measure_ecg(strip(rate=60.0), 250)["p"] == 10.0


def test_a_strip_without_beats_cannot_be_measured() -> None:
    assert np.isnan(measure_ecg(np.zeros(1500), 250)["rate"])
    assert np.isnan(measure_pulse(np.full(720, 80.0), 60)["onset"])


def test_how_long_and_since_when_worked_by_hand() -> None:
    beats = np.full(720, 80.0)
    beats[100:140] = 120
    beats[300:320] = 101
    found = measure_pulse(beats, 60)
    assert found["lasting"] == 40
    # the first ten minutes with a mean of at least 100 hold five at 120: minutes 95 to 104
    assert found["onset"] == pytest.approx((95 + 4.5) / 60)
    assert found["highest"] == 120


def test_the_clock_is_smooth_monotone_and_runs_at_the_speeds_drawn() -> None:
    times = np.arange(1500) / 250
    assert transforms.warped_clock(times, np.full(KNOTS, 1.25)) == pytest.approx(1.25 * times)
    speeds = np.array([0.4, 1.6, 0.7])
    clock = transforms.warped_clock(times, speeds)
    speed = np.gradient(clock, times)
    assert (np.diff(clock) > 0).all()
    assert speed[[1, 750, -2]] == pytest.approx(speeds, abs=2e-3)
    middle = 0.4 + 1.2 * (0.5**2 * (3 - 2 * 0.5))  # half way between two knots
    assert speed[375] == pytest.approx(middle, abs=5e-3)
    assert np.abs(np.diff(speed)).max() < 0.005  # no jump


@pytest.mark.parametrize("label", LABELS)
def test_every_label_holds_while_nothing_is_changed(label: str) -> None:
    spec = replace(STILL, label=label)
    values = augment.augment(spec).values
    assert values == pytest.approx(np.tile(values[0], (13, 1)), rel=1e-12, abs=1e-12)
    measured = augment.measure(spec)
    assert measured.broken == 0
    assert measured.kept.shape == (12,)


def test_warping_moves_every_beat_to_where_the_clock_shows_it() -> None:
    spec = replace(STILL, warp=0.3, seed=6)
    times = np.arange(1500) / 250
    measured = augment.measure(spec)
    rates = []
    for number in range(spec.variants):
        speeds, *_ = transforms.draw_lots(spec.seed, number, 1500, KNOTS)
        clock = transforms.warped_clock(times, 1 + 0.3 * speeds)
        assert augment.mean_speed(spec, number) == pytest.approx(clock[-1] / times[-1])
        beats = 0.35 + np.arange(30) * 60 / 106
        moved = np.interp(beats[beats < clock[-1]], clock, times)
        rates.append(60 / np.diff(moved).mean())
        cut = moved[-1] > 5.97  # a peak that the end of the strip cuts in two is placed less well
        assert measured.numbers["rate"][number + 1] == pytest.approx(rates[-1], rel=0.01 if cut else 1e-3)
    assert measured.broken == sum(rate < 100 for rate in rates) > 0


def test_scaling_multiplies_every_height_and_no_interval() -> None:
    spec = replace(STILL, label="st", scale=0.4)
    numbers = augment.measure(spec).numbers
    factors = np.array([augment.factor(spec, number) for number in range(spec.variants)])
    for name in ("r", "st"):
        assert numbers[name][1:] == pytest.approx(numbers[name][0] * factors)
    assert numbers["rate"][1:] == pytest.approx(numbers["rate"][0])
    assert augment.measure(spec).kept.tolist() == (numbers["st"][0] * factors >= 0.1).tolist()


def test_noise_has_the_standard_deviation_asked_for_and_the_ratio_told() -> None:
    spec = replace(STILL, noise=0.05)
    values = augment.augment(spec).values
    assert (values[1:] - values[0]).std() == pytest.approx(0.05, rel=0.02)
    ratio = 20 * np.log10(values[0].std() / 0.05)
    assert augment.signal_to_noise(spec) == pytest.approx(ratio)


def test_masking_an_ecg_hides_a_beat_and_looks_like_a_pause() -> None:
    spec = replace(STILL, label="no_pause", mask=0.6)
    curves, measured = augment.augment(spec), augment.measure(spec)
    beat = 60 / 58
    lost = 0
    for number in range(1, spec.variants + 1):
        changed = np.flatnonzero(np.abs(curves.values[number] - curves.values[0]) > 1e-9)
        assert 0 < len(changed) <= 150
        assert (curves.values[number][changed[0] : changed[-1]] == 0).all()
        lost += bool(measured.numbers["longest"][number] == pytest.approx(2 * beat, rel=0.01))
    assert measured.broken == lost > 0


def test_masking_a_course_holds_the_last_value() -> None:
    spec = replace(STILL, label="lasting", mask=60.0)
    for values in augment.augment(spec).values[1:]:
        flat = np.flatnonzero(np.diff(values) == 0)
        assert len(flat) == 60
        assert flat.max() - flat.min() == 59


def test_the_lots_stay_when_a_strength_is_moved() -> None:
    weak, strong = (replace(STILL, noise=sd, scale=0.2) for sd in (0.05, 0.1))
    changed = [augment.augment(spec).values for spec in (weak, strong)]
    scaled = augment.augment(replace(weak, noise=0.0)).values
    assert changed[1][1:] - scaled[1:] == pytest.approx(2 * (changed[0][1:] - scaled[1:]))
    assert not np.array_equal(changed[0], augment.augment(replace(weak, seed=2)).values)


def test_one_transform_alone_leaves_out_the_others() -> None:
    spec = WaveSpec(noise=0.1, scale=0.2, warp=0.3, mask=0.4)
    for kind in KINDS:
        alone = spec.alone(kind)
        assert {name: getattr(alone, name) for name in KINDS} == {
            name: getattr(spec, name) if name == kind else 0.0 for name in KINDS
        }


def test_each_label_is_broken_by_its_own_transform() -> None:
    counts = augment.other_labels(WaveSpec(noise=0.1, scale=0.3, warp=0.1, mask=0.0, seed=6))
    assert set(counts) == {name for name, label in LABELS.items() if label.beats}
    assert counts["sinus"]["noise"] == 12
    assert counts["high_voltage"]["scale"] > 3
    assert counts["sinus"]["scale"] == counts["tachycardia"]["noise"] == counts["no_pause"]["warp"] == 0


@pytest.mark.parametrize(
    "wrong", [{"label": "x"}, {"warp": 1.0}, {"noise": -0.1}, {"variants": 0}, {"mask": 9.0}]
)
def test_settings_that_cannot_be_run_say_so(wrong: dict[str, float]) -> None:
    with pytest.raises(SpecError):
        WaveSpec(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spec",
    [
        WaveSpec(label="tachycardia", noise=0.04, scale=0.1, warp=0.2, mask=0.4, variants=5),
        WaveSpec(label="st", noise=0.02, scale=0.4, warp=0.0, mask=0.0, variants=4, seed=9),
        WaveSpec(label="onset", noise=2.0, scale=0.1, warp=0.2, mask=90.0, variants=6, seed=3),
        WaveSpec(label="lasting", noise=5.0, scale=0.0, warp=0.0, mask=0.0, variants=3),
    ],
)
def test_the_script_prints_the_pages_numbers(spec: WaveSpec) -> None:
    out = io.StringIO()
    code = series_augment_script.script(spec)
    with contextlib.redirect_stdout(out):
        exec(compile(code, "script", "exec"), {"__name__": "__main__"})
    printed = out.getvalue()
    measure = LABELS[spec.label].measure
    rows = [spec.alone(kind) for kind in KINDS] + [spec]
    counts = re.findall(rf"{spec.variants} 本中 (\d+) 本", printed)
    assert [int(count) for count in counts] == [augment.measure(row).broken for row in rows]
    listed = re.findall(r"^  .*: \[(.*)\]$", printed, re.MULTILINE)
    for line, row in zip(listed, rows, strict=True):
        expected = augment.measure(row).numbers[measure][1:]
        found = np.array([float(number) for number in line.split(", ")])
        assert np.array_equal(found, expected, equal_nan=True)


def test_pictures_are_shown_as_the_network_sees_them() -> None:
    def spec(**changed: float) -> TableRunSpec:
        return TableRunSpec(
            table=TableSpec(name="situs", patients=60), model=ConvSpec(augment=AugmentSpec(**changed))
        )

    before, after = changed_pictures(spec(), (0, 1, 0))
    train = load(spec().table).train
    first = [np.flatnonzero(train.targets == label)[place] for label, place in ((0, 0), (1, 0), (0, 1))]
    assert before == pytest.approx(np.round(255 * train.inputs[first][:, 0]))
    assert np.array_equal(before, after)
    _, turned = changed_pictures(spec(upside_down=1.0), (0, 1, 0))
    _, flipped = changed_pictures(spec(flip=1.0), (0, 1, 0))
    assert turned.astype(int) == pytest.approx(before[:, ::-1, ::-1].astype(int), abs=1)
    assert flipped.astype(int) == pytest.approx(before[:, :, ::-1].astype(int), abs=1)
