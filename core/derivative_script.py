"""What the lesson on derivatives computes, as plain PyTorch scripts that print the page's own numbers.

Everything is computed in float64, as on the page. Nothing here needs torch.
"""

from __future__ import annotations

import textwrap

from core import chain, ecg, score
from core.backprop import LineSpec
from core.chain import ChainSpec
from core.ecg import BeatSpec
from core.partials import AtDischarge
from core.score import PatientSpec
from core.script import script as training_script
from core.slopes import CURVES, SlopeSpec
from core.specs import TableRunSpec

_HEAD = """\
# {title}
# AI研修医ラボの画面と同じ数値を計算します。必要なもの: pip install torch
# 教育用です。診断・治療には使えません。

import torch

torch.set_default_dtype(torch.float64)
"""


def _script(title: str, body: str) -> str:
    return _HEAD.format(title=title) + "\n\n" + textwrap.dedent(body).strip() + "\n"


def slope(spec: SlopeSpec, power: int) -> str:
    """Write the slope of a curve as difference quotients with Δx = 10^−power, and by autograd."""
    return _script(
        "傾きを、差分と自動微分の両方で求める",
        f"""
        def f(x):
            return {CURVES[spec.curve].code}


        x = torch.tensor({spec.x!r}, requires_grad=True)
        dx = 1e-{power:02d}

        with torch.no_grad():  # 差分: x を少しずらして割り算する
            print("前進差分", ((f(x + dx) - f(x)) / dx).item())
            print("後退差分", ((f(x) - f(x - dx)) / dx).item())
            print("中心差分", ((f(x + dx) - f(x - dx)) / (2 * dx)).item())

        y = f(x)
        y.backward()  # 自動微分: 計算の手順をさかのぼって傾きを求める
        print("自動微分", x.grad.item())
        """,
    )


def heartbeat(spec: BeatSpec) -> str:
    """Write the steepest slope of a beat's QRS upstroke, by autograd and as differences."""
    beat = ecg.waves(spec.delay)
    rows = "".join(f"\n            ({w.centre!r}, {w.height!r}, {w.width!r}),  # {w.name}" for w in beat)
    return _script(
        "模式的な心電図の傾き(波形の形: McSharry et al. 2003)",
        f"""
        WAVES = [  # 中心 [秒]、高さ [mV]、幅(標準偏差)[秒]{rows}
        ]


        def voltage(t):
            return sum(h * torch.exp(-((t - c) ** 2) / (2 * s**2)) for c, h, s in WAVES)


        t = torch.tensor({ecg.upstroke(beat).time!r}, requires_grad=True)  # 立ち上がりが最も急な時刻 [秒]
        voltage(t).backward()
        print("自動微分 [mV/秒]", t.grad.item())

        with torch.no_grad():
            for name, dt in [("1マイクロ秒", 1e-6), ("{spec.rate} Hz", 1 / {spec.rate})]:
                difference = (voltage(t + dt) - voltage(t - dt)) / (2 * dt)
                print(f"中心差分({{name}}) [mV/秒]", difference.item())
        """,
    )


def gradient(spec: PatientSpec, stride: float) -> str:
    """Write the gradient of the made-up score at a patient, and a step up and down along it."""
    return _script(
        "偏微分を集めて勾配にする(教育用に作ったスコア)",
        f"""
        # 基準(血圧 130 mmHg、LVEF 45%、70 歳、BNP 200 pg/mL)から何単位離れているか。
        # 1 単位は、血圧 10 mmHg、LVEF 10%、年齢 10 歳、BNP は 2 倍。
        u = torch.tensor(
            [({spec.sbp!r} - 130) / 10, ({spec.lvef!r} - 45) / 10, ({spec.age!r} - 70) / 10, 0.0]
        )
        u[3] = torch.log2(torch.tensor({spec.bnp!r} / 200))
        u.requires_grad_()

        first = torch.tensor({list(score.FIRST)})
        bend = torch.tensor({list(score.BEND)})


        def f(u):
            return {score.BASE} + first @ u + bend / 2 @ u**2 + {score.TOGETHER} * u[1] * u[3]


        y = f(u)
        y.backward()  # 4つの偏微分が一度に求まる
        print("スコア [点]", y.item())
        for name, slope in zip(["血圧", "LVEF", "年齢", "BNP"], u.grad):
            print("偏微分", name, slope.item())

        with torch.no_grad():
            print("勾配の向きへ1歩", f(u + {stride!r} * u.grad).item())
            print("勾配の逆へ1歩", f(u - {stride!r} * u.grad).item())
        """,
    )


