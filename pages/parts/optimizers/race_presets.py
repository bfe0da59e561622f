"""The courses of the race, with starts and learning rates that suit them, and settings worth trying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.landscape import LANDSCAPES, Path, PathSpec
from core.surfaces import Array
from core.update_rules import for_every_rule
from pages.parts.optimizers.race_view import LABELS
from pages.ui import lesson, text

RATES = [float(f"{a * 10.0**b:.0e}") for b in range(-4, 1) for a in (1, 2, 5)]
SCALES = [0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0]
STEPS = [20, 50, 100, 150, 200, 300, 500]
NEAR = 0.01
"""A walker has arrived once its loss is within this of the lowest."""

NOBODY = "全員が発散する"
EVEN = "差がつかない"
TUNED = ("sgd", "momentum", "adagrad", "rmsprop", "adam")
ALIKE = 1e-3
"""Walkers that have not arrived and whose losses differ by less count as equal."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """A landscape to race on. ``tuned`` are the learning rates of ``TUNED``, that suit it."""

    start: tuple[float, float]
    tuned: tuple[float, float, float, float, float]

    @property
    def rates(self) -> dict[str, float]:
        """Return the learning rate of each optimizer."""
        return for_every_rule(dict(zip(TUNED, self.tuned, strict=True)))


COURSES = {
    "ravine": Course(start=(-3.5, 1.5), tuned=(0.02, 0.01, 0.5, 0.05, 0.1)),
    "rosenbrock": Course(start=(-1.2, 1.0), tuned=(0.001, 0.001, 0.5, 0.02, 0.1)),
    "beale": Course(start=(1.0, 1.0), tuned=(0.01, 0.005, 0.5, 0.02, 0.1)),
    "saddle": Course(start=(-1.8, 0.05), tuned=(0.05, 0.01, 0.2, 0.02, 0.05)),
    "two_valleys": Course(start=(-3.5, 2.5), tuned=(0.02, 0.02, 0.5, 0.05, 0.1)),
    "himmelblau": Course(start=(0.0, 0.0), tuned=(0.002, 0.001, 0.5, 0.05, 0.1)),
    "plateau": Course(start=(-2.5, 1.5), tuned=(0.05, 0.02, 0.1, 0.02, 0.05)),
    "bowl": Course(start=(-3.5, 2.5), tuned=(0.05, 0.02, 0.5, 0.05, 0.1)),
}


def suited(landscape: str) -> dict[str, Any]:
    """Return the controls, by key, that suit a landscape."""
    course = COURSES[landscape]
    x, y = course.start
    return {"op_x": x, "op_y": y, **{f"op_r_{name}": rate for name, rate in course.rates.items()}}


def _preset(label: str, landscape: str, why: str = "", **other: Any) -> lesson.Preset:
    """Make a preset of everything that decides a race; ``other`` is what doesn't suit the landscape."""
    usual = {
        "op_land": text.LANDSCAPE_LABELS[landscape],
        "op_who": list(LABELS),
        "op_steps": 200,
        "op_scale": 1.0,
        "op_beta": 0.9,
    }
    changed = {f"op_{key}": value for key, value in other.items()}
    return lesson.Preset(label, usual | suited(landscape) | changed, why)


