"""What the server does beside answering readers: the engine's life, housekeeping, health, error pages."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import math
import threading
import traceback
import weakref
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from streamlit import config
from streamlit.runtime import get_instance

from core.vitals.reading import MAX_BYTES
from pages.ui import runs

COLLECT_EVERY_S = 30.0
M_ARENA_MAX = -8  # of malloc.h
# Read once: Streamlit would read and encode a file anew for every reader.
ICON = "data:image/svg+xml;base64," + b64encode(Path(__file__).with_name("icon.svg").read_bytes()).decode()
STYLE = f"<style>{Path(__file__).with_name('page.css').read_text(encoding='utf-8')}</style>"
_log = logging.getLogger(__name__)

# An upload stays in memory: the parser would write anything above 1 MB to a temporary file.
MultiPartParser.spool_max_size = 2 * MAX_BYTES


def _keep_heap_small(closing: threading.Event) -> None:
    """Collect garbage every 30 s, leaving out what start-up made; scripts no longer do it each rerun.

    Every rerun is a thread of its own, and glibc gives threads arenas that keep what was freed in them:
    they are held to two, and what is free is handed back to the system.
    """
    malloc = _glibc()
    if malloc is not None:
        malloc.mallopt(M_ARENA_MAX, 2)
    if closing.wait(COLLECT_EVERY_S):
        return
    gc.collect()
    gc.freeze()
    while not closing.wait(COLLECT_EVERY_S):
        gc.collect()
        if malloc is not None:
            malloc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """Return the C library, where it is one whose allocator can be told what to do."""
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


async def _drop_ended_sessions() -> None:
    """Let go of what readers who have left uploaded and downloaded, soon after their session has ended.

    Streamlit would keep a session that nobody can return to until some other reader happens to come or go,
    and what it held until a collection that may never reach it. A file to download is deleted in the pass
    after the one that finds it without a reader.
    """
    ttl = float(st.get_option("server.disconnectedSessionTTL") or COLLECT_EVERY_S)
    left: dict[str, weakref.ref[Any]] = {}
    passes = 0
    while True:
        await asyncio.sleep(min(COLLECT_EVERY_S, max(1.0, ttl / 2)))
        try:
            passes = 2 if _drop_ended(left) else max(0, passes - 1)
            if passes:
                get_instance().media_file_mgr.remove_orphaned_files()
        except Exception as error:  # parts of Streamlit that are not promised to stay
            _log.warning("%s while dropping ended sessions", type(error).__name__)
            return


def _drop_ended(left: dict[str, weakref.ref[Any]]) -> bool:
    """End sessions whose time to return is over, and say whether there were any.

    ``left`` are those that readers have left until now.
    """
    sessions: Any = get_instance()._session_mgr
    with sessions._storage_lock:
        left.update({info.session.id: weakref.ref(info.session) for info in sessions._session_storage.list()})
        ended = sessions._session_storage._cache.expire()  # held until they are shut down below
    known = {info.session.id for info in sessions.list_sessions()}
    gone = [name for name in left if name not in known]
    for name in gone:
        session = left.pop(name)()
        if session is not None:
            session.shutdown()
            session.session_state.clear()
    del ended
    return bool(gone)


def _read_theme_once() -> None:
    """Keep the theme as the server was started with it.

    Streamlit sends the theme with every rerun, and goes through all of its options for each of six sections:
    a tenth of what a slider costs. While files are watched (``make dev``) it may go on doing so.
    """
    if st.get_option("server.fileWatcherType") == "none":
        config.get_options_for_section = lru_cache(maxsize=None)(config.get_options_for_section)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Start the engine and housekeeping with the server, and end both with it."""
    _read_theme_once()
    closing = threading.Event()
    threading.Thread(target=_keep_heap_small, args=(closing,), name="housekeeping", daemon=True).start()
    runs.engine()
    dropping = asyncio.create_task(_drop_ended_sessions())
    yield None
    dropping.cancel()
    closing.set()
    await asyncio.to_thread(runs.close_engine)


async def healthz(_: Request) -> JSONResponse:
    """Answer a load balancer: the server is up, and whether its engine is."""
    engine = runs.engine()
    return JSONResponse(
        {"status": "ok", "engine": "ready" if engine.ready else "starting", "runs": engine.counts()}
    )


LONGEST_SETTING = 1000


def drop_impossible_settings() -> bool:
    """Drop settings of the address that no control has, and say whether there were any.

    Streamlit would turn them into numbers and fail: infinities, and numbers of thousands of digits.
    """
    wrong = [name for name in st.query_params if _impossible(st.query_params.get_all(name))]
    for name in wrong:
        del st.query_params[name]
    return bool(wrong)


def _impossible(values: list[str]) -> bool:
    for value in values:
        if len(value) > LONGEST_SETTING:
            return True
        with contextlib.suppress(ValueError):
            if not math.isfinite(float(value)):
                return True
    return False


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
