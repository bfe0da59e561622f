"""Where a teacher prepares a lesson: what stays fixed, what is hidden, the goal, and some words. A link."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import streamlit as st

from core.class_link import (
    LONGEST_WORDS,
    MAX_GOAL,
    METRICS,
    ClassLink,
    Goal,
    LinkError,
    class_id,
    clean,
    encode,
    new_secret,
)
from pages.ui import share, teaching, teaching_votes, text

MAX_CONTROLS = 80
MAX_SECRETS = 20
NONE = "なし"
_KEY = re.compile(r"[a-z0-9_]{1,40}")
_scan = st.components.v2.component(
    "lab_class_scan",
    html="<span></span>",
    js=Path(__file__).with_name("teaching_scan.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def show(slot: str) -> None:
    """Offer to make a link for a class, and show the one made; ``slot`` is a key unique on the page."""
    st.caption(
        "いまの設定のまま、同じ画面をみんなで開けます。予想に答えた人には、クラスの予想の人数が見えます。"
    )
    controls = _controls(slot)
    if not controls:
        st.caption("このページの設定を調べています。")
        return
    form, result = st.columns([3, 2], gap="large")
    with form:
        locked = _choose("動かせなくする設定", controls, f"tl_locked/{slot}")
        hidden = _choose("隠す設定", controls, f"tl_hidden/{slot}")
        goal = _goal(slot)
        words = st.text_area(
            "先生からのひとこと(任意)",
            max_chars=LONGEST_WORDS,
            height=90,
            key=f"tl_words/{slot}",
            persist_state="session",
        )
        if st.button("リンクを作る", type="primary", icon=":material/link:", key=f"tl_make/{slot}"):
            _make(slot, locked, hidden, goal, words)
    with result, st.container(width=share.WIDTH_PX):
        _made(slot)


def _controls(slot: str) -> dict[str, str]:
    """Return the labels of the controls by key, of all parts of the page shown while this was open."""
    known: dict[str, str] = st.session_state.setdefault(f"tl_controls/{slot}", {})
    found: Any = _scan(
        key=f"tl_scan/{slot}", default={"controls": []}, on_controls_change=lambda: None
    ).controls
    if isinstance(found, list):
        for pair in found[:MAX_CONTROLS]:
            if isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair):
                key, label = pair
                if _KEY.fullmatch(key) and len(known) < MAX_CONTROLS:
                    known[key] = label[:80]
    return known


def _choose(label: str, controls: dict[str, str], key: str) -> tuple[str, ...]:
    chosen = st.multiselect(
        label,
        list(controls),
        format_func=lambda name: controls.get(name, name),
        placeholder="選んでください(なくても可)",
        select_all=False,
        key=key,
        persist_state="session",
    )
    return tuple(chosen)


def _goal(slot: str) -> Goal | None:
    metric = st.selectbox(
        "目標",
        [NONE, *METRICS],
        format_func=lambda name: text.GOAL_LABELS.get(name, name),
        key=f"tl_metric/{slot}",
        persist_state="session",
        help="このページで学習した結果と比べます。検証正解率は、画像を学習するページで使えます。"
        "実験を1つに限るときは、「実験」を動かせなくしてください。",
    )
    if metric == NONE:
        return None
    accuracy = metric.endswith("accuracy")
    number = st.number_input(
        "何 % 以上になれば達成?" if accuracy else "いくつ以下になれば達成?",
        0.1 if accuracy else 0.0001,
        100.0 if accuracy else MAX_GOAL,
        90.0 if accuracy else 0.4,
        step=1.0 if accuracy else 0.05,
        format="%g",
        key=f"tl_{metric}/{slot}",
        persist_state="session",
    )
    return Goal(metric, round(number / 100 if accuracy else number, 6))


def _make(slot: str, locked: tuple[str, ...], hidden: tuple[str, ...], goal: Goal | None, words: str) -> None:
    secret = new_secret()
    link = ClassLink(
        id=class_id(secret),
        locked=tuple(key for key in locked if key not in hidden),
        hidden=hidden,
        goal=goal,
        words=clean(words),
    )
    try:
        piece = encode(link)
    except LinkError as error:
        st.warning(str(error))
        return
    secrets: dict[str, str] = st.session_state.setdefault(teaching.SECRETS, {})
    secrets[link.id] = secret
    while len(secrets) > MAX_SECRETS:
        del secrets[next(iter(secrets))]
    st.session_state[f"tl_made/{slot}"] = (link.id, piece)


def _made(slot: str) -> None:
    made = st.session_state.get(f"tl_made/{slot}")
    if made is None:
        return
    name, piece = made
    share.panel(f"tl_panel/{slot}", {teaching.PARAMETER: piece})
    teaching_votes.show_end(name)
    st.caption(
        "集計は人数だけで、名前は扱いません。サーバーのメモリにだけ置き、3時間だれも答えなければ消えます。"
        "「授業を終える」は、リンクを作ったこの画面でだけ押せます。"
    )
