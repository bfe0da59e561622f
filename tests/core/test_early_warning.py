import math
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import panel
from core.early_warning import scales, string, train_and_follow
from core.early_warning_specs import (
    ONSET,
    PATIENTS,
    PER_HOUR,
    RESOLUTION,
    SIGNALS,
    WarningSpec,
    illness,
)
from core.history import Paused
from core.horizon_windows import stretches
from core.specs import ModelSpec, SpecError, TrainingSpec
from core.training import Unwatched
from core.warning_rules import (
    RANGES,
    THRESHOLDS,
    RuleSpec,
    blocks,
    combine,
    judge,
    level,
    outside,
    predictive_value,
    smooth,
    sweep,
)
from core.warning_run import WarningRun
from core.warning_script import script

SMALL = WarningSpec(
    ward=4, model=ModelSpec(name="gru", hidden=8), training=TrainingSpec(epochs=4, batch_size=64, patience=8)
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Compute as the workers do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run_of(spec: WarningSpec) -> WarningRun:
    found = train_and_follow((spec,), None, Unwatched())
    assert not isinstance(found, Paused)
    return found[0]


@pytest.fixture(scope="module")
def run() -> WarningRun:
    return run_of(SMALL)


def test_the_onset_is_where_the_simulated_illness_has_come_to_a_tenth() -> None:
    spec = WarningSpec(hours=24, artefacts=0.0)
    # Temperature rises by 2 °C: the difference of the twins is the illness, but for rounding.
    both = [panel.load(spec.patient(3, worse)).columns(("体温",))[:, 0] for worse in (True, False)]
    risen = (both[0] - both[1]).astype(np.float64) / 2
    shares = np.arange(spec.points) / spec.points
    expected = np.array([illness(share) for share in shares.tolist()])
    assert np.abs(risen - expected).max() <= 0.0501
    assert illness(spec.onset / spec.points) >= ONSET > illness((spec.onset - 1) / spec.points)


def test_twins_share_their_random_numbers_and_nobody_is_used_twice() -> None:
    spec = WarningSpec()
    assert len(spec.watched) == 2 * (1 + PATIENTS)
    assert all(
        (worse.seed, worse.deterioration, well.deterioration) == (well.seed, True, False)
        for worse, well in zip(spec.watched[::2], spec.watched[1::2], strict=True)
    )
    learnt, watched = {each.seed for each in spec.learnt}, {each.seed for each in spec.watched}
    assert not learnt & watched
    assert len(learnt) == spec.ward + 11
    assert not any(each.deterioration for each in spec.learnt)
    assert sum(each.deterioration for each in replace(spec, source="mixed").learnt) == len(learnt) // 2
    own = replace(spec, source="own").learnt
    assert [each.seed for each in own] == [spec.seed]


@pytest.mark.parametrize("ward", [4, 8, 16, 32])
def test_the_ward_is_cut_between_patients(ward: int) -> None:
    spec = WarningSpec(ward=ward)
    block = 24 * PER_HOUR + spec.gap
    where = stretches(block * (ward + 11), spec.forecaster.stretch)
    assert where.train == slice(0, ward * block)
    assert where.validation == slice(ward * block, (ward + 4) * block)
    assert where.calibration == slice((ward + 4) * block, (ward + 8) * block)


def test_watching_begins_after_all_that_the_patient_teaches() -> None:
    for hours in (24, 36, 48):
        spec = WarningSpec(hours=hours, source="own")
        assert spec.cut == stretches(spec.points, spec.forecaster.stretch)
        assert spec.cut.test.start <= spec.onset < spec.cut.test.start + PER_HOUR


@pytest.mark.parametrize(
    "wrong", [{"source": "upload"}, {"hours": 200}, {"ward": 1}, {"artefacts": 0.9}, {"horizon": 0}]
)
def test_settings_that_cannot_be_run_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        WarningSpec(**wrong)  # type: ignore[arg-type]


def test_patients_are_strung_with_gaps() -> None:
    one = np.ones((3, 2), dtype=np.float32)
    strung = string([one, 2 * one], 2)
    assert strung.shape == (10, 2)
    np.testing.assert_array_equal(np.isnan(strung[:, 0]).nonzero()[0], [3, 4, 8, 9])


def test_the_scale_is_the_half_width_that_misses_a_tenth() -> None:
    errors = np.zeros((1, 19, len(SIGNALS)))
    errors[0, :, 0] = np.arange(1, 20) * np.tile([1, -1], 10)[:19]  # 18th smallest of 19: ⌈20 · 0.9⌉
    found = scales(errors)
    assert found[0, 0] == pytest.approx(18 / 1.6448536269514722)
    assert found[0, 4] == pytest.approx(RESOLUTION[4] / 2 / 1.6448536269514722)
    with pytest.raises(SpecError, match="較正"):
        scales(errors[:, :5])


def test_smoothing_by_hand() -> None:
    spec = RuleSpec(minutes=15, clip=3.0)  # λ = 2 / (3 + 1) = 0.5
    z = np.array([1.0, np.nan, 9.0, -9.0], dtype=np.float32)[:, None]
    unit = math.sqrt(0.5 / 1.5)
    by_hand = np.array([0.5, 0.5, 1.75, -0.625]) / unit
    np.testing.assert_allclose(smooth(z, spec)[:, 0], by_hand, rtol=1e-6)
    free = smooth(z, replace(spec, clip=None))[:, 0]
    np.testing.assert_allclose(free, np.array([0.5, 0.5, 4.75, -2.125]) / unit, rtol=1e-6)


def test_chance_alone_leaves_one_unit() -> None:
    z = np.random.default_rng(0).normal(size=(20_000, 1)).astype(np.float32)
    for minutes in (5, 30, 120):
        assert np.std(smooth(z, RuleSpec(minutes=minutes, clip=None))[200:]) == pytest.approx(1, abs=0.1)


def test_signals_are_combined() -> None:
    u = np.array([[3.0, -4.0, 0.0, 0.0, 0.0]], dtype=np.float32)
    assert combine(u, RuleSpec(combine="max"))[0] == 4
    assert combine(u, RuleSpec(combine="rms"))[0] == pytest.approx(math.sqrt(25 / 5))


def test_readings_outside_their_range() -> None:
    usual = np.array([80, 120, 16, 97, 36.5])
    readings = np.tile(usual, (6, 1))
    readings[1, 0], readings[2, 0], readings[4, 3] = 131, 131, 91
    readings[5, 1] = np.nan
    once = outside(readings.astype(np.float32), "news2")
    assert once.any(axis=1).tolist() == [False, True, True, False, True, False]
    twice = outside(readings.astype(np.float32), "news2", 2)
    assert twice.any(axis=1).tolist() == [False, False, True, False, False, False]
    assert twice[2].tolist() == [True, False, False, False, False]
    assert not outside(readings.astype(np.float32), "import").any()
    assert RANGES["import"][3] == (50, 100)


def test_false_flags_are_counted_by_half_hours() -> None:
    flags = np.zeros(14, dtype=np.bool_)
    assert not blocks(flags).any()
    flags[[0, 1, 11, 13]] = True
    assert blocks(flags).tolist() == [True, True, True]
    assert blocks(np.ones(24 * PER_HOUR, dtype=np.bool_)).sum() == 48


def test_a_flag_that_the_twin_has_too_tells_nothing() -> None:
    spec = WarningSpec()
    points, late = spec.points - spec.cut.test.start, spec.onset - spec.cut.test.start
    flags = np.zeros((3, 2, points), dtype=np.bool_)
    flags[0, 0, late + 6 :] = True  # half an hour after the onset
    flags[1] = True  # always up, in both
    outcome = judge(flags, spec)
    assert outcome.delays.tolist() == [0.5, math.inf, math.inf]
    assert outcome.false.tolist() == [0, math.ceil(points / 6), 0]
    assert outcome.false_per_day == pytest.approx(math.ceil(points / 6) / 3 * 24 / (points / PER_HOUR))
    assert outcome.sensitivity(0.4) == 0
    assert outcome.sensitivity(0.5) == pytest.approx(1 / 3)
    assert outcome.specificity == pytest.approx(2 / 3)
    assert outcome.median_delay == math.inf


def test_levelling_takes_the_lowest_threshold_that_is_allowed(run: WarningRun) -> None:
    lead = SMALL.cut.test.start - SMALL.cut.calibration.start
    statistic = combine(smooth(run.z, RuleSpec()), RuleSpec())[:, 1:, :, lead:]
    levelled = level(sweep(statistic, SMALL), 2.0)
    for rule, threshold in enumerate(levelled.thresholds.tolist()):
        place = int(np.flatnonzero(threshold == THRESHOLDS)[0])
        here, before = (
            judge(statistic[rule] > np.float32(t), SMALL) for t in (threshold, THRESHOLDS[place - 1])
        )
        assert here.false_per_day <= 2.0 < before.false_per_day
        assert here.median_delay == levelled.outcome.median_delay[rule]


def test_predictive_value_by_counting_people() -> None:
    # Of 1,000 people 50 get worse; 40 of them are flagged, and 95 of the 950 others.
    assert predictive_value(0.8, 0.9, 0.05) == pytest.approx(40 / (40 + 95))
    assert predictive_value(0.0, 1.0, 0.05) is None


def test_residuals_are_reading_less_forecast(run: WarningRun) -> None:
    start = SMALL.cut.calibration.start
    readings = run.readings[0, 0].astype(np.float64)
    usual = run.z[2, 0, 0] * run.scale[2] + run.mean
    np.testing.assert_allclose(usual, readings[start:], atol=1e-3)
    newest = readings[start - SMALL.horizon : -SMALL.horizon]
    residual = run.z[1, 0, 0] * run.scale[1]
    known = np.isfinite(residual).all(axis=1) & np.isfinite(newest).all(axis=1)
    assert known.mean() > 0.8
    np.testing.assert_allclose(residual[known], (readings[start:] - newest)[known], atol=1e-3)
    assert not np.isfinite(run.z[:2][..., np.isnan(run.readings[:, :, start:])]).any()


def test_same_spec_same_numbers_and_the_twins_part_only_by_illness(run: WarningRun) -> None:
    again = run_of(SMALL)
    np.testing.assert_array_equal(run.z, again.z)
    assert run.history == again.history
    calm = SMALL.cut.train.stop // 2
    parted = np.abs(run.readings[:, 0] - run.readings[:, 1])
    assert np.nanmax(parted[:, :calm]) <= 1.001  # rounding
    assert np.nanmean(parted[:, -PER_HOUR:, 0]) > 30


def test_a_ward_teaches_what_six_hours_and_ill_patients_cannot() -> None:
    training = TrainingSpec(epochs=15, batch_size=64, patience=8)
    delays = {}
    for source in ("ward", "mixed"):
        spec = WarningSpec(source=source, training=training)
        lead = spec.cut.test.start - spec.cut.calibration.start
        statistic = combine(smooth(run_of(spec).z, RuleSpec()), RuleSpec())[:, 1:, :, lead:]
        delays[source] = level(sweep(statistic, spec), 2.0).outcome.median_delay
    network, persistence, _ = delays["ward"].tolist()
    assert network + 2 < persistence
    assert delays["mixed"][0] > network + 2


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        (SMALL, RuleSpec()),
        (
            WarningSpec(
                source="own",
                seed=5,
                horizon=3,
                artefacts=0.05,
                training=TrainingSpec(epochs=8, batch_size=8, patience=3),
            ),
            RuleSpec(minutes=15, combine="max", clip=None),
        ),
    ],
)
def test_the_script_prints_the_same_digits(spec: WarningSpec, rule: RuleSpec, tmp_path: Path) -> None:
    code = script(spec, rule, threshold=2.5, limits="news2", times=2, within=3, allowed=1.0)
    path = tmp_path / "early_warning.py"
    path.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120, check=True)
    found = run_of(spec)
    losses = re.findall(r"学習損失 (\S+), 検証損失 (\S+)", done.stdout)
    assert losses == [(repr(e.train_loss), repr(e.validation_loss)) for e in found.history]
    lead, watch = spec.cut.test.start - spec.cut.calibration.start, spec.cut.test.start
    statistic = combine(smooth(found.z, rule)[..., lead:, :], rule)
    ranged = outside(found.readings[:, :, watch:], "news2", 2).any(axis=-1)
    for flags in [*(statistic > np.float32(2.5)), ranged]:
        own, others = judge(flags[:1], spec), judge(flags[1:], spec)
        told = f"この患者 {own.delays[0]:.2f} 時間 / 3時間以内 {others.sensitivity(3):.0%}、"
        told += f"中央値 {others.median_delay:.2f} 時間、誤り {others.false_per_day:.2f} 回/日"
        assert told in done.stdout
    levelled = level(sweep(statistic[:, 1:], spec), 1.0)
    for rule_place in range(3):
        outcome, threshold = levelled.outcome, levelled.thresholds[rule_place]
        assert (
            f"しきい値 {threshold:.2f}、誤り {outcome.false_per_day[rule_place]:.2f} 回/日、"
            f"中央値 {outcome.median_delay[rule_place]:.2f} 時間"
        ) in done.stdout
