"""Formulas of the experiment on early warning with live numbers, and the script to take home."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.early_warning_specs import PER_HOUR, SIGNALS, UNITS, WarningSpec
from core.warning_rules import RuleSpec
from core.warning_run import WarningRun

ROOM = r"\rule{0pt}{2em}"
"""An invisible upright as high as a fraction, so that its numerator is not cut off."""


def value(sensitivity: float, specificity: float, prevalence: float, found: float | None) -> None:
    """Show Bayes' rule with the numbers of the network."""
    result = "計算できません" if found is None else f"{found:.3f}"
    st.latex(rf"{ROOM}\mathrm{{PPV}} = \frac{{S_e\,p}}{{S_e\,p + (1-S_p)(1-p)}}")
    st.latex(
        rf"{ROOM}= \frac{{{sensitivity:.2f}\times{prevalence:g}}}"
        rf"{{{sensitivity:.2f}\times{prevalence:g} + {1 - specificity:.2f}\times{1 - prevalence:g}}}"
        rf" = \text{{{result}}}"
    )
    st.caption("ネットワークの場合です。Se は感度、Sp は特異度、p は悪化する人の割合、PPV は陽性的中率です。")


def show(
    spec: WarningSpec, run: WarningRun, rule: RuleSpec, smoothed: npt.NDArray[np.float32], threshold: float
) -> None:
    """Show how one reading became part of the statistic; ``smoothed`` (points, signals) of the network."""
    with st.expander("数式で見る(この患者の、見守りの最後の値)"):
        lead = spec.cut.test.start - spec.cut.calibration.start
        known = np.flatnonzero(np.isfinite(run.z[0, 0, 0]).all(axis=-1))
        at = int(known[-1])
        leading = int(np.abs(smoothed[at - lead]).argmax())
        name, unit = SIGNALS[leading], UNITS[leading]
        z, scale = float(run.z[0, 0, 0, at, leading]), float(run.scale[0, leading])
        reading = float(run.readings[0, 0, spec.cut.calibration.start + at, leading])
        unit_left = math.sqrt(rule.weight / (2 - rule.weight))
        st.markdown(
            f"{(spec.cut.calibration.start + at) / PER_HOUR:.1f} 時間の{name}は {reading:g} {unit}、"
            f"ネットワークの予測は {reading - z * scale:.1f} {unit} でした。"
            "差(残差)を、落ち着いた時間の残差の大きさ s で割ります。"
        )
        st.latex(rf"{ROOM}z = \frac{{y - \hat y}}{{s}} = \frac{{{z * scale:.2f}}}{{{scale:.2f}}} = {z:.2f}")
        st.markdown(
            "s は、較正に使った落ち着いた時間で残差の絶対値の9割が収まる幅を、"
            f"標準偏差に直した値です。z を重み λ でならします({rule.minutes} 分なら λ = {rule.weight:.3f})。"
        )
        st.latex(
            r"e_t = e_{t-1} + \lambda\,(z_t - e_{t-1}),\qquad "
            r"u_t = e_t \Big/ \sqrt{\tfrac{\lambda}{2-\lambda}}"
        )
        st.markdown(
            f"互いに無関係な残差なら、e のばらつきは z の {unit_left:.3f} 倍に縮むはずです。"
            "その値で割っておきます。"
        )
        if rule.combine == "rms":
            inside = "+".join(f"({v:.2f})^2" if v < 0 else f"{v:.2f}^2" for v in smoothed[at - lead].tolist())
            total = float(np.sqrt((smoothed[at - lead] ** 2).mean()))
            st.latex(
                rf"\sqrt{{\tfrac{{1}}{{5}}\textstyle\sum_j u_j^2}} = \sqrt{{({inside})/5}} = {total:.2f}"
            )
        else:
            total = float(np.abs(smoothed[at - lead]).max())
            st.latex(rf"\max_j |u_j| = {total:.2f}")
        lit = (
            "越えているので、このとき目印は点きます"
            if total > threshold
            else "越えないので、目印は点きません"
        )
        st.markdown(f"しきい値 {threshold:g} を{lit}。")
