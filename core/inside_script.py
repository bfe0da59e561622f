"""A trained forecaster read by hand, as a script: it trains the same run, then does without torch's layers.

Nothing here needs torch, and nothing of a reader's file enters the text but its name and two headers.
"""

from __future__ import annotations

from dataclasses import replace

from core.script_steps import data, one_run, preparation, settings
from core.script_upload import UploadSource
from core.specs import ForecastSpec

_HEAD = """\
# {title}
# AI研修医ラボの画面と同じ学習をやり直し、1つの窓を NumPy だけで読んで、PyTorch の答えと照らし合わせます。
# 必要なもの: pip install torch numpy
# 教育用です。診断・治療には使えません。
"""
_CELLS = {
    "rnn": """\
    a = W @ x + b + U @ h + d  # 重みを掛けて足す
    return np.tanh(a), c""",
    "lstm": """\
    i, f, g, o = np.split(W @ x + b + U @ h + d, 4)  # 行を4つのゲートに分ける
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)  # 忘れて、書き込む
    return sigmoid(o) * np.tanh(c), c""",
    "gru": """\
    (r, z, n), (r_h, z_h, n_h) = np.split(W @ x + b, 3), np.split(U @ h + d, 3)  # 行を3つに分ける
    r, z = sigmoid(r + r_h), sigmoid(z + z_h)
    n = np.tanh(n + r * n_h)  # リセットゲートは、バイアスも含めて掛かる
    return (1 - z) * n + z * h, c""",
}
_TITLES = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


def script(spec: ForecastSpec, window: int, looked: int, erased: int, upload: UploadSource | None) -> str:
    """Write the script: train ``spec``, walk test window ``window``, and tell what the units do.

    ``looked`` and ``erased`` are the windows that the page has looked at; see ``core.inside_look.Look``.
    """
    parts = [preparation([spec], upload), settings([spec]), data([spec], upload), *one_run(spec)]
    text = _HEAD.format(title=f"{_TITLES[spec.model.name]} の中をのぞく")
    for number, part in enumerate(parts, start=1):
        text += f"\n# ----- {number}. {part.title} -----\n\n{part.code}\n"
    text = text.replace("import matplotlib.pyplot as plt\n", "")
    last = len(parts)
    text += f"\n# ----- {last + 1}. 1つの窓を、手で読む -----\n\n{_walk(spec, window)}"
    text += f"\n# ----- {last + 2}. ユニットの働きを調べる -----\n\n{_units(spec, looked, erased)}"
    return text


def repeated(spec: ForecastSpec, epochs: int) -> ForecastSpec:
    """Return ``spec`` as far as it was carried out: a run that was stopped is repeated up to there."""
    return replace(spec, training=replace(spec.training, epochs=max(epochs, 1), patience=None))


def _walk(spec: ForecastSpec, window: int) -> str:
    model = spec.model
    unit = ") * sd + mean" if spec.standardize else ")"
    opened = "float((" if spec.standardize else "float("
    closed = unit + ")" if spec.standardize else unit
    gates = "def sigmoid(a):\n    return 0.5 * (1 + np.tanh(0.5 * a))\n\n\n" if model.name != "rnn" else ""
    return f"""\
WINDOW = {window}  # テスト区間の何番目の窓か(0 から数える)
LAYERS, HIDDEN = {model.layers}, {model.hidden}
weights = {{name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}}
for name, value in weights.items():
    print(name, value.shape)


{gates}def read(x, h, c, layer):
    \"\"\"入力 x と、ひとつ前の状態 h(LSTM では記憶 c も)から、新しい状態を計算する。\"\"\"
    W, U = weights[f"recurrent.weight_ih_l{{layer}}"], weights[f"recurrent.weight_hh_l{{layer}}"]
    b, d = weights[f"recurrent.bias_ih_l{{layer}}"], weights[f"recurrent.bias_hh_l{{layer}}"]
{_CELLS[model.name]}


h, c = np.zeros((LAYERS, HIDDEN)), np.zeros((LAYERS, HIDDEN))
for t, value in enumerate(test_x[WINDOW, :, 0].tolist(), start=1):
    x = np.array([value])
    for layer in range(LAYERS):
        h[layer], c[layer] = read(x, h[layer], c[layer], layer)
        x = h[layer]
    print(f"{{t}} 点目: x = {{value:.4f}}, h = {{np.round(x, 4).tolist()}}")

by_hand = {opened}weights["head.weight"][0] @ x + weights["head.bias"][0]{closed}
print("手で計算した予測", by_hand)
print("PyTorch の予測", float(forecast[WINDOW]))
print("正解", float(truth[WINDOW]))
"""


def _units(spec: ForecastSpec, looked: int, erased: int) -> str:
    times = " * sd" if spec.standardize else ""
    return f"""\
places = np.unique(np.linspace(0, len(test_x) - 1, {looked}).round().astype(int))  # 調べる窓
with torch.no_grad():
    h = model.recurrent(test_x[places])[0][:, -1].double().numpy()  # 窓を読み終えたときの隠れ状態
given = h * weights["head.weight"][0]{times}  # 予測への寄与
newest = test_windows[places, -2].astype(np.float64)
print("|h| > 0.99 の割合", float((np.abs(h) > 0.99).mean()))
for unit in given.std(axis=0).argsort()[::-1]:
    moves = min(h[:, unit].std(), newest.std()) > 1e-6
    r = float(np.corrcoef(h[:, unit], newest)[0, 1]) if moves else 0.0
    print(f"ユニット {{unit + 1}}: 直前の値との相関 {{r:.3f}}, 寄与の標準偏差 {{given[:, unit].std():.4f}}")

some = places[np.unique(np.linspace(0, len(places) - 1, {erased}).round().astype(int))]
for k in range(LENGTH):  # 窓の k 点目を 0(平均)に書きかえる
    without = test_x[some].clone()
    without[:, k] = 0
    with torch.no_grad():
        change = (model(without) - model(test_x[some])).abs().mean().item(){times}
    print(f"{{k + 1}} 点目を消すと、予測は平均 {{change:.6f}} 変わる")
"""
