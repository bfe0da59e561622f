"""The first experiment: forecast the next reading of a wave, or of the reader's own signal."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.series import Series, article_series
from core.specs import (
    ForecastSpec,
    ModelSpec,
    OptimizerSpec,
    SeriesSpec,
    SpecError,
    SplitSpec,
    TrainingSpec,
    with_seeds,
)
from pages.parts.vitals import forecast_view as view
from pages.parts.vitals import upload, upload_summary, upload_view
from pages.ui import compare, lesson, runs
from pages.ui import side_by_side as parts

SLOT = "vitals_run"


def show() -> None:
    """Show the settings beside the series, the falling loss and the forecast."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")

    with controls:
        source = st.segmented_control(
            "データ",
            ["article", "upload"],
            default="article",
            required=True,
            format_func={"article": "例題の波形", "upload": "自分のCSV"}.__getitem__,
            key="data",
            bind="query-params",
        )
        taken = upload.take_in() if source == "upload" else None
        imported = taken.ready if taken else None
        signal = upload_view.choose(imported, taken.file_id) if taken and imported else None
        waiting = source == "upload" and imported is None
        # Until a file is in use, its own questions come first; the settings keep their values, folded.
        settings_place = st.expander("学習の設定", icon=":material/tune:") if waiting else st.container()

    with settings_place:
        validation = st.segmented_control(
            "検証に使う割合",
            [0, 10, 20],
            default=0,
            required=True,
            format_func=lambda share: f"{share}%",
            key="validation",
            bind="query-params",
            help="学習区間の終わりの一部を、学習には使わずに途中経過の採点に回します。"
            "最後の20%は、どの場合もテスト用に取り分けます。",
        )

    split = SplitSpec(train=0.8 - validation / 100, validation=validation / 100)
    series: Series | None = None
    if source == "article":
        series = article_series()
    elif imported and signal and not upload_summary.sparse(imported):
        series = Series(values=signal.values, unit=signal.unit)
    axis = view.axis(imported, signal, taken.name if taken else "")

    @st.fragment
    def settings() -> None:
        """Choose how to train, and start. A fragment: moving a slider redraws nothing but the sliders."""
        cell = parts.cell("cell", "rnn")
        length = st.slider("窓の長さ(何点前まで見るか)", 2, 60, 10, key="window", bind="query-params")
        start = st.container()
        epochs = st.slider("エポック数", 10, 500, 200, step=10, key="epochs", bind="query-params")
        with st.expander("詳しい設定"):
            hidden = st.select_slider(
                "隠れユニット数", [4, 8, 16, 32, 64, 128], 32, key="hidden", bind="query-params"
            )
            lr = st.select_slider(
                "学習率 η",
                [1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0],
                1e-3,
                format_func=lambda v: f"{v:g}",
                key="lr",
                bind="query-params",
            )
            batch = st.select_slider("バッチサイズ", [4, 8, 16, 32, 64], 16, key="batch", bind="query-params")
            clip = st.select_slider(
                "勾配クリッピングの上限",
                [0.0, 0.1, 0.5, 1.0, 5.0],
                0.0,
                format_func=lambda v: f"{v:g}" if v else "なし",
                key="clip",
                bind="query-params",
            )
            patience = st.select_slider(
                "早期終了の我慢(エポック)",
                [0, 5, 10, 20, 50],
                0,
                format_func=lambda v: f"{v}" if v else "止めない",
                key="patience",
                bind="query-params",
                help="検証損失が、このエポック数だけ続けて最良を更新できなければ、学習をやめます。",
            )
            if patience and not split.validation:
                st.caption("早期終了は、「検証に使う割合」を 10% か 20% にすると働きます。")
            seed = st.number_input("乱数の種", 0, 9999, 0, key="seed", bind="query-params")
            mode = lesson.seeds("random")
        with start:
            try:
                spec = ForecastSpec(
                    series=SeriesSpec(source=source, signal=signal.source if signal else ""),
                    length=length,
                    standardize=source == "upload",
                    split=split,
                    model=ModelSpec(name=cell, hidden=hidden),
                    optimizer=OptimizerSpec(lr=lr),
                    training=TrainingSpec(
                        epochs=epochs,
                        batch_size=batch,
                        seed=int(seed),
                        clip=clip or None,
                        patience=patience if patience and split.validation else None,
                    ),
                )
            except SpecError as error:
                st.error(str(error))
                return
            specs = with_seeds(spec, 5 if mode == lesson.SEEDS[2] else 1)
            declined = view.too_few(series, length, split) if series and source == "upload" else ""
            if declined:
                st.warning(declined, icon=":material/compress:")
            locked = series is None or bool(declined)
            with question:
                lesson.predict(SLOT, view.QUESTION, view.CHOICES, specs)
            with st.container(horizontal=True, gap="small"):
                pressed = st.button(
                    "学習開始",
                    type="primary",
                    icon=":material/play_arrow:",
                    disabled=locked,
                    key="start",
                )
                one = st.button(
                    "1エポックずつ", icon=":material/skip_next:", disabled=locked, key="start_one"
                )
            if pressed or one:
                own = series if source == "upload" else None
                started = lesson.seeded(SLOT, specs, mode)
                runs.start(SLOT, jobs.forecasters, started, own, context=axis, one_epoch=one)
                st.rerun()
            shown = runs.current(SLOT)
            if shown and shown.specs != specs and mode != lesson.SEEDS[1]:
                st.caption(
                    "表示中の結果は変更前の設定のものです。「学習開始」で、いまの設定で学習し直します。"
                )

    with settings_place:
        settings()
        st.caption("試してみる設定:")
        lesson.presets(SLOT, view.PRESETS)
        if source == "upload":
            st.caption("アドレスを送ると設定は相手に伝わりますが、CSVの中身は送られません。")

    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if taken:
            upload_summary.show(taken)
        if imported and signal:
            if series:
                upload_view.show(imported, signal, split, axis)
            else:
                upload_view.show_days(imported, signal, axis)
        if taken:
            upload_summary.more(taken)
        elif source == "upload":
            st.info("CSVを選ぶと、ここに読み取った内容と波形が表示されます。", icon=":material/upload_file:")
        if watched:
            runs.live(SLOT, view.show_losses)
        if source == "article" and series:
            view.show_series(series, split, axis)
        if not watched and series is not None:
            st.info(
                "「学習開始」を押すと、損失が下がっていく様子がここに描かれます。",
                icon=":material/show_chart:",
            )

    if watched and watched.run.done:
        view.show_result(SLOT, watched)
    compare.show("vitals")
