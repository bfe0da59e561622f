"""A whole class on each lesson in turn: ``python -m tests.load.classroom [--readers 100] [--seconds 60]``.

Every reader opens the lesson and moves one of its sliders once a second; one in five starts a training or
whatever the lesson's main button does, and one in twenty uploads a CSV where the lesson takes one. All open
the page within one second. Prints for every lesson how long the page took to answer, errors, and the CPU
and memory of the server. The readers run beside the server and take CPU as well.

With ``--servers 2`` the class reads from two servers behind nginx, as the README sets it up, which share one
cluster; ``--rest 5`` lets every reader move a slider every five seconds instead of every second.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from core.cluster import lanes as lab_lanes
from core.vitals.sample import SampleSpec, sample_csv
from tests.load.session import Session
from tests.replicas import dask_cluster, nginx, servers
from tests.server import serving

LESSONS = (
    "training_cycle",
    "loss_functions",
    "derivatives",
    "gradient_descent",
    "optimizers",
    "learning_rate",
    "mini_batches",
    "activations",
    "overfitting",
    "augmentation",
    "regularization",
    "vitals",
)
TRAINS, UPLOADS = 5, 20  # one reader in so many
PAUSE_S = 2.0


@dataclass
class Figures:
    """What the readers of one lesson saw."""

    openings: list[float] = field(default_factory=list)
    moves: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


async def reader(port: int, lesson: str, number: int, until: float, seen: Figures, rest: float) -> None:
    """Open the lesson, do what a reader of that number does, and move a slider every ``rest`` seconds."""
    rng = random.Random(number)
    await asyncio.sleep(rng.random())
    query = ""
    uploads = lesson == "vitals" and number % UPLOADS == 0
    if uploads:
        query = "data=自分のCSV"
    async with Session(port, lesson, query, cookie=f"lab_seat={number}") as session:
        try:
            seen.openings.append(await session.open())
            if uploads:
                text = sample_csv(SampleSpec(seed=number, hours=6))
                await session.upload("vitals_csv", "six_hours.csv", text.encode())
                await session.press("vitals_csv_use")
            if number % TRAINS == 0 and session.main_buttons:
                await session.press(session.main_buttons[0])
            while time.monotonic() < until:
                begin = time.monotonic()
                await session.poll()
                if session.sliders:
                    seen.moves.append(await session.move(rng))
                await asyncio.sleep(max(0.0, rest - (time.monotonic() - begin)))
        except Exception as error:
            seen.errors.append(repr(error))
        seen.errors += session.errors


async def visit(port: int, lesson: str, readers: int, seconds: float, rest: float = 1) -> Figures:
    """Let a class read one lesson."""
    seen, until = Figures(), time.monotonic() + seconds
    await asyncio.gather(*(reader(port, lesson, number, until, seen, rest) for number in range(readers)))
    return seen


@contextmanager
def school(folder: Path, count: int) -> Iterator[tuple[int, list[psutil.Process]]]:
    """Run one server, or ``count`` behind nginx; give the port to read from and the servers' processes."""
    if count == 1:
        with serving(folder / "log") as server:
            server.wait_ready()
            yield server.port, [psutil.Process(server.process.pid)]
        return
    lanes = ["train=1"] * lab_lanes()["train"] + ["quick=1"]
    with (
        dask_cluster(*lanes) as scheduler,
        servers(count, folder, scheduler) as running,
        nginx([server.port for server in running], folder) as port,
    ):
        yield port, [psutil.Process(server.process.pid) for server in running]


def _percentiles(times: list[float]) -> list[float]:
    return [float(v) * 1000 for v in np.percentile(times, [50, 95, 99])] if times else [float("nan")] * 3


def main() -> None:
    """Parse the command line, let the class read, print a line a lesson."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--rest", type=float, default=1, help="seconds from one move to the next")
    parser.add_argument("--lessons", nargs="+", default=LESSONS, choices=LESSONS)
    parser.add_argument(
        "--after", type=float, default=0, help="seconds to wait, at the end, for memory to return"
    )
    asked = parser.parse_args()
    names = ("p50", "p95", "p99", "open p50", "open max", "moves", "errors", "CPU ms", "KB/reader")
    print("lesson".ljust(18) + "".join(name.rjust(11) for name in names))
    with tempfile.TemporaryDirectory() as folder, school(Path(folder), asked.servers) as (port, processes):

        def memory() -> int:
            return sum(process.memory_info().rss for process in processes)

        def used() -> float:
            return sum(sum(process.cpu_times()[:2]) for process in processes)

        for lesson in asked.lessons:
            asyncio.run(visit(port, lesson, 2 * asked.servers, 3))  # what each server keeps
        idle = memory()
        for lesson in asked.lessons:
            before, cpu = memory(), used()
            seen = asyncio.run(visit(port, lesson, asked.readers, asked.seconds, asked.rest))
            cpu = used() - cpu
            grown = (memory() - before) / 1000 / asked.readers
            p50, p95, p99 = _percentiles(seen.moves)
            first, last = _percentiles(seen.openings)[0], max(seen.openings, default=0) * 1000
            each = cpu * 1000 / max(1, len(seen.moves) + len(seen.openings))
            figures = [p50, p95, p99, first, last, len(seen.moves), len(seen.errors), each, grown]
            print(lesson.ljust(18) + "".join(f"{value:11.1f}" for value in figures), flush=True)
            for error in sorted(set(seen.errors))[:3]:
                print("   ", error[:200], file=sys.stderr)
            time.sleep(PAUSE_S)
        if asked.after:
            time.sleep(asked.after)
        kept = memory() / idle - 1
        print(f"memory of the servers: {idle / 1e6:.0f} MB at first, {kept:+.0%} at the end")


if __name__ == "__main__":
    main()
