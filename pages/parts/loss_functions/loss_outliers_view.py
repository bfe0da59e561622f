"""What the experiment with mistyped blood pressures says of its lines: table, sentences, formulas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import tables
from core.loss_curves import OF_ERRORS
from core.specs import TableRunSpec
from pages.parts.loss_functions import loss_parts as parts
from pages.parts.loss_functions.loss_outliers_charts import CLEAN, NAMES, Line, clean_line, patients


def show_table(specs: Sequence[TableRunSpec], lines: Sequence[Line]) -> None:
    """Compare the lines of the first group of patients, and the errors of all groups."""
    groups = len(lines) // len(NAMES)
    at_zero, per_year = clean_line(specs[0])
    clean = Line(at_zero=at_zero, per_year=per_year, error=_clean_error(specs[0]))
    head = ["直線", "10歳ごと", "50歳の予測", "テストの誤差(MAE)"]
    rows = []
    for place, name in enumerate(NAMES):
        errors = [fit.error for fit in lines[place :: len(NAMES)]]
        rows.append(_row(name, lines[place], errors))
    rows.append(_row(CLEAN, clean, [clean.error]))
    parts.table(head, rows)
    if groups > 1:
        st.caption(f"「10歳ごと」と「50歳の予測」は1組目の患者、誤差は {groups} 組の最小〜最大です。")


def _row(name: str, fit: Line, errors: list[float]) -> list[str]:
    told = f"{min(errors):.1f}" if len(errors) == 1 else f"{min(errors):.1f}〜{max(errors):.1f}"
    change = f"{_signed(fit.per_year * 10, 1)} mmHg"
    return [name, change, f"{fit.at(50):.0f} mmHg", f"{told} mmHg"]


def _signed(value: float, digits: int = 0) -> str:
    shown = f"{value:+.{digits}f}".replace("-", "−")
    return shown if float(f"{value:.{digits}f}") else f"±{0:.{digits}f}"


def _clean_error(spec: TableRunSpec) -> float:
    data = tables.load(spec.table)
    at_zero, per_year = clean_line(spec)
    age = data.test.inputs[:, 0].astype(np.float64) * data.scale[0] + data.centre[0]
    truth = data.test.targets.astype(np.float64) * data.target_scale + data.target_centre
    return float(np.abs(at_zero + per_year * age - truth).mean())


def shares(specs: Sequence[TableRunSpec], lines: Sequence[Line]) -> dict[str, float]:
    """Return which share of each final training loss the mistyped patients of the first group make up."""
    age, pressure = patients(specs[0])
    scale, mistyped = tables.load(specs[0].table).target_scale, specs[0].table.mistyped
    found = {}
    for spec, name, fit in zip(specs, NAMES, lines, strict=False):
        errors = (fit.at_zero + fit.per_year * age - pressure) / scale
        each = OF_ERRORS[spec.loss_name](errors, spec.loss.delta).value
        found[name] = float(each[:mistyped].sum() / each.sum())
    return found


def whys(specs: Sequence[TableRunSpec], lines: Sequence[Line], delta: int) -> list[str]:
    """Say why lines of these settings fail, if they do."""
    mse, mae, huber = lines[:3]
    mistyped, (train, lost) = specs[0].table.mistyped, (len(patients(specs[0])[0]), shares(specs, lines))
    best = min(mse.error, mae.error, huber.error)
    why = []
    if mse.error > best + 5:
        why.append(
            f"打ち間違いは {train} 人中 {mistyped} 人({mistyped / train:.1%})なのに、"
            f"MSE ではその {mistyped} 人が損失の {lost['MSE']:.0%} を占めます。"
            "誤差を2乗するので、線はほかの全員を犠牲にしても、打ち間違いの値に近づこうとします。"
        )
    if huber.error > best + 5:
        why.append(
            f"δ = {delta} mmHg では、打ち間違いの誤差(1000 mmHg 前後)まで2乗に近い罰を受けます。"
            "Huber 損失は、δ をふだんの誤差の大きさに合わせて初めて外れ値に強くなります。"
        )
    if best > _clean_error(specs[0]) + 2:
        why.append(
            "学習率が小さいか、エポックが足りず、どの線もまだ谷底に着いていません(**学習不足**)。"
            f"いちばん良い線でも誤差は {best:.1f} mmHg で、"
            f"最小二乗法の {_clean_error(specs[0]):.1f} mmHg に届きません。"
        )
    return why


def reading(specs: Sequence[TableRunSpec], lines: Sequence[Line], median: dict[str, float]) -> list[str]:
    """Say what the lines have in common and what not, in numbers."""
    mistyped = specs[0].table.mistyped
    if not mistyped:
        return [
            "打ち間違いがなければ、3本の線はほとんど重なり、損失の選び方はあまり問題になりません"
            f"(テストの誤差の差は {max(median.values()) - min(median.values()):.2f} mmHg)。"
        ]
    at_zero, per_year = clean_line(specs[0])
    off = {name: fit.at(50) - (at_zero + per_year * 50) for name, fit in zip(NAMES, lines, strict=False)}
    told = "、".join(f"{name} は {_signed(value)} mmHg" for name, value in off.items())
    return [
        f"50歳の予測が、打ち間違いのない直線からどれだけずれたかを見ると、{told} です。",
        "MAE は、誤差の大きさによらず引っ張る力が同じです。そのため線は、"
        "中央値のように真ん中の患者に従います。"
        "Huber は、小さな誤差では MSE のようになめらかに、大きな誤差では MAE のように動じずにふるまいます。",
        "ただし、外れ値がいつも間違いとは限りません。本当に重症の患者なら、無視してはいけない1人です。"
        "損失を替える前に、まず値を確かめます。",
    ]


def show_formula(specs: Sequence[TableRunSpec], lines: Sequence[Line]) -> None:
    """Show the loss of one mistyped patient, or of the first patient, under each line with its numbers."""
    age, pressure = patients(specs[0])
    scale = tables.load(specs[0].table).target_scale
    delta = specs[2].loss.delta
    with st.expander("数式で見る(学習データの1人目)"):
        st.markdown(
            f"{age[0]:.0f} 歳、入力された血圧 {pressure[0]:,.0f} mmHg の患者です。"
            f"学習では誤差を四分位範囲 {scale:g} mmHg で割った e を使います。"
        )
        for spec, name, fit in zip(specs, NAMES, lines, strict=False):
            error = (fit.at(age[0]) - pressure[0]) / scale
            value = float(OF_ERRORS[spec.loss_name](error, delta).value)
            formula = {
                "mse": "e^2",
                "mae": "|e|",
                "huber": r"\delta\,(|e| - \delta/2)" if abs(error) > delta else r"e^2 / 2",
            }[spec.loss_name]
            st.latex(
                rf"\mathrm{{{name}}}:\ e = \frac{{{fit.at(age[0]):.1f} - {pressure[0]:.0f}}}{{{scale:g}}}"
                rf" = {error:.2f},"
                rf"\qquad {formula} = {value:,.2f}"
            )
