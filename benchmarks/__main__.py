"""Everything beside what it is compared with, in one table: ``python -m benchmarks [--rounds 3]``.

Training beside a textbook's loop; pages beside the same pages with the settings that Streamlit comes with.
Both sides take turns, and the ratio is the median of the rounds' own ratios. About six minutes on two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.training import machine, measure, workloads
from core import device
from tests.load.first_page import first_page
from tests.load.readers import load
from tests.server import serving

STOCK = {"STREAMLIT_SERVER_FILE_WATCHER_TYPE": "auto", "STREAMLIT_RUNNER_POST_SCRIPT_GC": "true"}
READERS, SECONDS, TRAININGS = 30, 15.0, 2
WATCHED = {
    "p50 (ms)": "slider to answer, median (ms)",
    "p95 (ms)": "slider to answer, 95th percentile (ms)",
    "slowest opening, all at once (s)": f"{READERS} readers open at once, slowest (s)",
    "server CPU per interaction (ms)": "server CPU an interaction (ms)",
}
COLD = "start to first page (s)"


def pages(settings: dict[str, str]) -> dict[str, float]:
    """Let readers move sliders while networks train, on a server with ``settings``; then start one anew."""
    with tempfile.TemporaryDirectory() as folder:
        with serving(Path(folder) / "log", uvicorn=False, **settings) as server:
            server.wait_ready()
            figures = asyncio.run(load(server, READERS, SECONDS, TRAININGS))
        with serving(Path(folder) / "log", uvicorn=False, **settings) as server:
            return {**figures, COLD: asyncio.run(first_page(server))[COLD]}


def of_pages(rounds: int) -> Iterator[tuple[str, list[float], list[float]]]:
    """Measure both sides in turn; yield each figure's name, the stock side's values and ours."""
    pairs = [(pages(STOCK), pages({})) for _ in range(rounds)]
    for name, told in {**WATCHED, COLD: "start of the server to first page (s)"}.items():
        yield told, [stock[name] for stock, _ in pairs], [ours[name] for _, ours in pairs]


def line(what: str, theirs: float, ours: float, ratio: float, low: float, high: float) -> str:
    """Return a row of the table, in Markdown."""
    return f"| {what} | {theirs:.3f} | {ours:.3f} | {ratio:.2f} [{low:.2f}–{high:.2f}] |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Everything beside what it is compared with, in one table.")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    device.one_thread()
    print(" · ".join(f"{key} {value}" for key, value in machine().items()), f"· {rounds} rounds")
    print("\n| what | textbook or stock | ours | ratio [min–max] |\n|:--|--:|--:|--:|")
    for workload in workloads():
        t = measure(workload, rounds)
        print(line(f"train {t.workload} (s)", t.textbook_s, t.ours_s, t.ratio, t.low, t.high), flush=True)
    for name, stock, ours in of_pages(rounds):
        ratios = [a / b for a, b in zip(stock, ours, strict=True)]
        middle = statistics.median(ratios)
        shown = line(
            name, statistics.median(stock), statistics.median(ours), middle, min(ratios), max(ratios)
        )
        print(shown, flush=True)


if __name__ == "__main__":
    main()
