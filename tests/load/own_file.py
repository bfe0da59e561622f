"""A reader trains on a large file and goes on moving a slider: ``python -m tests.load.own_file``.

Starts the server, uploads 10,000 rows of five signals to the RNN page, trains an LSTM on all five at many
horizons, and meanwhile moves a slider twice a second. Prints how long the page took to answer.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path

import numpy as np

from core.vitals.sample import SampleSpec, sample_csv
from tests.load.session import Session
from tests.server import Server, serving

ROWS = 10_000
QUERY = (
    "vt_experiment=正直に評価する&ve_data=自分のCSV&ve_epochs=200&ve_patience=50"
    "&ve_length=60&ve_horizons=30&ve_batch=16&ve_hidden=64"
)


def five_signals() -> bytes:
    """Return a CSV of 10,000 rows: the clock and five vital signs of a simulated patient."""
    whole = sample_csv(SampleSpec(hours=ROWS / 60, step_s=60))
    return "\n".join(",".join(line.split(",")[:6]) for line in whole.splitlines()).encode()


async def measure(server: Server, seconds: float) -> dict[str, float]:
    """Upload, train, move the slider; return the figures."""
    rng, times = random.Random(0), []
    async with Session(server.port, "vitals", QUERY) as session:
        await session.open()
        uploading = await session.upload("vitals_csv", "five.csv", five_signals())
        await session.press("vitals_csv_use")
        begin = time.monotonic()
        await session.press("学習して評価する")
        until = begin + seconds
        while time.monotonic() < until:
            await session.poll()
            times.append(await session.set_slider("ve_length", rng.randint(2, 120)))
            await asyncio.sleep(0.5)
        running = server.health()["runs"]["running"]
        epochs = session.progress[-1] if session.progress else ""
    p50, p95 = np.percentile(times, [50, 95]) * 1000
    if session.errors:
        print("errors:", session.errors[:3])
    print("last seen:", epochs)
    return {
        "upload, read and shown (s)": uploading,
        "trainings running at the end": running,
        "slider moves": len(times),
        "p50 (ms)": p50,
        "p95 (ms)": p95,
        "slowest (ms)": max(times) * 1000,
        "errors": len(session.errors),
    }


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "log") as server:
        server.wait_ready()
        figures = asyncio.run(measure(server, options.seconds))
    for name, value in figures.items():
        print(f"{name:32} {value:10.3f}" if isinstance(value, float) else f"{name:32} {value:10}")


if __name__ == "__main__":
    main()
