"""Charts and table of the same patients predicted again and again."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import numpy.typing as npt
import streamlit as st

from core.dropout import REPEATS, Array, Jitter
from pages.ui import charts, player
from pages.ui import side_by_side as parts

QUANTILES = (0.03, 0.25, 0.42, 0.58, 0.75, 0.97)
YES, NO = "あ\N{WORD JOINER}り", "な\N{WORD JOINER}し"  # kept on one line
AGAIN, EVAL = "くり返した予測", "eval() の予測"
COLOURS = (charts.COLOURS["学習"], charts.COLOURS["検証"])
GREY = charts.COLOURS["実測値"]
ACCURACY = charts.COLOURS["予測(モデル)"]


def letter(place: int) -> str:
    """Name a patient of the chart."""
    return "ABCDEF"[place]


def shown(found: Jitter, forgotten: bool) -> Array:
    """Return the predictions (repeats, patients) of the way of using the network that is shown."""
    return found.forgotten if forgotten else found.called


def chosen(found: Jitter) -> npt.NDArray[np.int64]:
    """Return six test patients, from the surely healthy to the surely ill by eval()."""
    order = np.argsort(found.called[0], kind="stable")
    places = [round(share * (len(order) - 1)) for share in QUANTILES]
    return np.asarray(order[places], dtype=np.int64)


@lru_cache(maxsize=4)
def _patients_spec() -> charts.Spec:
    step = player.step_param(REPEATS, "予測")
    base = alt.Chart(alt.NamedData("rows"))
    letters = "substring('ABCDEF', datum.value - 1, datum.value)"
    axis = alt.Axis(values=[1, 2, 3, 4, 5, 6], labelExpr=letters, grid=False)
    scale = alt.Scale(domain=[0.4, 6.6], nice=False)
    x = alt.X("place:Q", title="患者(A から F)", scale=scale, axis=axis)
    aside = alt.X("spread:Q", title="患者(A から F)", scale=scale, axis=axis)
    y = alt.Y(
        "risk:Q",
        title="予測した疾患の確率",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", tickCount=5),
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=[AGAIN, EVAL], range=list(COLOURS)),
        legend=alt.Legend(orient="top", title=None, symbolOpacity=1),
    )
    hover = [
        alt.Tooltip("name:N", title="どれ"),
        alt.Tooltip("round:Q", title="何回目"),
        alt.Tooltip("risk:Q", title="確率", format=".1%"),
    ]
    again = base.transform_filter(f"datum.name == '{AGAIN}'")
    cloud = again.transform_filter("step == 0 || datum.round <= step").mark_circle(size=18, opacity=0.3)
    now = again.transform_filter("datum.round == step").mark_circle(size=90, opacity=1)
    called = base.transform_filter(f"datum.name == '{EVAL}'").mark_tick(
        orient="horizontal", thickness=3, size=26, opacity=1
    )
    rule = (
        base.transform_aggregate(rows="count()")
        .transform_calculate(risk="0.5")
        .mark_rule(strokeDash=[4, 3], color=GREY, strokeWidth=1.5)
        .encode(y="risk:Q")
    )
    chart = alt.layer(
        rule,
        cloud.encode(x=aside, y=y, color=colour),
        called.encode(x=x, y=y, color=colour, tooltip=hover),
        now.encode(x=x, y=y, color=colour, tooltip=hover),
    ).add_params(step)
    return charts.finish(chart, 300)


def show_patients(found: Jitter, patients: npt.NDArray[np.int64], forgotten: bool) -> None:
    """Draw every prediction of the chosen patients, to be played one after another."""
    risks = shown(found, forgotten)[:, patients]  # (repeats, patients)
    rounds, people = risks.shape
    place = np.tile(np.arange(1, people + 1, dtype=np.float32), rounds)
    aside = np.random.RandomState(0).uniform(-0.3, 0.3, risks.size).astype(np.float32)
    names = [AGAIN] * risks.size + [EVAL] * people
    player.play(
        _patients_spec(),
        charts.rows(
            names,
            place=np.concatenate([place, place[:people]]),
            spread=np.concatenate([place + aside, place[:people]]),
            risk=np.concatenate([risks.ravel(), found.called[0, patients]]).astype(np.float32),
            round=np.concatenate(
                [np.repeat(np.arange(1, rounds + 1), people), np.zeros(people, dtype=np.int64)]
            ).astype(np.int32),
        ),
        steps=rounds,
        key="rg_o_patients",
        alt_text="6人の患者を何度も予測した確率。"
        + "。".join(
            f"患者 {letter(i)}: {risks[:, i].min():.0%}〜{risks[:, i].max():.0%}" for i in range(people)
        ),
        label="予測",
        speed=10,
    )


def show_table(found: Jitter, patients: npt.NDArray[np.int64], forgotten: bool) -> None:
    """List the chosen patients: truth, eval(), range, spread and changed diagnoses."""
    risks = shown(found, forgotten)
    differing, spreads = found.differing(risks), found.spreads(risks)
    rows = [
        [
            f"{letter(place)}\N{NO-BREAK SPACE}{YES if found.targets[i] else NO}",
            f"{found.called[0, i]:.1%}",
            f"{100 * risks[:, i].min():.0f}〜{100 * risks[:, i].max():.0f}",
            f"{100 * spreads[i]:.1f}",
            str(differing[i]),
        ]
        for place, i in enumerate(patients)
    ]
    parts.table(["疾患", "eval()", "幅(%)", "SD", "不一致"], rows)
    st.caption(
        f"幅は {len(risks)} 回の最小〜最大、SD は標準偏差(ポイント)、"
        "不一致は、診断が eval() のときと食い違った回数です。"
    )


@lru_cache(maxsize=4)
def _accuracies_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "accuracy:Q",
        title=f"テスト正解率({REPEATS} 回それぞれ)",
        scale=alt.Scale(zero=False, padding=12),
        axis=alt.Axis(format=".0%", tickCount=6),
    )
    bars = (
        base.transform_filter("datum.count > 0")
        .mark_bar(color=COLOURS[0], width=7)
        .encode(
            x=x,
            y=alt.Y("count:Q", title="回数"),
            tooltip=[
                alt.Tooltip("accuracy:Q", title="正解率", format=".1%"),
                alt.Tooltip("count:Q", title="回数"),
            ],
        )
    )
    at = base.transform_filter("datum.count == 0")
    rule = at.mark_rule(color=COLOURS[1], strokeWidth=2.5).encode(x=x)
    label = at.mark_text(color=COLOURS[1], align="left", dx=5, fontSize=11, fontWeight=600).encode(
        x=x, y=alt.value(8), text=alt.value("eval()")
    )
    return charts.finish(alt.layer(bars, rule, label), 260)


def show_accuracies(found: Jitter, forgotten: bool) -> None:
    """Draw how often each accuracy came out, beside the one of eval()."""
    values, counts = np.unique(found.accuracies(shown(found, forgotten)), return_counts=True)
    called = found.accuracies(found.called[:1])
    charts.draw(
        _accuracies_spec(),
        charts.rows(
            "正解率",
            accuracy=np.concatenate([values, called]),
            count=np.concatenate([counts, [0]]).astype(np.int32),
        ),
        f"{REPEATS} 回それぞれのテスト正解率は {values.min():.1%} から {values.max():.1%}。"
        f"eval() では {called[0]:.1%}。",
        key="rg_o_accuracies",
    )
