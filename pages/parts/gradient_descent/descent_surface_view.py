"""The loss around a trained network as a map with the training's own path, and what it tells."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core import contours
from core.landscape import Path
from core.loss_surface import LossSlice, SliceSpec, Traced
from pages.ui import charts, terrain, text

TITLES = {
    "principal": ("第1主成分の向きに動いた距離", "第2主成分の向きに動いた距離"),
    "random": ("ランダムな向き 1(1 = 重みと同じ大きさ)", "ランダムな向き 2"),
}
RATIO = 0.72


@lru_cache(maxsize=64)
def _ground(cut: LossSlice, titles: tuple[str, str]) -> terrain.Ground:
    """Return the map of a slice; slices are compared by identity, and cached by their settings."""
    heights = cut.heights
    return terrain.Ground(
        domain=cut.domain,
        heights=(float(np.nanmin(heights)), float(np.nanmax(heights))),
        shapes=contours.regions(heights, contours.levels(heights)),
        titles=titles,
        ratio=RATIO,
    )


def draw(traced: Traced, cut: LossSlice, plane: SliceSpec) -> None:
    """Play the path over the epochs on the map, with what the projection leaves out beside it."""
    last = len(cut.path) - 1
    walker = terrain.Walker(
        name="学習の軌跡",
        colour=charts.PIN_COLOURS[1],
        path=Path(
            positions=cut.path,
            losses=traced.losses,
            gradients=np.full_like(cut.path, np.nan),
            ending="finished",
        ),
        facts={"地図上の高さ": cut.path_heights, "地図からの距離": cut.away},
    )
    terrain.show(
        _ground(cut, TITLES[plane.directions]),
        [walker],
        steps=last,
        key="gd_surface",
        alt_text=(
            f"学習後の重みを通る断面での損失の等高線と、{last} エポックの学習の軌跡。損失は "
            f"{text.number(float(traced.losses[0]))} から {text.number(float(traced.losses[-1]))} へ。"
        ),
        speed=10,
        unit="エポック",
    )


SHARES = ["ほぼすべて(90%以上)", "半分以上(50〜90%)", "半分未満(10〜50%)", "ほとんど写らない(10%未満)"]


def share_choice(shown: float) -> str:
    """Return the choice that a share of the path, 0 to 1, belongs to."""
    for choice, least in zip(SHARES, (0.9, 0.5, 0.1), strict=False):
        if shown >= least:
            return choice
    return SHARES[-1]


def share_sentence(cut: LossSlice, traced: Traced) -> str:
    """Say how much of the path the map shows."""
    parameters = traced.snapshots.shape[1]
    return (
        f"重みは {parameters:,} 個あり、その動き(終わりの位置からの距離の2乗の合計)のうち、"
        f"この2方向の地図に写ったのは {cut.shown:.1%} でした。"
    )


def reading(traced: Traced, cut: LossSlice, plane: SliceSpec) -> list[str]:
    """Return what the map and the path tell, a sentence or two each."""
    moves = np.linalg.norm(np.diff(traced.snapshots, axis=0), axis=1)
    straight = float(cut.moved[0])
    changed = "下がりました" if traced.losses[-1] < traced.losses[0] else "上がりました"
    said = [
        f"学習データ全体の損失は {text.number(float(traced.losses[0]))} から "
        f"{text.number(float(traced.losses[-1]))} へ{changed}。重みが進んだ直線距離は {straight:.2f}、"
        f"エポックごとの動きを足した道のりは {float(moves.sum()):.2f}"
        f"({float(moves.sum()) / straight:.1f} 倍)です。"
    ]
    lost = f"出発点は地図から {cut.away[0]:.2f} 離れていて、実際の損失は "
    lost += f"{text.number(float(traced.losses[0]))}、地図上のいちばん近い点では "
    lost += f"{text.number(float(cut.path_heights[0]))} です。"
    if plane.directions == "random":
        lost += "重みの数だけ次元のある空間では、乱数で選んだ向きは、学習が進んだ向きとほぼ直角になります。"
        lost += "そのため軌跡は中心のそばに縮んで見えます。"
        said.append(lost)
        said.append(
            f"中心から距離 1(重み自身と同じ大きさ)だけずらすと、損失は {text.number(cut.centre)} から "
            f"{text.number(cut.ring)}(16方向の中央値)に変わります。"
            "この変化が小さいほど、平らな谷に着いたことになります。"
        )
    else:
        lost += "主成分は、軌跡がいちばんよく写るように選んだ2方向です。"
        said.append(lost)
    lower = float(np.mean(cut.heights < cut.centre))
    if lower > 0:
        said.append(
            f"描いた範囲の {lower:.1%} では、損失が終わりの位置よりも低くなっています。"
            "学習データの損失だけを見れば、まだ下る余地があります。"
        )
    else:
        said.append("描いた範囲に、終わりの位置より損失の低い所は見つかりませんでした。")
    return said
