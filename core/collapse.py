"""A stack of linear layers is one linear layer: multiplied out and compared.

Only ``collapse`` loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from core import tables
from core.specs import TableSpec, require_between, require_one_of

Array = npt.NDArray[np.float64]
PATIENTS = TableSpec(name="readmission")
BETWEEN = ("linear", "relu", "tanh")


@dataclass(frozen=True, kw_only=True)
class StackSpec:
    """Linear layers from four findings to one score, ``width`` units and ``activation`` between."""

    layers: int = 3
    width: int = 16
    activation: str = "linear"
    seed: int = 0

    def __post_init__(self) -> None:
        require_between("線形層の数", self.layers, 1, 7)
        require_between("ユニット数", self.width, 1, 64)
        require_one_of("活性化関数", self.activation, BETWEEN)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the numbers of units from the inputs to the output."""
        return (PATIENTS.inputs, *[self.width] * (self.layers - 1), 1)

    @property
    def parameters(self) -> int:
        """Return how many weights and biases the stack has."""
        return sum(a * b + b for a, b in pairwise(self.sizes))


@dataclass(frozen=True, kw_only=True, eq=False)
class Collapse:
    """A stack, and the one layer that its layers multiply out to.

    Attributes:
        matrix: (inputs,), the one layer's weights, float64; ``bias`` its bias.
        stacked: (patients,), what the stack gives, float64.
        single: (patients,), what the one layer gives, float64.
        largest: the largest difference between the two in float64; ``largest32`` when all is in float32.
        missed: share of the stack's variance that no linear layer whatsoever can reproduce.
    """

    matrix: Array = field(repr=False)
    bias: float
    stacked: Array = field(repr=False)
    single: Array = field(repr=False)
    largest: float
    largest32: float
    missed: float


def multiply(weights: Sequence[Array], biases: Sequence[Array]) -> tuple[Array, Array]:
    """Multiply linear layers out to one; each matrix is (outputs, inputs), each bias (outputs,).

    W = Wₙ … W₂ W₁ and b = Wₙ(… (W₂ b₁ + b₂) …) + bₙ, in the precision of the matrices.
    """
    matrix, bias = weights[0], biases[0]
    for w, b in zip(weights[1:], biases[1:], strict=True):
        matrix, bias = w @ matrix, w @ bias + b
    return matrix, bias


def of_network(weights: Mapping[str, npt.NDArray[Any]]) -> tuple[Array, Array]:
    """Multiply out the linear layers of a ``state_dict``, in float64 and in their order."""
    places = sorted({int(name.split(".")[0]) for name in weights})
    matrices = [weights[f"{place}.weight"].astype(np.float64) for place in places]
    return multiply(matrices, [weights[f"{place}.bias"].astype(np.float64) for place in places])


def missed(inputs: Array, outputs: Array) -> float:
    """Return the share of the variance of ``outputs`` (rows,) that no line of ``inputs`` explains."""
    design = np.column_stack([inputs, np.ones(len(inputs))])
    best, *_ = np.linalg.lstsq(design, outputs, rcond=None)
    spread = float(((outputs - outputs.mean()) ** 2).sum())
    return float(((outputs - design @ best) ** 2).sum()) / spread if spread > 0 else 0.0


def collapse(spec: StackSpec) -> Collapse:
    """Build the stack as ``nn.Sequential``, multiply it out, and let both judge the test patients."""
    import torch
    from torch import nn

    from core.models import build_mlp
    from core.specs import MLPSpec

    model = build_mlp(
        MLPSpec(hidden=spec.sizes[1:-1], activation=spec.activation), spec.sizes[0], 1, spec.seed
    )
    seen = torch.tensor(tables.load(PATIENTS).test.inputs)  # (patients, inputs) float32
    linear = [module for module in model if isinstance(module, nn.Linear)]
    judged = []
    for kind in (torch.float32, torch.float64):
        model.to(kind)
        matrix, bias = multiply(
            [layer.weight.detach().numpy() for layer in linear],
            [layer.bias.detach().numpy() for layer in linear],
        )
        with torch.no_grad():
            stacked = model(seen.to(kind))[:, 0].numpy()
        judged.append((stacked, (seen.to(kind).numpy() @ matrix.T + bias)[:, 0]))
    (stacked32, single32), (stacked, single) = judged
    return Collapse(
        matrix=matrix[0],
        bias=float(bias[0]),
        stacked=stacked,
        single=single,
        largest=float(abs(stacked - single).max()),
        largest32=float(abs(stacked32 - single32).max()),
        missed=missed(seen.numpy().astype(np.float64), stacked),
    )


def script(spec: StackSpec) -> str:
    """Write the collapse as a PyTorch script that prints the same one layer and the same difference."""
    between = {"linear": "", "relu": "nn.ReLU(), ", "tanh": "nn.Tanh(), "}[spec.activation]
    layers = [f"nn.Linear({a}, {b})" for a, b in pairwise(spec.sizes)]
    rows = "".join(f"    {layer}, {between}\n" for layer in layers[:-1]) + f"    {layers[-1]},\n"
    rows = rows.replace(", \n", ",\n")
    return f"""\
# 線形の層の重ね合わせを、1枚の層に掛け合わせる
# AI研修医ラボの画面と同じ重みで計算します。必要なもの: pip install torch
# 教育用です。診断・治療には使えません。

import torch
from torch import nn

torch.manual_seed({spec.seed})
model = nn.Sequential(
{rows})
model.double()  # 倍精度にして、丸め誤差を小さくする

linear = [layer for layer in model if isinstance(layer, nn.Linear)]
W, b = linear[0].weight, linear[0].bias
for layer in linear[1:]:
    W, b = layer.weight @ W, layer.weight @ b + layer.bias

print("掛け合わせた行列", W.tolist())
print("掛け合わせたバイアス", b.tolist())
print("数の個数", sum(p.numel() for p in model.parameters()), "→", W.numel() + b.numel())

x = torch.randn(200, {spec.sizes[0]}, dtype=torch.float64)  # 検査値の代わりの乱数(差は桁だけ画面と合う)
print("出力の差(最大)", (model(x) - (x @ W.T + b)).abs().max().item())
"""
