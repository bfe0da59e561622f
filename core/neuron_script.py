"""The walk of one neuron as a plain PyTorch script that prints the numbers of its trace."""

from __future__ import annotations

from core.neuron import CENTRES, HEART_RATE, LACTATE, PRESSURE, SCALE, NeuronSpec, Weights

_SCRIPT = '''# 1つのニューロンの学習サイクル
# AI研修医ラボの画面で1歩ずつ進めた学習を、同じ患者・設定・重みで最初からやり直します。
# 必要なもの: pip install torch
# 教育用です。診断・治療には使えません。

import torch
from torch import nn

LEARNING_RATE = {lr!r}  # 一度に重みを動かす大きさ
EPOCHS = {epochs}  # 6人を何周するか
{edits}
# 架空の患者6人
heart_rate = torch.tensor({rate})  # 心拍数(回/分)
pressure = torch.tensor({pressure})  # 収縮期血圧(mmHg)
lactate = torch.tensor({lactate})  # 乳酸値(mmol/L)

# 平均との差を標準偏差で割って、単位の違う2つの入力の大きさをそろえる
x = torch.stack([(heart_rate - {centre0}) / {scale}, (pressure - {centre1}) / {scale}], dim=1)
y = lactate.unsqueeze(1)

model = nn.Linear(2, 1)  # 入力2つ → ニューロン1つ → 出力1つ
loss_fn = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)


def set_weights(w1, w2, b):
    """重みを、決めた数に書きかえる。"""
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[w1, w2]]))
        model.bias.copy_(torch.tensor([b]))


def three(weight, bias):
    """重みとバイアス(または、その勾配)を、3つの数にして読む。"""
    return [*weight[0].tolist(), bias[0].item()]


set_weights({start})
update = 0
for epoch in range(EPOCHS):
    for patient in range(len(x)):
        update += 1
{edit}{zero_grad}
        y_hat = model(x[patient])  # 予測 forward
        loss = loss_fn(y_hat, y[patient])  # 採点 loss
        loss.backward()  # 反省 backward
        optimizer.step()  # 修正 step

        gradient = three(model.weight.grad, model.bias.grad)
        weights = three(model.weight, model.bias)
        print(f"修正 {{update}}(患者 {{patient + 1}}): 予測 {{y_hat.item():.6g}}、損失 {{loss.item():.6g}}")
        print("  勾配 w1 {{:.6g}}、w2 {{:.6g}}、b {{:.6g}}".format(*gradient))
        print("  重み w1 {{:.6g}}、w2 {{:.6g}}、b {{:.6g}}".format(*weights))
    with torch.no_grad():
        print(f"エポック {{epoch + 1}}: 6人の平均損失 {{loss_fn(model(x), y).item():.6g}}")
'''


def neuron_script(spec: NeuronSpec) -> str:
    """Write the script of a walk. It goes on where the page ends a walk that diverges."""
    edits = {edit.update: edit.weights for edit in spec.edits}
    listed = "".join(f"    {update}: ({_listed(weights)}),\n" for update, weights in sorted(edits.items()))
    table = f"EDITS = {{  # 何回目の修正の前に、重みを何に書きかえたか\n{listed}}}\n"
    line = "optimizer.zero_grad()"
    return _SCRIPT.format(
        lr=spec.lr,
        epochs=spec.epochs,
        edits=table if edits else "",
        rate=list(HEART_RATE),
        pressure=list(PRESSURE),
        lactate=list(LACTATE),
        centre0=CENTRES[0],
        centre1=CENTRES[1],
        scale=SCALE,
        start=_listed(spec.start),
        edit="        if update in EDITS:\n            set_weights(*EDITS[update])\n" if edits else "",
        zero_grad=f"        # {line}  # 忘れた" if spec.forget else f"        {line}  # 前の勾配を消す",
    )


def _listed(weights: Weights) -> str:
    return ", ".join(repr(float(weight)) for weight in weights)
