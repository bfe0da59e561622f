"""The real server when something around it breaks: an end in the middle of a run, a full disk."""

import asyncio
import time
from pathlib import Path

import psutil

from tests.load.session import Session, carry_out
from tests.server import Server, serving


async def train(port: int, query: str, done: str) -> list[str]:
    """Start a run and watch it as a browser does until its progress says ``done``; return the errors."""
    async with Session(port, "vitals", query) as session:
        await session.open()
        await session.press("学習開始")
        limit = time.monotonic() + 60
        while not any(done in text for text in session.progress):
            assert time.monotonic() < limit, session.progress[-3:]
            await asyncio.sleep(0.2)
            await session.poll()
        return session.errors


def test_an_end_in_the_middle_of_a_run_leaves_no_process_behind(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        server.wait_ready()
        assert carry_out(train(server.port, "epochs=500&cell=LSTM&hidden=128", "エポック 1")) == []
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert family
        assert server.terminate() < 10
        gone, alive = psutil.wait_procs(family, timeout=10)
        assert not alive
        assert gone


def test_a_run_stops_once_every_browser_that_watched_it_has_been_closed(tmp_path: Path) -> None:
    query = "epochs=500&cell=LSTM&hidden=128"

    async def come_and_go(port: int, server: Server) -> None:
        async with Session(port, "vitals", query) as first:
            await first.open()
            async with Session(port, "vitals", query) as second:
                await second.open()
                for session in (first, second):
                    await session.press("学習開始")
            assert server.health()["runs"]["running"] + server.health()["runs"]["queued"] == 1
            limit = time.monotonic() + 6  # longer than a run is kept without anybody
            while time.monotonic() < limit:
                await asyncio.sleep(0.5)
                await first.poll()
            assert server.health()["runs"]["running"] == 1  # the first still watches

    with serving(tmp_path / "log", LAB_FORGET_AFTER="3") as server:
        server.wait_ready()
        carry_out(come_and_go(server.port, server))
        limit = time.monotonic() + 15
        while any(server.health()["runs"][state] for state in ("running", "queued", "preparing")):
            assert time.monotonic() < limit
            time.sleep(0.2)


def test_on_a_disk_that_has_filled_up_a_run_goes_to_its_end(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        server.wait_ready()
        root = psutil.Process(server.process.pid)
        for process in (root, *root.children(recursive=True)):
            process.rlimit(psutil.RLIMIT_FSIZE, (0, 0))  # not a byte more, in no file, the log included
        assert carry_out(train(server.port, "epochs=20", "20 エポックで終了")) == []
        assert server.health()["status"] == "ok"
