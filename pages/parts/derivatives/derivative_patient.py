"""One patient before trained networks: four partial derivatives, one input moved, the rest held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from core import derivative_script, jobs, partials
from core.partials import Array, AtDischarge, Partials
from core.specs import TableRunSpec, digest
from pages.parts.derivatives import derivative_score_view
from pages.ui import charts, runs
from pages.ui import workings as view

LABELS = ("年齢", "収縮期血圧", "LVEF", "BNP")
TITLES = ("年齢(歳)", "収縮期血圧(mmHg)", "LVEF(%)", "BNP(pg/mL、対数目盛)")
STEPS = (("+1 歳", 1), ("+1 mmHg", 1), ("+1%", 1), ("+10 pg/mL", 10))
RANGES = ((45, 95), (80, 180), (15, 70), (25, 3200))
BNP = [25, 50, 100, 200, 300, 400, 800, 1600, 3200]
DIGITS = 3
CURVE = 61


def _points(patient: AtDischarge, moved: int) -> Array:
    """Return the points to ask about: the patient, 8 around for the numeric check, and a curve."""
    here = patient.values
    curve = np.tile(here, (CURVE, 1))
    low, high = RANGES[moved]
    curve[:, moved] = (
        np.geomspace(low, high, CURVE) if moved == partials.BNP else np.linspace(low, high, CURVE)
    )
    return np.concatenate([here[None], partials.around(here), curve])


@st.cache_data(max_entries=500, show_spinner=False)
def _partials(
    name: str,  # noqa: ARG001 - the key, with patient and moved
    patient: AtDischarge,
    moved: int,
    _spec: TableRunSpec,
    _networks: tuple[dict[str, Any], ...],
) -> Partials:
    found: Partials = runs.engine().quick(
        jobs.network_partials, _spec, _networks, _points(patient, moved), timeout=30
    )
    return found


def _settings() -> tuple[AtDischarge, int]:
    moved = view.choice("1つだけ動かす入力", {label: label for label in LABELS[1:] + LABELS[:1]}, "dv_move")
    age = st.slider("年齢(歳)", 45, 95, 74, key="dv_p_age", bind="query-params")
    pressure = st.slider("収縮期血圧(mmHg)", 80, 180, 150, key="dv_p_sbp", bind="query-params")
    ejection = st.slider("LVEF(%)", 15, 70, 44, key="dv_p_lvef", bind="query-params")
    bnp = st.select_slider("BNP(pg/mL)", BNP, 300, key="dv_p_bnp", bind="query-params")
    patient = AtDischarge(age=float(age), pressure=float(pressure), ejection=float(ejection), bnp=float(bnp))
    return patient, LABELS.index(moved)


@st.fragment
def show(name: str, specs: tuple[TableRunSpec, ...], networks: tuple[dict[str, Any], ...]) -> None:
    """Let the reader move a patient's inputs and read the networks' partial derivatives there."""
    st.header("この患者さんでの偏微分")
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        patient, moved = _settings()
    try:
        found = _partials(name, patient, moved, specs[0], networks)
    except TimeoutError:
        st.info(view.WAIT)
        return
    with stage:
        _curve(patient, moved, found)
        _table(patient, found)
    risk, slopes = float(found.risks[0, 0]), 100 * found.gradients[0, 0]
    nudge, step = STEPS[moved]
    view.sentences(
        [
            f"モデルが予測した、この患者さんの再入院リスクは {risk:.1%} です。",
            f"{LABELS[moved]} {nudge} あたり、リスクは"
            f" **{view.signed(step * slopes[moved], DIGITS)} ポイント**変わります(ほかの入力は固定)。",
            *_lowest(patient, moved, found),
            "偏微分が表すのは、モデルの答えの変わり方です。「血圧を変えれば再入院が減る」という因果関係ではありません。",
        ]
    )
    with st.expander("数式で見る(いまの数字)"):
        st.latex(view.tex_gradient("p", LABELS, slopes.tolist(), 3))
        st.caption("値は、1 歳・1 mmHg・1%・1 pg/mL あたりのポイントです。")
    if len(specs) == 1:
        view.script(
            "dv_patient", derivative_script.partials(specs[0], patient), f"partials_{digest(specs)[:8]}"
        )


def _lowest(patient: AtDischarge, moved: int, found: Partials) -> list[str]:
    """Say where the risk is lowest over the blood pressure, if this is the input that is moved."""
    if LABELS[moved] != "収縮期血圧":
        return []
    lowest = _points(patient, moved)[9 + int(found.risks[0, 9:].argmin()), moved]
    return [
        f"このモデルのリスクは、収縮期血圧 {lowest:.0f} mmHg で最も低くなりました。"
        "偏微分の符号は、その値を境に逆になります"
        "(模擬データは、125 mmHg でリスクが最も低くなるように作ってあります)。"
    ]


def _curve(patient: AtDischarge, moved: int, found: Partials) -> None:
    here = float(patient.values[moved])
    xs = _points(patient, moved)[9:, moved]
    risk, slope = 100 * float(found.risks[0, 0]), 100 * float(found.gradients[0, 0, moved])
    low, high = RANGES[moved]
    near = np.linspace(max(low, here - (high - low) / 6), min(high, here + (high - low) / 6), 21)
    rows = pa.concat_tables(
        [
            charts.rows("曲線", x=xs, y=100 * found.risks[0, 9:]),
            charts.rows("接線", x=near, y=risk + slope * (near - here)),
            charts.rows("点", x=[here], y=[risk]),
        ]
    )
    charts.draw(
        derivative_score_view.curve_spec(TITLES[moved], "再入院リスク(%)", moved == partials.BNP),
        rows,
        f"ほかの入力を固定し、{LABELS[moved]}だけを動かしたときのモデルのリスクと、その接線。",
        key="dv_patient/curve",
    )


def _table(patient: AtDischarge, found: Partials) -> None:
    """Show the four partial derivatives in points per clinical step, by autograd and numerically."""
    numeric = 100 * partials.from_around(patient.values, found.risks[:, 1:9])[0]
    every = 100 * found.gradients[:, 0]
    several = len(every) > 1
    lines = [
        f"| 入力 | 差分 | 自動微分 |{' 5シードの範囲 |' if several else ''}",
        f"|:--|--:|--:|{'--:|' if several else ''}",
    ]
    for i, (label, (nudge, step)) in enumerate(zip(LABELS, STEPS, strict=True)):
        shown = view.signed(step * every[0, i], DIGITS), view.signed(step * numeric[i], DIGITS)
        line = f"| {label} {nudge} | {shown[1]} | **{shown[0]}**{view.mark(shown[0] == shown[1])} |"
        if several:
            low, high = step * every[:, i].min(), step * every[:, i].max()
            line += f" {view.signed(low, DIGITS)} 〜 {view.signed(high, DIGITS)} |"
        lines.append(line)
    st.markdown("\n".join(lines))
    st.caption("値は、入力を表に書いた幅だけ増やしたときに、再入院リスクが何ポイント変わるかです。")
