"""A reader without a browser: speaks Streamlit's websocket protocol, as far as a load test needs it."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

EARLY = ForwardMsg.FINISHED_EARLY_FOR_RERUN


class Session:
    """One browser session on one page. ``widgets`` maps the keys and labels of widgets to their ids."""

    def __init__(self, port: int, page: str, query: str = "") -> None:
        self._address = f"ws://127.0.0.1:{port}/_stcore/stream"
        self._page, self._query = page, query
        self._states: dict[str, WidgetState] = {}
        self._page_hash = ""
        self.widgets: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        self.polls: dict[str, float] = {}
        self.errors: list[str] = []
        self.progress: list[str] = []
        self.received = 0

    async def __aenter__(self) -> Self:
        self._socket = await websockets.connect(
            self._address,
            subprotocols=[websockets.Subprotocol("streamlit")],
            max_size=2**26,
            compression=None,
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

    async def press(self, key: str) -> float:
        """Press a button and return the seconds until the page had answered."""
        state = WidgetState(id=self.widgets[key], trigger_value=True)
        return await self._rerun(state, fragment=self._fragments.get(state.id, ""))

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
        client.widget_states.widgets.extend(self._states.values())
        if trigger is not None:
            client.widget_states.widgets.append(trigger)
        if not auto:
            self.polls.clear()
        begin = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        await asyncio.wait_for(self._finished(), timeout=60)
        return time.perf_counter() - begin

    async def _finished(self) -> None:
        while True:
            raw = await self._socket.recv()
            assert isinstance(raw, bytes)
            self.received += len(raw)
            message = ForwardMsg.FromString(raw)
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self._page_hash = message.navigation.page_script_hash
            elif kind == "auto_rerun":
                self.polls[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            elif kind == "delta" and message.delta.HasField("new_element"):
                self._note(message)
            elif kind == "script_finished" and message.script_finished != EARLY:
                return

    def _note(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(element.exception.type)
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.errors.append(element.alert.body)
        elif kind == "progress":
            self.progress.append(element.progress.text)
        elif kind in ("slider", "button"):
            widget = getattr(element, kind)
            self._fragments[widget.id] = message.delta.fragment_id
            self.widgets[widget.label] = widget.id
            self.widgets[widget.id.rsplit("-", 1)[-1]] = widget.id
