"""A stranger at the real server: forged uploads, tricks with paths, starts without end, huge numbers."""

import socket
import time
from http.client import HTTPConnection, HTTPResponse

import pytest

from pages.ui.headers import HEADERS
from tests.load.session import Session, carry_out
from tests.server import Server

STARTS = 150


def ask(
    server: Server, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[HTTPResponse, bytes]:
    """Send one request as it is, with no path made tidy on the way."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


@pytest.mark.parametrize("path", ["/", "/vitals", "/healthz", "/_stcore/health", "/no/such/page"])
def test_every_answer_carries_the_security_headers(server: Server, path: str) -> None:
    answer, _ = ask(server, "GET", path)
    for name, value in HEADERS.items():
        assert answer.getheader(name) == value


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2f..%2fcore/engine.py",
        "/app/static/../../streamlit_app.py",
        "/component/x/..%5c..%5cpyproject.toml",
        "/media/../../../etc/hosts",
        "//etc/passwd",
        "/_stcore/upload_file/../../etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_app(server: Server, path: str) -> None:
    _, content = ask(server, "GET", path)
    for secret in (b"root:", b"localhost", b"class Engine", b"[project]", b"import streamlit"):
        assert secret not in content


def token(server: Server) -> dict[str, str]:
    answer, _ = ask(server, "GET", "/_stcore/health")
    cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
    assert cookie
    return {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2].strip('"')}


def form(data: bytes) -> tuple[bytes, dict[str, str]]:
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
    return head + data + b"\r\n--edge--\r\n", {"Content-Type": "multipart/form-data; boundary=edge"}


def test_an_upload_without_the_token_is_refused(server: Server) -> None:
    body, headers = form(b"HR\n70\n")
    answer, _ = ask(server, "PUT", "/_stcore/upload_file/somebody/some-file", body, **headers)
    assert answer.status == 403


def test_an_upload_for_a_session_that_does_not_exist_is_refused(server: Server) -> None:
    body, headers = form(b"HR\n70\n")
    answer, _ = ask(
        server, "PUT", "/_stcore/upload_file/somebody/some-file", body, **headers, **token(server)
    )
    assert answer.status in (400, 404)


def test_an_upload_above_the_limit_is_refused_and_kept_nowhere(server: Server) -> None:
    async def send() -> list[str]:
        async with Session(server.port, "vitals", "data=自分のCSV") as session:
            await session.open()
            await session.upload("vitals_csv", "large.csv", b"t,HR\n" + b"0,70\n" * 1_500_000)
            return session.errors

    assert carry_out(send()) == ["upload: 413"]
    body, headers = form(b"x" * (8 * 2**20))
    answer, _ = ask(
        server, "PUT", "/_stcore/upload_file/somebody/some-file", body, **headers, **token(server)
    )
    assert answer.status in (400, 404, 413)


def test_uploads_that_never_end_hold_nobody_up(server: Server) -> None:
    asked = {
        **token(server),
        "Content-Type": "multipart/form-data; boundary=edge",
        "Content-Length": "4000000",
    }
    head = "PUT /_stcore/upload_file/somebody/some-file HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in asked.items()) + "\r\n--edge\r\n"
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(head.encode())

        async def visit() -> tuple[float, list[str]]:
            async with Session(server.port, "vitals", "data=自分のCSV") as session:
                opened = await session.open()
                for connection in slow:
                    connection.sendall(b"x")
                await session.upload("vitals_csv", "own.csv", b"time [s],HR\n0,70\n1,71\n2,72\n")
                return opened, session.errors

        opened, errors = carry_out(visit())
        assert opened < 5
        assert errors == []
    finally:
        for connection in slow:
            connection.close()


def test_starts_without_end_hold_two_workers_at_most(server: Server) -> None:
    async def hammer() -> tuple[int, float]:
        most = 0
        async with Session(server.port, "vitals", "epochs=500") as session:
            await session.open()
            begin = time.monotonic()
            for number in range(STARTS):
                await session.set_number("seed", number)
                await session.press("学習開始")
                if number % 10 == 0:
                    counts = server.health()["runs"]
                    most = max(most, counts["running"] + counts["queued"] + counts["preparing"])
            taken = time.monotonic() - begin
            async with Session(server.port, "vitals") as other:
                opened = await other.open()
            assert opened < 5
        return most, taken

    most, taken = carry_out(hammer())
    assert most <= 4  # two that are under way, and two that have been told to stop
    assert taken < STARTS
    assert server.process.poll() is None


@pytest.mark.parametrize(
    "query",
    [
        "epochs=99999999999&hidden=99999&window=99999999",
        "vt_experiment=正直に評価する&ve_horizons=999999&ve_epochs=1e99&ve_hidden=100000&ve_folds=1000",
        "epochs=%3Cscript%3Ealert(1)%3C%2Fscript%3E&cell=$%5Cinput%7B/etc/passwd%7D$",
        "seed=" + "9" * 5000,
        "seed=inf&epochs=nan&window=-Infinity",
    ],
)
def test_huge_numbers_in_the_address_open_an_ordinary_page(server: Server, query: str) -> None:
    async def visit() -> list[str]:
        async with Session(server.port, "vitals", query) as session:
            await session.open()
            assert session.sliders
            return session.errors

    assert carry_out(visit()) == []
