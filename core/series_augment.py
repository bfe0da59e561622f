"""Curves made anew from one curve that carries a label, and whether the label still holds for each."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from core.ecg import NORMAL
from core.series_measure import Array, measure_ecg, measure_pulse
from core.series_transforms import draw_lots, heartbeats, pulse_course, vary, warped_clock
from core.specs import require_between, require_one_of

KNOTS = 3
"""Places along a curve where the speed of its clock is drawn."""
ECG_HZ, ECG_SECONDS = 250, 6
PULSE_PER_HOUR, PULSE_HOURS = 60, 12
FINE = 4
"""The recording that variants are cut from has this many samples in place of one."""
SPARE = 1.6
"""It is this much longer than a variant, which may run through it faster."""
KINDS = ("noise", "scale", "warp", "mask")


@dataclass(frozen=True, kw_only=True)
class Beats:
    """An ECG: rate (1/min), height of R (mV), ST level (mV) and QTc (s) that it is made with."""

    rate: float = 66.0
    tall: float = 1.2
    lift: float = 0.0
    corrected: float = 0.41

    @property
    def waves(self) -> tuple[tuple[float, float, float], ...]:
        """Return centre (s from R), height (mV) and width (s) of the waves of a beat."""
        heights = {"R": self.tall}
        gap = 60 / self.rate
        centres = {"T": round(self.corrected * math.sqrt(gap) - 0.14, 4)}
        normal = [(centres.get(w.name, w.centre), heights.get(w.name, w.height), w.width) for w in NORMAL]
        return (*normal, (0.11, self.lift, 0.035))


@dataclass(frozen=True, kw_only=True)
class Label:
    """What stands beside a curve: it holds while ``measure`` is within [low, high).

    ``beats`` is the ECG that carries it, None for the course of heart rates. With ``around`` the limits
    are counted from what is measured on the curve itself.
    """

    measure: str
    low: float = -math.inf
    high: float = math.inf
    beats: Beats | None = None
    around: bool = False


LABELS = {
    "tachycardia": Label(measure="rate", low=100.0, beats=Beats(rate=106.0, corrected=0.44)),
    "long_qt": Label(measure="qtc", low=460.0, beats=Beats(rate=60.0, corrected=0.485)),
    "st": Label(measure="st", low=0.1, beats=Beats(lift=0.13)),
    "high_voltage": Label(measure="r", low=2.6, beats=Beats(tall=2.9)),
    "sinus": Label(measure="p", low=3.0, beats=Beats(rate=72.0)),
    "no_pause": Label(measure="longest", high=2.0, beats=Beats(rate=58.0)),
    "lasting": Label(measure="lasting", low=30.0),
    "onset": Label(measure="onset", low=-0.25, high=0.25, around=True),
}


@dataclass(frozen=True, kw_only=True)
class WaveSpec:
    """How strongly the curve of ``label`` is changed, ``variants`` times.

    ``noise`` is a standard deviation (mV, or 1/min), ``scale`` and ``warp`` are shares, ``mask`` is a
    length (s, or minutes); 0 leaves a transform out.
    """

    label: str = "tachycardia"
    noise: float = 0.03
    scale: float = 0.1
    warp: float = 0.1
    mask: float = 0.2
    variants: int = 12
    seed: int = 7

    def __post_init__(self) -> None:
        require_one_of("ラベル", self.label, tuple(LABELS))
        ecg = LABELS[self.label].beats is not None
        require_between("雑音", self.noise, 0.0, 1.0 if ecg else 30.0)
        require_between("拡大縮小", self.scale, 0.0, 0.6)
        require_between("時間の伸縮", self.warp, 0.0, 0.6)
        require_between("マスク", self.mask, 0.0, 4.0 if ecg else 240.0)
        require_between("本数", self.variants, 1, 40)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)

    @property
    def is_ecg(self) -> bool:
        """Say whether the curve is an ECG (s, mV), or a course of heart rates (h, 1/min)."""
        return LABELS[self.label].beats is not None

    def alone(self, kind: str) -> WaveSpec:
        """Return the spec with the one transform ``kind``."""
        strengths = {name: getattr(self, name) if name == kind else 0.0 for name in KINDS}
        return WaveSpec(label=self.label, variants=self.variants, seed=self.seed, **strengths)


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """A curve and its variants. ``values`` (1 + variants, points), the curve itself first."""

    times: Array
    values: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What is measured: measure -> (1 + variants,); and ``kept`` (variants,), whether the label holds."""

    numbers: dict[str, Array]
    low: float
    high: float
    kept: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    @property
    def broken(self) -> int:
        """How many variants have lost their label."""
        return int((~self.kept).sum())


