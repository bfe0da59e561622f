"""Two servers on one dask cluster: one training for both, and one of them killed; nginx before them."""

import asyncio
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.session import Session, carry_out
from tests.replicas import NGINX, dask_cluster, nginx, servers
from tests.server import Server

EPOCHS = 60


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[Server]]:
    with dask_cluster("train=1", "quick=1") as scheduler, servers(2, tmp_path, scheduler) as running:
        yield running


async def watch(session: Session, done: str) -> None:
    limit = time.monotonic() + 90
    while not any(done in text for text in session.progress):
        assert time.monotonic() < limit, session.progress[-3:]
        await asyncio.sleep(0.2)
        await session.poll()


def test_a_run_is_trained_once_for_both_and_outlives_the_server_it_was_asked_from(pair: list[Server]) -> None:
    first, second = pair
    query = f"epochs={EPOCHS}&cell=LSTM&hidden=128"

    async def read() -> list[str]:
        async with (
            Session(first.port, "vitals", query) as here,
            Session(second.port, "vitals", query) as there,
        ):
            for session in (here, there):
                await session.open()
            await here.press("学習開始")
            await watch(here, "エポック 1")
            await there.press("学習開始")
            await watch(there, "エポック ")
            first.process.kill()
            first.process.wait()
            await watch(there, f"{EPOCHS} エポックで終了")
            return there.errors

    assert carry_out(read()) == []
    assert second.health()["runs"]["started"] == 1


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_behind_nginx_a_reader_keeps_their_server_and_finds_another_when_it_is_killed(
    pair: list[Server], tmp_path: Path
) -> None:
    with nginx([server.port for server in pair], tmp_path) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            seat = answer.headers["Set-Cookie"].split(";")[0]
        assert seat.startswith("lab_seat=")

        async def read() -> list[str]:
            async with Session(port, "vitals", "data=自分のCSV", cookie=seat) as session:
                await session.open()
                rows = b"".join(b"%d,%d\n" % (second, 70 + second % 9) for second in range(200))
                # Another connection: it has to reach the process that holds the session.
                await session.upload("vitals_csv", "own.csv", b"time [s],HR\n" + rows)
                await session.press("vitals_csv_use")
                errors = session.errors
            pair[0].process.kill()
            pair[0].process.wait()
            for reader in range(6):  # of some of them it was the server
                async with Session(port, "vitals", cookie=f"lab_seat={reader}") as session:
                    assert await session.open() < 10
                    errors += session.errors
            return errors

        assert carry_out(read()) == []
