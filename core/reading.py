"""What a loss curve says: a verdict, and the numbers that decided it.

Losses come one an epoch and are at least 0 (one below zero counts as zero). Thresholds are ratios, so the
unit of the loss does not matter. Levels are medians over a window of epochs, so neither the noise of
mini-batches nor a single spike decides; "the end" of a curve is the last such window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Losses = npt.NDArray[np.float64]

Verdict = Literal[
    "converged", "too_slow", "oscillating", "diverged", "overfitting", "underfitting", "too_short"
]
ReasonKind = Literal[
    "not_finite",  # value: the first epoch (from 1) with a loss that is NaN or infinite
    "blew_up",  # value: highest training loss / first one
    "ended_above_start",  # value: training loss at the end / first one
    "few_epochs",  # value: epochs
    "swings",  # value: Reading.oscillation
    "validation_rose",  # value: validation loss at the end / its best level, minus 1
    "memorised",  # value: training loss / validation loss, both at the end
    "still_falling",  # value: share of the whole fall that came in the last quarter
    "hardly_moved",  # value: training loss at the end / first one
    "high_for_reference",  # value: training loss at the end / reference
    "settled",  # value: share of the whole fall that came in the last quarter
    "no_trend",  # value: sureness that the late half falls, in standard deviations
    "flat",  # value: Reading.relative_improvement_last_quarter
]

MIN_EPOCHS = 8  # a quarter of fewer epochs is a single point, and a trend needs two
WINDOW = 10  # a level is the median of a tenth of the epochs, at least three: drops a spike, keeps a trend
PEAK = 100.0  # a hundred times the first loss: no network that learns passes through it
ENDED_ABOVE = 2.0  # twice as wrong as before training: it walked away, whether or not it still swings
SWING_OF_RANGE = 0.2  # a fifth of the chart's height is seen at once; ordinary epoch noise stays below
SWING_OF_LEVEL = 0.25  # and of the loss itself: 5 % of epoch noise spans 22 % in 400 epochs of a flat curve
RISE_OF_BEST = 0.1  # the lowest of many noisy levels lies some per cent low by luck: a tenth is more
RISE_OF_RANGE = 0.05  # a rise too small to see on the chart (0.010 to 0.012 after 0.7) is not a lesson
RISE_OF_NOISE = 3.0  # three standard deviations of the epoch noise
MEMORISED = 0.5  # training data known twice as well as new patients, who gain nothing from the model
FALL_IN_LAST_QUARTER = 0.05  # an exponential fall with a thirtieth of its way left makes 5 % in a quarter
FALL_OF_LEVEL = 0.01  # less than 1 % in a quarter of the run is not worth training on for
TREND = 1.64  # standard deviations: a settled, noisy curve passes for a falling one in 5 % of runs at most
HARDLY_MOVED = 0.95  # less than 5 % below the first epoch: nothing learnt worth the name
UNMOVED = 1e-6  # the loss repeats to single precision: the weights stand still
UNDERFIT = 0.8  # less than a fifth better than the constant answer
ABOVE_REFERENCE = 1.05  # worse than the constant answer, which any bias can learn: not there yet


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """A number that decided, and the threshold it passed."""

    kind: ReasonKind
    value: float
    limit: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A verdict on a run with the numbers a sentence about it needs.

    Losses are in the unit they came in; ``final_*`` are the last epoch's. ``best_epoch`` counts from 1 and is
    the validation's where there is one, else the training's. ``relative_improvement_last_quarter`` is the
    part of the training loss that the last quarter of the epochs took off (negative: it rose);
    ``oscillation`` how far the late half swings, as a share of the curve's range (at most 1); ``gap``
    validation minus training loss at the last epoch. None where a number is not defined.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    epochs: int
    best_epoch: int | None
    best_validation: float | None
    final_train: float | None
    final_validation: float | None
    gap: float | None
    relative_improvement_last_quarter: float | None
    oscillation: float | None


def best_epoch(losses: Sequence[float]) -> int | None:
    """The epoch (from 1) of the first lowest finite loss; None when there is none."""
    values = np.asarray(losses, np.float64)
    finite = np.isfinite(values)
    return int(np.argmin(np.where(finite, values, np.inf))) + 1 if finite.any() else None


def first_bad(losses: Sequence[float]) -> int | None:
    """The epoch (from 1) of the first loss that is NaN or infinite; None when all are finite."""
    bad = ~np.isfinite(np.asarray(losses, np.float64))
    return int(np.argmax(bad)) + 1 if bad.any() else None


def read(
    train: Sequence[float], validation: Sequence[float] | None = None, reference: float | None = None
) -> Reading:
    """Judge a run by its training losses and, where there are any, its validation losses, one an epoch.

    ``reference`` is the loss of the best constant answer (the variance of the targets for MSE, ln 2 for two
    balanced classes), in the same unit. Give it wherever there is one: without it "underfitting" is never
    said, a curve that was flat from its first epoch is "too_slow", and a first epoch far above the rest hides
    later swings.

    The first that holds wins: diverged, too_short, oscillating, overfitting, too_slow, underfitting,
    converged. "diverged" is a loss that is not finite, a training loss above 100 times the first one, or one
    that ends above twice the first. Never raises, whatever the losses.
    Overfitting is Prechelt's generalisation loss (Early Stopping – But When?, 1998) of a tenth, at the end.
    """
    held_out = validation if validation is not None and len(validation) else None
    if reference is not None and not (np.isfinite(reference) and reference > 0):
        reference = None
    improvement = oscillation = None
    with np.errstate(all="ignore"):
        bad = [epoch for losses in (train, held_out) if losses is not None and (epoch := first_bad(losses))]
        if bad:
            verdict, reasons = _say("diverged", Reason(kind="not_finite", value=min(bad)))
        else:
            unit = max([*train, 0.0]) or 1.0  # ratios of numbers near 1 neither overflow nor vanish
            curve = np.maximum(np.asarray(train, np.float64), 0) / unit
            other = None if held_out is None else np.maximum(np.asarray(held_out, np.float64), 0) / unit
            level = None if reference is None else reference / unit or None  # 0: lost beside the losses
            if len(curve) >= MIN_EPOCHS:
                improvement = _improvement(curve)
                oscillation = _share_of_range(_swing(curve), curve, level)
            verdict, reasons = _judge(curve, other, level)
    best = best_epoch(train if held_out is None else held_out)
    return Reading(
        verdict=verdict,
        reasons=reasons,
        epochs=len(train),
        best_epoch=best,
        best_validation=float(held_out[best - 1]) if held_out is not None and best else None,
        final_train=float(train[-1]) if len(train) else None,
        final_validation=float(held_out[-1]) if held_out is not None else None,
        gap=float(held_out[-1]) - float(train[-1]) if held_out is not None and len(train) else None,
        relative_improvement_last_quarter=improvement,
        oscillation=oscillation,
    )


def _judge(
    train: Losses, validation: Losses | None, reference: float | None
) -> tuple[Verdict, tuple[Reason, ...]]:
    """The verdict on finite, non-negative curves of about unit size."""
    epochs = len(train)
    above_zero = train[train > 0]
    first = float(above_zero[0]) if len(above_zero) else 0.0
    peak = _ratio(float(np.max(train, initial=0)), first)
    if peak > PEAK:
        return _say("diverged", Reason(kind="blew_up", value=peak, limit=PEAK))
    if epochs < MIN_EPOCHS:
        return _say("too_short", Reason(kind="few_epochs", value=epochs, limit=MIN_EPOCHS))

    end = float(_levels(train)[-1])
    moved = _ratio(end, first)
    if moved > ENDED_ABOVE:
        return _say("diverged", Reason(kind="ended_above_start", value=moved, limit=ENDED_ABOVE))

    swing = _swing(train)
    share = _share_of_range(swing, train, reference)
    if share > SWING_OF_RANGE and swing > SWING_OF_LEVEL * end:
        return _say("oscillating", Reason(kind="swings", value=share, limit=SWING_OF_RANGE))

    overfit = None if validation is None else _overfit(train, validation, reference)
    if overfit is not None:
        return _say("overfitting", overfit)

    # How much of the way came in the last quarter: 25 % on a straight line, nothing on a settled curve. Above
    # the reference only the scale of the targets is learnt, so that part of the way does not count.
    stuck = moved > HARDLY_MOVED
    level = None if reference is None else end / reference
    before = float(_levels(train)[-1 - epochs // 4])
    top = first if reference is None or stuck or end >= reference else min(first, reference)
    late = (min(before, top) - end) / (top - end) if top > end else 1.0
    sureness = _trend(train)
    trend = sureness > TREND and before > end and late > FALL_IN_LAST_QUARTER
    smooth = swing <= SWING_OF_RANGE * float(np.ptp(train))
    falling = Reason(kind="still_falling", value=late, limit=FALL_IN_LAST_QUARTER)
    still = Reason(kind="hardly_moved", value=moved, limit=HARDLY_MOVED)
    if trend and not stuck and before - end > FALL_OF_LEVEL * before:
        return _say("too_slow", falling)
    if trend and stuck and smooth:
        return _say("too_slow", still, falling)
    if stuck:  # a curve that stands still where no constant answer would: weights at rest, not a weak model
        at_rest = level is not None and level > UNDERFIT and np.ptp(train) <= UNMOVED * first
        above = level is not None and level > ABOVE_REFERENCE and smooth
        if level is None or at_rest or above:
            return _say("too_slow", still)
    if level is not None and level > UNDERFIT:
        return _say("underfitting", Reason(kind="high_for_reference", value=level, limit=UNDERFIT))
    if late <= FALL_IN_LAST_QUARTER:
        return _say("converged", Reason(kind="settled", value=late, limit=FALL_IN_LAST_QUARTER))
    if sureness <= TREND:
        return _say("converged", Reason(kind="no_trend", value=sureness, limit=TREND))
    return _say("converged", Reason(kind="flat", value=_improvement(train), limit=FALL_OF_LEVEL))


def _overfit(train: Losses, validation: Losses, reference: float | None) -> Reason | None:
    """Why a run overfits: validation rises while training falls, or never gains from what training learns."""
    epochs = min(len(train), len(validation))
    if epochs < MIN_EPOCHS:
        return None
    learnt, held_out = _levels(train[:epochs]), _levels(validation[:epochs])
    best, end = float(np.min(held_out)), float(held_out[-1])
    steps = np.diff(validation[:epochs])
    noise = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2)  # MAD; two noises a step
    rise = end - best
    seen = rise > RISE_OF_RANGE * _range(validation[:epochs], reference) and rise > RISE_OF_NOISE * noise
    if seen and rise > RISE_OF_BEST * best and learnt[-1] < learnt[np.argmin(held_out)]:
        return Reason(kind="validation_rose", value=_ratio(rise, best), limit=RISE_OF_BEST)
    ratio = _ratio(float(learnt[-1]), end)
    if reference is not None and learnt[-1] < UNDERFIT * reference < end and ratio < MEMORISED:
        return Reason(kind="memorised", value=ratio, limit=MEMORISED)
    return None


def _levels(losses: Losses) -> Losses:
    """Medians over the windows that end at each epoch; shape (epochs − window + 1,)."""
    window = max(3, len(losses) // WINDOW)
    medians: Losses = np.median(np.lib.stride_tricks.sliding_window_view(losses, window), axis=-1)
    return medians


def _improvement(losses: Losses) -> float:
    """The part of the loss that the last quarter of the epochs took off."""
    before, end = _levels(losses)[[-1 - len(losses) // 4, -1]]
    return float(1 - end / before) if before > 0 else 0.0


def _swing(losses: Losses) -> float:
    """How far the late half departs from falling: the median distance of the two falling curves nearest it.

    One runs below it (the lowest so far), one above (the highest still to come): they meet on a curve that
    only falls, however crooked. A spike counts only as far as a second one within three epochs reaches.
    """
    around = np.lib.stride_tricks.sliding_window_view(np.pad(losses, 3, constant_values=-np.inf), 7)
    late = np.minimum(losses, np.sort(around, axis=-1)[:, -2])[len(losses) // 2 :]
    below, above = np.minimum.accumulate(late), np.maximum.accumulate(late[::-1])[::-1]
    return float(np.median(above - below))


def _trend(losses: Losses) -> float:
    """How surely the late half falls: the Mann–Kendall statistic (Mann 1945), in standard deviations."""
    late = losses[len(losses) // 2 :]
    late = late[:: 1 + len(late) // 400]  # pairs grow with the square; 400 epochs show any trend
    n = len(late)
    falling = float(np.sum(np.triu(np.sign(late[:, None] - late))))  # pairs that fall minus pairs that rise
    return float((falling - np.sign(falling)) / np.sqrt(n * (n - 1) * (2 * n + 5) / 18))


def _range(losses: Losses, reference: float | None) -> float:
    """Highest minus lowest loss, but no more than lies below the reference (or than the reference itself)."""
    low, high = float(np.min(losses)), float(np.max(losses))
    if reference is None:
        return high - low
    return min(high - low, reference - low if reference > low else reference)


def _share_of_range(swing: float, losses: Losses, reference: float | None) -> float:
    """``swing`` as a share of the curve's range, at most 1."""
    return min(1.0, _ratio(swing, _range(losses, reference)))


def _ratio(part: float, whole: float) -> float:
    """``part / whole``; zero of nothing is 0, something of nothing infinite."""
    if whole == 0:
        return 0.0 if part == 0 else float(np.copysign(np.inf, part))
    return part / whole


def _say(verdict: Verdict, *reasons: Reason) -> tuple[Verdict, tuple[Reason, ...]]:
    return verdict, reasons