BOUNCE = _preset(
    "SGDが跳ね返る谷",
    "ravine",
    "谷の壁が急すぎる(曲がり 40)ため、学習率 0.05 の1歩は谷底までの距離の 0.05 × 40 = 2 倍になり、"
    "反対の壁の同じ高さに着きます。ほかの方法は、勢いの打ち消しや座標ごとの調整でこれを抑えます。",
    r_sgd=0.05,
)
TIRED = _preset(
    "Adagradの息切れ",
    "bowl",
    "Adagrad は、それまでの勾配の2乗をすべて足した数の平方根で1歩を割ります。"
    "足し算なので分母は増える一方で、同じ坂でも歩幅は縮み続けます。"
    "RMSprop は古い勾配を忘れる平均で割るため、同じ学習率でも歩幅が保たれます。",
    who=["Adagrad", "RMSprop"],
    r_adagrad=0.05,
)
OVERSHOOT = _preset(
    "モメンタムの行き過ぎ",
    "two_valleys",
    "急な坂でついた勢いが、深い谷底を通り過ぎても残っています。そのまま峠を越え、浅い谷に落ちました。",
    who=["SGD", "SGD+モメンタム"],
    r_sgd=0.05,
    r_momentum=0.05,
)
SADDLE = _preset(
    "鞍点の真上",
    "saddle",
    "出発点の w₂ が 0 だと、w₂ 方向の勾配はどこまで進んでもちょうど 0 です。モメンタムも適応的な調整も、"
    "0 を何倍しても 0 のままなので、両側の谷へ下りられません。",
    y=0.0,
)
PRESETS = (
    _preset("細長い谷", "ravine"),
    _preset("浅い谷を越える勢い", "two_valleys", x=3.5),
    _preset("平地からの脱出", "plateau", x=-3.5, y=2.5),
    BOUNCE,
    TIRED,
    OVERSHOOT,
    SADDLE,
)


def _of(name: str, specs: Sequence[PathSpec], paths: Sequence[Path]) -> Path:
    return next(path for spec, path in zip(specs, paths, strict=True) if spec.optimizer.name == name)


def _lengths(path: Path) -> Array:
    lengths: Array = np.linalg.norm(np.diff(path.positions, axis=0), axis=1)
    return lengths


def _bounces(specs: Sequence[PathSpec], paths: Sequence[Path]) -> str:
    across = np.diff(_of("sgd", specs, paths).positions[:, 1])
    turned = int(np.sum(across[1:] * across[:-1] < 0))
    return f"SGD は {len(across)} 歩のうち {turned} 歩で、直前と逆の壁へ折り返しました。"


def _shrinks(specs: Sequence[PathSpec], paths: Sequence[Path]) -> str:
    told = []
    for name in ("adagrad", "rmsprop"):
        lengths = _lengths(_of(name, specs, paths))
        at = min(50, len(lengths))
        told.append(
            f"{text.OPTIMIZER_LABELS[name]} の歩幅は1歩目 {text.number(lengths[0])}、"
            f"{at} 歩目 {text.number(lengths[at - 1])}"
        )
    return "、".join(told) + "でした。"


def _passes(specs: Sequence[PathSpec], paths: Sequence[Path]) -> str:
    path = _of("momentum", specs, paths)
    deep = LANDSCAPES[specs[0].landscape].minima[0][0]
    passed = int(np.argmax(path.positions[:, 0] > deep))
    speed = abs(float(path.positions[passed, 0] - path.positions[passed - 1, 0]))
    return (
        f"モメンタムつきの玉は {passed} 歩目に、1歩 {text.number(speed)} の速さで深い谷底を通り過ぎました。"
        f"終わりは w₁ = {path.positions[-1, 0]:.2f} です。"
    )


def _stays(_specs: Sequence[PathSpec], paths: Sequence[Path]) -> str:
    moved = max(float(np.abs(path.positions[:, 1]).max()) for path in paths)
    lowest = min(float(path.losses[-1]) for path in paths)
    return (
        f"全員の w₂ の動きは最大で {text.number(moved)}、"
        f"終わりの損失は最も低くて {text.number(lowest)} です。"
    )


_FACTS: dict[str, Callable[[Sequence[PathSpec], Sequence[Path]], str]] = {
    BOUNCE.label: _bounces,
    TIRED.label: _shrinks,
    OVERSHOOT.label: _passes,
    SADDLE.label: _stays,
}


def why(specs: Sequence[PathSpec], paths: Sequence[Path]) -> str:
    """Say why the preset that the controls stand at fails, with the numbers of the race; "" for others."""
    for preset in PRESETS:
        if preset.why and all(st.session_state.get(key) == value for key, value in preset.values.items()):
            return preset.why + _FACTS[preset.label](specs, paths)
    return ""
