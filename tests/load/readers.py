"""Many readers at once: ``python -m tests.load.readers [--readers 50] [--seconds 30] [--trainings 2]``.

Starts the server, opens the RNN page once per reader, then has each move a slider once a second while
trainings run. Prints the time from moving to the page's answer, errors, CPU and memory of the server.
The readers run in a process beside the server and take CPU as well: on two cores the figures are a
little worse than readers on other machines would see.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from tests.load.session import Session
from tests.server import Server, serving

LONG_RUN = "cell=LSTM&epochs=500&batch=4&hidden=128"


async def read(session: Session, until: float, rng: random.Random, times: list[float]) -> None:
    """Move the window slider once a second."""
    await asyncio.sleep(rng.random())
    while time.monotonic() < until:
        begin = time.monotonic()
        times.append(await session.set_slider("window", rng.randint(2, 60)))
        await asyncio.sleep(max(0.0, 1 - (time.monotonic() - begin)))


async def train(session: Session, until: float) -> None:
    """Start a long run and watch it as a browser does."""
    await session.press("学習開始")
    while time.monotonic() < until:
        await asyncio.sleep(min(session.polls.values(), default=0.5))
        await session.poll()


async def load(server: Server, readers: int, seconds: float, trainings: int) -> dict[str, float]:
    """Run the load and return its figures."""
    process = psutil.Process(server.process.pid)
    rng = random.Random(0)
    idle = process.memory_info().rss
    sessions = [Session(server.port, "vitals") for _ in range(readers)]
    trainers = [Session(server.port, "vitals", f"{LONG_RUN}&seed={i}") for i in range(trainings)]
    everyone = [*sessions, *trainers]
    for session in everyone:
        await session.__aenter__()
    opened = await asyncio.gather(*(session.open() for session in everyone))
    times: list[float] = []
    cpu = sum(process.cpu_times()[:2])
    until = time.monotonic() + seconds
    jobs = [read(s, until, random.Random(rng.random()), times) for s in sessions]
    results = await asyncio.gather(*jobs, *(train(t, until) for t in trainers), return_exceptions=True)
    cpu = sum(process.cpu_times()[:2]) - cpu
    errors = [e for s in everyone for e in s.errors] + [repr(r) for r in results if r is not None]
    running = server.health()["runs"]["running"]
    for session in everyone:
        await session.__aexit__(None, None, None)
    for error in errors[:5]:
        print("error:", error, file=sys.stderr)
    p50, p95, p99 = np.percentile(times, [50, 95, 99]) * 1000
    return {
        "readers": readers,
        "trainings running at the end": running,
        "interactions": len(times),
        "slowest opening, all at once (s)": max(opened),
        "p50 (ms)": p50,
        "p95 (ms)": p95,
        "p99 (ms)": p99,
        "errors": len(errors),
        "server CPU per interaction (ms)": cpu / len(times) * 1000,
        "server CPU share of one core": cpu / seconds,
        "RSS growth per session (KB)": (process.memory_info().rss - idle) / 1000 / len(everyone),
        "bytes received per interaction": sum(s.received for s in sessions) / len(times),
    }


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--trainings", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "log") as server:
        server.wait_ready()
        figures = asyncio.run(load(server, options.readers, options.seconds, options.trainings))
    for name, value in figures.items():
        print(f"{name:36} {value:10.3f}" if isinstance(value, float) else f"{name:36} {value:10}")


if __name__ == "__main__":
    main()
