"""Readers' pictures: what is shown of good ones, and what is said of bad ones."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.fuzz_pictures import LONGEST_S, dicom, fuzz, saved
from core import jobs
from core.engine import Engine
from core.image_files import MAX_BYTES, SIDE, Picture, PictureFile, Refused, read, shown

ROOT = Path(__file__).parents[2]
GREY = Image.fromarray(np.tile(np.linspace(0, 255, 300).astype(np.uint8), (200, 1)))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with hardly any data."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    inside = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + inside


def message(data: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        read(data)
    return str(refusal.value)


def test_a_grey_png_keeps_its_shape_in_the_middle_of_a_black_square() -> None:
    picture = read(saved(GREY, "PNG"))
    assert picture.values.shape == (171, SIDE)  # 200 × 300, made smaller
    square = shown(picture)
    assert square.shape == (1, SIDE, SIDE)
    assert square.dtype == np.uint8
    assert not square[0, :42].any()
    assert not square[0, -42:].any()
    middle = square[0, 128].astype(int)
    assert np.abs(middle - np.linspace(0, 255, SIDE)).max() < 3


def test_colours_stay_and_grey_pictures_in_rgb_become_one_plane() -> None:
    red = read(saved(Image.new("RGB", (64, 64), (200, 20, 10)), "PNG"))
    assert shown(red)[:, 100, 100].tolist() == [200, 20, 10]
    assert read(saved(GREY.convert("RGB"), "JPEG")).values.ndim == 2


def test_exif_rotation_is_applied() -> None:
    image = Image.new("L", (300, 200))
    image.paste(255, (0, 0, 300, 100))  # the upper half
    tags = image.getexif()
    tags[0x0112] = 6  # the camera was held so that the top is at the right
    picture = read(saved(image, "JPEG", exif=tags))
    assert picture.values.shape == (SIDE, 171)
    assert picture.values[:, 120:].mean() > 240 > 15 > picture.values[:, :50].mean()
    assert any("向き" in note for note in picture.notes)


def test_sixteen_bits_get_a_window_that_shows_them() -> None:
    twelve = np.tile(np.linspace(0, 4095, 256).astype(np.uint16), (256, 1))
    picture = read(saved(Image.fromarray(twelve), "PNG"))
    assert picture.adjustable
    assert 0 <= picture.low < 100
    assert 4000 < picture.high <= 4095
    assert np.ptp(shown(picture)) == 255
    assert shown(picture, 1000, 2000)[0, 0, 60] == 0
    assert shown(picture, 1000, 2000)[0, 0, 130] == 255


def test_cmyk_palette_and_transparent_pictures_come_out_right() -> None:
    cmyk = read(saved(GREY.convert("CMYK"), "JPEG"))
    assert np.abs(cmyk.values - read(saved(GREY, "JPEG")).values).mean() < 3
    assert any("CMYK" in note for note in cmyk.notes)
    palette = read(saved(GREY.convert("P"), "PNG"))
    assert np.abs(palette.values - read(saved(GREY, "PNG")).values).max() <= 2
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 32, 64))
    picture = read(saved(clear, "PNG"))
    assert shown(picture)[0, 128, 40] == 0
    assert shown(picture)[0, 128, 220] == 255  # white, not the red behind
    assert any("透明" in note for note in picture.notes)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_a_moving_picture_the_first_frame_is_used_and_told(kind: str) -> None:
    frames = [Image.new("RGB", (64, 64), (level, level, level)) for level in (40, 140, 240)]
    picture = read(saved(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True))
    assert np.abs(picture.values - 40).max() <= 1
    assert any("最初の1枚" in note for note in picture.notes)


def test_the_name_does_not_matter_but_the_content_does() -> None:
    assert read(saved(GREY, "JPEG")).kind == "JPEG"
    assert "名前の終わり(拡張子)" in message(b"hello, this is text called x.png")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 バイト"),
        (claiming(20_000, 20_000), "大きすぎます"),
        (claiming(200_000, 10), "大きすぎます"),
        (claiming(6_000, 6_000), "6,000"),
        (claiming(4, 4), "小さすぎます"),
        (claiming(64, 64), "途中で切れているか"),
        (saved(GREY, "PNG")[:400], "途中で切れているか"),
        (saved(GREY, "JPEG")[:900], "途中で切れているか"),
        (saved(GREY, "GIF")[:200], "途中で切れているか"),
        (saved(GREY, "BMP"), "BMP"),
        (saved(GREY, "TIFF"), "TIFF"),
        (b"%PDF-1.7 ...", "PDF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "SVG"),
        (b"\xef\xbb\xbf <!DOCTYPE html><html></html>", "HTML"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
        (b"\x08\x00\x05\x00CS", "古い形の DICOM"),
        (b"x" * (MAX_BYTES + 1), "5 MB"),
        (saved(Image.new("I;16", (64, 64), 7), "PNG"), "同じ明るさ"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_what_cannot_be_taken_is_refused_with_what_to_do(data: bytes, said: str) -> None:
    told = message(data)
    assert said in told
    assert told.endswith(("。", "。)"))


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded() -> None:
    data = saved(Image.new("RGB", (3000, 3000), (90, 90, 90)), "JPEG", progressive=True)
    scan = data[data.rfind(b"\xff\xda") : -2]
    assert "JPEG の作り" in message(data[:-2] + scan * 5000 + data[-2:])


DEEP = (np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)) % 4000


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_dicom_values_are_rescaled_and_windowed(syntax: str) -> None:
    data = dicom(
        DEEP, syntax, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=[40, 9], WindowWidth=[400, 9]
    )
    picture = read(data)
    assert (picture.low, picture.high) == (-160, 240)
    assert picture.values.min() == pytest.approx(-1000, abs=1)
    assert picture.values.max() == pytest.approx(2 * 3999 - 1000, rel=1e-2)
    assert picture.kind == "DICOM"


def test_signed_and_shifted_bits_are_taken_out_of_their_words() -> None:
    signed = np.where(np.arange(64)[:, None] < 32, 5, -5) * np.ones((1, 64))
    values = read(dicom(signed.astype(np.int16))).values
    assert (values[10, 10], values[-10, 10]) == (5, -5)
    high = ((DEEP & 0xFFF) << 4).astype(np.uint16)
    shifted = read(dicom(high, BitsStored=12, HighBit=15)).values
    assert np.allclose(shifted, read(dicom(DEEP & 0xFFF)).values)


def test_monochrome1_is_shown_with_black_and_white_exchanged() -> None:
    usual = read(dicom(DEEP, WindowCenter=2000, WindowWidth=4000))
    other = read(dicom(DEEP, WindowCenter=2000, WindowWidth=4000, PhotometricInterpretation="MONOCHROME1"))
    assert np.abs(shown(other).astype(int) + shown(usual) - 255).max() <= 1
    assert any("MONOCHROME1" in note for note in other.notes)


def test_of_many_frames_the_middle_one_is_used_and_told() -> None:
    frames = np.stack([np.full((32, 32), 10 * i, np.uint8) for i in range(5)])
    frames[:, 0, 0] = 255
    picture = read(dicom(frames))
    assert np.median(picture.values) == 20
    assert any("3 枚目" in note for note in picture.notes)


def test_padding_does_not_spoil_the_window() -> None:
    values = DEEP.astype(np.int16)
    values[:20] = -32768
    picture = read(dicom(values, PixelPaddingValue=-32768))
    assert picture.lowest >= 0


def test_colours_of_a_dicom() -> None:
    values = np.zeros((32, 32, 3), np.uint8)
    values[..., 0] = 200
    assert shown(read(dicom(values)))[:, 128, 128].tolist() == [200, 0, 0]


def compressed(syntax: str) -> bytes:
    """A DICOM whose one frame is a JPEG."""
    from pydicom import dcmread
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    made = dcmread(io.BytesIO(dicom(np.asarray(GREY.resize((64, 64))))))
    made.file_meta.TransferSyntaxUID = UID(syntax)
    made.PixelData = encapsulate([saved(GREY.resize((64, 64)), "JPEG", quality=95)])
    made["PixelData"].is_undefined_length = True
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def test_baseline_jpeg_inside_a_dicom_is_read_and_other_compressions_are_refused() -> None:
    picture = read(compressed("1.2.840.10008.1.2.4.50"))
    assert np.abs(picture.values[128] - np.linspace(0, 255, SIDE)).mean() < 6
    for syntax in ("1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"):
        assert "非圧縮" in message(compressed(syntax))


def test_a_deflated_dicom_is_refused_without_being_inflated() -> None:
    bomb = zlib.compressobj(9, wbits=-15)
    inside = bomb.compress(bytes(50_000_000)) + bomb.flush()
    plain = dicom(DEEP)
    meta_end = plain.index(b"\x08\x00\x16\x00") if b"\x08\x00\x16\x00" in plain else 300
    data = plain[:meta_end].replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.2.1.99") + inside
    assert "DICOM" in message(data)


def test_a_dicom_without_a_picture_or_with_a_false_size_is_refused() -> None:
    from pydicom import dcmread

    report = dcmread(io.BytesIO(dicom(DEEP)))
    del report.PixelData
    file = io.BytesIO()
    report.save_as(file, enforce_file_format=True)
    assert "画像が入っていません" in message(file.getvalue())
    assert "途中で切れているか" in message(dicom(DEEP, Rows=4000))
    assert "大きすぎます" in message(dicom(DEEP, Rows=65000, Columns=65000))


def test_nothing_of_a_dicoms_words_is_kept_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    data = dicom(DEEP, PatientName="YAMADA^TARO", WindowCenter=40, WindowWidth=400)
    with caplog.at_level("DEBUG"):
        picture = read(data)
        message(data[:600])
    assert "YAMADA" not in repr(picture)
    assert "YAMADA" not in caplog.text
    assert "YAMADA" not in repr(PictureFile(data))
    assert str(PictureFile(data)) == "PictureFile()"


def test_damaged_files_are_read_or_refused() -> None:
    found = fuzz(130)
    assert found["read"] + found["refused"] == 130
    assert found["refused"] > 40
    assert found["longest_s"] < LONGEST_S
    assert found["grew_mb"] < 300


def test_the_server_reads_no_picture_itself() -> None:
    code = (
        "import sys, core.jobs, pages.parts.augmentation.gallery;"
        "print([n for n in ('torch', 'torchvision', 'pydicom', 'sklearn') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def held(engine: Engine) -> list[Any]:
    """Return the tasks that scheduler and workers know, and the data that they hold."""
    client = engine._client

    def scheduler(dask_scheduler: Any) -> list[str]:
        return [repr(task.run_spec) for task in dask_scheduler.tasks.values()]

    def worker(dask_worker: Any) -> list[str]:
        return [*map(repr, dask_worker.state.tasks.values()), *map(repr, dask_worker.data.values())]

    return [client.run_on_scheduler(scheduler), client.run(worker)]


def test_a_worker_reads_a_picture_and_the_cluster_keeps_nothing_of_it(engine: Engine) -> None:
    picture = engine.quick(jobs.read_picture, PictureFile(saved(GREY, "PNG")), timeout=60)
    assert isinstance(picture, Picture)
    refusal = engine.quick(jobs.read_picture, PictureFile(b"%PDF"), timeout=60)
    assert isinstance(refusal, Refused)
    assert "PDF" in str(refusal)
    del picture, refusal
    for _ in range(50):
        kept = repr(held(engine))
        if "read_picture" not in kept and "PictureFile" not in kept:
            break
    assert "PictureFile" not in kept
    assert "read_picture" not in kept
