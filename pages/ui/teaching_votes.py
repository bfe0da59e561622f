"""How the class has predicted: counts only, for those who have answered themselves."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.class_votes import ClassVotes
from core.specs import digest
from pages.ui import runs, teaching

REFRESH_S = 4.0
MAX_REMEMBERED = 200
VOTES = ClassVotes()
_CAST = "tl_cast"
_HERE = Path(__file__).parent
_bars = st.components.v2.component(
    "lab_class_votes",
    html='<div class="lab-votes"><p></p><ul></ul></div>',
    css=(_HERE / "teaching_votes.css").read_text(encoding="utf-8"),
    js=(_HERE / "teaching_votes.js").read_text(encoding="utf-8"),
)


def voter() -> str:
    """Return what tells this browser from others, the same after a reload: its token, or else its session."""
    token = _unmasked(st.context.cookies.get("_streamlit_xsrf", ""))
    return token or runs.reader()


def _unmasked(cookie: str) -> str:
    """Return the token of Streamlit's cookie ``2|mask|masked token|time``, masked anew at each answer."""
    parts = cookie.strip('"').split("|")
    try:
        mask, masked = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
        return bytes(sign ^ mask[place % len(mask)] for place, sign in enumerate(masked)).hex()
    except (IndexError, ValueError, ZeroDivisionError):
        return ""


def vote(class_id: str, question: str, choices: tuple[str, ...], guess: str) -> None:
    """Count the reader's prediction, once unless it changes, and show those of the class."""
    cast: dict[tuple[str, str], str] = st.session_state.setdefault(_CAST, {})
    if cast.get((class_id, question)) != guess:
        cast[class_id, question] = guess
        while len(cast) > MAX_REMEMBERED:
            del cast[next(iter(cast))]
        VOTES.vote(class_id, question, voter(), choices.index(guess))
    st.fragment(_counts, run_every=REFRESH_S)(class_id, question, choices)


def _counts(class_id: str, question: str, choices: tuple[str, ...]) -> None:
    counts = VOTES.counts(class_id, question, len(choices))
    if counts is None:
        st.caption("クラスの予想の集計は、もうありません。")
        return
    _bars(
        key=f"tl_votes/{digest(question)}",
        data={
            "title": f"クラスの予想({sum(counts)}人)",
            "rows": [[choice, count] for choice, count in zip(choices, counts, strict=True)],
        },
    )


def show_end(class_id: str) -> None:
    """Say that the class is over, or offer its maker to end it."""
    if VOTES.has_ended(class_id):
        st.caption("この授業は終わりました。クラスの予想の集計は消えています。実験はこのまま続けられます。")
    elif teaching.owns(class_id):
        st.button(
            "授業を終える(集計を消す)",
            icon=":material/logout:",
            key="tl_end",
            on_click=VOTES.end,
            args=(class_id,),
        )
