"""A reader's own CSV: taken in from a file or from the sample, and kept in this session alone."""

from __future__ import annotations

import streamlit as st

from pages.parts.vitals import sample, taken
from pages.parts.vitals.taken import Taken
from pages.ui import text

UPLOADER = "vitals_csv"
KEEPING = (
    "「Upload」を押すか、ファイルを枠の中に落としてください。"
    "内容はこの画面のためだけにメモリ上で扱い、保存も記録もしません。外すか画面を閉じると消えます。"
)
NOTE = (
    "**選ぶ前に**: 氏名・患者番号・生年月日のある表や、本人の同意や施設の許可のない患者さんの記録は"
    "使わないでください(健康の記録は**要配慮個人情報**です)。"
)


def _changed() -> None:
    """Forget the file that the reader has removed; an uploader that is only out of sight changes nothing."""
    if st.session_state.get(UPLOADER) is None:
        taken.forget()


def take_in() -> Taken | None:
    """Show the uploader and the sample; return the file of this session, or None until there is one."""
    file = st.file_uploader("バイタルサインのCSV(5MBまで)", key=UPLOADER, on_change=_changed)
    kept = taken.current()
    if file is not None:
        st.caption(
            "内容は、この画面のメモリの中だけにあります。ファイル名の右の「×」で外すか、画面を閉じると消えます。"
        )
        if kept is None or kept.file_id != file.file_id:
            kept = taken.take(file.file_id, file.name, file.getvalue())
        return kept
    if kept is not None and not kept.sample:  # the uploader was away, while another experiment was shown
        st.success(f"{text.plain(kept.name)} を使っています。", icon=":material/description:")
        st.button("ファイルを外す", icon=":material/close:", key="vitals_csv_drop", on_click=taken.forget)
        return kept
    if kept is None:
        st.caption(KEEPING)
    st.caption(NOTE)
    return sample.show(kept)
