"""What the experiment with curves says: labels, numbers with their units, sentences of what is measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.series_augment import LABELS, Measured, WaveSpec, signal_to_noise
from core.series_measure import MOST, Array
from pages.ui.workings import fixed

KIND_LABELS = {"noise": "雑音", "scale": "拡大縮小", "warp": "時間の伸縮", "mask": "マスク"}


@dataclass(frozen=True, kw_only=True)
class Words:
    """A label in the reader's words: its name, what it stands on, and what is wrong once it has changed."""

    name: str
    stands_on: str
    lost: str


WORDS = {
    "tachycardia": Words(
        name="頻脈", stands_on="心拍数 100 回/分以上", lost="100 回/分を割ったのに「頻脈」のラベルのままです"
    ),
    "long_qt": Words(
        name="QT延長",
        stands_on="QTc 460 ms 以上",
        lost="QTc が 460 ms 未満なのに「QT延長」のラベルのままです",
    ),
    "st": Words(
        name="ST上昇",
        stands_on="ST 0.1 mV 以上",
        lost="ST が 0.1 mV に届かないのに「ST上昇」のラベルのままです",
    ),
    "high_voltage": Words(
        name="左室高電位",
        stands_on="V5 の R 波 2.6 mV 以上",
        lost="R 波が 2.6 mV に届かないのに「左室高電位」のラベルのままです",
    ),
    "sinus": Words(
        name="洞調律(P波あり)",
        stands_on="P 波が雑音の 3 倍以上",
        lost="P 波が見分けられないのに「洞調律(P波あり)」のラベルのままです",
    ),
    "no_pause": Words(
        name="ポーズなし",
        stands_on="最長の R–R 間隔 2 秒未満",
        lost="2秒以上のポーズに見えるのに「ポーズなし」のラベルのままです",
    ),
    "lasting": Words(
        name="頻脈が30分以上続いた",
        stands_on="100 回/分以上が途切れず 30 分以上",
        lost="30分続いていないのに「30分以上続いた」のラベルのままです",
    ),
    "onset": Words(
        name="頻脈の始まった時刻",
        stands_on="もとの時刻から ±15 分以内",
        lost="ラベルの時刻が、頻脈の始まりから15分を超えてずれています",
    ),
}

SHORT = {
    "rate": "心拍数",
    "longest": "最長の R–R",
    "qt": "QT",
    "qtc": "QTc",
    "st": "ST",
    "r": "R 波",
    "p": "P 波÷雑音",
    "lasting": "続いた時間",
    "onset": "始まり",
    "highest": "最高値",
}
UNITS = {
    "rate": " 回/分",
    "longest": " 秒",
    "qt": " ms",
    "qtc": " ms",
    "st": " mV",
    "r": " mV",
    "p": " 倍",
    "lasting": " 分",
    "onset": " 時間",
    "highest": " 回/分",
}
DIGITS = {
    "rate": 1,
    "longest": 2,
    "qt": 0,
    "qtc": 0,
    "st": 3,
    "r": 2,
    "p": 1,
    "lasting": 0,
    "onset": 2,
    "highest": 0,
}
FORMATS = {name: f".{digits}f" for name, digits in DIGITS.items()}
AXES = {
    "rate": "心拍数(回/分)",
    "longest": "最長の R–R 間隔(秒)",
    "qtc": "QTc(ms)",
    "st": "ST の高さ(mV)",
    "r": "R 波の高さ(mV)",
    "p": "P 波の高さ ÷ 雑音の標準偏差(倍、10 で頭打ち)",
    "lasting": "100 回/分以上が続いた時間(分)",
    "onset": "頻脈の始まり(時間)",
}


def told(measure: str, value: float) -> str:
    """Write a measured number with its unit."""
    if not math.isfinite(value):
        return "測れません"
    if measure == "p" and value >= MOST:
        return f"{MOST:g} 倍以上"
    return _shown(measure, value) + ("" if measure == "onset" else UNITS[measure])


def _shown(measure: str, value: float) -> str:
    if measure == "onset":
        hours, minutes = divmod(round(60 * value), 60)
        return f"{hours}時間{minutes:02d}分"
    return fixed(value, DIGITS[measure])


def reach(measure: str, values: Array) -> str:
    """Write the least and the greatest of measured numbers; say how many could not be measured."""
    known = values[np.isfinite(values)]
    if not len(known):
        return "測れません"
    low, high = _shown(measure, float(known.min())), _shown(measure, float(known.max()))
    missing = f"({len(values) - len(known)} 本は測れません)" if len(known) < len(values) else ""
    both = low if low == high else f"{low} 〜 {high}"
    return both + ("" if measure == "onset" else UNITS[measure]) + missing


