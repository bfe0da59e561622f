"""A reader's own picture: taken in, read by a worker, and kept small in this session alone."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.gallery_script import UploadedPicture
from core.image_files import MAX_BYTES, Picture, PictureFile, Refused, shown
from core.image_files.picture import Bytes
from pages.ui import runs

KEPT = "au_g/picture"
NOTE = (
    "**選ぶ前に**: 氏名・ID・日付などが画面に焼き込まれた画像、顔の写真、"
    "本人の同意や施設の許可のない患者さんの画像は選ばないでください。"
    "診療の画像は、名前がなくても**要配慮個人情報**にあたることがあります。"
)
KEEPING = (
    "「Upload」を押すか、ファイルを枠の中に落としてください。"
    "画像はこの画面のためだけにメモリ上で扱い、保存も記録もしません。"
    "DICOM は画素に要る項目だけを読み、患者名などの項目は読みません。"
    "ほかの画像に替えるか、画面を閉じると消えます。"
)


def forget() -> None:
    """Drop the picture."""
    st.session_state.pop(KEPT, None)


def _read(data: bytes) -> Picture | str:
    try:
        found = runs.engine().quick(jobs.read_picture, PictureFile(data), timeout=30)
    except TimeoutError:
        return "計算の準備をしています。数秒後に、もう一度ファイルを選んでください。"
    except Exception:  # a worker that was lost on the way; its words might quote the file
        return "この画像は読み込めませんでした。縮小した PNG か JPEG で保存し直してください。"
    return str(found) if isinstance(found, Refused) else found


def picture() -> tuple[Bytes, UploadedPicture, str] | None:
    """Show the uploader and return the picture, how it was read, and a name for it in this session."""
    file = st.file_uploader(
        "自分の画像(PNG・JPEG・DICOM、5MBまで)",
        type=None,  # files of a DICOM disc have no extension
        key="au_g_file",
        max_upload_size=MAX_BYTES // 2**20,
    )
    st.caption(NOTE)
    if file is None:
        forget()
        st.caption(KEEPING)
        return None
    kept = st.session_state.get(KEPT)
    if kept is None or kept[0] != file.file_id:
        # One byte over the limit is enough for the reader of pictures to refuse the file.
        kept = st.session_state[KEPT] = (file.file_id, _read(file.read(MAX_BYTES + 1)))
    name, found = kept
    if isinstance(found, str):
        st.error(found, icon=":material/block:")
        return None
    st.caption(" ".join(found.notes))
    low, high = _window(found, name) if found.adjustable else (found.low, found.high)
    told = UploadedPicture(
        kind=found.kind,
        colours=found.values.ndim == 3,
        adjustable=found.adjustable,
        inverted=found.inverted,
        low=low,
        high=high,
    )
    return shown(found, low, high), told, f"{name} {low} {high}"


def _window(found: Picture, name: str) -> tuple[float, float]:
    """Ask for window level and width."""
    reach = found.highest - found.lowest
    step = max(round(reach / 200), 1) if reach > 100 else reach / 200
    level = st.slider(
        "ウィンドウ中心(WL)",
        found.lowest,
        found.highest,
        (found.low + found.high) / 2,
        step=float(step),
        key=f"au_g_level_{name}",
        format="%.4g",
    )
    width = st.slider(
        "ウィンドウ幅(WW)",
        float(step),
        reach,
        min(found.high - found.low, reach),
        step=float(step),
        key=f"au_g_width_{name}",
        format="%.4g",
    )
    return level - width / 2, level + width / 2
