"""The exact script of a run: shown, copied, and taken home as .py and .ipynb."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from core.script import UploadSource, file_name, notebook, script
from core.specs import AnySpec

_script = lru_cache(maxsize=64)(script)


def _written(specs: tuple[AnySpec, ...], upload: UploadSource | None) -> str:
    """Return the script; one that names a reader's own file is kept for nobody."""
    return _script(specs, None) if upload is None else script(specs, upload)


def show(slot: str, specs: tuple[AnySpec, ...], upload: UploadSource | None = None) -> None:
    """Show the PyTorch script of exactly this run; running it prints the page's own losses."""
    with st.expander("この学習とまったく同じ PyTorch のコード"):
        note = "データ、設定、乱数の種まで同じスクリプトです。実行すると、この画面と同じ損失が表示されます。"
        if len(specs) > 1:
            note = (
                "同じ設定を1つずつ順に学習するスクリプトです。"
                "画面ではまとめて学習するため、末尾の桁がわずかに違うことがあります。"
            )
        if upload is not None:
            note += "CSVの中身は含まれません。ご自分のファイルと同じ場所に置いて実行してください。"
        st.caption(note)
        written = _written(specs, upload)
        with st.container(horizontal=True, gap="small"):
            st.download_button(
                "Python(.py)",
                written,
                file_name=file_name(specs, "py"),
                mime="text/x-python",
                icon=":material/download:",
                key=f"{slot}/py",
                on_click="ignore",
            )
            st.download_button(
                "ノートブック(.ipynb)",
                lambda: notebook(specs, upload),
                file_name=file_name(specs, "ipynb"),
                mime="application/x-ipynb+json",
                icon=":material/download:",
                key=f"{slot}/ipynb",
                on_click="ignore",
            )
        st.code(written, language="python", height=360)