def sampling(ecg: bool) -> tuple[int, int]:
    """Return samples in a unit of time, and how many such units a curve lasts."""
    return (ECG_HZ, ECG_SECONDS) if ecg else (PULSE_PER_HOUR, PULSE_HOURS)


@lru_cache(maxsize=16)
def recording(label: str) -> tuple[Array, Array]:
    """Return the long recording that variants are cut from: times (s or h) and values (mV or 1/min)."""
    beats = LABELS[label].beats
    hz, length = sampling(beats is not None)
    times = np.arange(round(SPARE * length * hz * FINE)) / (hz * FINE)
    return times, heartbeats(times, beats.rate, beats.waves) if beats else pulse_course(times)


_lots = lru_cache(maxsize=128)(draw_lots)  # nobody writes into what is drawn


@lru_cache(maxsize=256)
def augment(spec: WaveSpec) -> Curves:
    """Make the curve of the label and its variants."""
    hz, length = sampling(spec.is_ecg)
    times = np.arange(hz * length) / hz
    record_times, record = recording(spec.label)
    mask = spec.mask if spec.is_ecg else spec.mask / 60
    values = [np.interp(times, record_times, record)]
    for number in range(spec.variants):
        lots = _lots(spec.seed, number, len(times), KNOTS)
        strengths = (spec.noise, spec.scale, spec.warp, mask)
        values.append(vary(record_times, record, times, lots, *strengths, spec.is_ecg))
    return Curves(times=times, values=np.array(values))


@lru_cache(maxsize=512)
def measure(spec: WaveSpec) -> Measured:
    """Measure the curve and its variants, and say which have lost their label."""
    label = LABELS[spec.label]
    hz, _ = sampling(spec.is_ecg)
    gauge = measure_ecg if spec.is_ecg else measure_pulse
    values = augment(spec).values
    changed = any(getattr(spec, kind) for kind in KINDS)
    alike = values if changed else values[:2]  # all variants are the same one
    found = [gauge(one, hz) for one in alike]
    found += [found[-1]] * (len(values) - len(found))
    numbers = {name: np.array([one[name] for one in found]) for name in found[0]}
    deciding = numbers[label.measure]
    middle = float(deciding[0]) if label.around else 0.0
    low, high = middle + label.low, middle + label.high
    kept = (deciding[1:] >= low) & (deciding[1:] < high)
    return Measured(numbers=numbers, low=low, high=high, kept=kept)


def mean_speed(spec: WaveSpec, number: int) -> float:
    """Return how fast the clock of a variant runs on average: 1.1 turns 100 beats a minute into 110."""
    hz, length = sampling(spec.is_ecg)
    times = np.arange(hz * length) / hz
    speeds, *_ = draw_lots(spec.seed, number, len(times), KNOTS)
    return float(warped_clock(times, 1 + spec.warp * speeds)[-1] / times[-1])


def factor(spec: WaveSpec, number: int) -> float:
    """Return what the heights of a variant are multiplied by."""
    hz, length = sampling(spec.is_ecg)
    return 1 + spec.scale * draw_lots(spec.seed, number, hz * length, KNOTS)[1]


def signal_to_noise(spec: WaveSpec) -> float:
    """Return 20 log10 of the curve's standard deviation over that of the noise (dB); inf without noise."""
    spread = float(augment(spec).values[0].std())
    return 20 * math.log10(spread / spec.noise) if spec.noise else math.inf


def other_labels(spec: WaveSpec) -> dict[str, dict[str, int]]:
    """Count, for every label of this kind of curve, the variants that lose it under each transform alone."""
    alike = [name for name, label in LABELS.items() if (label.beats is not None) == spec.is_ecg]
    return {
        name: {kind: measure(replace(spec, label=name).alone(kind)).broken for kind in KINDS}
        for name in alike
    }
