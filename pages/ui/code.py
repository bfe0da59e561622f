"""The exact script of a run: shown, copied, and taken home as .py and .ipynb."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import streamlit as st

from core.script import UploadSource, file_name, notebook, script
from core.specs import AnySpec

SAME_RUN = "この学習とまったく同じ PyTorch のコード"
_script = lru_cache(maxsize=64)(script)


def _written(specs: tuple[AnySpec, ...], upload: UploadSource | None) -> str:
    """Return the script; one that names a reader's own file is kept for nobody."""
    return _script(specs, None) if upload is None else script(specs, upload)


def offer(slot: str, title: str, note: str, code: str, book: Callable[[], str], name: str) -> None:
    """Show ``code`` folded under ``title``, to copy or take home: ``name``.py, and ``book()`` as .ipynb."""
    with st.expander(title):
        st.caption(note)
        files: list[tuple[str, str, str, str | Callable[[], str]]] = [
            ("Python(.py)", "py", "text/x-python", code),
            ("ノートブック(.ipynb)", "ipynb", "application/x-ipynb+json", book),
        ]
        with st.container(horizontal=True, gap="small"):
            for label, suffix, mime, data in files:
                st.download_button(
                    label,
                    data,
                    file_name=f"{name}.{suffix}",
                    mime=mime,
                    icon=":material/download:",
                    key=f"{slot}/{suffix}",
                    on_click="ignore",
                )
        st.code(code, language="python", height=360)


def show(slot: str, specs: tuple[AnySpec, ...], upload: UploadSource | None = None) -> None:
    """Show the PyTorch script of exactly this run; running it prints the page's own losses."""
    note = "データ、設定、乱数の種まで同じスクリプトです。実行すると、この画面と同じ損失が表示されます。"
    if len(specs) > 1:
        note = (
            "同じ設定を1つずつ順に学習するスクリプトです。"
            "画面ではまとめて学習するため、末尾の桁がわずかに違うことがあります。"
        )
    if upload is not None:
        note += "CSVの中身は含まれません。ご自分のファイルと同じ場所に置いて実行してください。"
    name = file_name(specs, "py").removesuffix(".py")
    offer(slot, SAME_RUN, note, _written(specs, upload), lambda: notebook(specs, upload), name)
