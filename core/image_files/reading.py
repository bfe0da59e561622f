"""Read a reader's file, whatever it is."""

from __future__ import annotations

from dataclasses import replace

from core.image_files.bitmap import read_bitmap
from core.image_files.dicom import read_dicom
from core.image_files.kinds import kind_of
from core.image_files.picture import MAX_BYTES, Picture, Refused


def read(data: bytes) -> Picture:
    """Read a picture of at most ``MAX_BYTES``.

    Raises:
        Refused: the file cannot be taken; the message says what to change.
    """
    if len(data) > MAX_BYTES:
        raise Refused(
            f"ファイルが {MAX_BYTES // 2**20} MB を超えています。縮小した PNG か JPEG にして選んでください。"
        )
    kind = kind_of(data)
    picture = read_dicom(data) if kind == "DICOM" else read_bitmap(data, kind)
    return replace(picture, kind=kind)
