"""Pinned runs of a page, overlaid, in a table and as a CSV. They last as long as the session."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
import streamlit as st

from core.history import Row
from pages.ui import charts, loss_view, text

MAX_PINS = len(charts.PIN_COLOURS)


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A run to compare with: its settings and results in the reader's words, and its epochs."""

    name: str
    settings: Mapping[str, str]
    results: Mapping[str, str | float | None]
    seconds: float
    rows: tuple[Row, ...] = field(repr=False)


def pins(page: str) -> list[Pin]:
    """Return the pinned runs of ``page``, oldest first."""
    kept: list[Pin] = st.session_state.setdefault(f"pins/{page}", [])
    return kept


def pin_button(
    page: str,
    name: str,
    settings: Mapping[str, str],
    results: Mapping[str, str | float | None],
    seconds: float,
    rows: list[Row],
) -> None:
    """Offer to pin the run that is shown."""
    kept = pins(page)
    full = len(kept) >= MAX_PINS
    if st.button(
        "この結果を比較に残す", icon=":material/keep:", key=f"{page}/pin", disabled=full or not rows
    ):
        number = 1 + max((int(pin.name.split(":")[0]) for pin in kept), default=0)
        kept.append(
            Pin(
                name=f"{number}: {name}",
                settings=settings,
                results=results,
                seconds=seconds,
                rows=tuple(rows),
            )
        )
    if full:
        st.caption(f"比較に残せるのは {MAX_PINS} 件までです。下の「すべて外す」で空けてください。")


def show(page: str, draw: Callable[[list[Pin]], None] | None = None) -> None:
    """Show the pinned runs over one another, with their table; nothing when there are none.

    ``draw`` draws them where their loss curves would say little.
    """
    kept = pins(page)
    if not kept:
        return
    st.header("比較")
    (draw or partial(_curves, page))(kept)
    rows = [_row(pin) for pin in kept]
    charts.load_pandas()
    st.dataframe(rows, hide_index=True, width="stretch")
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "表をCSVで保存",
            to_csv(rows),
            file_name=f"{page}_comparison.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.button("すべて外す", icon=":material/keep_off:", key=f"{page}/unpin"):
            kept.clear()
            st.rerun()


def _curves(page: str, kept: list[Pin]) -> None:
    with st.container(horizontal=True, gap="medium"):
        log = st.toggle("対数目盛", key=f"{page}/pins/log")
        training = st.toggle("学習損失で比べる", key=f"{page}/pins/train")
    validation = not training and all(pin.rows[0][0].validation_loss is not None for pin in kept)
    title = "検証損失" if validation else "学習損失"
    tables = [loss_view.band_rows(pin.name, loss_view.curve(pin.rows, validation)) for pin in kept]
    charts.draw(
        charts.overlay(tuple(pin.name for pin in kept), title, log),
        pa.concat_tables(tables),
        f"比較に残した {len(kept)} 件の{title}の曲線。",
    )


def _row(pin: Pin) -> dict[str, str | float | None]:
    return {
        "番号": pin.name.split(":")[0],
        **pin.settings,
        **pin.results,
        "エポック数": float(len(pin.rows)),
        "秒": round(pin.seconds, 2),
    }


def to_csv(rows: list[dict[str, str | float | None]]) -> bytes:
    """Write rows as a CSV that Japanese Excel opens, with no cell that it would take for a formula."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([text.spreadsheet_safe(column) for column in columns])
    for row in rows:
        cells = [row.get(column) for column in columns]
        writer.writerow([text.spreadsheet_safe(c) if isinstance(c, str) else c for c in cells])
    return out.getvalue().encode("utf-8-sig")
