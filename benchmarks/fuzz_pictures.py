"""Damage valid picture files and read them: ``python -m benchmarks.fuzz_pictures [--files N]``.

Every damaged file (seeded, so that a failure can be repeated) must be read, or refused by the reader's own
``Refused``, within a second and 300 MB. The peak is that of the resident size of a process that does
nothing else, over what it was before. The largest files that are taken are read as well.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import threading
import time
from collections import Counter
from typing import Any

import numpy as np
import psutil
from PIL import Image

from core.image_files import Refused, read
from core.phantom import film

LONGEST_S = 1.0
MOST_BYTES = 300 * 10**6


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Write a picture with Pillow."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def dicom(values: np.ndarray[Any, Any], syntax: str = "1.2.840.10008.1.2.1", **tags: Any) -> bytes:
    """Write a DICOM file with pydicom: values (rows, columns), frames (frames, rows, columns) or colours."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    implicit, little = syntax == "1.2.840.10008.1.2", not syntax.endswith("1.2.2")
    made = FileDataset(
        "", {}, file_meta=meta, preamble=bytes(128), is_implicit_VR=implicit, is_little_endian=little
    )
    colours = values.ndim == 3 and values.shape[-1] == 3
    rows, columns = values.shape[-3:-1] if colours else values.shape[-2:]
    bits = 8 * values.dtype.itemsize
    standard = {
        "PatientName": "YAMADA^TARO",
        "PatientID": "12345678",
        "Rows": rows,
        "Columns": columns,
        "SamplesPerPixel": 3 if colours else 1,
        "PhotometricInterpretation": "RGB" if colours else "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(values.dtype.kind == "i"),
    }
    if colours:
        standard["PlanarConfiguration"] = 0
    if values.ndim == 3 and not colours:
        standard["NumberOfFrames"] = len(values)
    for name, value in {**standard, **tags}.items():
        setattr(made, name, value)
    order = "<" if little else ">"
    made.add_new(
        "PixelData", "OW" if bits == 16 else "OB", values.astype(values.dtype.newbyteorder(order)).tobytes()
    )
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def samples() -> dict[str, bytes]:
    """Return one valid file of each sort."""
    drawn = film(np.random.default_rng(0), 96)
    grey = Image.fromarray((drawn * 255).astype(np.uint8))
    deep = (drawn * 4095).astype(np.uint16)
    moving = [grey.rotate(angle) for angle in (0, 20, 40)]
    rest = {"save_all": True, "append_images": moving[1:]}
    clear = grey.convert("RGBA")
    clear.putalpha(grey)
    return {
        "png": saved(grey, "PNG"),
        "png, 16 bits": saved(Image.fromarray(deep), "PNG"),
        "png, palette": saved(grey.convert("P"), "PNG", transparency=0),
        "png, clear": saved(clear, "PNG"),
        "apng": saved(moving[0], "PNG", **rest),
        "gif": saved(moving[0], "GIF", **rest),
        "webp": saved(moving[0], "WEBP", **rest),
        "jpeg": saved(grey, "JPEG"),
        "jpeg, progressive": saved(grey.convert("RGB"), "JPEG", progressive=True),
        "jpeg, cmyk": saved(grey.convert("CMYK"), "JPEG"),
        "dicom": dicom(deep, WindowCenter=2000, WindowWidth=3000, RescaleSlope=1, RescaleIntercept=-1024),
        "dicom, implicit": dicom(
            deep.astype(np.int16), "1.2.840.10008.1.2", PhotometricInterpretation="MONOCHROME1"
        ),
        "dicom, frames": dicom(np.stack([np.asarray(one) for one in moving])),
    }


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file in one of five ways, mostly near its head, where its structure stands."""
    harmed = bytearray(data)
    way = int(rng.integers(5))
    if way == 0:  # cut off
        return bytes(harmed[: int(rng.integers(len(harmed)))])
    if way == 1:  # a stretch left out, or doubled
        start, length = int(rng.integers(len(harmed))), int(rng.integers(1, 200))
        return bytes(harmed[:start] + harmed[start + length * int(rng.choice([-1, 1])) :])
    for _ in range(int(rng.integers(1, 20))):
        reach = len(harmed) if way == 2 else min(400, len(harmed))
        place = int(rng.integers(reach))
        if way == 3:  # numbers as large as they can be
            harmed[place : place + 4] = bytes([int(rng.choice([0, 127, 255]))] * 4)
        else:
            harmed[place] = int(rng.integers(256))
    return bytes(harmed)


def largest() -> dict[str, bytes]:
    """Return files of as many pixels as are taken, in the ways that cost most to decode."""
    side = 5000
    plain = Image.new("L", (side, side), 90)
    clear = plain.convert("RGBA")
    clear.putpixel((0, 0), (0, 0, 0, 0))
    return {
        "png, clear": saved(clear, "PNG", compress_level=1),
        "png, palette": saved(plain.convert("P"), "PNG", transparency=0, compress_level=1),
        "png, 16 bits": saved(Image.fromarray(np.eye(side, dtype=np.uint16)), "PNG", compress_level=1),
        "gif": saved(plain.convert("P"), "GIF"),
        "jpeg": saved(plain.convert("RGB"), "JPEG", progressive=True),
        "jpeg, cmyk": saved(plain.convert("CMYK"), "JPEG", progressive=True),
        "webp": saved(clear.crop((0, 0, 3464, 3464)), "WEBP"),
    }


class _Peak:
    """Watches the resident size of this process."""

    def __init__(self) -> None:
        self._process, self._stop = psutil.Process(), threading.Event()
        self.before = self.most = self._process.memory_info().rss
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._stop.wait(0.001):
            self.most = max(self.most, self._process.memory_info().rss)

    def end(self) -> int:
        """Return by how many bytes the process grew at most."""
        self._stop.set()
        return self.most - self.before


def fuzz(files: int) -> dict[str, Any]:
    """Read ``files`` damaged files; return how it went.

    Raises:
        AssertionError: one raised something else than ``Refused``.
    """
    valid = samples()
    for data in valid.values():
        read(data)
    longest, outcomes = 0.0, Counter[str]()
    peak = _Peak()
    for number in range(files):
        name = list(valid)[number % len(valid)]
        data = damaged(valid[name], np.random.default_rng(number))
        begin = time.perf_counter()
        try:
            read(data)
            outcomes["read"] += 1
        except Refused:
            outcomes["refused"] += 1
        except BaseException as error:
            raise AssertionError(f"file {number} ({name}): {type(error).__name__}") from error
        longest = max(longest, time.perf_counter() - begin)
    return {"files": files, **outcomes, "longest_s": longest, "grew_mb": peak.end() / 1e6}


def alone(data: bytes) -> dict[str, float]:
    """Read one file in a process that has read a small one only."""
    read(samples()["png"])
    peak, begin = _Peak(), time.perf_counter()
    read(data)
    seconds = time.perf_counter() - begin
    return {"longest_s": seconds, "grew_mb": peak.end() / 1e6}


def main() -> None:
    """Print how it went as JSON; fail when a file took too long or too much."""
    parser = argparse.ArgumentParser(description="Damage valid picture files and read them.")
    parser.add_argument("--files", type=int, default=500, help="how many (500)")
    found = fuzz(parser.parse_args().files)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        for name, data in largest().items():
            found[f"largest {name}"] = processes.apply(alone, (data,))
    print(json.dumps(found, indent=2))
    for told in (found, *(value for value in found.values() if isinstance(value, dict))):
        assert told["longest_s"] <= LONGEST_S
        assert told["grew_mb"] * 1e6 <= MOST_BYTES


if __name__ == "__main__":
    main()
