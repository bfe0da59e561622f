"""A reader without a browser: speaks Streamlit's websocket protocol, as far as a load test needs it."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Self, TypeVar

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

EARLY = ForwardMsg.FINISHED_EARLY_FOR_RERUN


T = TypeVar("T")


def carry_out(visit: Coroutine[Any, Any, T]) -> T:
    """Carry out a visit in a thread of its own: a browser of the same process may hold this one's loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, visit).result()


class Session:
    """One browser session on one page. ``widgets`` maps the keys and labels of widgets to their ids.

    ``cookie`` goes with every request, for a balancer that tells readers apart by one.
    """

    def __init__(self, port: int, page: str, query: str = "", cookie: str = "") -> None:
        self._cookie = cookie
        self._address = f"ws://127.0.0.1:{port}/_stcore/stream"
        self._port, self._name = port, ""
        self._answers: list[ForwardMsg] = []
        self._page, self._query = page, query
        self._states: dict[str, WidgetState] = {}
        self._page_hash = ""
        self.widgets: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        self.polls: dict[str, float] = {}
        self.sliders: dict[str, tuple[float, float, float]] = {}
        self.main_buttons: list[str] = []
        self.errors: list[str] = []
        self.progress: list[str] = []
        self.received = 0

    async def __aenter__(self) -> Self:
        self._socket = await websockets.connect(
            self._address,
            subprotocols=[websockets.Subprotocol("streamlit")],
            max_size=2**26,
            compression=None,
            additional_headers={"Cookie": self._cookie} if self._cookie else None,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()

    async def open(self) -> float:
        """Load the page; return the seconds until its script had finished."""
        return await self._rerun()

    async def set_slider(self, key: str, value: float) -> float:
        """Move a slider and return the seconds until the page had answered."""
        state = WidgetState(id=self.widgets[key])
        state.double_array_value.data.append(value)
        self._states[key] = state
        return await self._rerun(fragment=self._fragments.get(state.id, ""))

    async def set_number(self, key: str, value: int) -> float:
        """Type a whole number and return the seconds until the page had answered."""
        state = WidgetState(id=self.widgets[key], int_value=value)
        self._states[key] = state
        return await self._rerun(fragment=self._fragments.get(state.id, ""))

    async def move(self, rng: random.Random) -> float:
        """Move one of the page's sliders somewhere; return the seconds until the page had answered."""
        name = rng.choice(sorted(self.sliders))
        low, high, step = self.sliders[name]
        place = rng.randint(0, round((high - low) / step))
        return await self.set_slider(name, min(low + place * step, high))

    async def press(self, key: str) -> float:
        """Press a button and return the seconds until the page had answered."""
        state = WidgetState(id=self.widgets[key], trigger_value=True)
        return await self._rerun(state, fragment=self._fragments.get(state.id, ""))

    async def upload(self, key: str, name: str, data: bytes) -> float:
        """Give a file to an uploader as the browser does; return the seconds until the page had answered."""
        message = BackMsg()
        asked = message.file_urls_request
        asked.request_id, asked.session_id = uuid.uuid4().hex, self._name
        asked.file_names.append(name)
        await self._socket.send(message.SerializeToString())
        while not self._answers:
            self._take(await self._socket.recv())
        (urls,) = self._answers.pop().file_urls_response.file_urls
        await asyncio.to_thread(self._put, urls.upload_url, name, data)
        state = WidgetState(id=self.widgets[key])
        state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(data), file_id=urls.file_id, file_urls=urls
        )
        self._states[key] = state
        return await self._rerun(fragment=self._fragments.get(state.id, ""))

    def _put(self, path: str, name: str, data: bytes) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("GET", "/_stcore/health", headers={"Cookie": self._cookie})
        answer = connection.getresponse()
        answer.read()
        cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        cookies = "; ".join(filter(None, (cookie, self._cookie)))
        headers = {"Content-Type": f"multipart/form-data; boundary={edge}", "Cookie": cookies}
        headers["X-Xsrftoken"] = cookie.partition("=")[2].strip('"')
        body = head.encode() + data + f"\r\n--{edge}--\r\n".encode()
        connection.request("PUT", "/" + path.lstrip("/"), body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status not in (200, 204):
            self.errors.append(f"upload: {answer.status}")

    async def poll(self) -> None:
        """Rerun, once, each fragment that the page asked to have rerun regularly."""
        for fragment in list(self.polls):
            await self._rerun(fragment=fragment, auto=True)

    async def _rerun(
        self, trigger: WidgetState | None = None, fragment: str = "", auto: bool = False
    ) -> float:
        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.page_name, client.page_script_hash = (
            self._query,
            self._page,
            self._page_hash,
        )
        client.fragment_id, client.is_auto_rerun = fragment, auto
        if not fragment:
            self.polls.clear()  # the whole page is drawn anew
        client.widget_states.widgets.extend(self._states.values())
        if trigger is not None:
            client.widget_states.widgets.append(trigger)
        begin = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        await asyncio.wait_for(self._finished(), timeout=60)
        return time.perf_counter() - begin

    async def _finished(self) -> None:
        while not self._take(await self._socket.recv()):
            pass

    def _take(self, raw: str | bytes) -> bool:
        """Take a message; True when it says that the page is complete."""
        assert isinstance(raw, bytes)
        self.received += len(raw)
        message = ForwardMsg.FromString(raw)
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "new_session":
            self._name = message.new_session.initialize.session_id or self._name
        elif kind == "file_urls_response":
            self._answers.append(message)
        elif kind == "auto_rerun":
            self.polls[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "delta" and message.delta.HasField("new_element"):
            self._note(message)
        if kind == "script_finished" and message.script_finished == EARLY:
            self.polls.clear()
        return bool(kind == "script_finished" and message.script_finished != EARLY)

    def _note(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(element.exception.type)
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.errors.append(element.alert.body)
        elif kind == "progress":
            self.progress.append(element.progress.text)
        elif kind in ("slider", "button", "file_uploader", "number_input"):
            widget = getattr(element, kind)
            if kind == "slider" and widget.type == widget.SLIDER and len(widget.default) == 1:
                self.sliders[widget.id] = (widget.min, widget.max, widget.step)
                self.widgets[widget.id] = widget.id
            if kind == "button" and widget.type == "primary" and widget.id not in self.main_buttons:
                self.main_buttons.append(widget.id)
                self.widgets[widget.id] = widget.id
            self._fragments[widget.id] = message.delta.fragment_id
            self.widgets[widget.label] = widget.id
            self.widgets[widget.id.rsplit("-", 1)[-1]] = widget.id
