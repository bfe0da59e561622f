"""Tell what a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from core.image_files.picture import Refused

PICTURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
_SAVE = "画像を PNG か JPEG で保存し直してください。"
_OTHERS = {
    b"%PDF": f"これは PDF です。{_SAVE}(画面の写しでも構いません。)",
    b"PK\x03\x04": "これは ZIP や Word・PowerPoint などのファイルです。"
    "中の画像を取り出して、PNG か JPEG で選んでください。",
    b"BM": f"BMP には対応していません。{_SAVE}",
    b"II*\x00": f"TIFF には対応していません。{_SAVE}",
    b"MM\x00*": f"TIFF には対応していません。{_SAVE}",
    b"\x1f\x8b": "圧縮されたファイルです。展開してから、中の画像を選んでください。",
    b"\x00\x00\x00\x0cjP": f"JPEG 2000 には対応していません。{_SAVE}",
    b"8BPS": f"Photoshop の形式には対応していません。{_SAVE}",
}
_TEXT = (b"<svg", b"<?xml", b"<html", b"<!doctype", b"<script")


def kind_of(data: bytes) -> str:
    """Name what the file is: PNG, JPEG, GIF, WEBP or DICOM.

    Raises:
        Refused: it is something else.
    """
    if not data:
        raise Refused("ファイルの中身が空です(0 バイト)。保存し直した画像を選んでください。")
    for magic, kind in PICTURES.items():
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[128:132] == b"DICM":
        return "DICOM"
    for magic, message in _OTHERS.items():
        if data.startswith(magic):
            raise Refused(message)
    if data[4:8] == b"ftyp":
        raise Refused(f"スマートフォンの HEIC や AVIF、または動画のファイルです。{_SAVE}")
    if data[:2] in (b"\x08\x00", b"\x02\x00"):
        raise Refused(
            "目印(DICM)のない古い形の DICOM のようです。閲覧ソフトで PNG か JPEG に書き出してください。"
        )
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower().startswith(_TEXT):
        raise Refused(f"これは SVG や HTML などの文書です。画素でできた画像ではありません。{_SAVE}")
    raise Refused(
        "画像として読める形ではありません。PNG・JPEG・DICOM(非圧縮)のファイルを選んでください。"
        "名前の終わり(拡張子)だけを変えても、中身は変わりません。"
    )
