"""The losses of one patient as formulas and as PyTorch, with the numbers of now filled in."""

from __future__ import annotations

import math

import streamlit as st

from core.loss_curves import OF_ERRORS, of_probability
from core.specs import LOSSES_OF_CLASSES, LossSpec


def show_numbers(truth: int, prediction: int, delta: int) -> None:
    """Show the losses of a number with the numbers of now."""
    error = prediction - truth
    here = {name: loss(error, delta) for name, loss in OF_ERRORS.items()}
    with st.expander("数式とコードで見る(いまの数字)"):
        st.markdown("y は正解、ŷ は予測、e = ŷ − y は誤差です。いまは患者が1人なので、平均しても同じ値です。")
        st.latex(r"\mathrm{MSE} = \frac{1}{N}\sum_i (y_i - \hat y_i)^2")
        st.latex(
            rf"\begin{{gathered}}({truth} - {prediction})^2 = {float(here['mse'].value):,.0f} \\"
            r"\frac{\partial L}{\partial \hat y} = 2(\hat y - y)"
            rf" = {float(here['mse'].slope):g}\end{{gathered}}"
        )
        st.latex(
            rf"\begin{{gathered}}\mathrm{{MAE}}:\ |{truth} - {prediction}| = {float(here['mae'].value):g} \\"
            r"\frac{\partial L}{\partial \hat y} = \mathrm{sign}(\hat y - y)"
            rf" = {float(here['mae'].slope):g}\end{{gathered}}"
        )
        e, value = abs(error), float(here["huber"].value)
        st.latex(
            r"\mathrm{Huber} = \begin{cases} \tfrac12 e^2 & (|e| \le \delta) \\"
            r" \delta\left(|e| - \tfrac{\delta}{2}\right) & (|e| > \delta) \end{cases}"
        )
        if e > delta:
            used = r"\delta\left(|e| - \tfrac{\delta}{2}\right)"
            used += rf" = {delta} \times ({e} - {delta / 2:g}) = {value:,g}"
        else:
            used = rf"\tfrac12 e^2 = \tfrac12 \times {e}^2 = {value:,g}"
        st.latex(
            rf"\begin{{gathered}}{used} \\"
            rf"\frac{{\partial L}}{{\partial \hat y}} = {float(here['huber'].slope):g}\end{{gathered}}"
        )
        st.code(number_script(truth, prediction, delta), language="python")


def number_script(truth: int, prediction: int, delta: int) -> str:
    """Write PyTorch that prints the three losses and their slopes."""
    return f"""import torch
from torch.nn import functional as F

truth = torch.tensor({float(truth)})
losses = {{
    "MSE": F.mse_loss,
    "MAE": F.l1_loss,
    "Huber": lambda p, t: F.huber_loss(p, t, delta={float(delta)}),
}}
for name, loss_function in losses.items():
    prediction = torch.tensor({float(prediction)}, requires_grad=True)
    loss = loss_function(prediction, truth)
    loss.backward()  # 自動微分
    print(name, loss.item(), prediction.grad.item())
"""


def show_probabilities(p: float, truth: int, loss: LossSpec) -> None:
    """Show the losses of a probability with the numbers of now."""
    right = p if truth else 1 - p
    here = {name: float(of_probability(name, p, truth, loss).value) for name in LOSSES_OF_CLASSES}

    def shown(value: float) -> str:
        return r"\infty" if math.isinf(value) else f"{value:.4f}"

    with st.expander("数式とコードで見る(いまの数字)"):
        st.markdown(
            "y は正解のクラスだけが 1 で、ほかは 0 です。そのため和には、"
            "正解に与えた確率の対数だけが残ります。"
        )
        st.latex(r"L = -\sum_i y_i \log \hat y_i")
        st.latex(rf"\text{{交差エントロピー}}:\ -\log {right:g} = {shown(here['cross_entropy'])}")
        weight = loss.positive_weight if truth else 1
        st.latex(rf"\text{{重み付き}}:\ -{weight:g} \times \log {right:g} = {shown(here['weighted'])}")
        st.latex(
            rf"\text{{focal}}:\ -(1 - {right:g})^{{{loss.gamma:g}}} \log {right:g} = {shown(here['focal'])}"
        )
        st.markdown("交差エントロピーをロジット z で微分すると、確率と正解の差になります。")
        st.latex(rf"\frac{{\partial L}}{{\partial z}} = p - y = {p:g} - {truth} = {p - truth:g}")
        if 0 < p < 1:
            st.code(probability_script(p, truth, loss), language="python")


def probability_script(p: float, truth: int, loss: LossSpec) -> str:
    """Write PyTorch that prints the losses and their slopes in the logit."""
    return f"""import torch
from torch.nn import functional as F

p = torch.tensor({p!r}, dtype=torch.float64)
y = torch.tensor({float(truth)}, dtype=torch.float64)
weight = torch.tensor({loss.positive_weight!r}, dtype=torch.float64)


def focal(z, y):
    loss = F.binary_cross_entropy_with_logits(z, y)
    return (1 - torch.exp(-loss)) ** {loss.gamma!r} * loss


losses = {{
    "交差エントロピー": F.binary_cross_entropy_with_logits,
    "重み付き": lambda z, y: F.binary_cross_entropy_with_logits(z, y, pos_weight=weight),
    "focal": focal,
}}
for name, loss_function in losses.items():
    z = torch.logit(p).requires_grad_()  # 確率をロジットに戻す
    loss = loss_function(z, y)
    loss.backward()  # 自動微分
    print(name, loss.item(), z.grad.item())
"""
