"""Lesson RNN, gradients through time: how far they reach while the networks learn the wave."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import backtime_script, jobs
from core.backtime_train import BackRun
from core.specs import ForecastSpec, ModelSpec, OptimizerSpec, TrainingSpec, with_cells
from pages.parts.vitals import backtime_view as view
from pages.parts.vitals.backtime_cells import CELLS, COLOURS, NAMES, pin, seeds_told, size, tex
from pages.ui import lesson, run_reading, runs, text, workings
from pages.ui import side_by_side as parts

SLOT = "vb_trained"
PAGE = "vitals_backtime"
FARTHER, SAME, NEARER = "遠くまで届くようになる", "ほとんど変わらない", "届かなくなる"
CHOICES = [FARTHER, SAME, NEARER]
TIMES = 10.0


def _setting(length: int, lr: float, epochs: int = 40) -> dict[str, Any]:
    return {"vb_t_length": length, "vb_t_lr": lr, "vb_t_epochs": epochs}


PRESETS = [
    lesson.Preset("窓 60", _setting(60, 1e-3)),
    lesson.Preset("窓 30", _setting(30, 1e-3)),
    lesson.Preset("窓 100", _setting(100, 1e-3)),
    lesson.Preset("学習不足", _setting(60, 1e-5, epochs=10)),
]


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    length = st.select_slider("窓の長さ T(点)", [10, 30, 60, 100], 60, key="vb_t_length", bind="query-params")
    epochs = st.slider("エポック数", 10, 100, 40, step=10, key="vb_t_epochs", bind="query-params")
    button = st.container()
    with st.expander("詳しい設定"):
        mode = lesson.seeds("vb_t_seeds")
        lr = st.select_slider(
            "学習率 η",
            [1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
            1e-3,
            format_func=lambda v: f"{v:g}",
            key="vb_t_lr",
            bind="query-params",
        )
        hidden = st.select_slider("隠れユニット数", [8, 16, 32], 32, key="vb_t_hidden", bind="query-params")
        seed = st.number_input("乱数の種", 0, 9999, 0, key="vb_t_seed", bind="query-params")
    one = ForecastSpec(
        length=length,
        model=ModelSpec(hidden=hidden),
        optimizer=OptimizerSpec(lr=lr),
        training=TrainingSpec(epochs=epochs, seed=int(seed)),
    )
    specs = with_cells(one, CELLS, 5 if mode == lesson.SEEDS[2] else 1)
    with question:
        lesson.predict(
            SLOT,
            f"波を学ぶと、SimpleRNN の勾配は {length - 1} 点前まで届くようになる?",
            CHOICES,
            specs,
        )
    with button:
        parts.start(SLOT, "学習しながらさかのぼる", jobs.looking_back, specs, mode)
    if runs.current(SLOT) is None:
        with picture:
            st.info(
                "「次の値を当てる」と同じ波を3つのネットワークに学ばせ、ときどき学習を止めて、"
                "勾配が何点前まで届くかを測り直します。",
                icon=":material/history:",
            )


def show() -> None:
    """Train the three networks on the wave, and follow their gradients back as they learn."""
    parts.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=_result)


def _draw(watched: runs.Watched) -> None:
    run = watched.run
    view.show_trained(run.frames, watched.spec.length, playable=run.done)
    parts.curves(
        run.rows,
        NAMES,
        COLOURS,
        epochs=watched.epochs,
        title="学習損失(対数目盛)",
        log=True,
        alt_text="3つのネットワークの、エポックごとの学習損失。",
        height=200,
    )
    st.caption("上の図の破線は学習前、下の図の破線は学習損失(MSE)です。")


def answer(result: BackRun) -> lesson.Answer:
    """Say how the SimpleRNN's share at the first reading has changed."""
    before, after = result.before.left, result.after.left
    times = after / before
    choice = FARTHER if times >= TIMES else NEARER if times <= 1 / TIMES else SAME
    return lesson.Answer(
        choice,
        f"最初まで残る割合は、学習前の {size(before)} から、学習後の {size(after)} へ "
        f"{size(times)} 倍になりました({TIMES:g} 倍以上なら「{FARTHER}」)。",
    )


def _result(watched: runs.Watched) -> None:
    results: tuple[BackRun, ...] | None = cast(Any, run_reading.results(watched))
    if results is None:
        return
    spec = watched.spec
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: answer(results[0]))
    parts.table(
        ["ネットワーク", "最初まで残る割合(学習前 → 後)", "1点ごとの倍率", "学習損失"],
        [
            [
                name,
                f"{size(one.before.left)} → {size(one.after.left)}",
                f"{one.before.factor:.3f} → {one.after.factor:.3f}",
                text.number(one.history[-1].train_loss),
            ]
            for name, one in zip(NAMES, results, strict=False)
        ],
    )
    parts.points(_sentences(results[: len(CELLS)], spec.length) + _luck(results))
    pin(
        PAGE,
        NAMES,
        {
            "窓": f"窓 {spec.length}",
            "学習率": f"η {spec.optimizer.lr:g}",
            "乱数": seeds_told([s.training for s in watched.specs]),
        },
        [
            {"残る割合(前)": size(one.before.left), "残る割合(後)": size(one.after.left)}
            for one in results[: len(CELLS)]
        ],
        watched.run.rows,
    )
    rnn = results[0]
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown("SimpleRNN の、1点ごとの倍率の目安(ρ × tanh の傾きの平均)と、測った倍率です。")
        for name, back in (("学習前", rnn.before), ("学習後", rnn.after)):
            st.latex(
                rf"\text{{{name}}}: {back.radius:.3f} \times {back.keep:.3f} ="
                rf" {back.radius * back.keep:.3f}"
            )
            st.latex(
                rf"\text{{測定}}: {back.factor:.3f}^{{{spec.length - 1}}} ="
                rf" {tex(back.factor ** (spec.length - 1))}"
            )
    workings.script(SLOT, backtime_script.trained(watched.specs), "gradients_while_training")


def _sentences(results: tuple[BackRun, ...], length: int) -> list[str]:
    best = max(range(len(results)), key=lambda place: results[place].after.left)
    rnn = results[0]
    told = [
        f"学習後に最初まで勾配がいちばん残ったのは **{NAMES[best]}**"
        f"({size(results[best].after.left)} 倍)です。"
        "この波は直近の数点でほぼ予測できるので、遠くへ届かせる必要がありません。"
        "ゲートのあるネットワークがいつも有利とは限りません。",
        f"SimpleRNN の ρ(W_hh) は {rnn.before.radius:.3f} から {rnn.after.radius:.3f} になりました。"
        "1 に近づくほど、勾配は遠くまで届きます。",
    ]
    gone = [name for name, one in zip(NAMES, results, strict=True) if one.after.left < 1e-3]
    if gone:
        told.append(
            f"それでも {'、'.join(gone)} では、{length - 1} 点前の勾配は窓の終わりの 1/1000 未満です"
            "(勾配消失)。次の「遠い記憶」で、これが本当に困る課題を試します。"
        )
    return told


def _luck(results: tuple[BackRun, ...]) -> list[str]:
    """Say how far the seeds differ, so that luck is not read as skill."""
    if len(results) == len(CELLS):
        return []
    told = []
    for place, name in enumerate(NAMES):
        left = [one.after.left for one in results[place :: len(CELLS)]]
        told.append(f"{name} {size(min(left))}〜{size(max(left))}")
    return [f"5つの種での、学習後に残る割合: {'、'.join(told)}。図と表は1つ目の種のものです。"]
