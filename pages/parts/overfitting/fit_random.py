"""Lesson 過学習と未学習, third experiment: labels that have nothing to do with the patients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.chance import binomial_interval
from core.history import TableRun
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from pages.ui import code, compare, lesson, runs, text
from pages.ui import side_by_side as parts

SLOT = "of_random"
PAGE = "overfitting_random"
RANDOM, REAL = "でたらめな診断名", "本物の診断名"
NAMES = (RANDOM, REAL)
COLOURS = ("#D55E00", "#2D8BD0")
LN2 = math.log(2)
CLEAR = 0.05  # of ln 2: a change that is seen on the chart
CHOICES = [
    "どちらも 0.69 のあたりのまま",
    "学習損失だけ下がり、検証損失は上がる",
    "学習損失だけ下がり、検証損失は変わらない",
    "どちらも下がる",
]


def _setting(patients: int, hidden: int, epochs: int) -> dict[str, Any]:
    return {"of_people": patients, "of_units": hidden, "of_random_epochs": epochs}


PRESETS = [
    lesson.Preset("既定(1000人、64ユニット)", _setting(1000, 64, 100)),
    lesson.Preset("丸暗記できる大きさ", _setting(500, 256, 200)),
    lesson.Preset("暗記する余裕がない", _setting(4000, 2, 50)),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    patients = st.select_slider(
        "患者数(人、うち6割を学習に使う)",
        [200, 500, 1000, 2000, 4000],
        1000,
        key="of_people",
        bind="query-params",
    )
    hidden = st.select_slider("隠れユニット数", [2, 8, 64, 256], 64, key="of_units", bind="query-params")
    epochs = st.select_slider(
        "エポック数", [20, 50, 100, 200], 100, key="of_random_epochs", bind="query-params"
    )
    mode = lesson.seeds("of_random_seeds")
    with details.expander("詳しい設定"):
        seed = st.number_input("乱数の種", 0, 9999, 0, key="of_random_seed", bind="query-params")
    tables = (
        TableSpec(name="random_labels", patients=patients, seed=int(seed)),
        TableSpec(name="markers", patients=patients, noise=0.0, seed=int(seed)),
    )
    return tuple(
        TableRunSpec(
            table=table,
            model=MLPSpec(hidden=(hidden,)),
            optimizer=OptimizerSpec(lr=1e-3),
            training=TrainingSpec(epochs=epochs, batch_size=32, seed=int(seed) + repeat),
        )
        for repeat in range(5 if mode == lesson.SEEDS[2] else 1)
        for table in tables
    ), mode


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        specs, mode = _settings(below)
    with question:
        lesson.predict(SLOT, "でたらめな診断名で学習すると、損失はどうなる?", CHOICES, specs)
    with button:
        parts.start(SLOT, "2つを同時に学習", jobs.perceptrons, specs, mode)


def show() -> None:
    """Train on coin flips beside a real illness, with the same network and as many patients."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        _controls(question)
        parts.presets(SLOT, PRESETS)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            st.info(
                "20種類のバイオマーカーと診断名のデータを2組用意し、同じ形のネットワークに同時に学習させます。"
                "1組は診断名を**硬貨を投げて**決めたもの、もう1組は本当にバイオマーカーで決まるものです。"
                f"2択で何も知らないときの損失は、ln 2 ≈ {LN2:.3f} です。",
                icon=":material/casino:",
            )
        else:
            runs.live(SLOT, _draw)
    if watched and watched.run.done:
        _result(watched)
    compare.show(PAGE)


def _draw(watched: runs.Watched) -> None:
    parts.curves(
        watched.run.rows,
        NAMES,
        COLOURS,
        epochs=watched.epochs,
        title="損失(交差エントロピー)",
        alt_text="でたらめな診断名と本物の診断名の、エポックごとの損失。実線が検証、破線が学習。",
        rule=(LN2, f"ln 2 ≈ {LN2:.3f}(何も知らないとき)"),
        height=300,
    )
    several = "(5つの種の中央値)" if len(watched.specs) > len(NAMES) else ""
    st.caption(f"実線は検証損失、破線は学習損失です{several}。")


def _ends(results: Sequence[TableRun]) -> tuple[float, float]:
    """Return training and validation loss after the last epoch, the median of repeated runs."""
    return (
        float(np.median([result.history[-1].train_loss for result in results])),
        float(np.median([parts.validation_losses(result)[-1] for result in results])),
    )


def _answer(results: Sequence[TableRun]) -> lesson.Answer:
    """Say how the losses of the random labels ended, beside ln 2."""
    train, held = _ends(results[::2])
    fell, rose, sank = train < (1 - CLEAR) * LN2, held > (1 + CLEAR) * LN2, held < (1 - CLEAR) * LN2
    if fell and sank:
        choice = CHOICES[3]
    elif fell:
        choice = CHOICES[1] if rose else CHOICES[2]
    else:
        choice = CHOICES[0]
    because = f"ln 2 = {LN2:.3f} に対して、最後の学習損失は {train:.3f}、検証損失は {held:.3f} でした。"
    return lesson.Answer(choice, because)


