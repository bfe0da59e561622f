"""What one reader costs the server's CPU, lesson by lesson: ``python -m tests.load.server_cost``.

One reader alone opens each lesson some times and moves its sliders one after the other; nobody else is
there, so the figures are the server's own work and hardly depend on what else the machine does. With a
hundred readers who each move a slider once a second, ten milliseconds an interaction fill one core.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
from pathlib import Path

import psutil

from tests.load.classroom import LESSONS
from tests.load.session import Session
from tests.server import Server, serving


def _cpu_ms(*processes: psutil.Process) -> float:
    times = [process.cpu_times() for process in processes]
    return 1000.0 * sum(t.user + t.system for t in times)


async def cost(server: Server, lesson: str, openings: int, moves: int) -> tuple[float, float, float]:
    """Return the milliseconds of CPU of an opening, of a move, and of a move in the workers."""
    process, rng = psutil.Process(server.process.pid), random.Random(0)
    computing = process.children(recursive=True)
    async with Session(server.port, lesson) as first:  # stays, or scripts would be read anew
        await first.open()  # what is made once for all readers
        for _ in range(5):
            await first.move(rng)
        before = _cpu_ms(process)
        for _ in range(openings):
            async with Session(server.port, lesson) as session:
                await session.open()
        opened = (_cpu_ms(process) - before) / openings
        before, computed = _cpu_ms(process), _cpu_ms(*computing)
        for _ in range(moves):
            await first.move(rng)
        return opened, (_cpu_ms(process) - before) / moves, (_cpu_ms(*computing) - computed) / moves


def main() -> None:
    """Parse the command line and print a line a lesson."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--openings", type=int, default=20)
    parser.add_argument("--moves", type=int, default=100)
    parser.add_argument("--lessons", nargs="+", default=LESSONS, choices=LESSONS)
    asked = parser.parse_args()
    names = ("opening ms", "move ms", "workers ms")
    print("lesson".ljust(18) + "".join(name.rjust(12) for name in names))
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "log") as server:
        server.wait_ready()
        figures = []
        for lesson in asked.lessons:
            figures.append(asyncio.run(cost(server, lesson, asked.openings, asked.moves)))
            print(lesson.ljust(18) + "".join(f"{value:12.1f}" for value in figures[-1]), flush=True)
    print("median".ljust(18) + "".join(f"{statistics.median(v):12.1f}" for v in zip(*figures, strict=True)))


if __name__ == "__main__":
    main()
