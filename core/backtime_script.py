"""The experiments on gradients through time as plain PyTorch scripts that print the page's own numbers.

No torch here: the functions that go back in time are those of the page, word for word.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from core.backtime import ASKED, BackSpec
from core.backtime_clip import ClipSpec
from core.script_data import ARTICLE
from core.script_parts import optimizer_call
from core.script_source import module_source
from core.specs import ForecastSpec

CELLS = {"rnn": "nn.RNN", "lstm": "nn.LSTM", "gru": "nn.GRU"}
_TOLD = {
    "unroll": "記録を1点ずつ読ませ、隠れ状態、LSTM のセル状態、最後の出力を返す。",
    "keeping": "1点進むごとに、前の状態をどれだけ残すか。RNN は tanh の傾き、LSTM と GRU はゲート。",
}
_HEAD = """\
# {title}
# AI研修医ラボの画面と同じ数値を計算します。必要なもの: pip install torch numpy
# 教育用です。診断・治療には使えません。

import copy
import math

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)  # 計算の順番をそろえ、いつも同じ数字にする
"""
_NETWORK = '''
class Network(nn.Module):
    """記録を順に読む層と、最後の状態から答えを出す層。"""

    def __init__(self, cell, hidden, outputs):
        super().__init__()
        self.recurrent = cell(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x):
        states, _ = self.recurrent(x)
        return self.head(states[:, -1])
'''
_WINDOWS = f"""
def windows(length):
    frames = np.array([values[t - length : t + 1] for t in range(length, round(len(values) * 0.8))])
    return frames[:, :-1], frames[:, -1]  # 直前の length 点と、次の値


def asked_windows(length):
    x, y = windows(length)
    some = np.unique(np.linspace(0, len(x) - 1, {ASKED}).astype(int))
    return x[some], y[some]
"""
_BACK = """
def go_back(model, x, y):
    model = copy.deepcopy(model).double()
    x = torch.tensor(x, dtype=torch.float64).unsqueeze(-1)
    y = torch.tensor(y, dtype=torch.float64).unsqueeze(-1)
    states, memories, outputs = unroll(model, x)
    loss = ((outputs - y) ** 2).sum()
    gradients = torch.autograd.grad(loss, states)
    norms = [gradient.norm(dim=-1).mean().item() for gradient in gradients]
    with torch.no_grad():
        keep = keeping(model, x, torch.cat(states)).mean().item()
    return norms, keep
"""


@lru_cache(maxsize=8)
def function(name: str) -> str:
    """Write a function of ``core.backtime`` as it stands."""
    return module_source("core.backtime", _TOLD, [name])


def head(title: str, *parts: str) -> str:
    """Write the beginning of a script: title, imports, network, then ``parts``."""
    return "\n\n\n".join(part.strip("\n") for part in (_HEAD.format(title=title), _NETWORK, *parts))


@lru_cache(maxsize=32)
def fresh(spec: BackSpec) -> str:
    """Write how the gradients of untrained networks go back; it prints each |∂L/∂h_t|."""
    cells = ", ".join(f'("{name}", {cell})' for name, cell in CELLS.items())
    body = f"""
T, HIDDEN, SEED = {spec.length}, {spec.hidden}, {spec.seed}
SCALE = {spec.scale!r}  # W_hh に掛ける倍率
GATE = {spec.gate!r}  # LSTM の忘却ゲートと GRU の更新ゲートのバイアスに足す値

x, y = asked_windows(T)
for name, cell in [{cells}]:
    torch.manual_seed(SEED)
    model = Network(cell, HIDDEN, 1)
    with torch.no_grad():
        model.recurrent.weight_hh_l0.mul_(SCALE)
        if name != "rnn":
            model.recurrent.bias_ih_l0[HIDDEN : 2 * HIDDEN].add_(GATE)
    norms, keep = go_back(model, x, y)
    for t, norm in enumerate(norms, start=1):
        print(f"{{name}} |dL/dh_{{t}}| = {{norm!r}}")
    print(f"{{name}} 最初まで残る割合 {{norms[0] / norms[-1]!r}}")
    print(f"{{name}} 1点あたりの倍率 {{(norms[0] / norms[-1]) ** (1 / (T - 1))!r}}")
    print(f"{{name}} 1点ごとに残す割合 {{keep!r}}")
    if name == "rnn":
        w = model.recurrent.weight_hh_l0.detach().double()
        print(f"rnn W_hh のスペクトル半径 {{torch.linalg.eigvals(w).abs().max().item()!r}}")
