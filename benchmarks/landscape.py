"""Time races on a landscape beside autograd: ``python -m benchmarks.landscape [--json] [--runs N]``.

Seven optimizers walk 500 steps each from one start. Both sides use the very classes of ``torch.optim``,
with one thread, in the same process, one after the other in turn: textbook, ours, textbook, ours, …; both
keep every position. In every round all positions must agree within 1e-12.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from benchmarks.training import machine
from core import device
from core.engine import Engine
from core.jobs import descend as job
from core.landscape import PathSpec, descend
from core.specs import OptimizerSpec
from core.surfaces import Array

STEPS = 500
TARGET = 4.0
QUICK_TARGET_S = 0.35
PARITY = 1e-12

Formula = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Course:
    """A landscape as a textbook writes it, and where and how fast to walk on it."""

    name: str
    start: tuple[float, float]
    rates: tuple[float, ...]
    formula: Formula

    def specs(self) -> tuple[PathSpec, ...]:
        """Return the seven walks."""
        return tuple(
            PathSpec(
                landscape=self.name,
                start=self.start,
                optimizer=OptimizerSpec(name=name, lr=lr),
                steps=STEPS,
            )
            for name, lr in zip(PLAIN, self.rates, strict=True)
        )


COURSES = (
    Course(
        name="ravine",
        start=(-3.5, 1.5),
        rates=(0.02, 0.01, 0.01, 0.5, 0.05, 0.1, 0.1),
        formula=lambda x, y: x**2 + 20 * y**2,
    ),
    Course(
        name="rosenbrock",
        start=(-1.2, 1.0),
        rates=(0.001, 0.001, 0.001, 0.5, 0.02, 0.1, 0.1),
        formula=lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
    ),
    Course(
        name="himmelblau",
        start=(0.0, 0.0),
        rates=(0.002, 0.001, 0.001, 0.5, 0.05, 0.1, 0.1),
        formula=lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
    ),
)

PLAIN: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda w, lr: torch.optim.SGD(w, lr=lr, momentum=0.9),
    "nesterov": lambda w, lr: torch.optim.SGD(w, lr=lr, momentum=0.9, nesterov=True),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def by_textbook(course: Course) -> list[Array]:
    """Walk one optimizer after the other with autograd; return the positions (STEPS + 1, 2) of each."""
    paths = []
    for spec in course.specs():
        w = torch.tensor(spec.start, dtype=torch.float64, requires_grad=True)
        optimizer = PLAIN[spec.optimizer.name]([w], lr=spec.optimizer.lr)
        positions, losses = [w.detach().numpy().copy()], []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = course.formula(w[0], w[1])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            positions.append(w.detach().numpy().copy())
        paths.append(np.array(positions))
    return paths


def by_us(course: Course) -> list[Array]:
    """Walk them side by side, as the pages do."""
    return [path.positions for path in descend(course.specs())]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Medians in seconds; ``ratio`` is the median of the rounds' ratios, ``low`` and ``high`` their ends."""

    course: str
    textbook_s: float
    ours_s: float
    ratio: float
    low: float
    high: float
    largest_difference: float

    @property
    def met(self) -> bool:
        """Say whether the target was reached."""
        return self.ratio >= TARGET


def measure(course: Course, rounds: int) -> Timing:
    """Time both sides in turn, after a warm-up.

    Raises:
        AssertionError: their paths differ by more than 1e-12.
    """
    by_textbook(course)
    by_us(course)
    theirs: list[float] = []
    ours: list[float] = []
    largest = 0.0
    for _ in range(rounds):
        begin = time.perf_counter()
        expected = by_textbook(course)
        between = time.perf_counter()
        found = by_us(course)
        end = time.perf_counter()
        theirs.append(between - begin)
        ours.append(end - between)
        gaps = [float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True)]
        largest = max(largest, *gaps)
        assert largest <= PARITY, f"{course.name}: paths differ by {largest:.1e}"
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    return Timing(
        course=course.name,
        textbook_s=statistics.median(theirs),
        ours_s=statistics.median(ours),
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        largest_difference=largest,
    )


def quick_lane(rounds: int) -> list[float]:
    """Return the seconds that a page waits for a race, through the engine's quick lane, round by round."""
    engine = Engine()
    engine.start()
    try:
        engine.quick(job, COURSES[0].specs(), timeout=60)
        seconds = []
        for _ in range(rounds):
            begin = time.perf_counter()
            engine.quick(job, COURSES[0].specs(), timeout=60)
            seconds.append(time.perf_counter() - begin)
        return seconds
    finally:
        engine.close()


def line(t: Timing) -> str:
    """Return ``t`` as a line of the table."""
    spread = f"{t.ratio:.2f} [{t.low:.2f}–{t.high:.2f}]"
    return (
        f"{t.course:<20} {t.textbook_s:>11.3f} {t.ours_s:>8.3f} {spread:>20}"
        f" {TARGET:>7g} {'yes' if t.met else 'NO':>4} {t.largest_difference:>11.1e}"
    )


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description="Time races on a landscape beside a loop with autograd.")
    parser.add_argument("--runs", type=int, default=5, help="rounds of each course (5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    device.one_thread()
    timings = [measure(course, options.runs) for course in COURSES]
    waits = quick_lane(options.runs)
    if options.json:
        told = [{**asdict(t), "target": TARGET, "met": t.met} for t in timings]
        quick = {"median_s": statistics.median(waits), "max_s": max(waits), "target_s": QUICK_TARGET_S}
        print(json.dumps({"machine": machine(), "timings": told, "quick_lane": quick}, indent=2))
        return
    print(" · ".join(f"{key} {value}" for key, value in machine().items()), f"· {options.runs} rounds")
    print(
        f"{'7 × 500 steps':<20} {'textbook s':>11} {'ours s':>8} {'ratio [min–max]':>20}"
        f" {'target':>7} {'met':>4} {'difference':>11}"
    )
    for timing in timings:
        print(line(timing))
    met = "yes" if statistics.median(waits) <= QUICK_TARGET_S else "NO"
    print(
        f"through the quick lane: median {statistics.median(waits):.3f} s, longest {max(waits):.3f} s"
        f" (target {QUICK_TARGET_S} s: {met})"
    )


if __name__ == "__main__":
    main()
