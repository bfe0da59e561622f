"""What a walk downhill has shown, in words whose numbers come from the walk itself."""

from __future__ import annotations

from typing import Literal

import numpy as np

from core.landscape import SETTLED, Path, outcome
from core.surfaces import Array, Landscape
from pages.ui import text

Ending = Literal["global", "local", "saddle", "flat", "bouncing", "slope", "diverged"]

HERE = 0.01
"""A stationary point is here when a Newton step to it is shorter than this share of the map's width."""

FLAT = 0.003
"""Ground is flat where the gradient is below this share of a steep slope (the map's 75th percentile)."""


def hessian(landscape: Landscape, point: Array) -> Array:
    """Return the second derivatives at ``point`` (dimension,) by central differences of the gradient."""
    step = 1e-5
    rows = [
        (landscape.gradient(point + step * axis) - landscape.gradient(point - step * axis)) / (2 * step)
        for axis in np.eye(landscape.dimension)
    ]
    both = np.array(rows)
    return np.asarray((both + both.T) / 2)


def curvature(landscape: Landscape, point: Array) -> float:
    """Return the largest second derivative of any direction at ``point``: λ of the limit η < 2/λ."""
    return float(np.linalg.eigvalsh(hessian(landscape, point)).max())


def ending(path: Path, landscape: Landscape) -> Ending:
    """Say how a walk ended, and what held it up if it reached no minimum."""
    ended = outcome(path, landscape)
    if ended == "diverged" or ended == "global" or ended == "local":
        return ended
    last, slope = path.positions[-1], path.gradients[-1]
    if _rose(path):
        return "bouncing"
    bend = hessian(landscape, last)
    bends = np.linalg.eigvalsh(bend)
    low, high = landscape.corners
    newton = np.linalg.lstsq(bend, slope, rcond=None)[0]
    if bends.min() < 0 < bends.max() and np.all(np.abs(newton) <= HERE * (high - low)):
        return "saddle"
    if np.linalg.norm(slope) <= FLAT * steep(landscape):
        return "flat"
    return "slope"


def _rose(path: Path) -> bool:
    last = path.losses[-SETTLED:]
    return bool(np.any(np.diff(last) > 1e-6 * np.abs(last[:-1]))) or _swings(path)


def _swings(path: Path) -> bool:
    """Say whether the last steps go to and fro without coming closer: as far at the end as before."""
    moves = np.diff(path.positions[-SETTLED:], axis=0)
    if len(moves) < 4:
        return False
    turns = np.sum(moves[1:] * moves[:-1], axis=1) < 0
    sizes = np.linalg.norm(moves, axis=1)
    return bool(turns.all() and sizes[-1] > 0.99 * sizes[0] > 0)


def steep(landscape: Landscape) -> float:
    """Return the size of a steep slope: three quarters of the map are less steep."""
    axes = [np.linspace(low, high, 61) for low, high in landscape.domain]
    points = np.stack(np.meshgrid(*axes), axis=-1)
    return float(np.percentile(np.linalg.norm(landscape.gradient(points), axis=-1), 75))


def nearest(landscape: Landscape, point: Array) -> tuple[float, ...]:
    """Return the minimum closest to ``point``."""
    return min(landscape.minima, key=lambda m: float(np.linalg.norm(np.array(m) - point)))


def leaves_at(path: Path, landscape: Landscape) -> int | None:
    """Return the first step after which the walker is outside the map; None if it stays."""
    low, high = landscape.corners
    away = np.flatnonzero(np.any((path.positions < low) | (path.positions > high), axis=1))
    if away.size:
        return int(away[0])
    return path.diverged_at


def point(position: Array | tuple[float, ...]) -> str:
    """Write a position as a reader would: w = 1.92 or (w₁, w₂) = (3.00, 2.00)."""
    values = [f"{value:.2f}".replace("-0.00", "0.00") for value in position]
    return f"w = {values[0]}" if len(values) == 1 else f"(w₁, w₂) = ({', '.join(values)})"


