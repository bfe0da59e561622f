"""Time our training beside the loop of a textbook: ``python -m benchmarks.training [--json] [--runs N]``.

Both sides build the networks and train them, with one thread, in the same process, one after the other
in turn: textbook, ours, textbook, ours, … Data are prepared before, and neither side validates.
In every round the losses of the first ten epochs must agree within 1e-4 of their size.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import nn

from benchmarks import textbook
from core import device, forecaster, models, perceptron, tables, windows
from core.learners import Learner, Table
from core.series import FloatArray, article_series
from core.specs import AnySpec, ForecastSpec, ModelSpec, TableRunSpec, TrainingSpec, with_seeds
from core.training import Training

CPU = torch.device("cpu")
PARITY_EPOCHS = 10
PARITY = 1e-4

Losses = list[list[float]]
"""The losses of each network, epoch by epoch."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Networks to train on ``data``; ``target`` is how many times faster than a textbook we want to be."""

    name: str
    target: float
    specs: Sequence[AnySpec]
    data: Table
    build: Callable[[AnySpec], nn.Module]
    learner: Callable[[], Learner]
    loss: nn.Module

    def by_textbook(self, epochs: int | None = None) -> Losses:
        """Train the networks one by one."""
        return [
            textbook.train(
                self.build(spec),
                self.loss,
                *self.data,
                lr=spec.optimizer.lr,
                epochs=epochs or spec.training.epochs,
                batch_size=spec.training.batch_size,
                seed=spec.training.seed,
            )
            for spec in self.specs
        ]

    def by_us(self, epochs: int | None = None) -> Losses:
        """Train the networks together."""
        spec = self.specs[0].training
        spec = replace(spec, epochs=epochs or spec.epochs)
        seeds = [s.training.seed for s in self.specs]
        rows = list(Training(self.learner(), self.data, None, spec, seeds).epochs())
        return [[row[run].train_loss for row in rows] for run in range(len(seeds))]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Medians in seconds; ``ratio`` is the median of the rounds' ratios, ``low`` and ``high`` their ends."""

    workload: str
    epochs: int
    textbook_s: float
    ours_s: float
    ratio: float
    low: float
    high: float
    target: float
    largest_difference: float

    @property
    def met(self) -> bool:
        """Say whether the target was reached."""
        return self.ratio >= self.target


def perceptrons(name: str, target: float, count: int, epochs: int) -> Workload:
    """Return ``count`` perceptrons on the breast cancer table."""
    spec = TableRunSpec(training=TrainingSpec(epochs=epochs, batch_size=32))
    specs = with_seeds(spec, count)
    data = tables.load(spec.table)

    def build(spec: AnySpec) -> nn.Module:
        assert isinstance(spec, TableRunSpec)
        return models.build_mlp(spec.model, data.features, data.classes, spec.training.seed)

    return Workload(
        name=name,
        target=target,
        specs=specs,
        data=perceptron.to_table(data.train, CPU),
        build=build,
        learner=lambda: perceptron.make_learner(specs, CPU),
        loss=nn.CrossEntropyLoss(),
    )


def forecasters(name: str, target: float, count: int, spec: ForecastSpec, values: FloatArray) -> Workload:
    """Return ``count`` forecasters of ``values`` (points,)."""
    specs = with_seeds(spec, count)
    cut = windows.bounds(len(values), spec.split)

    def build(spec: AnySpec) -> nn.Module:
        assert isinstance(spec, ForecastSpec)
        return models.build(spec.model, spec.training.seed)

    return Workload(
        name=name,
        target=target,
        specs=specs,
        data=forecaster.table(windows.make_windows(values, spec.length).between(0, cut.train), CPU),
        build=build,
        learner=lambda: forecaster.make_learner(specs, CPU),
        loss=nn.MSELoss(),
    )


def workloads() -> list[Workload]:
    """Return what is timed. Epochs are fewer than a reader's, so that all of it takes about a minute."""
    article = article_series().values
    generator = np.random.RandomState(0)
    long = np.sin(np.arange(10_000) / 6) + generator.normal(0, 0.2, 10_000)
    rnn = ForecastSpec(training=TrainingSpec(epochs=40))
    rnns = ForecastSpec(training=TrainingSpec(epochs=20))
    lstm = ForecastSpec(model=ModelSpec(name="lstm"), training=TrainingSpec(epochs=2))
    return [
        perceptrons("MLP", 2.5, 1, 60),
        perceptrons("8 MLPs", 11, 8, 30),
        perceptrons("32 MLPs", 20, 32, 15),
        forecasters("RNN of the article", 1.3, 1, rnn, article),
        forecasters("8 RNNs", 9, 8, rnns, article),
        forecasters("LSTM, 10,000 points", 1, 1, lstm, long.astype(np.float32)),
    ]


def difference(theirs: Losses, ours: Losses) -> float:
    """Return the largest relative difference between the losses of the first ten epochs.

    Raises:
        AssertionError: it is larger than 1e-4: the two sides did not do the same.
    """
    a, b = (np.array([run[:PARITY_EPOCHS] for run in side]) for side in (theirs, ours))
    largest = float(np.max(np.abs(a - b) / np.abs(a)))
    assert largest <= PARITY, f"losses differ by {largest:.1e} of their size"
    return largest


def measure(workload: Workload, rounds: int) -> Timing:
    """Time both sides of ``workload`` in turn, after a short warm-up."""
    workload.by_textbook(1)
    workload.by_us(1)
    theirs: list[float] = []
    ours: list[float] = []
    largest = 0.0
    for _ in range(rounds):
        begin = time.perf_counter()
        expected = workload.by_textbook()
        between = time.perf_counter()
        found = workload.by_us()
        end = time.perf_counter()
        theirs.append(between - begin)
        ours.append(end - between)
        largest = max(largest, difference(expected, found))
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    return Timing(
        workload=workload.name,
        epochs=workload.specs[0].training.epochs,
        textbook_s=statistics.median(theirs),
        ours_s=statistics.median(ours),
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        target=workload.target,
        largest_difference=largest,
    )


def line(t: Timing) -> str:
    """Return ``t`` as a line of the table."""
    spread = f"{t.ratio:.2f} [{t.low:.2f}–{t.high:.2f}]"
    return (
        f"{t.workload:<20} {t.epochs:>6} {t.textbook_s:>11.3f} {t.ours_s:>8.3f} {spread:>20}"
        f" {t.target:>7g} {'yes' if t.met else 'NO':>4} {t.largest_difference:>11.1e}"
    )


def machine() -> dict[str, str | int | None]:
    """Return what the numbers depend on."""
    return {
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description="Time our training beside the loop of a textbook.")
    parser.add_argument("--runs", type=int, default=5, help="rounds of each workload (5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    device.one_thread()
    if options.json:
        timings = [{**asdict(t), "met": t.met} for t in (measure(w, options.runs) for w in workloads())]
        print(json.dumps({"machine": machine(), "rounds": options.runs, "timings": timings}, indent=2))
        return
    print(" · ".join(f"{key} {value}" for key, value in machine().items()), f"· {options.runs} rounds")
    print(
        f"{'workload':<20} {'epochs':>6} {'textbook s':>11} {'ours s':>8} {'ratio [min–max]':>20}"
        f" {'target':>7} {'met':>4} {'difference':>11}"
    )
    for workload in workloads():
        print(line(measure(workload, options.runs)), flush=True)


if __name__ == "__main__":
    main()
