"""The experiments on dropout as plain PyTorch scripts that print the page's own numbers. No torch here."""

from __future__ import annotations

import textwrap
from functools import lru_cache

from core import simulated
from core.dropout import ONES, REPEATS, OnesSpec
from core.dropout_rest import FEATURES, LAYERS, LR, STEPS, RestSpec
from core.script import script as training_script
from core.script_source import source
from core.specs import TableRunSpec

_SAID = {"sepsis": "敗血症のスクリーニングの模擬患者を作る。"}
_HEAD = """\
# {title}
# AI研修医ラボの画面と同じ数値を計算します。必要なもの: pip install torch numpy
# 教育用です。診断・治療には使えません。
"""


def _script(title: str, body: str) -> str:
    return _HEAD.format(title=title) + "\n" + textwrap.dedent(body).strip() + "\n"


@lru_cache(maxsize=32)
def ones(spec: OnesSpec) -> str:
    """Write ten ones going through dropout; it prints every draw and the means over all draws."""
    return _script(
        "1 を10個、ドロップアウトに通す",
        f"""
        import torch
        from torch import nn

        torch.manual_seed({spec.seed})  # 誰が休むかは乱数の種で決まる
        ones = torch.ones({ONES})
        dropout = nn.Dropout({spec.p!r})

        dropout.train()  # 学習のとき: くじ引きで休ませ、残りを 1 / (1 - p) 倍する
        draws = torch.stack([dropout(ones) for _ in range({spec.draws})])
        for number, draw in enumerate(draws, start=1):
            print(f"train() {{number:4d}} 回目: {{draw.tolist()}} 合計 {{draw.sum().item()!r}}")

        dropout.eval()  # 判定のとき: 何もしない
        print(f"eval(): {{dropout(ones).tolist()}}")

        unscaled = (draws != 0).float()  # 割り増しをしなかったら
        print(f"全部の平均(割り増しあり) {{draws.double().mean().item()!r}}")
        print(f"全部の平均(割り増しなし) {{unscaled.double().mean().item()!r}}")
        """,
    )


_REST = """\
import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)  # 計算の順番をそろえ、いつも同じ数字にする


SEPSIS


clinical, y = sepsis(STEPS, 0.5, 0)  # FEATURES
order = np.random.RandomState(0).permutation(STEPS)
clinical, y = clinical[order], torch.tensor(y[order].astype(np.int64))
x = torch.tensor((clinical - clinical.mean(axis=0)) / clinical.std(axis=0), dtype=torch.float32)

torch.manual_seed(SEED)  # 最初の重みも、誰が休むかも、この種で決まる
model = nn.Sequential(
    nn.Linear(4, FIRST),
    nn.Tanh(),
    nn.Dropout(RATE),
    nn.Linear(FIRST, SECOND),
    nn.Tanh(),
    nn.Dropout(RATE),
    nn.Linear(SECOND, 2),
)
optimizer = torch.optim.Adam(model.parameters(), lr=LR)

rested = torch.zeros(FIRST + SECOND)
seen = set()  # これまでに現れた顔ぶれ
for step in range(STEPS):
    patient, target = x[step : step + 1], y[step : step + 1]

    model.eval()  # 判定: 全員が働く
    with torch.no_grad():
        called = model(patient).softmax(1)[0, 1].item()

    model.train()  # 学習: くじ引きで休む
    first = model[:3](patient)  # 隠れ層1の出力。0 のユニットが休んでいる
    second = model[3:6](first)  # 隠れ層2の出力
    outputs = model[6](second)
    risk = outputs.softmax(1)[0, 1].item()

    resting = torch.cat([first, second], dim=1)[0] == 0
    rested += resting
    seen.add(tuple(resting.tolist()))
    names = [number for number, rests in enumerate(resting.tolist(), start=1) if rests]
    print(f"ステップ {step + 1}: 休み {names}, train() の予測 {risk!r}, eval() の予測 {called!r}")

    loss = nn.functional.cross_entropy(outputs, target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print(f"現れた顔ぶれ {len(seen)} 種類")
print(f"休んだ割合 {(rested / STEPS).mean().item()!r}")
"""


@lru_cache(maxsize=32)
def rest(spec: RestSpec) -> str:
    """Write the training of the small network; it prints who rests in each step, and both predictions."""
    first, second = LAYERS
    body = _REST.replace("FEATURES", "、".join(feature.name for feature in FEATURES))
    body = body.replace("SEPSIS", source(simulated.sepsis, _SAID)).replace(
        "FIRST + SECOND", str(first + second)
    )
    for name, value in {
        "STEPS": STEPS,
        "SEED": spec.seed,
        "RATE": spec.p,
        "FIRST": first,
        "SECOND": second,
        "LR": LR,
    }.items():
        body = body.replace(name, repr(value))
    return _HEAD.format(title="小さなネットワークで、ドロップアウトの休み方を見る") + "\n" + body


@lru_cache(maxsize=32)
def jitter(spec: TableRunSpec) -> str:
    """Write the training of ``spec``, then its predictions with eval() forgotten and with eval() called."""
    body = f"""
        # ----- eval() を忘れたとき -----
        # 学習したモデルに、同じテスト患者を {REPEATS} 回ずつ予測させます。

        def predict_again_and_again():
            with torch.no_grad():
                return torch.stack([model(test_x).softmax(1)[:, 1] for _ in range({REPEATS})])


        torch.manual_seed(SEED)
        model.train()  # eval() を忘れたまま
        forgotten = predict_again_and_again()  # (回数, 患者)
        model.eval()
        called = predict_again_and_again()

        changed = ((forgotten > 0.5) != (called[:1] > 0.5)).sum(dim=0)
        ever = (changed > 0).sum().item()
        print(f"診断が一度でも eval() と食い違った患者 {{ever}} 人 / {{len(test_x)}} 人")
        print(f"食い違いが最も多い患者 {{changed.max().item()}} 回")
        for name, risks in [("eval() を忘れる", forgotten), ("eval() を呼ぶ", called)]:
            accuracy = ((risks > 0.5) == test_y).double().mean(dim=1)
            spread = float(np.median(risks.double().std(dim=0, correction=0)))
            print(
                f"{{name}}: 標準偏差の中央値 {{spread!r}}, "
                f"正解率 {{accuracy.min().item()!r}} から {{accuracy.max().item()!r}}"
            )
        """
    return training_script(spec).rstrip() + "\n\n" + textwrap.dedent(body).strip() + "\n"