def verdict(spec: WaveSpec, measured: Measured) -> str:
    """Say how many variants have lost their label, with the number that decides it."""
    label, words = LABELS[spec.label], WORDS[spec.label]
    values = measured.numbers[label.measure]
    said = (
        f"{spec.variants} 本の{SHORT[label.measure]}は {reach(label.measure, values[1:])}"
        f"(もとは {told(label.measure, float(values[0]))})。"
    )
    if not measured.broken:
        return said + f"「{words.name}」({words.stands_on})は、どの波形でも正しいままです。"
    return said + f"{measured.broken} 本で、{words.lost}。"


def clinical(spec: WaveSpec, found: Mapping[str, Measured]) -> list[str]:
    """Say what each transform alone has done to what is measured, and what to beware of."""
    return _ecg(spec, found) if spec.is_ecg else _pulse(spec, found)


def _off(kind: str) -> str:
    return f"**{KIND_LABELS[kind]}**: 強さが 0 なので、何も変えていません。"


def _ecg(spec: WaveSpec, found: Mapping[str, Measured]) -> list[str]:
    def of(kind: str, measure: str) -> tuple[str, str]:
        values = found[kind].numbers[measure]
        return told(measure, float(values[0])), reach(measure, values[1:])

    lines = []
    if spec.noise:
        _, after = of("noise", "p")
        lines.append(
            f"**雑音**(標準偏差 {spec.noise:g} mV、SN比 {signal_to_noise(spec):.1f} dB): "
            f"P 波の高さは雑音の標準偏差の {after}になりました。3 倍を割ると、P 波は見分けられません。"
            "雑音を強めると、小さな波から先に消え、P 波のない調律(心房細動や接合部調律)と紛らわしくなります。"
        )
    else:
        lines.append(_off("noise"))
    if spec.scale:
        (r, rs), (st, sts) = of("scale", "r"), of("scale", "st")
        lines.append(
            f"**拡大縮小**(±{spec.scale:.0%}): R 波は {r} から {rs} に、ST は {st} から {sts} になりました。"
            "高さ(mV)で決める診断の答えが変わります。"
        )
    else:
        lines.append(_off("scale"))
    if spec.warp:
        (rate, rates), (qtc, qtcs) = of("warp", "rate"), of("warp", "qtc")
        lines.append(
            f"**時間の伸縮**(速さ ±{spec.warp:.0%}): 心拍数は {rate} から {rates} に、"
            f"QTc は {qtc} から {qtcs} になりました。時間(秒、ms)で決める診断の答えが変わります。"
        )
    else:
        lines.append(_off("warp"))
    if spec.mask:
        (longest, after), (rate, rates) = of("mask", "longest"), of("mask", "rate")
        lines.append(
            f"**マスク**({spec.mask:g} 秒): 最長の R–R 間隔は {longest} から {after} に、"
            f"心拍数は {rate} から {rates} になりました。"
            "拍が1つ隠れただけで、房室ブロックや洞停止の「拍の抜け」に見えます。"
        )
    else:
        lines.append(_off("mask"))
    return lines


def _pulse(spec: WaveSpec, found: Mapping[str, Measured]) -> list[str]:
    def of(kind: str, measure: str) -> tuple[str, str]:
        values = found[kind].numbers[measure]
        return told(measure, float(values[0])), reach(measure, values[1:])

    lines = []
    if spec.noise:
        before, after = of("noise", "lasting")
        lines.append(
            f"**雑音**(標準偏差 {spec.noise:g} 回/分、SN比 {signal_to_noise(spec):.1f} dB): "
            f"頻脈が途切れず続いた時間は {before} から {after} になりました。"
            "基準の近くでは、雑音が持続時間を細切れにします。"
        )
    else:
        lines.append(_off("noise"))
    if spec.scale:
        before, after = of("scale", "highest")
        lines.append(
            f"**拡大縮小**(±{spec.scale:.0%}): 最高の心拍数は {before} から {after} になりました。"
            "心拍数は単位のある値です。倍率を掛けると、頻脈が消えたり、正常な心拍数が頻脈になったりします。"
        )
    else:
        lines.append(_off("scale"))
    if spec.warp:
        (begin, begins), (lasting, lastings) = of("warp", "onset"), of("warp", "lasting")
        lines.append(
            f"**時間の伸縮**(速さ ±{spec.warp:.0%}): 頻脈の始まりは {begin} から {begins} に、"
            f"続いた時間は {lasting} から {lastings} になりました。"
            "時刻のラベルは、波形と一緒に動かさなければ合わなくなります。"
        )
    else:
        lines.append(_off("warp"))
    if spec.mask:
        (begin, begins), (lasting, lastings) = of("mask", "onset"), of("mask", "lasting")
        lines.append(
            f"**マスク**({spec.mask:g} 分を直前の値で埋める): 頻脈の始まりは {begin} から {begins} に、"
            f"続いた時間は {lasting} から {lastings} になりました。"
            "頻脈そのものが隠れると、ラベルだけが残ります。"
        )
    else:
        lines.append(_off("mask"))
    return lines
