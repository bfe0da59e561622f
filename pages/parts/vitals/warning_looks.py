"""Three looks at the flags: one patient, twenty patients, and what a flag is worth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.early_warning_specs import PATIENTS, WarningSpec
from core.warning_rules import Flags, Levelled, Outcome, RuleSpec, predictive_value
from core.warning_run import WarningRun
from pages.parts.vitals import warning_flags_view as flags_view
from pages.parts.vitals import warning_formula as formula
from pages.parts.vitals import warning_view as view
from pages.parts.vitals import warning_words as words
from pages.ui import side_by_side as parts


@dataclass(frozen=True, kw_only=True, eq=False)
class Smoothed:
    """The smoothed residuals of a run from where watching begins, whatever the threshold.

    ``statistic`` is (rules, patients, cases, points), ``own`` (rules, cases, points, signals) are those of
    the reader's patient, and ``swept`` is the outcome at every threshold.
    """

    statistic: npt.NDArray[np.float32] = field(repr=False)
    own: npt.NDArray[np.float32] = field(repr=False)
    swept: Outcome = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """All that is shown of a run: four rules, each with its flags (patients, cases, points) and outcome.

    ``leading`` says for each rule which signal led at each point of the reader's patient, (points,).
    """

    spec: WarningSpec
    run: WarningRun
    seen: Smoothed
    rule: RuleSpec
    threshold: float
    within: int
    allowed: float
    flags: tuple[Flags, ...] = field(repr=False)
    leading: tuple[npt.NDArray[np.int64], ...] = field(repr=False)
    outcomes: tuple[Outcome, ...] = field(repr=False)
    levelled: Levelled = field(repr=False)


def patient(found: Found) -> None:
    """Show how far the reader's patient is off, when flags are up, and which signal raised them."""
    case = st.segmented_control(
        "グラフに出すのは",
        view.CASES,
        default=view.CASES[0],
        required=True,
        key="vw_case",
        bind="query-params",
        label_visibility="collapsed",
    )
    place = view.CASES.index(case)
    flags_view.show_statistic(found.spec, found.seen.statistic[:, 0, place], found.threshold, case)
    st.caption("残差をならした「外れ」の大きさです。しきい値を越えているあいだ、目印が点きます。")
    flags_view.show_flags(found.spec, [each[0] for each in found.flags])
    st.caption("目印が点いていた時間です。双子は悪化しないので、そこに点いた目印はすべて誤りです。")
    parts.table(
        ["目印", "気づくまで", "きっかけの信号", "双子での誤り"],
        words.first_flags([each[0] for each in found.flags], found.leading, found.spec),
    )
    flags_view.show_signals(found.spec, found.seen.own[0, place], case)
    st.caption("ネットワークの残差を、信号ごとに見たものです。色の濃い信号が、目印のきっかけです。")


def population(found: Found) -> None:
    """Show how the rules fare in twenty patients: at the threshold, and with as many false flags each."""
    st.markdown(f"**別の模擬患者 {PATIENTS} 人と、その双子 {PATIENTS} 人(いまのしきい値)**")
    parts.table(
        ["目印", f"{found.within}時間以内", "気づくまで", "誤り/日"],
        words.population(found.outcomes, found.within),
    )
    share, false = found.seen.swept.sensitivity(found.within), found.seen.swept.false_per_day
    flags_view.show_curve(
        [(false[:, rule], share[:, rule]) for rule in range(3)],
        [(float(each.false_per_day), float(each.sensitivity(found.within))) for each in found.outcomes],
        found.within,
    )
    st.caption(
        "しきい値を動かしたときの成績の線です。左上ほどよく、点がいまのしきい値です"
        f"(誤りが {view.MOST_FALSE:g} 回を超える点は、右端に描きます)。"
    )
    st.markdown(f"**誤りを24時間に {found.allowed:g} 回以下にそろえると**")
    parts.table(
        ["目印", "しきい値", "誤り/日", "気づくまで"],
        words.level_rows(found.levelled),
    )
    st.caption("しきい値は、この双子たち自身で決めています。初めての患者では、これより少し悪くなります。")
    parts.points([words.blind(found.run, found.levelled), words.simplest(found.levelled)])
    st.caption(words.HOW)


def value(found: Found) -> None:
    """Show what a flag is worth where few patients get worse, and what it costs the ward."""
    prevalence = (
        st.select_slider(
            "見守る患者のうち、悪化する人の割合",
            [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0],
            5.0,
            format_func=lambda share: f"{share:g}%",
            key="vw_prevalence",
            bind="query-params",
        )
        / 100
    )
    pairs = [(float(each.sensitivity(found.within)), float(each.specificity)) for each in found.outcomes]
    values = [predictive_value(*pair, prevalence) for pair in pairs]
    parts.table(["目印", "感度", "特異度", "陽性的中率"], words.values(pairs, values))
    st.caption(
        f"感度は、悪化から {found.within} 時間以内に気づいた割合です。"
        f"特異度は、見守る {found.outcomes[0].hours:.0f} 時間に一度も誤った目印が出なかった双子の割合です。"
    )
    formula.value(*pairs[0], prevalence, values[0])
    st.markdown(words.burden(found.outcomes[0], values[0], prevalence))
