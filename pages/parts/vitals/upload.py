"""A reader's own CSV: taken in, explained, and kept in this session alone."""

from __future__ import annotations

import streamlit as st

from core.vitals import Import, Refused, read
from core.vitals.reading import MAX_BYTES
from pages.ui import charts, text

_DELIMITERS = {",": "カンマ", ";": "セミコロン", "\t": "タブ"}
_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8(BOM付き)",
    "cp932": "Shift_JIS(cp932)",
    "utf-16": "UTF-16",
}
_MAX_LISTED = 200


def csv_upload() -> Import | None:
    """Show the uploader and return what the file holds, or None until there is one that can be read."""
    file = st.file_uploader("バイタルサインのCSV(5MBまで)", type=["csv", "txt", "tsv"], key="vitals_csv")
    st.caption(
        "「Upload」を押すか、ファイルを枠の中に落としてください。内容はこの画面のためだけにメモリ上で扱い、保存しません。画面を閉じると消えます。"
        "**氏名・患者番号・生年月日など、個人がわかる列は消してからお使いください。**"
    )
    if file is None:
        st.session_state.pop("vitals_import", None)
        return None
    kept = st.session_state.get("vitals_import")
    if kept is None or kept[0] != file.file_id:
        result: Import | str
        try:
            charts.load_pandas()
            # One byte over the limit is enough for the reader of CSVs to refuse the file.
            result = read(file.read(MAX_BYTES + 1))
        except Refused as refusal:
            result = str(refusal)
        kept = st.session_state["vitals_import"] = (file.file_id, result, file.name)
    if isinstance(kept[1], str):
        st.error(kept[1], icon=":material/block:")
        return None
    return kept[1]


def file_name() -> str:
    """Return the name of the file that was read last, or nothing."""
    kept = st.session_state.get("vitals_import")
    return kept[2] if kept else ""


def show_report(imported: Import) -> None:
    """Say in two lines how the file was understood, with the details folded."""
    encoding = _ENCODINGS.get(imported.encoding, imported.encoding)
    rhythm = (
        f"{text.duration(imported.interval_s)}ごと"
        if imported.regular
        else f"間隔は不規則(中央値 {text.duration(imported.interval_s)})"
    )
    st.success(
        f"{imported.rows_kept:,} 行を読み込みました({encoding}、{_DELIMITERS[imported.delimiter]}区切り、"
        f"見出しは {imported.header_line} 行目、{rhythm})。",
        icon=":material/check_circle:",
    )
    if not imported.regular:
        st.warning(
            "測定の間隔がそろっていません。ここでは「測った順の並び」として学習します。"
            "時間の長さは考慮されないため、結果は参考程度に見てください。"
        )
    dropped = imported.rows_read - imported.rows_kept
    if imported.problems:
        with st.expander(f"読み込みの詳細({len(imported.problems)} 件、使わなかった行 {dropped} 行)"):
            charts.load_pandas()
            st.dataframe(
                [
                    {"行": p.line, "列": p.column or "", "内容": p.message}
                    for p in imported.problems[:_MAX_LISTED]
                ],
                hide_index=True,
                width="stretch",
            )
            if len(imported.problems) > _MAX_LISTED:
                st.caption(f"はじめの {_MAX_LISTED} 件を表示しています。")
