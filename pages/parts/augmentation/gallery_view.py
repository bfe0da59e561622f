"""What a gallery shows, and what its own draws say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import altair as alt
import numpy as np

from core.gallery import Drawn, Gallery
from core.gallery_specs import IN_A_ROW, VARIANTS, GallerySpec
from pages.parts.augmentation import gallery_grid, gallery_words
from pages.parts.augmentation.gallery_grid import Cell
from pages.ui import charts, lesson, workings

LOST = 0.2  # a nodule of which less is left counts as gone
LARGE = 0.1
COUNTS = ["0〜1枚", "2〜3枚", "4〜5枚", "6〜7枚", "8〜9枚"]
LABELS = gallery_words.LABELS


@dataclass(frozen=True)
class Question:
    """What is asked before a gallery is made; ``answer`` reads it off the gallery."""

    text: str
    choices: list[str]
    answer: Callable[[Gallery], lesson.Answer]


def _count(text: str, test: Callable[[Drawn], bool], because: Callable[[int], str]) -> Question:
    def answer(gallery: Gallery) -> lesson.Answer:
        count = sum(test(drawn) for drawn in gallery.rows[0].drawn)
        return lesson.Answer(COUNTS[min(count // 2, 4)], because(count))

    return Question(text, COUNTS, answer)


def question(spec: GallerySpec) -> Question:
    """Choose what to ask about a gallery."""
    strengths, source = dict(spec.strengths), spec.source
    if spec.view == "alone":
        return _strongest(spec)
    if source.name == "film" and ("flip" in strengths or not source.nodule):
        chance = strengths.get("flip", 0.0)
        inverted = 1 - chance if source.mirrored else chance
        return _count(
            f"{VARIANTS} 枚のうち、心臓が反対側にある(内臓逆位に見える)のは何枚でしょう?",
            lambda drawn: drawn.flipped != source.mirrored,
            lambda count: f"内臓逆位に見えるのは {count} 枚でした(期待値は {VARIANTS * inverted:.1f} 枚)。",
        )
    if source.name == "film":
        return _count(
            f"{VARIANTS} 枚のうち、結節がほとんど消えるのは何枚でしょう?",
            lambda drawn: (1.0 if drawn.nodule is None else drawn.nodule) < LOST,
            lambda count: f"結節の {100 * LOST:.0f}% 未満しか残らなかったのは {count} 枚でした。",
        )
    if source.name == "digit" and strengths.get("rotation", 0) > 90:
        degrees = strengths["rotation"]
        return _count(
            f"{VARIANTS} 枚のうち、上下が逆さ(90° を超える回転)になるのは何枚でしょう?",
            lambda drawn: abs(drawn.angle or 0) > 90,
            lambda count: (
                f"逆さになったのは {count} 枚でした(期待値は {VARIANTS * (1 - 90 / degrees):.1f} 枚)。"
            ),
        )
    if "flip" in strengths:
        return _count(
            f"{VARIANTS} 枚のうち、左右が反転するのは何枚でしょう?",
            lambda drawn: drawn.flipped,
            lambda count: f"反転したのは {count} 枚でした(期待値は {VARIANTS * strengths['flip']:.1f} 枚)。",
        )
    return _count(
        f"{VARIANTS} 枚のうち、もとの画像との明るさの差の平均が {LARGE} を超えるのは何枚でしょう?",
        lambda drawn: drawn.difference > LARGE,
        lambda count: f"差の平均が {LARGE}(明るさは 0〜1)を超えたのは {count} 枚でした。",
    )


def _strongest(spec: GallerySpec) -> Question:
    def answer(gallery: Gallery) -> lesson.Answer:
        sizes = _sizes(gallery)
        most = max(sizes, key=sizes.__getitem__)
        ranked = "、".join(f"{name} {size:.3f}" for name, size in sorted(sizes.items(), key=lambda i: -i[1]))
        return lesson.Answer(most, f"{VARIANTS} 枚での差の平均は、{ranked} でした。")

    names = [LABELS[name] for name, _ in spec.strengths]
    return Question("画像をいちばん大きく変える(明るさの差の平均が大きい)変換は?", names, answer)


def _sizes(gallery: Gallery) -> dict[str, float]:
    """Return by label the mean difference that each transform alone makes."""
    return {
        LABELS[row.names[0]]: float(np.mean([drawn.difference for drawn in row.drawn]))
        for row in gallery.rows
    }


def captions(spec: GallerySpec, gallery: Gallery) -> tuple[tuple[str, ...], ...]:
    """Return what stands under the pictures of each row, the original's first."""
    return tuple(
        ("もとの画像", *(gallery_words.caption(i, spec, row.drawn[i]) for i in range(len(row.pictures))))
        for row in gallery.rows
    )


def show_pictures(spec: GallerySpec, gallery: Gallery) -> None:
    """Show the original and its variants."""
    mark = "模式図" if spec.source.name == "film" else ""
    alone = spec.view == "alone"
    rows = []
    for row, told in zip(gallery.rows, captions(spec, gallery), strict=True):
        cells = [Cell(gallery.original, told[0], "もとの画像", mark)]
        cells += [
            Cell(picture, told[i + 1], gallery_words.described(i, row.drawn[i]), mark)
            for i, picture in enumerate(row.pictures)
        ]
        size = float(np.mean([drawn.difference for drawn in row.drawn]))
        rows.append((f"{LABELS[row.names[0]]}だけ(差の平均 {size:.3f})" if alone else "", cells))
    gallery_grid.show(rows, narrow=alone, legend=spec.view == "difference", note=gallery_words.legend(spec))


