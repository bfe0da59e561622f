"""From process start to first page: ``python -m tests.load.first_page [--runs 5]``.

Starts the server anew each time, opens the RNN page at once over a deep link, then presses start as
soon as workers are up. Prints the medians of: process start to the port answering, to the first page
being complete, to the engine being ready; and click to the first point on the loss chart (the first
answer that carries an epoch, polled as a browser does).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tests.load.session import Session
from tests.server import Server, serving


async def first_page(server: Server) -> dict[str, float]:
    """Open the page on a server that has answered nobody yet, and train."""
    listening = time.monotonic() - server.started
    async with Session(server.port, "vitals", "epochs=200") as session:
        await session.open()
        page = time.monotonic() - server.started
        while server.health()["engine"] != "ready":
            await asyncio.sleep(0.02)
        ready = time.monotonic() - server.started
        begin = time.monotonic()
        await session.press("学習開始")
        while not any("エポック " in text for text in session.progress):
            await asyncio.sleep(min(session.polls.values(), default=0.5))
            await session.poll()
        return {
            "start to port (s)": listening,
            "start to first page (s)": page,
            "start to engine ready (s)": ready,
            "click to first point (s)": time.monotonic() - begin,
        }


def main() -> None:
    """Parse the command line, run, print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = []
    for _ in range(parser.parse_args().runs):
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "log") as server:
            runs.append(asyncio.run(first_page(server)))
    for name in runs[0]:
        values = [run[name] for run in runs]
        print(f"{name:28} median {statistics.median(values):.3f}   ({min(values):.3f} to {max(values):.3f})")


if __name__ == "__main__":
    main()
