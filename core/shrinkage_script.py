"""What the experiments on penalties compute, as PyTorch scripts that print the page's own numbers.

The functions that do the work are those of the page, word for word. Nothing here needs torch.
"""

from __future__ import annotations

from functools import lru_cache

from core import marker_study
from core.marker_study import StudySpec
from core.script_data import patients as table_section
from core.script_parts import join
from core.script_source import module_source
from core.shrinkage import COLUMNS, SMALL, TAIL, PathsSpec, WeightSpec
from core.specs import LossSpec, TableRunSpec

_HEAD = """\
# {title}
# AI研修医ラボの画面と同じ数値を計算します。必要なもの: pip install {needs}
# 教育用です。診断・治療には使えません。

{imports}
"""
_TOLD = {
    "soft_threshold": "値を 0 へ threshold だけ近づける。それより 0 に近い値は、ちょうど 0 にする。",
    "fista": "λ の違う L1(と L2)の解を、加速した近接勾配法 FISTA でまとめて求める。",
    "ridge": "λ の違う L2 の解を、固有値分解でまとめて求める。",
    "plain_sgd": "λΣ|w| を損失にそのまま足し、自動微分と SGD で学習する(劣勾配法)。",
    "patients": "200 種類のマーカーと重症度スコアを持つ患者を作る。本物は REAL の 10 種類。",
}


@lru_cache(maxsize=8)
def function(module: str, name: str) -> str:
    """Write a function as it stands in ``core``."""
    return module_source(f"core.{module}", _TOLD, [name])


def _head(title: str, needs: str, imports: str) -> str:
    return _HEAD.format(title=title, needs=needs, imports=imports)


def weight(spec: WeightSpec) -> str:
    """Write the walks of one weight."""
    body = f"""\
A, LAMBDA, ETA, STEPS = {spec.target!r}, {spec.strength!r}, {spec.lr!r}, {spec.steps}

# 近接勾配法: 損失の坂を1歩下りてから、しきい値 η·λ だけ 0 へ近づける
w, threshold = torch.tensor(A), torch.tensor(ETA * LAMBDA)
for _ in range(STEPS):
    w = soft_threshold(w - ETA * 2 * (w - A), threshold)
print("L1 近接勾配法", w.item())

# 罰を損失にそのまま足して、自動微分と SGD にまかせる
for name, power in [("L1 劣勾配法", 1), ("L2", 2)]:
    w = torch.tensor(A, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=ETA)
    for _ in range(STEPS):
        before = w.item()
        optimizer.zero_grad()
        ((w - A) ** 2 + LAMBDA * w.abs() ** power).backward()
        optimizer.step()
    print(name, w.item())
    print(name, "最後の1歩", w.item() - before)
"""
    head = _head("1つの重みに罰をかける", "torch", "import torch\n\ntorch.set_default_dtype(torch.float64)")
    return "\n\n\n".join([head.rstrip("\n"), function("proximal", "soft_threshold"), body])


def _strengths(exponents: str) -> str:
    return f"LAMBDAS = torch.tensor(10.0 ** ({exponents}))"