def show_waiting(spec: GallerySpec, original: bytes) -> None:
    """Show the original, and where the variants will be."""
    mark = "模式図" if spec.source.name == "film" else ""
    first = Cell(original, "もとの画像", "もとの画像", mark)
    shown = IN_A_ROW if spec.view == "alone" else VARIANTS
    cells = [first, *(Cell(None, gallery_words.NUMBERS[i], "まだ作られていません") for i in range(shown))]
    rows = max(len(spec.strengths), 1) if spec.view == "alone" else 1
    titles = [f"{LABELS[name]}だけ" for name, _ in spec.strengths] if spec.view == "alone" else []
    listed = [(titles[i] if titles else "", cells) for i in range(rows)]
    gallery_grid.show(listed, narrow=spec.view == "alone", legend=False, note="")


@lru_cache(maxsize=16)
def _sizes_spec(names: tuple[str, ...]) -> charts.Spec:
    bars = (
        alt.Chart(alt.NamedData("rows"))
        .mark_bar(color=workings.BLUE)
        .encode(
            x=alt.X("size:Q", title="もとの画像との明るさの差の平均(0〜1)"),
            y=alt.Y("name:N", title=None, sort=list(names), axis=alt.Axis(labelLimit=160)),
            tooltip=[
                alt.Tooltip("name:N", title="変換"),
                alt.Tooltip("size:Q", title="差の平均", format=".3f"),
            ],
        )
    )
    return charts.finish(bars, 26 * len(names) + 50)


def show_sizes(gallery: Gallery) -> None:
    """Draw how much each transform changes the picture."""
    sizes = dict(sorted(_sizes(gallery).items(), key=lambda item: -item[1]))
    names = tuple(sizes)
    table = charts.rows(names, size=np.array(list(sizes.values())))
    told = "、".join(f"{name} {size:.3f}" for name, size in sizes.items())
    charts.draw(_sizes_spec(names), table, f"変換ごとの、明るさの差の平均の棒グラフ。{told}。")


def binomial(count: int, chance: float, of: int = VARIANTS) -> float:
    """Return the probability of exactly ``count`` of ``of``."""
    return math.comb(of, count) * chance**count * (1 - chance) ** (of - count)


def _drawn_values(drawn: Sequence[Drawn], field: str) -> list[float]:
    return [value for one in drawn if (value := getattr(one, field)) is not None]


def reading(spec: GallerySpec, drawn: Sequence[Drawn]) -> list[str]:
    """Say with the numbers of these draws what happened to the nine variants."""
    strengths, lines = dict(spec.strengths), []
    if "flip" in strengths:
        count, chance = sum(one.flipped for one in drawn), strengths["flip"]
        lines.append(
            f"左右が反転したのは **{count} 枚**です。1枚ごとに確率 p = {chance:g} のくじを引くので、"
            f"期待値は {VARIANTS} × {chance:g} = {VARIANTS * chance:.1f} 枚、"
            f"ちょうど {count} 枚になる確率は {100 * binomial(count, chance):.1f}% です。"
        )
    if angles := _drawn_values(drawn, "angle"):
        turned = [abs(angle) for angle in angles]
        over = sum(angle > 90 for angle in turned)
        lines.append(
            f"回転の大きさは平均 {np.mean(turned):.1f}°、最大 {max(turned):.1f}° でした。"
            + (f"90° を超えて逆さになったのは {over} 枚です。" if over else "")
        )
    if scales := _drawn_values(drawn, "scale"):
        shifts = [math.hypot(*one.shift) for one in drawn if one.shift is not None]
        lines.append(
            f"大きさは {min(scales):.2f}〜{max(scales):.2f} 倍、中心は最大 {max(shifts):.0f} 画素ずれました。"
        )
    if bends := _drawn_values(drawn, "bend"):
        lines.append(f"弾性変形は、1画素を平均で {np.mean(bends):.1f} 画素ほど(二乗平均)動かしました。")
    if lights := _drawn_values(drawn, "brightness"):
        contrasts = _drawn_values(drawn, "contrast")
        lines.append(
            f"明るさは {min(lights):.2f}〜{max(lights):.2f} 倍、"
            f"コントラストは {min(contrasts):.2f}〜{max(contrasts):.2f} 倍になりました。"
        )
    if sigmas := _drawn_values(drawn, "sigma"):
        lines.append(f"ぼかしの σ は {min(sigmas):.1f}〜{max(sigmas):.1f} 画素でした。")
    if erased := [share for share in _drawn_values(drawn, "erased") if share]:
        lines.append(
            f"四角く消されたのは {len(erased)} 枚で、面積は平均 {100 * float(np.mean(erased)):.1f}% でした。"
        )
    elif "erase" in strengths:
        lines.append("四角く消された画像は、今回はありませんでした(1枚ごとに確率 0.5 のくじです)。")
    if left := _drawn_values(drawn, "nodule"):
        lost = sum(share < LOST for share in left)
        lines.append(
            f"結節が残った割合は平均 {100 * float(np.mean(left)):.0f}% で、"
            f"**ほとんど消えた(残り {100 * LOST:.0f}% 未満)のは {lost} 枚**です。"
        )
    differences = [one.difference for one in drawn]
    lines.append(
        f"もとの画像との明るさの差の平均は {np.mean(differences):.3f}"
        f"(最小 {min(differences):.3f}、最大 {max(differences):.3f})です。明るさは 0(黒)〜1(白)です。"
    )
    return lines
