"""Time the gallery from a slider to its pictures: ``python -m benchmarks.gallery [--json] [--runs N]``.

Each round moves the slider of one strength, so that nothing is found in a cache. It times, in turn and in
one process: a plain loop with torchvision's own transforms over nine variants; ``core.gallery.paint``,
which gives the very picture of the page; and the same through the engine's quick lane, which is what a
page waits for. Pictures are 256 × 256. In every round the loop's pictures must agree with ours within 2
of 255 steps.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import numpy as np
import torch
from torchvision.transforms import v2

from benchmarks.training import machine
from core import device, jobs
from core.engine import Engine
from core.gallery import original, paint, pictures_of
from core.gallery_specs import PLACES, STEPS, VARIANTS, GallerySpec, SourceSpec
from core.image_files.picture import Bytes

TARGET_S = 0.15
TOLERANCE = 2
DEFAULTS = ("flip", "rotation", "affine", "jitter")
CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "default four": (DEFAULTS, "together"),
    "all eight": (tuple(STEPS), "together"),
    "alone": (DEFAULTS, "alone"),
    "difference": (DEFAULTS, "difference"),
}


def spec(case: str, round_: int) -> GallerySpec:
    """Return the gallery of a round: another strength of contrast, and another seed, in each."""
    names, view = CASES[case]
    strengths = {name: STEPS[name].default for name in names}
    strengths["jitter"] = 0.1 + 0.1 * (round_ % 8)
    return GallerySpec(source=SourceSpec(), strengths=tuple(strengths.items()), seed=round_, view=view)


def _plain(name: str, strength: float) -> Any:
    """Return torchvision's own class, also where the page uses a faster one of the same values."""
    called, arguments = STEPS[name].call(strength)
    own = {"Blur": v2.GaussianBlur, "Elastic": v2.ElasticTransform}
    if "interpolation" in arguments:
        arguments["interpolation"] = v2.InterpolationMode.BILINEAR
    return own.get(called) or getattr(v2, called.removeprefix("v2.")), arguments


def by_loop(gallery: GallerySpec) -> list[Bytes]:
    """Make the variants in the loop that a textbook writes, all transforms together."""
    image = torch.from_numpy(original(gallery.source))
    steps = []
    for name, strength in gallery.strengths:
        made, arguments = _plain(name, strength)
        steps.append((PLACES[name], made(**arguments)))
    pictures = []
    for variant in range(VARIANTS):
        picture = image
        for place, step in steps:
            torch.manual_seed(1000 * gallery.seed + 10 * variant + place)
            picture = step(picture)
        pictures.append((picture.clamp(0, 1) * 255).round().byte().numpy())
    return pictures


def _timed(times: list[float], job: Any, *args: Any) -> Any:
    begin = time.perf_counter()
    result = job(*args)
    times.append(time.perf_counter() - begin)
    return result


def measure(case: str, rounds: int, engine: Engine) -> dict[str, Any]:
    """Time a case; return medians and 95th percentiles in milliseconds.

    Raises:
        AssertionError: the pictures of the two sides differ.
    """
    loop: list[float] = []
    direct: list[float] = []
    quick: list[float] = []
    size = 0
    for round_ in range(-3, rounds):
        times = (loop, direct, quick) if round_ >= 0 else ([], [], [])
        gallery = spec(case, round_ + 3)
        expected = _timed(times[0], by_loop, gallery)
        _timed(times[1], paint, gallery)
        found = _timed(times[2], lambda asked: engine.quick(jobs.gallery, asked, None, timeout=60), gallery)
        size = len(found.original) + sum(len(picture) for row in found.rows for picture in row.pictures)
        if gallery.view == "together":
            ours = pictures_of(gallery)[0][0]
            gap = max(
                int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in zip(expected, ours, strict=True)
            )
            assert gap <= TOLERANCE, f"{case}: pictures differ by {gap} of 255"

    def milliseconds(times: list[float]) -> tuple[float, float]:
        return 1000 * statistics.median(times), 1000 * float(np.percentile(times, 95))

    return {
        "case": case,
        "loop_ms": milliseconds(loop),
        "paint_ms": milliseconds(direct),
        "quick_lane_ms": milliseconds(quick),
        "kilobytes": size / 1000,
        "met": statistics.median(quick) <= TARGET_S,
    }


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description="Time the gallery from a slider to its pictures.")
    parser.add_argument("--runs", type=int, default=40, help="rounds of each case (40)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    device.one_thread()
    engine = Engine()
    engine.start()
    try:
        found = [measure(case, options.runs, engine) for case in CASES]
    finally:
        engine.close()
    if options.json:
        print(json.dumps({"machine": machine(), "target_ms": 1000 * TARGET_S, "cases": found}, indent=2))
        return
    print(" · ".join(f"{key} {value}" for key, value in machine().items()), f"· {options.runs} rounds")
    print("Milliseconds, median / 95th percentile; nine variants of 256 × 256.")
    print(f"{'case':<14} {'loop':>16} {'paint':>16} {'quick lane':>16} {'kB':>6} met")
    for row in found:
        keys = ("loop_ms", "paint_ms", "quick_lane_ms")
        told = [f"{row[key][0]:.0f} / {row[key][1]:.0f}" for key in keys]
        met = "yes" if row["met"] else "NO"
        print(f"{row['case']:<14} {told[0]:>16} {told[1]:>16} {told[2]:>16} {row['kilobytes']:>6.0f} {met}")


if __name__ == "__main__":
    main()
