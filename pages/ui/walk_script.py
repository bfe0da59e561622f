"""A walk downhill as a short PyTorch script that prints where it ends."""

from __future__ import annotations

from functools import lru_cache

from core.landscape import FAR, LANDSCAPES, PathSpec
from pages.ui import text

FORMULAS = {
    "two_valleys_1d": "w[0] ** 2 + 2.5 * (1 + torch.sin(2 * w[0]))",
    "bowl_1d": "w[0] ** 2",
    "bowl": "w[0] ** 2 + w[1] ** 2",
    "ravine": "w[0] ** 2 + 20 * w[1] ** 2",
    "saddle": "w[0] ** 2 + (w[1] ** 2 - 1) ** 2",
    "plateau": "4 * (1 - torch.exp(-(w[0] ** 2 + w[1] ** 2) / 2))",
    "two_valleys": "w[0] ** 2 + 2.5 * (1 + torch.sin(2 * w[0])) + w[1] ** 2",
    "rosenbrock": "(1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2",
    "beale": (
        "(1.5 - w[0] + w[0] * w[1]) ** 2\n"
        "        + (2.25 - w[0] + w[0] * w[1] ** 2) ** 2\n"
        "        + (2.625 - w[0] + w[0] * w[1] ** 3) ** 2"
    ),
    "himmelblau": "(w[0] ** 2 + w[1] - 11) ** 2 + (w[0] + w[1] ** 2 - 7) ** 2",
}

_SCRIPT = """\
# 勾配降下法: {title}
# AI研修医ラボの画面と同じ地形・出発点・学習率・歩数で坂を下ります。
# 必要なもの: pip install torch
# 教育用です。診断・治療には使えません。

import torch


def loss(w):
    return (
        {formula}
    )


w = torch.tensor({start}, dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.SGD([w], lr={lr!r})
middle, far = torch.tensor({middle}), torch.tensor({far})  # 地図の中心と、発散とみなす距離

print(f"出発点: w = {{w.tolist()}}, 損失 {{loss(w).item():.6g}}")
for step in range(1, {steps} + 1):
    optimizer.zero_grad()  # 前の勾配を消す
    loss(w).backward()  # 勾配を計算する
    optimizer.step()  # w <- w - lr * 勾配
    if not torch.isfinite(loss(w)) or ((w - middle).abs() > far).any():
        print(f"{{step}} 歩目で発散しました")
        break
print(f"終わり: w = {{[round(v, 6) for v in w.tolist()]}}, 損失 {{loss(w).item():.6g}}")
"""


@lru_cache(maxsize=64)
def script(spec: PathSpec) -> str:
    """Write the script of plain gradient descent along ``spec``; it prints the page's last position."""
    low, high = LANDSCAPES[spec.landscape].corners
    return _SCRIPT.format(
        title=text.LANDSCAPE_LABELS[spec.landscape],
        formula=FORMULAS[spec.landscape],
        start=list(spec.start),
        lr=spec.optimizer.lr,
        steps=spec.steps,
        middle=((low + high) / 2).tolist(),
        far=(FAR * (high - low) / 2).tolist(),
    )
