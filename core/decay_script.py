"""The two ways to shrink two weights as a short PyTorch script that prints the page's own numbers."""

from __future__ import annotations

from functools import lru_cache

from core.decay import FAR, ROUND, START, DecaySpec

_SCRIPT = """\
# 重み減衰: 損失に λΣw² を足す方法と、重みを直接縮める方法
# AI研修医ラボの画面と同じ設定で、2つの重みを縮めます。
# 必要なもの: pip install torch
# 教育用です。診断・治療には使えません。

import torch

LR = {lr!r}  # 学習率 η
STRENGTH = {strength!r}  # 減衰の強さ λ
PULLS = torch.tensor({pulls}, dtype=torch.float64)  # 重み A と B の勾配の大きさ
ROUND = {round}  # 4人の患者が順に引く向き(合計は 0)


def run(name, make, penalty, shrink):
    w = torch.full((2,), {start}, dtype=torch.float64, requires_grad=True)
    optimizer = make([w])
    for step in range(len(ROUND) * {rounds}):
        optimizer.zero_grad()
        loss = ROUND[step % len(ROUND)] * (PULLS * w).sum()  # この患者の損失
        (loss + penalty * (w**2).sum()).backward()  # L2 なら、罰を足してから微分する
        with torch.no_grad():
            w *= shrink  # 重み減衰なら、重みを直接縮める
        optimizer.step()
        if not bool((w.abs() < {far}).all()):
            print(f"{{step + 1}} 回目の修正で発散しました")
            break
    print(name, [round(v, 6) for v in w.tolist()])


run("損失に足す(L2):", {added}, STRENGTH, 1.0)
run("直接縮める(重み減衰):", {taken}, 0.0, {shrink})
"""
_MAKERS = {
    "sgd": ("lambda w: torch.optim.SGD(w, lr=LR)",) * 2,
    "adam": (
        "lambda w: torch.optim.Adam(w, lr=LR)",
        "lambda w: torch.optim.AdamW(w, lr=LR, weight_decay=2 * STRENGTH)",
    ),
}


@lru_cache(maxsize=64)
def script(spec: DecaySpec) -> str:
    """Write the script of both ways; it prints the weights that the page ends with."""
    added, taken = _MAKERS[spec.rule]
    return _SCRIPT.format(
        lr=spec.lr,
        strength=spec.strength,
        pulls=list(spec.pulls),
        round=list(ROUND),
        start=START,
        rounds=spec.rounds,
        far=FAR,
        added=added,
        taken=taken,
        shrink="1 - 2 * STRENGTH * LR" if spec.rule == "sgd" else "1.0",
    )
