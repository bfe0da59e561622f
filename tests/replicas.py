"""Several servers on one dask cluster, and nginx before them: each thing in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.server import ROOT, Server, free_port, serving


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in the root of the repository; it and all that it started end with the block."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "DASK_LOGGING__DISTRIBUTED": "error"},
    )
    try:
        yield process
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.wait()
        for child in family:
            if child.is_running():
                child.kill()


@contextmanager
def dask_cluster(*workers: str, port: int | None = None) -> Iterator[str]:
    """Run a scheduler, and a worker for each of ``workers`` (its resources); give the scheduler's address."""
    port = port or free_port()
    address = f"tcp://127.0.0.1:{port}"
    here = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", str(port), *here]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", *here]
    with ExitStack() as stack:
        stack.enter_context(_running(scheduler))
        for resources in workers:
            stack.enter_context(_running([*worker, "--resources", resources]))
        yield address


@contextmanager
def servers(count: int, folder: Path, scheduler: str) -> Iterator[list[Server]]:
    """Run servers that share the workers of one scheduler."""
    with ExitStack() as stack:
        running = [
            stack.enter_context(serving(folder / f"log{number}", DASK_SCHEDULER_ADDRESS=scheduler))
            for number in range(count)
        ]
        for server in running:
            server.wait_ready()
        yield running


NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

_AROUND = """daemon off;
{user}pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{inside}
}}
"""


def nginx_configuration(ports: list[int], listen: int, folder: Path) -> str:
    """Return the README's own configuration of nginx, for these ports and without TLS."""
    block = re.search(r"```nginx\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block, "the README shows no configuration of nginx"
    server = re.compile(r"^ *server 127\.0\.0\.1:\d+(.*)\n", re.MULTILINE)
    options = server.findall(block[1])
    assert len(options) == 2, "the README shows two servers"
    lines = iter(["".join(f"    server 127.0.0.1:{port}{options[0]}\n" for port in ports), ""])
    inside = server.sub(lambda _: next(lines), block[1])
    inside = inside.replace("listen 443 ssl;", f"listen 127.0.0.1:{listen};")
    assert str(listen) in inside
    user = "user root;\n" if os.geteuid() == 0 else ""  # who may write to the folder
    return _AROUND.format(user=user, folder=folder, inside=inside)


@contextmanager
def nginx(ports: list[int], folder: Path) -> Iterator[int]:
    """Run nginx, as the README sets it up, before servers on these ports; give its own port."""
    assert NGINX, "nginx is not installed"
    listen = free_port()
    place = folder / "nginx.conf"
    place.write_text(nginx_configuration(ports, listen, folder))
    with _running([NGINX, "-c", str(place), "-p", str(folder)]) as process:
        limit = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", listen)) == 0:
                    break
            assert process.poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < limit
            time.sleep(0.05)
        yield listen
