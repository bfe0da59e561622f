"""The experiment 「正直に評価する」: many horizons, baselines beside the network, folds, intervals."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.horizon_specs import RIVALS, HorizonSpec
from core.specs import ModelSpec, OptimizerSpec, SpecError, TrainingSpec
from pages.parts.vitals import evaluate_data, evaluate_leak, evaluate_reading, evaluate_view, upload_summary
from pages.parts.vitals.evaluate_data import Source
from pages.ui import charts, compare, lesson, loss_view, run_reading, runs, text
from pages.ui import side_by_side as parts

SLOT = "vitals_honest"
PAGE = "vitals_honest"
LEAKS = {"なし(正直)": "none", "標準化に未来を混ぜる": "scaler", "窓を混ぜてから分ける": "shuffle"}
STRATEGIES = {"まとめて": "direct", "くり返し": "recursive"}
CHANGES = {"値そのもの": False, "直前からの変化": True}
SHARES = {"80%": 0.2, "90%": 0.1, "95%": 0.05}
_START = {
    "ve_data": "ICUの模擬患者",
    "ve_ill": False,
    "ve_inputs": ["心拍数"],
    "ve_targets": ["心拍数"],
    "ve_hours": "72時間",
    "ve_patient": 0,
    "ve_horizons": 30,
    "ve_length": 30,
    "ve_folds": 1,
    "ve_strategy": "まとめて",
    "ve_change": "値そのもの",
    "ve_leak": "なし(正直)",
    "ve_hidden": 16,
    "ve_epochs": 60,
    "ve_patience": 10,
}
PRESETS = [
    lesson.Preset("落ち着いた患者", _START),
    lesson.Preset("波", {**_START, "ve_data": "例題の波形", "ve_length": 20}),
    lesson.Preset("悪化に追いつけない", {**_START, "ve_ill": True}),
    lesson.Preset(
        "変化を答える",
        {
            **_START,
            "ve_ill": True,
            "ve_inputs": ["心拍数", "収縮期血圧", "呼吸数", "SpO2"],
            "ve_change": "直前からの変化",
        },
    ),
    lesson.Preset("4回くり返す", {**_START, "ve_folds": 4}),
    lesson.Preset(
        "リークで水増し",
        {
            **_START,
            "ve_hours": "12時間",
            "ve_inputs": ["心拍数", "収縮期血圧", "呼吸数", "SpO2"],
            "ve_hidden": 32,
            "ve_epochs": 100,
            "ve_patience": 20,
            "ve_leak": "窓を混ぜてから分ける",
        },
    ),
]


def show() -> None:
    """Show data and settings beside the stretches of time, the falling losses, and what came of it."""
    question = st.container()
    left, stage = st.columns([2, 3], gap="large")
    with left:
        start = st.container()
        source = evaluate_data.choose()
        settings = st.container()
    with stage:
        _own_file(source)
        picture = st.container()
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is not None:
            runs.live(SLOT, _draw)
    if source.panel is not None:
        with settings:
            _settings(source, question, start, picture)
            parts.presets(SLOT, PRESETS)
    if watched and watched.run.done:
        _result(watched)
    compare.show(PAGE)


def _own_file(source: Source) -> None:
    taken = source.taken
    if taken is None:
        return
    upload_summary.show(taken)
    if taken.ready is not None and upload_summary.sparse(taken.ready):
        st.info("まず「1日1点」の並びにまとめてください。", icon=":material/home_health:")


@st.fragment
def _settings(
    source: Source, question: DeltaGenerator, start: DeltaGenerator, picture: DeltaGenerator
) -> None:
    """Choose what is asked of the network, and start."""
    horizons = st.slider("何点先まで予測するか", 1, 60, 30, key="ve_horizons", bind="query-params")
    st.caption(f"いちばん先は {source.ahead(horizons)} です。")
    length = st.slider("窓の長さ(何点前まで見るか)", 2, 120, 30, key="ve_length", bind="query-params")
    cell = parts.cell("ve_cell", "lstm")
    folds = st.slider(
        "評価をくり返す回数(起点をずらす)",
        1,
        5,
        1,
        key="ve_folds",
        bind="query-params",
        help="テスト区間を分け、起点を先へずらしながら、そのつど学習し直します(ローリング・オリジン評価)。",
    )
    leak = LEAKS[
        st.segmented_control(
            "リーク(わざと反則をする)",
            list(LEAKS),
            default="なし(正直)",
            required=True,
            key="ve_leak",
            bind="query-params",
            help="反則をした学習と、正直な学習を並べて、手元の成績がどれだけ水増しされるかを測ります。",
        )
    ]
    with st.expander("詳しい設定"):
        spec_of = _details(source)
    with start:
        try:
            specs = _specs(source, spec_of, horizons, length, cell, folds, leak)
        except SpecError as error:
            st.error(str(error))
            return
        with question:
            _predict(source, specs)
        if st.button(
            "学習して評価する",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            key=f"{SLOT}/start",
        ):
            own = source.panel if source.own else None
            runs.start(SLOT, jobs.horizons, specs, own, context=source)
            st.rerun()
        watched = runs.current(SLOT)
        if watched and watched.specs != specs:
            st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で評価し直します。")
    with picture:
        evaluate_view.show_stretches(source, specs)


def _predict(source: Source, specs: tuple[HorizonSpec, ...]) -> None:
    """Ask what the future will say of the leak, or which forecast has the least error."""
    if evaluate_leak.leaks(specs):
        lesson.predict(SLOT, evaluate_leak.QUESTION, evaluate_leak.CHOICES, specs)
        return
    target = text.plain(source.labels[specs[0].panel.targets[0]])
    question = f"{target}の{source.ahead(specs[0].horizons)}の予測で、誤差(MAE)がいちばん小さいのは?"
    lesson.predict(SLOT, question, [evaluate_view.LABELS[name] for name in ("network", *RIVALS)], specs)


def _details(source: Source) -> dict[str, object]:
    """Ask for what rarely needs to be changed."""
    strategy = parts.choice("先の予測のしかた", STRATEGIES, "ve_strategy")
    st.caption(
        "「まとめて」は1回で全部の先を答えます(直接法)。"
        "「くり返し」は1点先の答えを入力に戻して先へ進みます(再帰法)。"
    )
    differences = parts.choice("ネットワークが答えるもの", CHANGES, "ve_change")
    alpha = SHARES[
        st.segmented_control(
            "予測区間の名目の割合",
            list(SHARES),
            default="90%",
            required=True,
            key="ve_share",
            bind="query-params",
        )
    ]
    kind = source.spec.source if source.spec else "icu"
    period = st.number_input(
        "季節ナイーブの周期(点)",
        1,
        5000,
        evaluate_data.PERIODS[kind],
        key=f"ve_period_{kind}",
        bind="query-params",
    )
    order = st.slider("自己回帰の次数(点)", 1, 30, 5, key="ve_order", bind="query-params")
    carry = st.slider(
        "欠測を直前の値で補う長さ(点)",
        0,
        30,
        5,
        key="ve_carry",
        bind="query-params",
        help="窓の中の短い抜けだけを、直前の値で埋めます。未来の値は使いません。"
        "答え合わせの値は、埋めたものを使いません。",
    )
    hidden = st.select_slider("隠れユニット数", [4, 8, 16, 32, 64], 16, key="ve_hidden", bind="query-params")
    lr = st.select_slider(
        "学習率 η",
        [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2],
        3e-3,
        format_func=lambda v: f"{v:g}",
        key="ve_lr",
        bind="query-params",
    )
    epochs = st.slider("最大エポック数", 5, 200, 60, step=5, key="ve_epochs", bind="query-params")
    patience = st.slider("早期終了の我慢(エポック)", 2, 50, 10, key="ve_patience", bind="query-params")
    batch = st.select_slider("バッチサイズ", [16, 32, 64, 128, 256], 64, key="ve_batch", bind="query-params")
    clip = st.select_slider(
        "勾配クリッピングの上限",
        [0.0, 0.1, 0.5, 1.0, 5.0],
        0.0,
        format_func=lambda v: f"{v:g}" if v else "なし",
        key="ve_clip",
        bind="query-params",
    )
    seed = st.number_input("重みの乱数の種", 0, 9999, 0, key="ve_seed", bind="query-params")
    return {
        "strategy": strategy,
        "differences": differences,
        "alpha": alpha,
        "period": int(period),
        "order": order,
        "carry": carry,
        "hidden": hidden,
        "optimizer": OptimizerSpec(lr=lr),
        "training": TrainingSpec(
            epochs=epochs, batch_size=batch, patience=patience, clip=clip or None, seed=int(seed)
        ),
    }


def _specs(
    source: Source, details: dict[str, object], horizons: int, length: int, cell: str, folds: int, leak: str
) -> tuple[HorizonSpec, ...]:
    """Return a spec for each fold; with a leak the honest one and the one that leaks."""
    assert source.spec is not None
    rest = dict(details)
    model = ModelSpec(name=cell, hidden=int(str(rest.pop("hidden"))))
    common = {"panel": source.spec, "length": length, "horizons": horizons, "model": model, **rest}
    if leak != "none":
        return tuple(HorizonSpec(**common, leak=name) for name in ("none", leak))  # type: ignore[arg-type]
    return tuple(HorizonSpec(**common, fold=k, folds=folds) for k in range(folds))  # type: ignore[arg-type]


def _draw(watched: runs.Watched) -> None:
    """Draw the losses of a run under way, a colour for each network."""
    title = "損失(MSE、標準化した値)"
    if len(watched.specs) == 1:
        loss_view.show(watched, title, log=True)
        return
    names = tuple(f"{number}回目" for number in range(1, len(watched.specs) + 1))
    if evaluate_leak.leaks(watched.specs):
        names = ("正直", "反則")
    parts.curves(
        watched.run.rows,
        names,
        tuple(charts.PIN_COLOURS[: len(names)]),
        epochs=watched.epochs,
        title=title,
        alt_text=f"{'、'.join(names)}の、エポックごとの損失。",
        log=True,
    )
    st.caption("実線は検証損失、破線は学習損失です。")


def _result(watched: runs.Watched) -> None:
    if run_reading.left_nothing(watched):
        return
    source: Source = watched.context
    if evaluate_leak.leaks(watched.specs):
        evaluate_leak.show(SLOT, watched, source)
        return
    st.header("答え合わせ")
    evaluate_reading.show(SLOT, watched, source)
