"""Hand the settings on a page to somebody else: their address, to copy or to scan."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import streamlit as st

from pages.ui import teaching

LONGEST_QR = 600  # characters; beyond, the modules are too fine for a phone held before a screen
WIDTH_PX = 288

_HTML = (
    '<div class="lab-share">'
    '<p class="lab-share-address" tabindex="0"></p>'
    '<div class="lab-share-copy"><button type="button">アドレスをコピー</button>'
    '<span role="status"></span></div>'
    '<img hidden alt="このページのアドレスを表すQRコード">'
    "</div>"
)
_HERE = Path(__file__).parent
_panel = st.components.v2.component(
    "lab_share",
    html=_HTML,
    css=(_HERE / "share.css").read_text(encoding="utf-8"),
    js=(_HERE / "share.js").read_text(encoding="utf-8"),
)


@st.fragment
def share(slot: str) -> None:
    """Put the button 「この設定を共有」 on the page, and below it 「授業用リンクを作る」.

    ``slot`` is a key that is unique there. What they open is made anew at each opening, so that it holds the
    settings of that moment, those that a fragment changed included. Controls at their defaults are not in an
    address; the app knows them.
    """
    popover = st.popover("この設定を共有", icon=":material/share:", key=f"{slot}/popover", on_change="rerun")
    if popover.open:
        with popover, st.container(width=WIDTH_PX):
            _contents(slot)
    teaching.offer(slot)


def _contents(slot: str) -> None:
    panel(f"{slot}/panel")
    st.caption("伝わるのは設定だけです。アップロードしたファイルの中身は、このアドレスに含まれません。")


def panel(key: str, extra: dict[str, str] | None = None) -> None:
    """Show the page's address, with the query parameters ``extra``, to copy or to scan."""
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    query |= {name: [value] for name, value in (extra or {}).items()}
    where = address(st.context.url or "", query)
    code = qr(where)
    _panel(key=key, data={"address": where, "qr": code, "extra": extra or {}})
    if code:
        st.caption("スマートフォンのカメラをかざすと、同じ設定の画面が開きます。")
    elif where:
        st.caption(
            "アドレスが長く、QRコードにすると細かすぎて読み取れないため、表示していません。"
            "アドレスをコピーして送ってください。"
        )


def address(url: str, query: dict[str, list[str]]) -> str:
    """Return ``url`` with the query, percent-encoded so that mail programs and cameras keep it whole."""
    parts = urlsplit(url)
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~") or ("/" if parts.netloc else "")
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query, doseq=True, quote_via=quote), ""))


@lru_cache(maxsize=256)
def qr(address: str) -> str | None:
    """Return a data URI of the address's QR code: a black on white PNG with its quiet zone of 4 modules.

    None if there is no address, or one too long to scan comfortably from a screen.
    """
    if not 0 < len(address) <= LONGEST_QR:
        return None
    import segno  # here, so that a page whose popover stays closed does without it

    uri: str = segno.make_qr(address).png_data_uri(scale=8, border=4, dark="#000", light="#fff")
    return uri
