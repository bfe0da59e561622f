"""A lesson opened by a teacher's link: the teacher's words, the goal, and controls that stay as they are.

The link is the page's address with its settings and one parameter more, see ``core.class_link``. Without
it nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.class_link import ClassLink, class_id, decode

PARAMETER = "class"
KEPT, SECRETS, ARRIVED = "tl_kept", "tl_secrets", "tl_arrived"

_lock = st.components.v2.component(
    "lab_class_lock",
    html="<span></span>",
    js=Path(__file__).with_name("teaching_lock.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # the controls are outside of it
)


def joined() -> ClassLink | None:
    """Return what the teacher has prepared, if this page was opened by such a link."""
    piece = st.query_params.get(PARAMETER)
    return None if piece is None else decode(piece)


@contextmanager
def held() -> Iterator[None]:
    """Run a page whose fixed controls begin, and begin again, with the values they have in the link."""
    link = joined()
    if link is None:
        st.session_state.pop(ARRIVED, None)
        yield
        return
    kept: dict[str, Any] = st.session_state.setdefault(KEPT, {}).setdefault(link.id, {})
    for key, value in kept.items():
        if st.session_state.get(key, value) != value:
            st.session_state[key] = value
    try:
        yield
    finally:
        for key in link.fixed:
            if key not in kept and _is_control(key):
                kept[key] = st.session_state[key]


def _is_control(key: str) -> bool:
    """Say whether a control whose value is in the address has this key: no other state is ever held."""
    context = get_script_run_ctx()
    if context is None or key not in st.session_state:
        return False
    with context.session_state.query_params() as params:
        return params.is_bound(key)


def fixes(key: str) -> bool:
    """Say whether the control of this key is to stay as it is."""
    link = joined()
    return link is not None and key in link.fixed


def owns(class_name: str) -> bool:
    """Say whether the link of this class was made in this session."""
    secret = st.session_state.get(SECRETS, {}).get(class_name)
    return secret is not None and class_id(secret) == class_name


def offer(slot: str) -> None:
    """Offer to make a link for a class, not to those who came by somebody else's.

    ``slot`` is a key that is unique on the page.
    """
    link = joined()
    if link is not None and not owns(link.id):
        return
    opened = st.expander(
        "授業用リンクを作る", icon=":material/school:", key=f"tl_maker/{slot}", on_change="rerun"
    )
    if opened.open:
        from pages.ui import teaching_maker  # here: a page where it stays closed does without it

        with opened:
            teaching_maker.show(slot)


def welcome() -> None:
    """Show a reader who came by a teacher's link the teacher's words and the goal; hold what is locked."""
    if PARAMETER not in st.query_params:
        return
    link = joined()
    if link is None:
        st.caption(
            ":material/link_off: 授業用リンクとしては読み取れなかったため、ふつうのページとして開きました。"
            "リンクの最後まで写せているか、確かめてみてください。"
        )
        return
    from pages.ui import teaching_goal, teaching_votes  # here: other readers do without them

    _hold_still(link)
    with st.container(border=True, key="tl_class", gap="small"):
        st.caption(f":material/school: **授業用リンクで開いています。** {_told(link)}")
        if link.words:
            st.text(link.words)
        teaching_goal.show(link)
        teaching_votes.show_end(link.id)


def _told(link: ClassLink) -> str:
    if not link.locked:
        return ""
    return "「固定」と書かれた薄い色の設定は、先生が決めた値のまま動きません。"


def _hold_still(link: ClassLink) -> None:
    """Dim what is locked and leave out what is hidden; styles first, so that nothing flashes.

    The keys consist of letters, digits, ``_`` and ``/`` only.
    """
    locked, hidden = _classes(link.locked), _classes(link.hidden)
    styles = [".st-key-tl_lock{display:none}"]
    if locked:
        one_of = f":is({','.join(locked)})"
        styles += [
            f"{one_of}{{pointer-events:none;user-select:none;opacity:.65}}",
            f'{one_of} [data-testid="stWidgetLabel"]::after{{content:"(固定)";font-size:.8em}}',
        ]
    if hidden:
        styles.append(f":is({','.join(hidden)}){{display:none!important}}")
    st.html(f"<style>{''.join(styles)}</style>")
    _lock(key="tl_lock", data={"classes": [*locked, *hidden]})


def _classes(keys: Sequence[str]) -> list[str]:
    from pages.ui.player import css_class

    return [f".{css_class(key)}" for key in keys if not key.startswith("tl_")]


def answered(question: str, choices: Sequence[str], guess: str) -> None:
    """Count a prediction for the reader's class, if there is one, and show how the class has predicted."""
    link = joined()
    if link is not None:
        from pages.ui import teaching_votes

        teaching_votes.vote(link.id, question, tuple(choices), guess)
