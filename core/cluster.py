"""The lab's own small dask cluster: a scheduler and a few workers, in processes beside the server.

``python -m core.cluster`` starts it, prints the scheduler's address on one line and serves until its
standard input closes, so it never outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from core.steady import use_steady_clock

TRAINING_LANE = "train"
QUICK_LANE = "quick"
GIBI = 2**30

# One thread a worker, and no other in the process that workers are forked from.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}

CONFIG = {
    "logging": {"distributed": "error"},
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "200ms",
    # A reader's numbers stay in memory: nothing is spilled to a disk.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.scheduler.allowed-failures": 3,
    # A worker that hangs is replaced: its heartbeat comes from a thread that no training holds up.
    "distributed.scheduler.worker-ttl": os.environ.get("LAB_WORKER_TTL", "60s"),
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.admin.low-level-log-length": 100,
    # glibc would give pictures of some 100 kB back to the system after every operation, and fetch them anew.
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 32 * 2**20,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 64 * 2**20,
}


def lanes() -> dict[str, int]:
    """Return how many workers each lane gets: one training a core (at most four), one for quick requests."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    training = int(os.environ.get("LAB_TRAINING_WORKERS", "0")) or min(4, cores)
    return {TRAINING_LANE: training, QUICK_LANE: 1}


def memory_limit(workers: int) -> int:
    """Return the bytes that one worker may use before it is restarted.

    The resident size of an idle worker is already about 0.45 GiB, nearly all of it shared.
    ``LAB_WORKER_MEMORY`` (bytes) sets another limit.
    """
    chosen = int(os.environ.get("LAB_WORKER_MEMORY", "0"))
    if chosen:
        return chosen
    from distributed.system import MEMORY_LIMIT

    return int(min(2 * GIBI, max(0.9 * GIBI, MEMORY_LIMIT / (workers + 1))))


def configure() -> None:
    """Tell dask how the lab uses it; the server and the cluster both do."""
    import dask

    dask.config.set(CONFIG)
    use_steady_clock()


def use_warm_workers() -> None:
    """Fork workers from one process that has torch loaded, where the system can."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    import dask

    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    from distributed.utils import get_mp_context

    get_mp_context().set_forkserver_preload(["core.warm"])


async def serve() -> None:
    """Run the cluster until standard input ends."""
    from distributed import Nanny, Scheduler, SpecCluster

    counts = lanes()
    limit = memory_limit(sum(counts.values()))
    workers: dict[str, dict[str, Any]] = {
        f"{lane}-{number}": {
            "cls": Nanny,
            "options": {
                "nthreads": 1,
                "resources": {lane: 1},
                "memory_limit": limit,
                "host": "127.0.0.1",
                "dashboard": False,
                "dashboard_address": "127.0.0.1:0",
            },
        }
        for lane, count in counts.items()
        for number in range(count)
    }
    scheduler = {
        "cls": Scheduler,
        "options": {"host": "127.0.0.1", "port": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"},
    }
    async with SpecCluster(workers=workers, scheduler=scheduler, asynchronous=True) as cluster:
        print(cluster.scheduler_address, flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


def start() -> subprocess.Popen[bytes]:
    """Start a cluster in a process of its own, which ends when its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-m", "core.cluster"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "DASK_LOGGING__DISTRIBUTED": "error"},
        start_new_session=True,
    )


def address_of(process: subprocess.Popen[bytes] | None) -> str:
    """Wait for the address of a cluster that ``start`` started; empty when it ended instead."""
    if process is None or process.stdout is None:
        return ""
    return process.stdout.readline().decode().strip()


def end(process: subprocess.Popen[bytes], patience: float = 3.0) -> None:
    """End a cluster that ``start`` started: it leaves when its input closes, or is killed."""
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> None:
    """Configure dask and serve."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    configure()
    use_warm_workers()
    asyncio.run(serve())


if __name__ == "__main__":
    main()
