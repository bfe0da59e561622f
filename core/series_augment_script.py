"""The augmentation of a curve as a plain NumPy script that prints the page's own numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from core import series_augment as augment
from core import series_measure as gauge
from core import series_transforms as transforms
from core.script_source import source
from core.series_augment import KINDS, KNOTS, LABELS, WaveSpec

KIND_NAMES = {"noise": "雑音", "scale": "拡大縮小", "warp": "時間の伸縮", "mask": "マスク"}
MEASURE_NAMES = {
    "rate": "心拍数 [回/分]",
    "longest": "最長の R–R 間隔 [秒]",
    "qt": "QT 間隔 [ms]",
    "qtc": "QTc [ms]",
    "st": "ST の高さ [mV]",
    "r": "R 波の高さ [mV]",
    "p": "P 波の高さ ÷ 雑音の標準偏差",
    "lasting": "100 回/分以上が続いた時間 [分]",
    "onset": "頻脈の始まり [時間]",
    "highest": "最高の心拍数 [回/分]",
}

_SAID = {
    "heartbeats": "時刻 times [秒] の電位 [mV]。1拍は、ガウス関数の和(McSharry ら 2003)。",
    "pulse_course": "時刻 hours [時間] の心拍数 [回/分]。6時から約40分の頻脈がある。",
    "warped_clock": "速さ speeds を3次式でなめらかにつないだ時計。決して逆には進まない。",
    "draw_lots": "1本ぶんのくじを引く: 速さ、倍率、雑音、マスクの場所。",
    "vary": "1本作る: 時間を伸縮し、倍率を掛け、雑音を足し、最後に一部を隠す。",
    "find_peaks": "R 波の頂点の時刻 [秒] を探す。",
    "measure_ecg": "心拍数、最長の R–R、QT、QTc(Bazett)、ST、R、P 波 ÷ 雑音 を測る。測れなければ nan。",
    "measure_pulse": "100 回/分以上が続いた時間 [分]、始まり [時間]、最高値を測る。",
}

_HEAD = """\
# 波形の拡張で、ラベル(診断や計測値)が変わらないかを測る
# AI研修医ラボの画面と同じ数値を計算します。必要なもの: pip install numpy
# 教育用です。診断・治療には使えません。

import numpy as np
"""
_MAIN = """\
NOISE, SCALE, WARP, MASK = {strengths}  # 雑音 [{unit}]、倍率の幅、速さの幅、マスク [{span}]
VARIANTS, SEED = {variants}, {seed}
HZ, LENGTH = {hz}, {length}  # {span}あたりの点の数と、長さ

times = np.arange(HZ * LENGTH) / HZ
record_times = np.arange({points}) / (HZ * {fine})  # 伸縮しても足りるよう、細かく長めに
record = {record}
original = np.interp(times, record_times, record)


def variant(number, noise, scale, warp, mask):
    lots = draw_lots(SEED, number, len(times), {knots})
    return vary(record_times, record, times, lots, noise, scale, warp, mask, {flat})


def value(curve):
    return {gauge}(curve, HZ)["{measure}"]


print("もとの波形:", {{name: float(number) for name, number in {gauge}(original, HZ).items()}})
middle = {middle}
low, high = middle + {low}, middle + {high}  # ラベルは、low 以上 high 未満のときに正しい
conditions = {{
    "雑音だけ": (NOISE, 0.0, 0.0, 0.0),
    "拡大縮小だけ": (0.0, SCALE, 0.0, 0.0),
    "時間の伸縮だけ": (0.0, 0.0, WARP, 0.0),
    "マスクだけ": (0.0, 0.0, 0.0, MASK),
    "すべて": (NOISE, SCALE, WARP, MASK),
}}
for name, strengths in conditions.items():
    found = [value(variant(number, *strengths)) for number in range(VARIANTS)]
    broken = sum(not low <= number < high for number in found)
    print(f"{{name}}: {{VARIANTS}} 本中 {{broken}} 本でラベルが変わる")
    print("  {said}:", [float(number) for number in found])
"""


@lru_cache(maxsize=2)
def _functions(ecg: bool) -> str:
    """Write the functions that make and measure an ECG, or a course of heart rates."""
    made: Any = transforms.heartbeats if ecg else transforms.pulse_course
    gauges: list[Any] = [gauge.find_peaks, gauge.measure_ecg] if ecg else [gauge.measure_pulse]
    shared: list[Any] = [transforms.warped_clock, transforms.draw_lots, transforms.vary]
    return "\n\n".join(source(function, _SAID) + "\n" for function in (made, *shared, *gauges))


def script(spec: WaveSpec) -> str:
    """Write the variants of ``spec`` and their measured numbers, each transform alone and all together."""
    label = LABELS[spec.label]
    hz, length = augment.sampling(spec.is_ecg)
    if label.beats is not None:
        waves = "".join(f"\n    ({c!r}, {h!r}, {w!r})," for c, h, w in label.beats.waves)
        record = f"heartbeats(record_times, {label.beats.rate!r}, WAVES)"
        constants = f"WAVES = [  # 中心 [秒]、高さ [mV]、幅(標準偏差)[秒]。P、Q、R、S、T、ST{waves}\n]\n"
        constants += f"MOST = {gauge.MOST!r}  # P 波 ÷ 雑音 は、この倍数で頭打ちにする\n"
    else:
        record, constants = "pulse_course(record_times)", ""
    strengths = [spec.noise, spec.scale, spec.warp, spec.mask if spec.is_ecg else spec.mask / 60]
    main = _MAIN.format(
        strengths=", ".join(map(repr, strengths)),
        unit="mV" if spec.is_ecg else "回/分",
        span="秒" if spec.is_ecg else "時間",
        variants=spec.variants,
        seed=spec.seed,
        hz=hz,
        length=length,
        points=len(augment.recording(spec.label)[0]),
        fine=augment.FINE,
        record=record,
        knots=KNOTS,
        flat=spec.is_ecg,
        gauge="measure_ecg" if spec.is_ecg else "measure_pulse",
        measure=label.measure,
        said=MEASURE_NAMES[label.measure],
        middle="value(original)" if label.around else "0.0",
        low=_number(label.low),
        high=_number(label.high),
    )
    return "\n\n".join([_HEAD, _functions(spec.is_ecg), constants + main])


def _number(value: float) -> str:
    return f'float("{value}")' if value in (float("inf"), float("-inf")) else repr(value)


assert set(KIND_NAMES) == set(KINDS)
