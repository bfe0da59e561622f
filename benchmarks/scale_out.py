"""Runs per second with more workers: ``python -m benchmarks.scale_out [--workers 1 2 4] [--runs 24]``.

A dask scheduler and workers as processes of their own, as the README starts them, and trainings that differ
in their seed: a network of the RNN lesson as it opens, and a larger one. All are asked for at once; the time
is that until the last is done, after each worker has trained once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import replace

from core.engine import MAX_UNFINISHED, Engine
from core.jobs import forecasters
from core.specs import ForecastSpec, ModelSpec, TrainingSpec
from tests.replicas import dask_cluster

WORKLOADS = {
    "as the lesson opens": ForecastSpec(),
    "LSTM of 64 units": ForecastSpec(
        model=ModelSpec(name="lstm", hidden=64), training=TrainingSpec(epochs=60)
    ),
}


def seconds(engine: Engine, spec: ForecastSpec, first_seed: int, runs: int) -> float:
    """Train ``runs`` networks that differ in their seed; return the seconds until the last is done."""
    begin = time.perf_counter()
    waiting = []
    for number in range(runs):
        seeded = replace(spec, training=replace(spec.training, seed=first_seed + number))
        reader = f"reader {number // MAX_UNFINISHED}"
        waiting.append(engine.submit(forecasters, (seeded,), None, name=None, by=reader))
    for run in waiting:
        run.wait(300)
        assert run.state == "finished", run.problem
    return time.perf_counter() - begin


def main() -> None:
    """Parse the command line and print a table, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, {asked.runs} runs a round, median of {asked.rounds} rounds\n")
    print("| workers | " + " | ".join(f"{name}: runs/s" for name in WORKLOADS) + " |")
    print("|--:|" + "--:|" * len(WORKLOADS))
    for workers in asked.workers:
        with dask_cluster(*["train=1"] * workers, "quick=1") as scheduler:
            engine = Engine(scheduler)
            engine.start()
            assert engine.wait_ready(60)
            seed, rates = 0, []
            for spec in WORKLOADS.values():
                seconds(engine, spec, 9000, 4 * workers)
                times = []
                for _ in range(asked.rounds):
                    times.append(seconds(engine, spec, seed, asked.runs))
                    seed += asked.runs
                rates.append(asked.runs / statistics.median(times))
            engine.close()
        print(f"| {workers} | " + " | ".join(f"{rate:.2f}" for rate in rates) + " |", flush=True)


if __name__ == "__main__":
    main()
