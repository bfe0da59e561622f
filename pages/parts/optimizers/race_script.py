"""A race on a landscape as a short PyTorch script that prints where each optimizer ends."""

from __future__ import annotations

from functools import lru_cache

from core.landscape import FAR, LANDSCAPES, PathSpec
from core.script_parts import optimizer_call
from pages.ui import text
from pages.ui.walk_script import FORMULAS

_SCRIPT = """\
# オプティマイザのレース: {title}
# AI研修医ラボの画面と同じ地形・出発点・学習率・歩数で走らせます。勾配は自動微分で求めます。
# 必要なもの: pip install torch
# 教育用です。診断・治療には使えません。

import torch

START = {start}
STEPS = {steps}
OPTIMIZERS = {{
{optimizers}}}


def loss(w):
    return (
        {formula}
    )


middle, far = torch.tensor({middle}), torch.tensor({far})  # 地図の中心と、発散とみなす距離
for name, make in OPTIMIZERS.items():
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = make(w)
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()  # 前の勾配を消す
        loss(w).backward()  # 勾配を計算する
        optimizer.step()  # それぞれの規則で修正する
        if not torch.isfinite(loss(w)) or ((w - middle).abs() > far).any():
            print(f"{{name}}: {{step}} 歩目で発散しました")
            break
    else:
        print(f"{{name}}: w = {{[round(v, 6) for v in w.tolist()]}}, 損失 {{loss(w).item():.6g}}")
"""


@lru_cache(maxsize=64)
def script(specs: tuple[PathSpec, ...]) -> str:
    """Write the script of a race; ``specs`` differ in their optimizer only."""
    spec = specs[0]
    low, high = LANDSCAPES[spec.landscape].corners
    made = "".join(
        f'    "{text.OPTIMIZER_LABELS[s.optimizer.name]}": '
        f"lambda w: {optimizer_call(s.optimizer, '[w]', repr(s.optimizer.lr))},\n"
        for s in specs
    )
    return _SCRIPT.format(
        title=text.LANDSCAPE_LABELS[spec.landscape],
        formula=FORMULAS[spec.landscape],
        start=list(spec.start),
        steps=spec.steps,
        optimizers=made,
        middle=((low + high) / 2).tolist(),
        far=(FAR * (high - low) / 2).tolist(),
    )