def paths(spec: PathsSpec, place: int) -> str:
    """Write the coefficient paths, and what they are at the λ of ``place``."""
    table = TableRunSpec(table=spec.table, loss=LossSpec(name="mse"))
    names = "\n".join(f'    "{name}",' for name in COLUMNS)
    fit = f"""
x, y = train_x.double(), train_y.double()
{_strengths("np.arange(61) / 15 - 3")}
gram, cross = x.T @ x / len(x), (x.T @ y).T / len(x)
several = LAMBDAS[None, :, None]

lasso, iterations = fista(gram[None], cross[None], several, 0 * several, still=1e-10, most=3000)
plain, tail = plain_sgd(x, y, LAMBDAS[:, None], lr={spec.lr!r}, steps={spec.steps}, tail={TAIL})
weights = {{
    "ラッソ(近接勾配法)": lasso[0],
    "劣勾配法": plain,
    "リッジ(L2)": ridge(gram[None], cross[None], several)[0],
}}
"""
    tell = f"""
PLACE = {place}  # 0 から 60 までの番号で λ を選ぶ
print(f"λ = {{LAMBDAS[PLACE]:.4f}}")
print("係数がすべて 0 になる λ", 2 * cross.abs().max().item())
held_x, held_y = validation_x.double(), validation_y.double()
for method, w in weights.items():
    print(method, "61 通りの λ で、ちょうど 0 の係数", (w == 0).sum().item())
    print(method, "この λ で、ちょうど 0 の係数", (w[PLACE] == 0).sum().item())
    print(method, "この λ で、絶対値が {SMALL:g} 未満の係数", (w[PLACE].abs() < {SMALL!r}).sum().item())
    print(method, "この λ での検証損失", ((held_x @ w[PLACE] - held_y[:, 0]) ** 2).mean().item())
    for name, value in zip(COLUMNS, w[PLACE].tolist()):
        print(method, name, value)

steps = tail[:, PLACE].diff(dim=0).abs().mean(dim=0)
for name, value in zip(COLUMNS, steps.tolist()):
    print("劣勾配法", name, "最後の {TAIL} 歩の平均の歩幅", value)
"""
    imports = "import numpy as np\nimport torch\nfrom sklearn.datasets import load_diabetes"
    head = _head("λ を変えながら、10 項目の係数を求める", "torch scikit-learn", imports)
    tools = [function("proximal", name) for name in ("soft_threshold", "fista", "ridge", "plain_sgd")]
    data = join(f"COLUMNS = [\n{names}\n]\n", table_section(table))
    return "\n\n\n".join([head.strip("\n"), *tools, data.strip("\n"), join(fit, tell).strip("\n")]) + "\n"


def markers(spec: StudySpec, places: tuple[int, int, int, int]) -> str:
    """Write the first repetition of the marker study; ``places`` are the λ of the four penalties."""
    numbers = ", ".join(map(repr, (spec.effect, spec.noise, spec.twins, spec.seed * marker_study.REPEATS)))
    total = spec.patients + marker_study.HELD_OUT + marker_study.TESTED
    body = f"""
REAL = {marker_study.REAL!r}  # 本物のマーカーの番号(0 から数える)
# 最初の COUNT 人が学習用、残りは検証用 {marker_study.HELD_OUT} 人とテスト用 {marker_study.TESTED} 人
COUNT = {spec.patients}

x, y = patients({total}, {numbers})
x = torch.tensor((x - x[:COUNT].mean(axis=0)) / x[:COUNT].std(axis=0))
y = torch.tensor((y - y[:COUNT].mean()) / y[:COUNT].std())
train_x, train_y = x[:COUNT], y[:COUNT]
test_x, test_y = x[COUNT + {marker_study.HELD_OUT} :], y[COUNT + {marker_study.HELD_OUT} :]

gram, cross = (train_x.T @ train_x / COUNT)[None], (train_y @ train_x / COUNT)[None, None]
{_strengths("np.arange(19) / 10 - 1.5")}
several = LAMBDAS[None, :, None]
limits = {{"still": {marker_study.STILL!r}, "most": {marker_study.MOST}}}
weights = {{
    "なし": ridge(gram, cross, 0 * several),
    "L2": ridge(gram, cross, several),
    "L1": fista(gram, cross, several, 0 * several, **limits)[0],
    "エラスティックネット": fista(gram, cross, several / 2, several / 2, **limits)[0],
}}

real = torch.zeros(200, dtype=torch.bool)
real[list(REAL)] = True
PLACES = {places!r}  # 画面と同じ λ の番号(なし、L2、L1、エラスティックネットの順)
for (name, path), place in zip(weights.items(), PLACES):
    w = path[0, place]
    error = ((test_x @ w - test_y) ** 2).mean() / (test_y**2).mean()
    print(name, "λ", 0.0 if name == "なし" else LAMBDAS[place].item())
    print(name, "見つけた本物", (w[real] != 0).sum().item())
    print(name, "余計なマーカー", (w[~real] != 0).sum().item())
    print(name, "ちょうど 0", (w == 0).sum().item())
    print(name, "テスト R2", 1 - error.item())
"""
    head = _head("200 種類のマーカーから、本物の 10 種類を選ぶ", "torch", "import numpy as np\nimport torch")
    tools = [function("proximal", name) for name in ("soft_threshold", "fista", "ridge")]
    sections = [head.strip("\n"), function("marker_study", "patients"), *tools, body.strip("\n")]
    return "\n\n\n".join(sections) + "\n"
