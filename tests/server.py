"""Start the real server in a process of its own, as a person would, and end it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    started: float

    @property
    def url(self) -> str:
        """Return the address of the home page, without the last slash."""
        return f"http://127.0.0.1:{self.port}"

    def health(self) -> dict[str, Any]:
        """Ask ``/healthz``."""
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
            health: dict[str, Any] = json.load(answer)
            return health

    def wait_listening(self, seconds: float = 30) -> None:
        """Wait until the port answers."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            assert self.process.poll() is None, self.log.read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.005)
        raise TimeoutError("the server does not listen")

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until the engine has workers."""
        limit = time.monotonic() + seconds
        while self.health()["engine"] != "ready":
            assert time.monotonic() < limit, "the engine did not come up"
            time.sleep(0.1)

    def terminate(self) -> float:
        """Send SIGTERM and return the seconds until the process was gone."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        return time.monotonic() - begin


@contextmanager
def serving(log: Path, *, uvicorn: bool = False, **environment: str) -> Iterator[Server]:
    """Serve the app on a free port of this machine's loopback address."""
    port = free_port()
    if uvicorn:
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "streamlit_app:app",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
    else:
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
        command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    with log.open("wb") as out:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    server = Server(port=port, process=process, log=log, started=started)
    try:
        server.wait_listening()
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
