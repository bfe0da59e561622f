"""Read PNG, JPEG, GIF and WebP with Pillow, which decodes nothing before the header was checked."""

from __future__ import annotations

import io
import warnings

import numpy as np

from core.image_files.picture import MAX_PIXELS, SIDE, Picture, Refused, require_edges, shrunk, windowed

MAX_SCANS = 30  # an ordinary progressive JPEG has about ten; each goes over the whole picture
MAX_WEBP = 12_000_000  # its decoder holds several copies of the picture
_TRUNCATED = (
    "{kind} の画像を最後まで読めませんでした。途中で切れているか、壊れています。"
    "もとのファイルをコピーし直すか、保存し直してください。"
)
_ROTATED = 0x0112  # the EXIF entry that says how the camera was held


def read_bitmap(data: bytes, kind: str) -> Picture:
    """Read a picture; of one that moves, its first frame.

    Raises:
        Refused: it is too large, broken, or would take too long.
    """
    if kind == "JPEG" and data.count(b"\xff\xda") > MAX_SCANS:
        raise Refused("JPEG の作りが特殊で、安全に読めません。別のソフトで保存し直してください。")
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=(kind,)) as image:
                require_edges(*image.size, MAX_WEBP if kind == "WEBP" else MAX_PIXELS)
                return _decoded(image, kind)
    except Refused:
        raise
    except Image.DecompressionBombError:
        raise Refused(
            "画像の縦横が大きすぎます。長い辺を 2,000 画素ほどに縮小して保存し直してください。"
        ) from None
    except Exception:  # Pillow raises nearly anything for a broken file
        raise Refused(_TRUNCATED.format(kind=kind)) from None


def _decoded(image: object, kind: str) -> Picture:
    from PIL import Image, ImageOps

    assert isinstance(image, Image.Image)
    notes = [f"{kind} として読み込みました(幅 {image.width:,} × 高さ {image.height:,} 画素)。"]
    if getattr(image, "is_animated", False) and image.format in ("GIF", "PNG", "WEBP"):
        notes.append("動く画像なので、最初の1枚を使います。")
    turned = image.getexif().get(_ROTATED, 1) in range(2, 9)
    if image.mode.startswith(("I", "F")):
        image.load()
        return windowed(shrunk(np.asarray(image)), notes=(*notes, "8ビットを超える濃さを持つ画像です。"))
    if image.mode in ("P", "PA", "1"):
        clear = image.mode == "PA" or "transparency" in image.info
        image = image.convert("RGBA" if clear else "L" if image.mode == "1" else "RGB")
    elif image.mode == "CMYK":
        notes.append("印刷用の色(CMYK)を、画面の色(RGB)に直しました。")
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    if turned:
        image = ImageOps.exif_transpose(image)
        notes.append("撮影した向きの記録(EXIF)に合わせて、正しい向きに直しました。")
    if "A" in image.getbands():
        if np.asarray(image.getchannel("A")).min() < 255:
            notes.append("透明な部分は、白で埋めました。")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    values = np.asarray(image.convert("L" if image.mode == "L" else "RGB"), dtype=np.float32)
    if values.ndim == 3 and np.ptp(values, axis=2).max() <= 1:
        values = values[..., 0]
    if max(values.shape[:2]) < SIDE:
        notes.append("小さい画像なので、引き伸ばして使います。")
        values = shrunk(values)
    return Picture(values=values, notes=tuple(notes))