def links(spec: ChainSpec) -> str:
    """Write the chain dose → pressure → risk and its three slopes by autograd."""
    straight = spec.shape == "line"
    effect = f"{spec.first!r} * x" if straight else f"{spec.first!r} * x / (1 + x / {chain.HALF_MG!r})"
    change = f"{spec.second!r} * (y - {chain.START_MMHG!r})"
    risk = change if straight else f"100 * (torch.exp({change} / 100) - 1)"
    return _script(
        "連鎖律: 用量 → 血圧 → 脳卒中リスク",
        f"""
        x = torch.tensor({spec.dose!r}, requires_grad=True)  # 用量 [mg]
        y = {chain.START_MMHG!r} + {effect}  # 血圧 [mmHg]
        z = {risk}  # リスクの変化 [%]

        dz_dx, dz_dy = torch.autograd.grad(z, (x, y), retain_graph=True)
        (dy_dx,) = torch.autograd.grad(y, x)
        print("dy/dx [mmHg/mg]", dy_dx.item())
        print("dz/dy [%/mmHg]", dz_dy.item())
        print("dz/dx [%/mg]", dz_dx.item())
        print("積 [%/mg]", (dz_dy * dy_dx).item())
        """,
    )


def line(spec: LineSpec) -> str:
    """Write a line of three layers and what ``loss.backward()`` finds for each weight."""
    activation = {
        "sigmoid": "torch.sigmoid(z)",
        "tanh": "torch.tanh(z)",
        "relu": "torch.relu(z)",
        "identity": "z",
    }[spec.activation]
    return _script(
        "3層の一本道で、逆伝播の積を自動微分と照らし合わせる",
        f"""
        def phi(z):  # 活性化関数
            return {activation}


        x, target = torch.tensor({spec.x!r}), {spec.target!r}
        w1, w2, w3 = (torch.tensor(w, requires_grad=True) for w in {spec.weights!r})

        a1 = phi(w1 * x)
        a2 = phi(w2 * a1)
        guess = w3 * a2
        loss = (guess - target) ** 2
        for node in (a1, a2, guess):
            node.retain_grad()
        loss.backward()

        print("予測", guess.item())
        print("損失", loss.item())
        places = {{"a1": a1, "a2": a2, "予測": guess, "w1": w1, "w2": w2, "w3": w3}}
        for name, place in places.items():
            print("損失の傾き", name, place.grad.item())
        """,
    )


def partials(spec: TableRunSpec, patient: AtDischarge) -> str:
    """Write the training of a network on the readmission table, then its partial derivatives at a patient."""
    body = f"""
        # ----- 偏微分 -----
        # 学習したモデルのリスクを、1人の患者さんの入力(年齢、収縮期血圧、LVEF、BNP)で微分します。

        clinical = readmission({spec.table.patients}, {spec.table.seed})[0][train]
        centre, scale = torch.tensor(clinical.mean(axis=0)), torch.tensor(clinical.std(axis=0))
        patient = torch.tensor({patient.values.tolist()}, dtype=torch.float64, requires_grad=True)
        seen = torch.cat([patient[:3], patient[3:].log()])  # BNP は対数にしてから渡す
        risk = torch.softmax(model.double()((seen - centre) / scale), dim=0)[1]
        risk.backward()
        print("リスク", risk.item())
        for name, slope in zip(["年齢", "収縮期血圧", "LVEF", "BNP"], patient.grad):
            print("偏微分", name, slope.item())
        """
    return training_script(spec) + "\n" + textwrap.dedent(body).strip() + "\n"


def notebook(text: str) -> str:
    """Write a script as a notebook (.ipynb) with one cell."""
    from nbformat import v4, writes  # here, so that a page without a download does without it

    cell = v4.new_code_cell(text.rstrip())
    cell["id"] = "cell-0"
    book: str = writes(v4.new_notebook(cells=[cell]))
    return book
