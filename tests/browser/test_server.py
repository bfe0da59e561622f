"""The server as a process: ways to start it, health, and a clean end."""

import time
from pathlib import Path

import psutil
import pytest

from tests.server import serving

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("uvicorn", [False, True])
def test_it_starts_both_ways_never_loads_torch_and_ends_within_five_seconds(
    tmp_path: Path, uvicorn: bool
) -> None:
    with serving(tmp_path / "log", uvicorn=uvicorn) as server:
        server.wait_ready()
        assert server.health()["status"] == "ok"
        process = psutil.Process(server.process.pid)
        if Path("/proc/self/maps").exists():
            assert "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text()
        family = process.children(recursive=True)
        assert family
        assert server.terminate() < 5
        _, alive = psutil.wait_procs(family, timeout=3)
        assert not alive
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_server_that_is_killed_takes_its_engine_with_it(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        server.wait_ready()
        family = psutil.Process(server.process.pid).children(recursive=True)
        server.process.kill()
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not alive


def test_idle_server_and_workers_fit_a_small_host(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        server.wait_ready()
        time.sleep(1)
        process = psutil.Process(server.process.pid)
        family = [process, *process.children(recursive=True)]
        used = sum(p.memory_full_info().pss for p in family)  # shared pages are counted once
        assert used < 1.6e9
