"""What the server does beside answering readers: the engine's life, housekeeping, health, error pages."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from core.vitals.reading import MAX_BYTES
from pages.ui import runs

COLLECT_EVERY_S = 30.0
_log = logging.getLogger(__name__)

# An upload stays in memory: the parser would write anything above 1 MB to a temporary file.
MultiPartParser.spool_max_size = 2 * MAX_BYTES


def _keep_heap_small(closing: threading.Event) -> None:
    """Collect garbage every 30 s, leaving out what start-up made; scripts no longer do it each rerun."""
    if closing.wait(COLLECT_EVERY_S):
        return
    gc.collect()
    gc.freeze()
    while not closing.wait(COLLECT_EVERY_S):
        gc.collect()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Start the engine and housekeeping with the server, and end both with it."""
    closing = threading.Event()
    threading.Thread(target=_keep_heap_small, args=(closing,), name="housekeeping", daemon=True).start()
    runs.engine()
    yield None
    closing.set()
    await asyncio.to_thread(runs.close_engine)


async def healthz(_: Request) -> JSONResponse:
    """Answer a load balancer: the server is up, and whether its engine is."""
    engine = runs.engine()
    return JSONResponse(
        {"status": "ok", "engine": "ready" if engine.ready else "starting", "runs": engine.counts()}
    )


ROUTES = [Route("/healthz", healthz)]


def show_error(error: Exception) -> bool:
    """Tell the reader in Japanese that something went wrong; log where, but no value of theirs."""
    places = " < ".join(
        f"{frame.filename}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__)[-4:])
    )
    _log.error("%s at %s", type(error).__name__, places)
    st.error(
        "ページの表示中に問題が起きました。ページを再読み込みしてください。"
        "くり返す場合は、設定を初期値に戻すと直ることがあります。",
        icon=":material/error:",
    )
    return True
