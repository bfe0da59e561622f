"""What loading ahead is worth on this machine: a DataLoader with 0, 1 or 2 workers on slow patients.

``python -m core.loading '{"item_ms": 3.0, …}'`` measures and prints the result as JSON; ``measure`` runs it
so, because a dask worker is daemonic and may not have children of its own. Only ``carry_out`` loads torch.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.specs import require_between, require_one_of

COSTS = ("wait", "compute", "none")
STARTS = ("fork", "forkserver", "spawn")
WORKERS = (0, 1, 2)
EPOCHS = 3
LIMIT_S = 60.0
WIDTHS = (256, 1024, 1536)
INPUTS = 64
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, kw_only=True)
class LoadSpec:
    """What to measure: how patients are loaded, and how heavy a step of training is.

    ``cost`` says what a patient's ``item_ms`` milliseconds are: waiting, as for a disk, or computing, as
    for unpacking an image. ``width`` is the size of the trained network's two hidden layers. ``start`` is
    how worker processes come into being; ``take`` tells measurements of one setting apart.
    """

    patients: int = 64
    batch_size: int = 8
    cost: str = "wait"
    item_ms: float = 3.0
    width: int = WIDTHS[2]
    start: str = "fork"
    take: int = 0

    def __post_init__(self) -> None:
        require_between("患者数", self.patients, 8, 128)
        require_between("バッチサイズ", self.batch_size, 1, 64)
        require_one_of("読み込みの種類", self.cost, COSTS)
        require_between("1人の読み込み時間", self.item_ms, 0.0, 5.0)
        require_between("ネットワークの幅", self.width, 1, WIDTHS[-1])
        require_one_of("ワーカーの起動方法", self.start, STARTS)
        require_between("測定の番号", self.take, 0, 10_000)

    @property
    def batches(self) -> int:
        """Return how many batches an epoch has."""
        return -(-self.patients // self.batch_size)


@dataclass(frozen=True, kw_only=True)
class Span:
    """Something that took from ``begin`` to ``end``, in seconds from the start of its epoch.

    ``who`` is the number of the worker that loaded the batch, from 1; 0 is the main process.
    """

    batch: int
    who: int
    begin: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A DataLoader with ``workers``: how long an epoch takes, and what happened when in the shortest.

    Attributes:
        start: seconds until the first batch of all arrived: with workers, their coming into being.
        seconds: of each later epoch.
        loading: of the batches of the shortest of them, ``training`` likewise.
    """

    workers: int
    start: float
    seconds: tuple[float, ...]
    loading: tuple[Span, ...] = field(repr=False)
    training: tuple[Span, ...] = field(repr=False)

    @property
    def epoch(self) -> float:
        """Return the shortest epoch: what disturbs a measurement can only make it longer."""
        return min(self.seconds)

    @property
    def step(self) -> float:
        """Return the mean seconds of training on one batch."""
        return sum(span.end - span.begin for span in self.training) / len(self.training)

    @property
    def load(self) -> float:
        """Return the mean seconds of loading one batch."""
        return sum(span.end - span.begin for span in self.loading) / len(self.loading)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Measurements with each number of workers, on a machine with ``cores`` for them."""

    cores: int
    start: str
    runs: tuple[Measured, ...]


def foretold(load: float, step: float, batches: int, workers: int) -> float:
    """Return the seconds an epoch should take: a batch loads in ``load`` and trains in ``step`` seconds.

    Alone, the main process does one after the other. With workers the first batch is waited for; from
    then on the slower of the two sets the pace.
    """
    if workers == 0:
        return batches * (load + step)
    return load + (batches - 1) * max(load / workers, step) + step


class SlowPatients:
    """A data set whose every patient takes its time; an item says who loaded it and when."""

    def __init__(self, spec: LoadSpec) -> None:
        self.spec = spec

    def __len__(self) -> int:
        return self.spec.patients

    def __getitem__(self, number: int) -> tuple[Any, int, int, float, float]:
        """Return inputs (INPUTS,), class, worker (from 1; 0 is none), and when loading began and ended."""
        import torch
        from torch.utils.data import get_worker_info

        begin = time.perf_counter()
        if self.spec.cost == "wait":
            time.sleep(self.spec.item_ms / 1e3)
        elif self.spec.cost == "compute":
            stop = time.thread_time() + self.spec.item_ms / 1e3
            while time.thread_time() < stop:
                pass
        inputs = torch.full((INPUTS,), number / self.spec.patients)
        worker = get_worker_info()
        who = 0 if worker is None else worker.id + 1
        return inputs, number % 2, who, begin, time.perf_counter()


def carry_out(spec: LoadSpec) -> Report:
    """Measure, in this process; it must not be daemonic."""
    import multiprocessing

    import torch
    from torch import nn

    torch.set_num_threads(1)
    methods = multiprocessing.get_all_start_methods()
    start = spec.start if spec.start in methods else methods[0]
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(INPUTS, spec.width),
        nn.ReLU(),
        nn.Linear(spec.width, spec.width),
        nn.ReLU(),
        nn.Linear(spec.width, 2),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def train(inputs: torch.Tensor, targets: torch.Tensor) -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()

    for _ in range(3):  # the first steps load what later ones have at hand
        train(torch.zeros(spec.batch_size, INPUTS), torch.zeros(spec.batch_size, dtype=torch.int64))
    runs = tuple(_with_workers(spec, workers, start, train) for workers in WORKERS)
    return Report(cores=cores(), start=start, runs=runs)


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _with_workers(spec: LoadSpec, workers: int, start: str, train: Callable[[Any, Any], None]) -> Measured:
    from torch.utils.data import DataLoader

    loader: DataLoader[Any] = DataLoader(
        SlowPatients(spec),  # type: ignore[arg-type]  # anything with items and a length
        batch_size=spec.batch_size,
        num_workers=workers,
        persistent_workers=workers > 0,
        multiprocessing_context=start if workers else None,
    )
    first, seconds, spans = 0.0, [], []
    for _ in range(EPOCHS):
        loading: list[Span] = []
        training: list[Span] = []
        zero = time.perf_counter()
        for batch, (inputs, targets, who, begins, ends) in enumerate(loader):
            arrived = time.perf_counter() - zero
            first = first or arrived
            train(inputs, targets)
            span = float(begins.min()) - zero, float(ends.max()) - zero
            loading.append(Span(batch=batch, who=int(who[0]), begin=span[0], end=span[1]))
            training.append(Span(batch=batch, who=0, begin=arrived, end=time.perf_counter() - zero))
        seconds.append(time.perf_counter() - zero)
        spans.append((tuple(loading), tuple(training)))
    shortest = min(range(1, EPOCHS), key=seconds.__getitem__)
    return Measured(
        workers=workers,
        start=first,
        seconds=tuple(seconds[1:]),
        loading=spans[shortest][0],
        training=spans[shortest][1],
    )


def to_json(report: Report) -> str:
    """Write a report as one line."""
    return json.dumps(asdict(report))


def from_json(text: str) -> Report:
    """Read what ``to_json`` wrote."""
    told = json.loads(text)

    def runs() -> Iterator[Measured]:
        for run in told["runs"]:
            spans = {name: tuple(Span(**span) for span in run[name]) for name in ("loading", "training")}
            yield Measured(**{**run, **spans, "seconds": tuple(run["seconds"])})

    return Report(cores=told["cores"], start=told["start"], runs=tuple(runs()))


def measure(spec: LoadSpec, interrupted: Callable[[], bool]) -> Report | None:
    """Measure in a process of its own; None when ``interrupted()`` turned true meanwhile.

    Raises:
        TimeoutError: it took longer than ``LIMIT_S`` seconds.
        RuntimeError: it ended without a result.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "core.loading", json.dumps(asdict(spec))],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, **ONE_THREAD},
        start_new_session=True,
    )
    limit = time.monotonic() + LIMIT_S
    try:
        while True:
            try:
                told, _ = process.communicate(timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                if interrupted():
                    return None
                if time.monotonic() > limit:
                    raise TimeoutError("core.loading") from None
    finally:
        _end(process)
    if process.returncode != 0:
        raise RuntimeError(f"core.loading ended with {process.returncode}")
    return from_json(told.decode())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Make sure that neither the process nor its workers are left."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # its own session, so its workers too
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def main() -> None:
    """Measure what the command line asks for; never for much longer than ``LIMIT_S`` seconds."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(LIMIT_S) + 5)  # should whoever asked be gone
    print(to_json(carry_out(LoadSpec(**json.loads(sys.argv[1])))), flush=True)


if __name__ == "__main__":
    main()
