"""Activation functions and their slopes: by formula in NumPy, and by torch with autograd.

Only ``torch_points`` loads torch.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.specs import SpecError

Array = npt.NDArray[np.float64]
LEAK = 0.01
LONGEST = 12
LARGEST = 1e6
_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True, kw_only=True)
class Function:
    """An activation function: value and slope of x (any shape), LaTeX of both, and its torch module."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    latex: str
    slope_latex: str
    code: str


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _normal(x: Array) -> Array:
    """Return Φ(x), the share of a standard normal distribution below x."""
    shares: Array = (1 + _erf(x / math.sqrt(2))) / 2
    return shares


FUNCTIONS: dict[str, Function] = {
    "sigmoid": Function(
        value=_sigmoid,
        slope=lambda x: _sigmoid(x) * (1 - _sigmoid(x)),
        latex=r"\sigma(x) = \frac{1}{1 + e^{-x}}",
        slope_latex=r"\sigma'(x) = \sigma(x)\,(1 - \sigma(x))",
        code="nn.Sigmoid()",
    ),
    "tanh": Function(
        value=np.tanh,
        slope=lambda x: 1 - np.tanh(x) ** 2,
        latex=r"\tanh(x) = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}}",
        slope_latex=r"\tanh'(x) = 1 - \tanh^2(x)",
        code="nn.Tanh()",
    ),
    "relu": Function(
        value=lambda x: np.maximum(x, 0.0),
        slope=lambda x: (x > 0).astype(np.float64),
        latex=r"\mathrm{ReLU}(x) = \max(0, x)",
        slope_latex=r"\mathrm{ReLU}'(x) = 1\ (x > 0),\ 0\ (x < 0)",
        code="nn.ReLU()",
    ),
    # Maas, Hannun & Ng, Rectifier nonlinearities improve neural network acoustic models (2013).
    "leaky_relu": Function(
        value=lambda x: np.where(x > 0, x, LEAK * x),
        slope=lambda x: np.where(x > 0, 1.0, LEAK),
        latex=r"\mathrm{LeakyReLU}(x) = x\ (x > 0),\ 0.01\,x\ (x \le 0)",
        slope_latex=r"\mathrm{LeakyReLU}'(x) = 1\ (x > 0),\ 0.01\ (x < 0)",
        code="nn.LeakyReLU()",
    ),
    # Hendrycks & Gimpel, Gaussian error linear units (2016).
    "gelu": Function(
        value=lambda x: x * _normal(x),
        slope=lambda x: _normal(x) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
        latex=r"\mathrm{GELU}(x) = x\,\Phi(x)",
        slope_latex=r"\mathrm{GELU}'(x) = \Phi(x) + \frac{x}{\sqrt{2\pi}}\,e^{-x^2/2}",
        code="nn.GELU()",
    ),
    "silu": Function(
        value=lambda x: x * _sigmoid(x),
        slope=lambda x: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))),
        latex=r"\mathrm{SiLU}(x) = x\,\sigma(x)",
        slope_latex=r"\mathrm{SiLU}'(x) = \sigma(x)\,\bigl(1 + x\,(1 - \sigma(x))\bigr)",
        code="nn.SiLU()",
    ),
}
"""The activation functions by name, as ``core.models.ACTIVATIONS`` calls them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """What torch gives for numbers: ``values`` and ``slopes``, each (numbers,) float64."""

    values: Array
    slopes: Array


def torch_points(names: Sequence[str], x: Array) -> dict[str, Points]:
    """Compute activations at ``x`` (numbers,) with torch's own modules, and their slopes by autograd."""
    import torch

    from core.models import ACTIVATIONS

    found = {}
    for name in names:
        inputs = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        outputs = ACTIVATIONS[name]()(inputs)
        (slopes,) = torch.autograd.grad(outputs.sum(), inputs)
        found[name] = Points(values=outputs.detach().numpy(), slopes=slopes.numpy())
    return found


def numbers(written: str) -> tuple[float, ...]:
    """Read numbers separated by commas or spaces, as a Japanese keyboard may write them.

    Raises:
        SpecError: there is none, there are too many, or one is no number of a sensible size.
    """
    plain = unicodedata.normalize("NFKC", written).replace("−", "-").replace("、", ",")
    parts = [part for part in re.split(r"[,\s\[\]]+", plain) if part]
    if not parts:
        raise SpecError("数を1つ以上、「-3, -0.5, 0, 1, 2.5」のようにカンマで区切って入力してください。")
    if len(parts) > LONGEST:
        raise SpecError(f"数は {LONGEST} 個までにしてください(いまは {len(parts)} 個)。")
    found = []
    for part in parts:
        try:
            value = float(part)
        except ValueError:
            raise SpecError(f"「{part[:20]}」は数として読めません。カンマで区切ってください。") from None
        if not (math.isfinite(value) and abs(value) <= LARGEST):
            raise SpecError(f"−100万から100万までの数を入力してください(「{part[:20]}」)。")
        found.append(value)
    return tuple(found)


def script(names: Sequence[str], x: float, layers: int, listed: str, values: Sequence[float]) -> str:
    """Write a PyTorch script of the slopes at ``x``, and of the activation ``listed`` of ``values``."""
    modules = "".join(f'    "{name}": {FUNCTIONS[name].code},\n' for name in names)
    return f"""\
# 活性化関数の値と傾きを、自動微分で求める
# AI研修医ラボの画面と同じ数値を計算します。必要なもの: pip install torch
# 教育用です。診断・治療には使えません。

import torch
from torch import nn

torch.set_default_dtype(torch.float64)

FUNCTIONS = {{
{modules}}}

for name, function in FUNCTIONS.items():
    x = torch.tensor({x!r}, requires_grad=True)
    y = function(x)
    y.backward()  # 自動微分で傾きを求める
    slope = x.grad.item()
    print(f"{{name}}: 値 {{y.item():.6f}} / 傾き {{slope:.6f}} / {layers} 層分の積 {{slope ** {layers}:.3e}}")

numbers = torch.tensor({list(values)!r})
print({FUNCTIONS[listed].code}(numbers).tolist())
"""
