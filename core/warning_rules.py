"""From residuals to flags, and what flags are worth: delay, sensitivity, and how many were false.

A flag is a mark in a lesson on simulated patients; nothing here is meant for real ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.early_warning_specs import PER_HOUR, SIGNALS, STEP_S, WarningSpec
from core.series import FloatArray
from core.specs import require_between, require_one_of
from core.vitals.signals import KINDS

Flags = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]

BLOCK = 30 * 60 // STEP_S
"""Readings in half an hour: false flags are counted by the half-hours in which they are up."""
THRESHOLDS: Array = np.geomspace(0.5, 20.0, 97)
_KEYS = ("HR", "SBP", "RR", "SpO2", "temperature")
RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    # Readings of 3 points in the National Early Warning Score 2 (Royal College of Physicians 2017), scale 1.
    "news2": ((41, 130), (91, 219), (9, 24), (92, math.inf), (35.1, math.inf)),
    "import": tuple(KINDS[key].soft for key in _KEYS),
}
"""The lowest and the highest reading of each signal that is not flagged."""
assert len(_KEYS) == len(SIGNALS)


@dataclass(frozen=True, kw_only=True)
class RuleSpec:
    """How residuals become one number: each clipped at ±``clip``, smoothed over ``minutes``, then combined.

    ``rms`` takes the root mean square of the signals, ``max`` the largest.
    """

    minutes: int = 60
    combine: str = "rms"
    clip: float | None = 3.0

    def __post_init__(self) -> None:
        require_between("ならす時間", self.minutes, 5, 240)
        require_one_of("信号のまとめ方", self.combine, ("rms", "max"))
        if self.clip is not None:
            require_between("頭打ちにする値", self.clip, 1.0, 100.0)

    @property
    def weight(self) -> float:
        """Return λ, the weight of the newest residual in the moving average."""
        return 2 / (self.minutes * 60 / STEP_S + 1)


def smooth(z: FloatArray, spec: RuleSpec) -> FloatArray:
    """Average residuals (…, points, signals) by e ← e + λ(z − e), in units of what chance would leave.

    That unit is √(λ / (2 − λ)), right for residuals that are independent (Roberts 1959, Control chart tests
    based on geometric moving averages). A missing residual changes nothing; the average begins at 0.
    """
    moved = np.moveaxis(z if spec.clip is None else np.clip(z, -spec.clip, spec.clip), -2, 0)
    step = np.where(np.isfinite(moved), np.float32(spec.weight), np.float32(0))
    moved = np.nan_to_num(moved)
    average = np.zeros(moved.shape[1:], dtype=np.float32)
    found = np.empty(moved.shape, dtype=np.float32)
    for point in range(len(moved)):
        average = average + step[point] * (moved[point] - average)
        found[point] = average
    unit = np.float32(math.sqrt(spec.weight / (2 - spec.weight)))
    return np.ascontiguousarray(np.moveaxis(found / unit, 0, -2))


def combine(smoothed: FloatArray, spec: RuleSpec) -> FloatArray:
    """Make one number (…, points) of all signals (…, points, signals)."""
    if spec.combine == "max":
        largest: FloatArray = np.abs(smoothed).max(axis=-1)
        return largest
    mean: FloatArray = np.sqrt((smoothed**2).mean(axis=-1))
    return mean


def outside(readings: FloatArray, name: str, times: int = 1) -> Flags:
    """Say where a reading lies outside its range of ``RANGES``, ``times`` in a row; (…, points, signals)."""
    low, high = (np.array(limit) for limit in zip(*RANGES[name], strict=True))
    with np.errstate(invalid="ignore"):
        found: Flags = (readings < low) | (readings > high)
    held = found.copy()
    for back in range(1, times):
        held[..., back:, :] &= found[..., :-back, :]
    held[..., : times - 1, :] = False
    return held


def blocks(flags: Flags) -> Flags:
    """Say in which half-hours a flag (…, points) is up at least once; (…, half-hours)."""
    missing = -flags.shape[-1] % BLOCK
    whole = np.concatenate([flags, np.zeros((*flags.shape[:-1], missing), dtype=np.bool_)], axis=-1)
    up: Flags = np.any(whole.reshape(*flags.shape[:-1], -1, BLOCK), axis=-1)
    return up


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What flags led to: ``delays`` (…, patients) in hours from the onset, ∞ where nothing ever told of it.

    ``false`` (…, patients) counts the half-hours with a flag of each twin, who was watched for ``hours``.
    """

    delays: Array = field(repr=False)
    false: npt.NDArray[np.int64] = field(repr=False)
    hours: float

    @property
    def false_per_day(self) -> Array:
        """Return the half-hours with a false flag per patient and 24 hours, (…): 48 if it is always up."""
        per_day: Array = self.false.mean(axis=-1) * 24 / self.hours
        return per_day

    @property
    def median_delay(self) -> Array:
        """Return the median delay (…), ∞ where that is so for half of the patients."""
        middle: Array = np.sort(self.delays, axis=-1)[..., (self.delays.shape[-1] - 1) // 2]
        return middle

    def sensitivity(self, within: float) -> Array:
        """Return the share of patients (…) flagged at the latest ``within`` hours after the onset."""
        share: Array = (self.delays <= within).mean(axis=-1)
        return share

    @property
    def specificity(self) -> Array:
        """Return the share of twins (…) without a single flag."""
        share: Array = (self.false == 0).mean(axis=-1)
        return share


def judge(flags: Flags, spec: WarningSpec) -> Outcome:
    """Judge flags (…, patients, cases, points) of the watched time against the onset that is known.

    A flag tells of the illness only if the twin has none at the same moment: one that is always there tells
    nothing.
    """
    onset = spec.onset - spec.cut.test.start
    told = flags[..., 0, onset:] & ~flags[..., 1, onset:]
    delays = np.where(told.any(axis=-1), told.argmax(axis=-1) / PER_HOUR, np.inf)
    false = blocks(flags[..., 1, :]).sum(axis=-1)
    return Outcome(delays=delays, false=false, hours=flags.shape[-1] / PER_HOUR)


@dataclass(frozen=True, kw_only=True, eq=False)
class Levelled:
    """Where rules (rules,) stand once each has as many false flags as allowed: threshold and outcome."""

    thresholds: Array
    outcome: Outcome = field(repr=False)


def sweep(statistic: FloatArray, spec: WarningSpec) -> Outcome:
    """Judge every one of ``THRESHOLDS`` on a statistic (rules, patients, cases, points).

    The outcome has leading axes (thresholds, rules).
    """
    return judge(statistic > THRESHOLDS[:, None, None, None, None].astype(np.float32), spec)


def level(swept: Outcome, allowed: float) -> Levelled:
    """Find each rule's lowest threshold with at most ``allowed`` half-hours of false flags a day."""
    over = swept.false_per_day > allowed  # (thresholds, rules)
    place = np.where(over.any(axis=0), len(over) - over[::-1].argmax(axis=0), 0)
    place = np.minimum(place, len(THRESHOLDS) - 1)
    rules = np.arange(over.shape[1])
    chosen = Outcome(delays=swept.delays[place, rules], false=swept.false[place, rules], hours=swept.hours)
    return Levelled(thresholds=THRESHOLDS[place], outcome=chosen)


def predictive_value(sensitivity: float, specificity: float, prevalence: float) -> float | None:
    """Return the positive predictive value by Bayes' rule; None when nobody is ever flagged."""
    true, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    return true / (true + false) if true + false > 0 else None
