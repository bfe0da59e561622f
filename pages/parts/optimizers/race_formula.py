"""The update rules in LaTeX, with the numbers that an optimizer held at one of its updates."""

from __future__ import annotations

import math

import streamlit as st

from core.landscape import Path
from core.specs import OptimizerSpec
from core.surfaces import Array
from core.update_rules import RULES, decay
from core.update_terms import BETA1, BETA2, EPSILON, SMOOTHING, Terms, terms
from pages.ui import text


def number(value: float) -> str:
    """Write a number with four significant digits for LaTeX."""
    if not math.isfinite(value):
        return r"\infty"
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return rf"{mantissa}\times 10^{{{int(exponent)}}}" if exponent else mantissa


def vector(values: Array) -> str:
    """Write the two coordinates under one another."""
    return r"\begin{pmatrix}" + r"\\".join(number(float(v)) for v in values) + r"\end{pmatrix}"


def rule(spec: OptimizerSpec) -> list[str]:
    """Return the update rule of an optimizer, in the order in which torch carries it out."""
    beta, lr = f"{spec.momentum:g}", f"{spec.lr:g}"
    descend = rf"w_t = w_{{t-1}} - {lr}\,"
    momentum = [rf"v_t = {beta}\,v_{{t-1}} + g_t"]
    means = [
        rf"m_t = {BETA1:g}\,m_{{t-1}} + {1 - BETA1:.1g}\,g_t",
        rf"v_t = {BETA2:g}\,v_{{t-1}} + {1 - BETA2:.1g}\,g_t^2",
        rf"\hat m_t = \frac{{m_t}}{{1 - {BETA1:g}^t}},\quad \hat v_t = \frac{{v_t}}{{1 - {BETA2:g}^t}}",
    ]
    epsilon = rf"10^{{{round(math.log10(EPSILON.get(spec.name, 1.0)))}}}"
    shrink = decay(spec.name, spec.weight_decay)
    lines = {
        "sgd": [descend + "g_t"],
        "momentum": [*momentum, descend + "v_t"],
        "nesterov": [*momentum, descend + rf"(g_t + {beta}\,v_t)"],
        "adagrad": [r"G_t = G_{t-1} + g_t^2", descend + rf"\frac{{g_t}}{{\sqrt{{G_t}} + {epsilon}}}"],
        "rmsprop": [
            rf"s_t = {SMOOTHING:g}\,s_{{t-1}} + {1 - SMOOTHING:.1g}\,g_t^2",
            descend + rf"\frac{{g_t}}{{\sqrt{{s_t}} + {epsilon}}}",
        ],
        "adam": [*means, descend + rf"\frac{{\hat m_t}}{{\sqrt{{\hat v_t}} + {epsilon}}}"],
        "adamw": [
            rf"w' = (1 - {lr}\times {shrink:g})\,w_{{t-1}}",
            *means,
            rf"w_t = w' - {lr}\,\frac{{\hat m_t}}{{\sqrt{{\hat v_t}} + {epsilon}}}",
        ],
    }
    unwritten = rf"w_t = \mathrm{{{RULES[spec.name].kind}}}(w_{{t-1}},\ g_1, \dots, g_t;\ \eta = {lr})"
    return lines.get(spec.name, [unwritten])


def values(spec: OptimizerSpec, path: Path, update: int) -> list[str]:
    """Return what the symbols of the rule were at ``update`` (from 1), each as a line of LaTeX."""
    parts: Terms = terms(path, spec)
    row = update - 1
    lines = [
        rf"w_{{{row}}} = {vector(parts.before[row])},\quad g_{{{update}}} = {vector(parts.gradient[row])}"
    ]
    square = {"adagrad": "G", "rmsprop": "s"}.get(spec.name, "v")
    if parts.velocity is not None:
        lines.append(rf"v_{{{update}}} = {vector(parts.velocity[row])}")
    if parts.shrunk is not None:
        lines.append(rf"w' = {vector(parts.shrunk[row])}")
    if parts.mean is not None and parts.mean_hat is not None:
        hat = vector(parts.mean_hat[row])
        lines.append(rf"m_{{{update}}} = {vector(parts.mean[row])},\quad \hat m_{{{update}}} = {hat}")
    if parts.square is not None:
        line = rf"{square}_{{{update}}} = {vector(parts.square[row])}"
        if parts.square_hat is not None:
            line += rf",\quad \hat v_{{{update}}} = {vector(parts.square_hat[row])}"
        lines.append(line)
    if parts.velocity is None and parts.square is None:  # what torch keeps for a rule without terms
        for name, kept in path.states.items():
            told = name.replace("_", r"\_")
            lines.append(rf"\text{{{told}}}_{{{update}}} = {vector(kept[update])}")
    lines.append(
        rf"w_{{{update}}} = {vector(path.positions[update])}"
        rf"\quad(\text{{この1歩}}\ {vector(parts.step[row])})"
    )
    return lines


def show(spec: OptimizerSpec, path: Path) -> None:
    """Show the rule and, at an update that the reader chooses, its numbers."""
    updates = len(path.positions) - 1
    with st.expander(f"数式で見る({text.OPTIMIZER_LABELS[spec.name]} の中身)"):
        for line in rule(spec):
            st.latex(line)
        if updates < 1:
            st.caption("1歩目で数値として表せなくなったため、代入できる数字がありません。")
            return
        update = 1
        if updates > 1:
            key = "op_at"
            if not 1 <= st.session_state.get(key, 1) <= updates:
                st.session_state[key] = updates
            update = st.slider("何歩目の修正を見るか", 1, updates, 1, key=key, bind="query-params")
        for line in values(spec, path, update):
            st.latex(line)
        st.caption(
            "上が w₁、下が w₂ の成分です。掛け算、2乗、割り算は成分ごとに行います。"
            "数値は、このレースを走った torch.optim の内部状態から読み出したものです。"
        )