def _result(watched: runs.Watched) -> None:
    results = parts.results(watched)
    if results is None:
        return
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: _answer(results))
    _table(results)
    parts.whys(_whys(watched.specs[0], results[0]))
    parts.points(_sentences(results))
    first = results[0]
    compare.pin_button(
        PAGE,
        f"でたらめ {watched.spec.table.patients} 人 {watched.spec.model.hidden[0]} ユニット",
        {
            "患者数": f"{watched.spec.table.patients} 人",
            "ユニット": str(watched.spec.model.hidden[0]),
            "乱数": parts.seeds_told(watched.specs),
        },
        {
            "学習損失": round(first.history[-1].train_loss, 4),
            "検証損失": round(parts.validation_losses(first)[-1], 4),
            "テスト正解率": first.test_accuracy,
        },
        first.seconds,
        [row[:1] for row in watched.run.rows],
    )
    _formula(first)
    code.show(SLOT, watched.specs[: len(NAMES)])


def _table(results: Sequence[TableRun]) -> None:
    pair = results[: len(NAMES)]
    told = {
        "最初の検証損失": [f"{parts.validation_losses(result)[0]:.3f}" for result in pair],
        "最後の検証損失": [f"{parts.validation_losses(result)[-1]:.3f}" for result in pair],
        "最後の学習損失": [f"{result.history[-1].train_loss:.3f}" for result in pair],
        "テスト正解率": [f"{result.test_accuracy or 0.0:.1%}" for result in pair],
    }
    parts.table(["", *NAMES], [[label, *cells] for label, cells in told.items()])


def _right(result: TableRun) -> int:
    """Return how many test patients were answered rightly."""
    return round((result.test_accuracy or 0.0) * result.rows[2])


def _sentences(results: Sequence[TableRun]) -> list[str]:
    first, real = results[0], results[1]
    patients = first.rows[2]
    held = parts.validation_losses(first)
    low, high = binomial_interval(patients)
    right = _right(first)
    inside = "その範囲の中" if low <= right <= high else "その範囲の外(20回に1回ほどは、こうなります)"
    told = [
        f"**はじまり**: 最初のエポックの検証損失は {held[0]:.3f} で、ln 2 = {LN2:.3f} との差は "
        f"{held[0] - LN2:+.3f} です。五分五分と答えるときの損失から始まります。",
        "**なぜ上がるのか**: 診断名は硬貨で決めたので、バイオマーカーから学べる規則が、はじめからありません。"
        f"それでも学習損失は {first.history[-1].train_loss:.3f} になりました。"
        f"下がった分は、{first.rows[0]} 人の偶然の組み合わせを、"
        f"{first.parameters:,} 個のパラメータに覚え込んだものです。"
        "初めての患者に、覚え込んだ答えを自信たっぷりに当てはめるほど、外れたときの損失は大きくなります。",
        f"**偶然と比べる**: テスト {patients} 人のうち正解は {right} 人({right / patients:.1%})。"
        f"硬貨を投げて答えても、95% の確率で {low}〜{high} 人({low / patients:.1%}〜{high / patients:.1%})が"
        f"正解になります。結果は{inside}です。",
        "**同じ容量でも**: 本物の診断名では、"
        f"同じ形のネットワークの正解率が {real.test_accuracy or 0.0:.1%} でした"
        f"({_right(real)} 人)。学習損失だけを見ていては、この違いに気づけません"
        f"(でたらめ {first.history[-1].train_loss:.3f}、本物 {real.history[-1].train_loss:.3f})。",
    ]
    if len(results) > len(NAMES):
        rights = [_right(result) for result in results[:: len(NAMES)]]
        within = sum(low <= count <= high for count in rights)
        told.append(
            f"5つの種での正解は、順に {'、'.join(map(str, rights))} 人で、"
            f"5回のうち {within} 回が偶然の範囲に入りました。"
        )
    return told


def _whys(spec: TableRunSpec, result: TableRun) -> list[str]:
    train = result.history[-1].train_loss
    if train > (1 - CLEAR) * LN2:
        return [
            f"パラメータ {result.parameters:,} 個、{len(result.history)} エポックでは、{result.rows[0]} 人の"
            "でたらめな組み合わせを覚え込めません(**暗記する余裕がない**)。容量が小さいことが、"
            "過学習への歯止めになっています。"
        ]
    if train < 0.05:
        return [
            f"学習損失は {train:.3f} で、{result.rows[0]} 人をほぼ丸暗記しました(**暗記**)。"
            f"隠れユニット {spec.model.hidden[0]} 個には、意味のない組み合わせまで、"
            "そっくり覚え込める容量があります。"
            "学習データの成績だけでは、学んだのか覚えたのかは分かりません。"
        ]
    return []


def _formula(result: TableRun) -> None:
    """Show where ln 2 comes from, and the spread of chance, with the run's numbers."""
    patients = result.rows[2]
    low, high = binomial_interval(patients)
    spread = math.sqrt(patients * 0.25)
    held = parts.validation_losses(result)
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown("どちらの診断名にも確率 0.5 と答えたときの交差エントロピーです。")
        st.latex(rf"-\log 0.5 = \ln 2 = {LN2:.4f}\qquad L_\text{{検証}}(1) = {held[0]:.4f}")
        st.markdown("硬貨を投げて答えたときの正解数は、二項分布に従います。")
        st.latex(
            rf"\text{{正解}} \sim B({patients},\ 0.5),\quad \text{{平均}}\ {patients / 2:g},\quad"
            rf"\text{{標準偏差}}\ \sqrt{{{patients} \times 0.5 \times 0.5}} = {spread:.2f}"
        )
        st.latex(rf"95\%\ \text{{の範囲}}:\ {low} \sim {high}\ \text{{人}}")
        st.markdown(f"最後の検証損失は {text.number(held[-1])} です。")