def headline(path: Path, landscape: Landscape) -> str:
    """Say in one sentence where the walk ended, with the numbers that decide it."""
    last = path.positions[-1]
    loss, slope = text.number(float(path.losses[-1])), text.number(float(np.linalg.norm(path.gradients[-1])))
    steps = len(path.positions) - 1
    kind = ending(path, landscape)
    if kind == "diverged":
        return (
            f"{leaves_at(path, landscape)} 歩目で地図の外へ飛び出し、{path.diverged_at} 歩目で発散しました。"
        )
    here = f"{steps} 歩後は {point(last)}、損失 {loss}、勾配の大きさ {slope}"
    return {
        "global": f"{here} で、いちばん深い谷底に着きました。",
        "local": f"{here} で、浅いほうの谷底(局所最小)に落ち着きました。",
        "saddle": f"{here} で、鞍点に止まりました。谷底ではありません。",
        "flat": f"{here} で、勾配の小さい平らな所にいます。",
        "bouncing": f"{here} で、まだ谷を行ったり来たりしています。",
        "slope": f"{here} で、まだ坂の途中です。",
    }[kind]


def reasons(eta: float, path: Path, landscape: Landscape) -> list[str]:
    """Explain the ending, a sentence each."""
    kind = ending(path, landscape)
    said = [_pace(path)] if kind != "diverged" else []
    if kind == "local":
        deepest = float(landscape.value(np.array(landscape.minima[0])))
        said.append(
            f"勾配がほぼ 0 なので、修正量もほぼ 0 です。損失 {text.number(deepest)} のもっと深い谷"
            f"({point(landscape.minima[0])})がありますが、足もとの傾きからは分かりません。"
        )
    elif kind == "saddle":
        bends = np.linalg.eigvalsh(hessian(landscape, path.positions[-1]))
        said.append(
            f"鞍点は、ある向きには谷(曲がり {bends.max():.1f})、"
            f"別の向きには峠(曲がり {bends.min():.1f})です。"
            "ちょうど尾根の上では横向きの勾配が 0 なので、横へは動き出せません。"
            "出発点をほんの少しずらすと、尾根から転がり落ちます。"
        )
    elif kind == "flat":
        slope = float(np.linalg.norm(path.gradients[-1]))
        said.append(
            f"最後の1歩の長さは η × 勾配の大きさ = {eta:g} × {text.number(slope)} = "
            f"{text.number(eta * slope)} しかありません。平らな所では、向きが正しくてもなかなか進みません。"
        )
    if kind in ("diverged", "bouncing", "global", "local"):
        said.append(_limit(eta, path, landscape))
    return said


def _pace(path: Path) -> str:
    """Say how fast the loss fell and how winding the way was."""
    fall = path.losses[0] - path.losses[-1]
    way = float(np.linalg.norm(np.diff(path.positions, axis=0), axis=1).sum())
    straight = float(np.linalg.norm(path.positions[-1] - path.positions[0]))
    first, last = text.number(float(path.losses[0])), text.number(float(path.losses[-1]))
    said = f"損失は {first} から {last} へ変わりました。"
    if fall > 0:
        most = int(np.argmax(path.losses <= path.losses[0] - 0.9 * fall))
        said += f"下がり幅の 90% は、最初の {most} 歩で得られています。"
    if straight > 0 and way / straight > 1.05:
        said += f"歩いた道のりは、直線距離の {way / straight:.1f} 倍です。"
    return said


def _limit(eta: float, path: Path, landscape: Landscape) -> str:
    """Compare the learning rate with the limit 2/λ of the valley closest to where the walk was."""
    start = path.positions[0] if path.ending == "diverged" else path.positions[-1]
    valley = nearest(landscape, start)
    bend = curvature(landscape, np.array(valley))
    factor = abs(1 - eta * bend)
    said = (
        f"谷底 {point(valley)} の曲がり(2階微分)は λ = {text.number(bend)} です。"
        f"底のそばでは、1歩ごとに底からの距離が |1 − ηλ| = {text.number(factor)} 倍になります"
        "(いちばん曲がりのきつい向き)。"
    )
    limit = text.number(2 / bend)
    if factor > 1:
        return said + f"η = {eta:g} は限界 2/λ = {limit} を超えているため、底に近づけません。"
    return said + f"η = {eta:g} は限界 2/λ = {limit} より小さいので、底に近づけます。"
