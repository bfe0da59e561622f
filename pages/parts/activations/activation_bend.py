"""A risk that is high at both ends: linear networks, however deep, beside networks that can bend."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.history import TableRun
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from pages.parts.activations import activation_bend_view as view
from pages.parts.activations import activation_parts as parts
from pages.ui import code, lesson, runs, side_by_side

SLOT = "ac_bend"
PAGE = "activations_bend"
CURVED = ("relu", "tanh", "sigmoid", "gelu")
ALL, BENT, SOME, NONE = (
    "全部",
    "活性化関数のあるものは全部",
    "活性化関数のあるものの一部だけ",
    "どれも学べない",
)
RATES = [0.001, 0.003, 0.01, 0.03]


def _setting(
    curved: tuple[str, ...], straight: int, depth: int, width: int, epochs: int = 200
) -> dict[str, object]:
    return {
        "ac_b_who": list(parts.labels(curved)),
        "ac_b_straight": straight,
        "ac_b_depth": depth,
        "ac_b_width": width,
        "ac_b_noise": 0.3,
        "ac_b_rate": 0.01,
        "ac_b_epochs": epochs,
    }


PRESETS = [
    lesson.Preset("線形3層と ReLU 1層", _setting(("relu",), 3, 1, 8)),
    lesson.Preset("線形を6層に", _setting(("relu",), 6, 1, 16)),
    lesson.Preset("ReLU が1個だけ", _setting(("relu",), 1, 1, 1)),
    lesson.Preset("2個の tanh と ReLU", _setting(("relu", "tanh"), 1, 1, 2)),
    lesson.Preset("早く切り上げる", _setting(("relu", "tanh"), 3, 1, 8, 20)),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    curved = parts.activations("線形と比べる活性化関数", CURVED, ("relu",), "ac_b_who")
    straight = st.slider("線形ネットワークの隠れ層", 1, 6, 3, key="ac_b_straight", bind="query-params")
    left, right = st.columns(2)
    depth = left.slider("比べる側の隠れ層", 1, 6, 1, key="ac_b_depth", bind="query-params")
    width = right.select_slider(
        "1層のユニット数", [1, 2, 3, 4, 8, 16, 32], 8, key="ac_b_width", bind="query-params"
    )
    with details.expander("詳しい設定"):
        mode = lesson.seeds("ac_b_seeds")
        noise = st.slider(
            "死亡率の雑音",
            0.0,
            0.6,
            0.3,
            step=0.1,
            key="ac_b_noise",
            bind="query-params",
            help="値の 10 倍が、雑音の標準偏差(%)です。0.3 なら標準偏差 3 % です。",
        )
        rate = st.select_slider(
            "学習率 η(Adam)",
            RATES,
            0.01,
            format_func=lambda v: f"{v:g}",
            key="ac_b_rate",
            bind="query-params",
        )
        epochs = st.select_slider(
            "エポック数", [20, 50, 100, 200, 400], 200, key="ac_b_epochs", bind="query-params"
        )
        seed = st.number_input("重みの乱数の種", 0, 9999, 0, key="ac_b_seed", bind="query-params")
    table = TableSpec(name="u_shape", patients=400, noise=round(noise, 1))
    shapes = {"linear": int(straight), **dict.fromkeys(curved, int(depth))}
    return tuple(
        TableRunSpec(
            table=table,
            model=MLPSpec(hidden=(int(width),) * layers, activation=name),
            optimizer=OptimizerSpec(lr=rate),
            training=TrainingSpec(epochs=epochs, batch_size=32, seed=int(seed) + repeat),
        )
        for repeat in range(5 if mode == lesson.SEEDS[2] else 1)
        for name, layers in shapes.items()
    ), mode


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        specs, mode = _settings(below)
    names = parts.members(specs)
    if len(names) == 1:
        button.warning("「線形と比べる活性化関数」を1つ以上選んでください。")
        return
    with question:
        choices = [ALL, BENT, *([SOME] if len(names) > 2 else []), NONE]
        lesson.predict(SLOT, "U字のリスクを学べるのは?", choices, specs)
    with button:
        side_by_side.start(SLOT, "同時に学習", jobs.curved_perceptrons, specs, mode)
    if runs.current(SLOT) is None:
        with picture:
            view.show_patients(specs[0].table)
            st.info(
                "血清カリウムは、低すぎても高すぎても危険です(1 mmol/L = 1 mEq/L)。"
                "模擬の患者 400 人のカリウムと死亡率の関係を、活性化関数のない線形ネットワークと、"
                "活性化関数のあるネットワークに同時に学ばせます。",
                icon=":material/show_chart:",
            )


def show() -> None:
    """Train linear and bent networks on potassium and mortality, side by side."""
    side_by_side.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=_result)


def _draw(watched: runs.Watched) -> None:
    names = parts.members(watched.specs)
    if watched.run.done:
        view.play(watched.spec.table, names, watched.run.frames)
    else:
        view.show_latest(watched.spec.table, names, watched.run.frames)
    side_by_side.curves(
        watched.run.rows,
        parts.labels(names),
        parts.colours(names),
        epochs=watched.epochs,
        title="損失(MSE)",
        alt_text="ネットワークごとの、エポックごとの損失。実線が検証、破線が学習。",
        rule=(1.0, "いつも平均を答える場合"),
        height=180,
    )
    several = "(5つの種の中央値)" if len(watched.specs) > len(names) else ""
    st.caption(f"実線は検証損失、破線は学習損失です(死亡率を標準化した値で){several}。")


def _shares(names: tuple[str, ...], results: tuple[TableRun, ...]) -> dict[str, float]:
    """Return the last training loss of each activation, as a share of what always giving the mean costs."""
    return {
        name: float(
            np.median([r.history[-1].train_loss / r.reference_loss for r in results[i :: len(names)]])
        )
        for i, name in enumerate(names)
    }


def _answer(shares: dict[str, float]) -> lesson.Answer:
    able = {name for name, share in shares.items() if share < view.LEARNT}
    bent = set(shares) - {"linear"}
    choice = NONE if not able else ALL if able == set(shares) else BENT if able == bent else SOME
    told = "、".join(f"{parts.LABELS[name]} {share:.0%}" for name, share in shares.items())
    return lesson.Answer(
        choice,
        f"最後の学習損失は、いつも平均を答える場合の {told} でした"
        f"({view.LEARNT:.0%} を下回れば「学べた」とします)。",
    )


def _result(watched: runs.Watched) -> None:
    results = side_by_side.results(watched)
    if results is None:
        return
    names = parts.members(watched.specs)
    shares = _shares(names, results)
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: _answer(shares))
    specs, first = watched.specs[: len(names)], results[: len(names)]
    view.show_table(specs, first, shares)
    side_by_side.whys(view.whys(specs, first, shares))
    side_by_side.points(view.sentences(specs, first))
    parts.pin(PAGE, watched, results)
    view.show_formula(specs, first)
    code.show(SLOT, specs)
