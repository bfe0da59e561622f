"""Settings of the experiment with curves: one keeps the label, six break it, with the reason."""

from __future__ import annotations

from typing import Any

from core.series_augment import LABELS
from pages.parts.augmentation import series_words as words
from pages.ui import lesson

ALL = "4つすべて"
VIEWS = {ALL: "all", **{label: kind for kind, label in words.KIND_LABELS.items()}}
CURVES = {
    ("心電図: " if LABELS[name].beats else "12時間の心拍数: ") + said.name: name
    for name, said in words.WORDS.items()
}
CURVE_OF = {name: label for label, name in CURVES.items()}
SEED, MAX_SEED = 7, 9999


def _setting(label: str, shown: str, noise: float, scale: int, warp: int, mask: float) -> dict[str, Any]:
    strengths = (
        {"au_s_noise": noise, "au_s_mask": mask}
        if LABELS[label].beats
        else {"au_s_noise_bpm": int(noise), "au_s_mask_min": int(mask)}
    )
    return {
        "au_s_label": CURVE_OF[label],
        "au_s_view": shown,
        "au_s_scale": scale,
        "au_s_warp": warp,
        "au_s_seed": SEED,
        **strengths,
    }


PRESETS = [
    lesson.Preset("ひかえめ(診断は変わらない)", _setting("high_voltage", ALL, 0.03, 6, 8, 0.1)),
    lesson.Preset(
        "頻脈を伸び縮み",
        _setting("tachycardia", "時間の伸縮", 0.0, 0, 40, 0.0),
        "頻脈は1分あたりの拍数、つまり**時間**で決まります。時間を伸び縮みさせれば R–R 間隔も同じだけ変わり、"
        "もとが 106 回/分では、6 % 遅くするだけで 100 を割ります。",
    ),
    lesson.Preset(
        "QT延長を伸び縮み",
        _setting("long_qt", "時間の伸縮", 0.0, 0, 50, 0.0),
        "QT 間隔は速さの分だけ伸び縮みします。Bazett の式は R–R 間隔の平方根でしか補正しないので、"
        "QTc にも速さの平方根ほどのずれが残ります。",
    ),
    lesson.Preset(
        "ST上昇を縮める",
        _setting("st", "拡大縮小", 0.0, 40, 0, 0.0),
        "ST 上昇は**高さ**(0.1 mV)で決まります。0.8 倍にすれば、0.123 mV の ST は基準を下回ります。"
        "記録の感度(10 mm/mV)を変えたのに、ものさしを変えていないのと同じです。",
    ),
    lesson.Preset(
        "P波を沈める",
        _setting("sinus", "雑音", 0.1, 0, 0, 0.0),
        "P 波は 0.15 mV ほどしかなく、1 mV を超える R 波より先に雑音へ沈みます。"
        "R 波がよく見える強さでも、P 波で決めるラベルには強すぎます。",
    ),
    lesson.Preset(
        "1拍を隠す",
        _setting("no_pause", "マスク", 0.0, 0, 0, 0.6),
        "0 mV で隠した R 波は、心臓が止まっていたのと区別がつきません。58 回/分(R–R 1.03 秒)では、"
        "1拍消えると R–R 間隔は 2 秒を超えます。",
    ),
    lesson.Preset(
        "頻脈の時刻がずれる",
        _setting("onset", "時間の伸縮", 0, 0, 20, 0),
        "波形の時間だけを動かし、「始まりの時刻」というラベルを動かしていません。"
        "時刻のラベルには、同じ時計の変換を掛ける必要があります。",
    ),
]
