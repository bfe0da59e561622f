"""What a doctor reads off a curve, measured from its samples: heart rate, QTc, ST; how long, since when.

These functions are also written, word for word, into the script that readers take home: they use ``np``
alone, and hold no comments.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
MOST = 10.0
"""P as many times the noise as this is as good as no noise at all."""


def find_peaks(volts: Array, hz: int) -> Array:
    """Find the R peaks of a strip: (beats,) seconds, from the tops above half of the highest."""
    calm = np.convolve(volts, np.ones(5) / 5, "same")
    high = np.flatnonzero(calm[1:-1] > 0.5 * calm.max()) + 1
    beats = np.split(high, np.flatnonzero(np.diff(high) > 0.2 * hz) + 1)
    tops = np.array([beat[np.argmax(calm[beat])] for beat in beats if len(beat)], dtype=np.int64)
    before, top, after = calm[tops - 1], calm[tops], calm[tops + 1]
    bend = before - 2 * top + after
    return (tops + np.where(bend < 0, (before - after) / (2 * np.where(bend < 0, bend, -1)), 0)) / hz


def measure_ecg(volts: Array, hz: int) -> dict[str, float]:
    """Measure a strip (points,) in mV: rate (1/min), longest R-R (s), QT, QTc (ms), ST, R (mV), P / noise.

    QT ends where the steepest tangent of T meets the baseline; QTc is Bazett's (1920). ST is the level 0.1 s
    after R. What cannot be measured is NaN.
    """
    found = dict.fromkeys(("rate", "longest", "qt", "qtc", "st", "r", "p"), np.nan)
    peaks = find_peaks(volts, hz)
    if len(peaks) < 3:
        return found
    gaps = np.diff(peaks)
    found["rate"], found["longest"] = float(60 / gaps.mean()), float(gaps.max())
    left, right = round(0.26 * hz), round(0.62 * np.median(gaps) * hz)
    tops = np.round(peaks * hz).astype(np.int64)
    tops = tops[(tops >= left) & (tops + right < len(volts))]
    if len(tops) < 1 or right < 0.2 * hz:
        return found
    beat = volts[tops[:, None] + np.arange(-left, right)].mean(axis=0)
    calm = np.convolve(beat, np.ones(7) / 7, "same")
    t = np.arange(-left, right) / hz
    base = beat[(t >= -0.105) & (t <= -0.075)].mean()
    height = volts[tops].mean() - base
    found["r"] = float(height)
    found["st"] = float(beat[(t >= 0.09) & (t <= 0.11)].mean() - base)
    steps = np.abs(np.diff(volts))
    grain = np.median(steps[steps > 0]) / 0.6745 / np.sqrt(2)
    p_height = calm[(t >= -0.23) & (t <= -0.11)].max() - base
    found["p"] = float(min(p_height / max(grain, 1e-9), MOST))
    q = left - round(0.07 * hz) + int(np.argmin(beat[left - round(0.07 * hz) : left]))
    quiet = np.flatnonzero(np.abs(beat[:q] - base) < 0.03 * height)
    slope = np.gradient(calm) * hz
    first = left + round(0.12 * hz)
    top = first + int(np.argmax(calm[first:-4]))
    steep = top + int(np.argmin(slope[top:-4]))
    if len(quiet) and slope[steep] < 0:
        end = t[steep] - (calm[steep] - base) / slope[steep]
        found["qt"] = float(1000 * (end - t[quiet[-1]]))
        found["qtc"] = found["qt"] / float(np.sqrt(gaps.mean()))
    return found


def measure_pulse(beats: Array, hz: int) -> dict[str, float]:
    """Measure a course of heart rates (1/min), ``hz`` an hour: minutes on end at 100 or more, since when (h).

    The start is the middle of the first 10 minutes whose mean is 100 or more; NaN if there are none.
    """
    fast = np.concatenate([[0], (beats >= 100).astype(np.int64), [0]])
    edges = np.flatnonzero(np.diff(fast))
    lasting = float((edges[1::2] - edges[::2]).max(initial=0)) * 60 / hz
    means = np.convolve(beats, np.ones(10) / 10, "valid")
    late = np.flatnonzero(means >= 100)
    onset = (late[0] + 4.5) / hz if len(late) else np.nan
    return {"lasting": lasting, "onset": float(onset), "highest": float(beats.max())}
