"""Lesson 過学習と未学習, fifth experiment: a shortcut learnt at hospital A, and what it is worth at B."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.classification import Confusion
from core.history import TableRun
from core.shift import SHADOW, importance
from core.simulated import Matrix
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from pages.parts.overfitting import fit_hospital_view as view
from pages.ui import code, compare, lesson, runs
from pages.ui import side_by_side as parts

SLOT = "of_hospital"
PAGE = "overfitting_hospital"
CHOICES = ["5ポイントも下がらない", "5〜25ポイント下がる", "25ポイント以上下がる"]
MIDDLE = 0.6  # half way between the shadows of the ill (1.2 SD) and of the others (0)


def _setting(link: str, shake: float, noise: float) -> dict[str, Any]:
    return {"of_link": link, "of_shake": shake, "of_scatter": noise}


PRESETS = [
    lesson.Preset("近道にはまる", _setting("関係なし", 1.0, 0.0)),
    lesson.Preset("逆の習慣の病院", _setting("逆", 1.0, 0.0)),
    lesson.Preset("対策が弱い", _setting("逆", 0.4, 0.0)),
    lesson.Preset("病院が変わらなければ", _setting("病院Aと同じ", 1.0, 0.0)),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    link = parts.choice("病院Bの、明るさと肺炎の関係", view.LINKS, "of_link")
    shake = st.slider(
        "対策: 学習画像の明るさを揺らす強さ", 0.4, 1.0, 1.0, step=0.1, key="of_shake", bind="query-params"
    )
    with details.expander("詳しい設定"):
        noise = st.slider(
            "病院Aの明るさのばらつき", 0.0, 0.3, 0.0, step=0.1, key="of_scatter", bind="query-params"
        )
        seed = st.number_input("乱数の種", 0, 9999, 0, key="of_hospital_seed", bind="query-params")
    return tuple(
        TableRunSpec(
            table=TableSpec(name="hospital", patients=1000, noise=round(sd, 1), seed=int(seed)),
            model=MLPSpec(hidden=(16,)),
            optimizer=OptimizerSpec(lr=0.01),
            training=TrainingSpec(epochs=30, batch_size=32, seed=int(seed)),
        )
        for sd in (noise, shake)
    ), link


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        specs, link = _settings(below)
    with question:
        lesson.predict(SLOT, "そのまま学習したネットワークの正解率は、病院Bで?", CHOICES, (specs, link))
    with button:
        if st.button(
            "病院Aで学習し、病院Bで試す",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            key=f"{SLOT}/start",
        ):
            runs.start(SLOT, jobs.perceptrons, specs, context=link)
            st.rerun()
    watched = runs.current(SLOT)
    if watched and (watched.specs, watched.context) != (specs, link):
        st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で試し直します。")
    with picture:
        view.show_films(specs[0].table, link)
        if watched is None:
            st.info(
                "陰影・明るさ・コントラストの3つの値から肺炎を見分けます(模擬データ 1000 人)。病院Aでは、"
                "肺炎の人を病室のポータブル装置で撮る習慣があり、**肺炎の人の画像が明るく**なっています。",
                icon=":material/local_hospital:",
            )


def show() -> None:
    """Learn from the films of one hospital, and read those of another."""
    parts.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=_result)


def _draw(watched: runs.Watched) -> None:
    parts.curves(
        watched.run.rows,
        view.NAMES,
        view.COLOURS,
        epochs=watched.epochs,
        title="損失",
        alt_text="2通りの学習の、エポックごとの損失。実線が検証、破線が学習。",
        height=190,
    )
    plain, shaken = (0.3 + 2 * spec.table.noise for spec in watched.specs)
    st.caption(
        "実線は検証損失、破線は学習損失です。どちらも病院Aの患者で、「揺らして学習」は、"
        f"明るさのばらつきを {plain:.1f} SD から {shaken:.1f} SD に広げた画像です。"
    )


def _answer(found: dict[tuple[str, str], Confusion]) -> lesson.Answer:
    """Say how many points of accuracy the plain network loses on its way to hospital B."""
    here, there = found[(view.PLAIN, view.A)].accuracy, found[(view.PLAIN, view.B)].accuracy
    lost = here - there
    place = sum(lost >= edge for edge in (0.05, 0.25))
    return lesson.Answer(
        CHOICES[place],
        f"正解率は病院Aで {here:.1%}、病院Bで {there:.1%}({view.points(-lost)})でした。",
    )


class _Findings(NamedTuple):
    """How both networks do at both hospitals, what they lean on, and two yardsticks at hospital B."""

    found: dict[tuple[str, str], Confusion]
    lost: dict[str, Matrix]
    hidden: Confusion
    alone: float


@lru_cache(maxsize=32)
def _judged(specs: tuple[TableRunSpec, ...], results: tuple[TableRun, ...], link: str) -> _Findings:
    """Let the networks read the films of both hospitals; once for each run, however often it is shown."""
    table = specs[0].table
    readers = {
        name: view.reader(spec, result) for name, spec, result in zip(view.NAMES, specs, results, strict=True)
    }
    at = {view.A: view.films_a(table), view.B: view.films_b(table, link)}
    films, ill = at[view.B]
    return _Findings(
        found={
            (name, where): reader.judged(*seen)
            for name, reader in readers.items()
            for where, seen in at.items()
        },
        lost={name: importance(reader, *at[view.A], table.seed) for name, reader in readers.items()},
        hidden=readers[view.PLAIN].judged(view.without_brightness(films, table), ill),
        alone=float(((films[:, SHADOW] >= MIDDLE) == (ill == 1)).mean()),
    )


def _result(watched: runs.Watched) -> None:
    results = parts.results(watched)
    if results is None:
        return
    table, link = watched.spec.table, watched.context
    at = {view.A: view.films_a(table), view.B: view.films_b(table, link)}
    found, lost, hidden, alone = _judged(watched.specs, results, link)
    shake = watched.specs[1].table.noise
    st.header("読み解き")
    lesson.score(SLOT, (watched.specs, link), lambda: _answer(found))
    left, right = st.columns(2, gap="large")
    with left:
        view.show_shares(found)
    with right:
        view.show_importance(lost)
    for place, where in zip(st.columns(2, gap="large"), (view.A, view.B), strict=True):
        with place:
            view.show_scatter(where, *at[where])
    view.show_table(found, hidden, alone)
    parts.whys(view.whys(table, shake, link, found, lost, alone))
    parts.points(view.sentences(found, lost, hidden, alone))
    labels = {name: label for label, name in view.LINKS.items()}
    compare.pin_button(
        PAGE,
        f"{labels[link]} 揺れ {shake:g}",
        {"病院Bの明るさ": labels[link], "揺らす強さ": f"{shake:g}", "乱数": parts.seeds_told(watched.specs)},
        {f"{name}・{where}": round(c.accuracy, 4) for (name, where), c in found.items()},
        results[1].seconds,
        [row[1:2] for row in watched.run.rows],  # the network that the settings change
    )
    view.show_formula(lost[view.PLAIN], found)
    code.show(SLOT, watched.specs)