"""
    title = "学習前のネットワークで、勾配を時間の逆向きにたどる"
    return (
        head(title, ARTICLE, _WINDOWS, function("unroll"), function("keeping"), _BACK, body).rstrip() + "\n"
    )


def trained(specs: Sequence[ForecastSpec]) -> str:
    """Write the trainings of ``specs``; it prints every loss, and what is left of the gradient."""
    first = specs[0]
    training = first.training
    cells = "".join(
        f'    ("{spec.model.name}", {CELLS[spec.model.name]}, {spec.training.seed}),\n' for spec in specs
    )
    body = f"""
T, HIDDEN, EPOCHS = {first.length}, {first.model.hidden}, {training.epochs}
RUNS = [  # セル、PyTorch の部品、乱数の種
{cells}]

x, y = windows(T)
learn = TensorDataset(torch.tensor(x).unsqueeze(-1), torch.tensor(y).unsqueeze(-1))
for name, cell, seed in RUNS:
    torch.manual_seed(seed)
    model = Network(cell, HIDDEN, 1)
    before, _ = go_back(model, *asked_windows(T))
    optimizer = {optimizer_call(first.optimizer, "model.parameters()", repr(first.optimizer.lr))}
    order = torch.Generator().manual_seed(seed)
    batches = DataLoader(learn, batch_size={training.batch_size}, shuffle=True, generator=order)
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for inputs, targets in batches:
            loss = nn.functional.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)
        print(f"{{name}} 種 {{seed}} エポック {{epoch}} 学習損失 {{total / len(learn)!r}}")
    after, _ = go_back(model, *asked_windows(T))
    print(f"{{name}} 種 {{seed}} 最初まで残る割合 学習前 {{before[0] / before[-1]!r}}")
    print(f"{{name}} 種 {{seed}} 最初まで残る割合 学習後 {{after[0] / after[-1]!r}}")
"""
    title = "波を学習しながら、勾配を時間の逆向きにたどる"
    return (
        head(title, ARTICLE, _WINDOWS, function("unroll"), function("keeping"), _BACK, body).rstrip() + "\n"
    )


def clipped(specs: Sequence[ClipSpec]) -> str:
    """Write the trainings of ``specs``; it prints every loss, and how many updates were clipped."""
    first = specs[0]
    training = first.training
    limits = ", ".join(f"({spec.training.seed}, {spec.training.clip!r})" for spec in specs)
    longest = next(spec.training.clip for spec in specs if spec.training.clip is not None)
    body = f"""
T, HIDDEN, EPOCHS = {first.length}, {first.hidden}, {training.epochs}
SCALE = {first.scale!r}  # 最初の W_hh に掛ける倍率
LONGEST = {longest!r}  # クリッピングの上限

x, y = windows(T)
learn = TensorDataset(torch.tensor(x).unsqueeze(-1), torch.tensor(y).unsqueeze(-1))
for seed, clip in [{limits}]:
    name = f"種 {{seed}} " + ("クリッピングなし" if clip is None else f"上限 {{clip}}")
    torch.manual_seed(seed)
    model = Network(nn.RNN, HIDDEN, 1)
    with torch.no_grad():
        model.recurrent.weight_hh_l0.mul_(SCALE)
    optimizer = {optimizer_call(first.optimizer, "model.parameters()", repr(first.optimizer.lr))}
    order = torch.Generator().manual_seed(seed)
    batches = DataLoader(learn, batch_size={training.batch_size}, shuffle=True, generator=order)
    norms = []
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for inputs, targets in batches:
            loss = nn.functional.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            if clip is None:
                norm = nn.utils.get_total_norm([p.grad for p in model.parameters()])
            else:
                norm = nn.utils.clip_grad_norm_(model.parameters(), clip)
            norms.append(norm.item())
            optimizer.step()
            total += loss.item() * len(inputs)
        print(f"{{name}} エポック {{epoch}} 学習損失 {{total / len(learn)!r}}")
        if not math.isfinite(total):
            break  # 発散した
    print(f"{{name}} 最大の勾配 {{max(norms)!r}}")
    print(f"{{name}} 上限を超えた更新の割合 {{np.mean(~(np.array(norms) <= LONGEST)).item()!r}}")
"""
    title = "勾配の爆発と、勾配クリッピング"
    return head(title, ARTICLE, _WINDOWS, body).rstrip() + "\n"
