"""Lesson 正則化: none, L1, L2, dropout and all on the same seeds."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.specs import TableRunSpec
from pages.parts.regularization import penalties_bands, penalties_reading, penalties_ridges, penalties_why
from pages.parts.regularization import penalties_plan as plan
from pages.parts.regularization import penalties_view as view
from pages.parts.regularization.penalties_plan import COLOURS, NAMES, STUDIES
from pages.ui import code, compare, lesson, runs
from pages.ui import side_by_side as parts

SLOT = "rg_n"
PAGE = "regularization_five"
CHOICES = [*NAMES, penalties_reading.EVEN]
LAMBDAS = [0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3]
ROWS = [20, 30, 40, 60, 80, 120, 240, 480]
NETWORKS: dict[str, tuple[int, ...]] = {
    "8×1層": (8,),
    "32×2層": (32, 32),
    "64×2層": (64, 64),
    "128×2層": (128, 128),
}


def _setting(table: str, rows: int, l1: float, l2: float, p: float, hidden: str) -> dict[str, Any]:
    return {
        "rg_n_table": table,
        "rg_n_rows": rows,
        "rg_n_l1": l1,
        "rg_n_l2": l2,
        "rg_n_p": p,
        "rg_n_hidden": hidden,
        "rg_n_epochs": 400,
    }


PRESETS = [
    lesson.Preset("既定(効く)", _setting("体温", 40, 3e-4, 1e-3, 0.1, "64×2層")),
    lesson.Preset("λ が大きすぎる", _setting("体温", 40, 0.1, 0.3, 0.1, "64×2層")),
    lesson.Preset("小さなネットワークにドロップアウト", _setting("体温", 40, 3e-4, 1e-3, 0.5, "8×1層")),
    lesson.Preset("患者が多い", _setting("体温", 480, 3e-4, 1e-3, 0.1, "64×2層")),
    lesson.Preset("20種類のマーカー", _setting("マーカー", 60, 1e-3, 3e-3, 0.5, "64×2層")),
]


def _lambda(label: str, default: float, key: str) -> float:
    found: float = st.select_slider(
        label, LAMBDAS, default, format_func=lambda v: f"{v:g}", key=key, bind="query-params"
    )
    return found


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    study = parts.choice("患者", STUDIES, "rg_n_table")
    rows = st.select_slider("学習に使う患者数(人)", ROWS, 40, key="rg_n_rows", bind="query-params")
    strength = plan.Strength(
        l1=_lambda("L1 の強さ λ₁", 3e-4, "rg_n_l1"),
        l2=_lambda("L2 の強さ λ₂", 1e-3, "rg_n_l2"),
        dropout=round(
            st.slider("ドロップアウト率 p", 0.0, 0.8, 0.1, step=0.1, key="rg_n_p", bind="query-params"), 1
        ),
    )
    mode = lesson.seeds("rg_n_seeds")
    with details.expander("詳しい設定"):
        hidden = st.select_slider(
            "ネットワーク(ユニット×層)", list(NETWORKS), "64×2層", key="rg_n_hidden", bind="query-params"
        )
        epochs = st.select_slider(
            "エポック数", [50, 100, 200, 400, 600], 400, key="rg_n_epochs", bind="query-params"
        )
        ward = st.number_input("患者の乱数の種", 0, 9999, 5, key="rg_n_ward", bind="query-params")
        seed = st.number_input("重みの乱数の種", 0, 9999, 0, key="rg_n_seed", bind="query-params")
    specs = plan.specs(
        study,
        strength,
        rows=rows,
        hidden=NETWORKS[hidden],
        epochs=epochs,
        ward=int(ward),
        seed=int(seed),
        repeats=5 if mode == lesson.SEEDS[2] else 1,
    )
    return specs, mode


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    button, settings, details = st.container(), st.container(), st.container()
    with settings:
        specs, mode = _settings(details)
    with question:
        lesson.predict(SLOT, "テスト損失がいちばん低いのは?", CHOICES, specs)
    with button:
        parts.start(SLOT, "5つを同時に学習", jobs.weighed_perceptrons, specs, mode)
    if runs.current(SLOT) is None:
        with picture:
            study = plan.BY_NAME[specs[0].table.name]
            if study.truth is not None:
                view.show_patients(specs[0].table)
            st.info(
                f"{study.about}。正則化なし・L1・L2・ドロップアウト・全部入りの5つを、"
                "同じ患者、同じ初期値から同時に学習させ、どれが初めての患者に強いかを比べます。",
                icon=":material/compress:",
            )


def show() -> None:
    """Race none, L1, L2, dropout and all of them on few, noisy patients."""
    parts.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=_result)


def _draw(watched: runs.Watched) -> None:
    frames, rows, spec = watched.run.frames, watched.run.rows, watched.spec
    done, several = watched.run.done, len(watched.specs) > len(NAMES)
    study = plan.BY_NAME[spec.table.name]
    if study.truth is not None:
        view.show_fits(spec.table, frames, done)
        view.legend(study, several)
    penalties_ridges.show(NAMES, COLOURS, frames, "rg_n_weights", done)
    if frames:
        st.caption(penalties_ridges.caption(frames[-1]))
    judged = penalties_bands.judged(frames, rows)
    if judged is not None:
        view.show_gaps(judged, rows)
    title = "検証損失(対数目盛)"
    penalties_bands.validation(rows, NAMES, COLOURS, watched.epochs, title)
    if several:
        st.caption("線は5シードの中央値、帯は最小から最大です。")


def _result(watched: runs.Watched) -> None:
    results = parts.results(watched)
    rows = watched.run.rows
    frame = penalties_bands.judged(watched.run.frames, rows)
    if results is None or frame is None:
        return
    st.header("読み解き")
    found = penalties_reading.standings(watched.specs, results, frame, rows)
    lesson.score(SLOT, watched.specs, lambda: penalties_reading.answer(found))
    penalties_reading.show_tables(found)
    patients, weights = results[0].rows[0], penalties_ridges.weights_of(frame, 0)
    parts.whys(penalties_why.whys(watched.specs, found, patients, weights))
    parts.points(penalties_reading.sentences(found))
    _pin(watched, found, patients)
    penalties_why.show_formula(watched.specs, frame)
    st.caption(
        "画面では、なし・L1・L2 を1つにまとめて計算しています。計算の順番による丸めの差は、"
        "エポックを重ねると広がるので、下のコードの最後の損失は数 % 違うことがあります。"
    )
    code.show(SLOT, watched.specs)


def _pin(watched: runs.Watched, found: list[penalties_reading.Standing], patients: int) -> None:
    """Offer to keep the curves of one of the five."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("比較に残す方法", NAMES, index=2, key="rg_n/pinned", width=220)
        place = NAMES.index(name)
        one, strength = found[place], plan.strength_of(watched.specs)
        compare.pin_button(
            PAGE,
            f"{name} {strength.told(place)}".strip(),
            {
                "方法": name,
                "強さ": strength.told(place) or "—",
                "患者": f"{plan.BY_NAME[watched.spec.table.name].label} {patients} 人",
                "ネットワーク": plan.shape(watched.spec.model),
                "乱数": parts.seeds_told(watched.specs),
            },
            {
                "学習損失": round(one.train, 4),
                "検証損失": round(one.held, 4),
                "テスト損失": round(one.test, 4),
                "Σw²": round(one.squares, 2),
            },
            watched.run.rows[-1][place].seconds,
            [row[place :: len(NAMES)] for row in watched.run.rows],
        )
