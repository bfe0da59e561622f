"""The controls of the playground. They give the spec of a run, and what the stage shows beside it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.cohorts import COLUMNS
from core.playground import SETTINGS, setting
from core.specs import SpecError, TableRunSpec, with_seeds
from pages.parts.playground.playground_presets import MOST_LAYERS, MOST_UNITS, TRAIN_SHARES
from pages.ui import lesson, text

RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
PENALTIES = [0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 512]
EPOCHS = [10, 20, 30, 60, 100, 200, 300, 400, 500]
DROPOUTS = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
FIRST = SETTINGS["spiral"]


@dataclass(frozen=True)
class Chosen:
    """What the reader has set: runs that differ in their seed alone, and which seeds these are."""

    specs: tuple[TableRunSpec, ...]
    mode: str


def _plain(value: float) -> str:
    return f"{value:g}" if value else "なし"


def choose(top: DeltaGenerator, details: DeltaGenerator) -> Chosen | None:
    """Ask for all settings: those changed most in the row ``top``, the others in ``details``.

    None, with a word on what to change, if they cannot be run.
    """
    with top:
        table = st.selectbox(
            "データ",
            list(text.PLANE_LABELS),
            index=list(text.PLANE_LABELS).index(FIRST.table.name),
            format_func=text.PLANE_LABELS.__getitem__,
            key="pg_data",
            bind="query-params",
            width=132,
        )
        layers = st.selectbox(
            "隠れ層",
            list(range(MOST_LAYERS + 1)),
            index=len(FIRST.model.hidden),
            format_func=lambda n: f"{n} 層" if n else "なし",
            key="pg_layers",
            bind="query-params",
            width=90,
        )
        activation = st.selectbox(
            "活性化関数",
            list(text.ACTIVATION_LABELS),
            index=list(text.ACTIVATION_LABELS).index(FIRST.model.activation),
            format_func=text.ACTIVATION_LABELS.__getitem__,
            key="pg_activation",
            bind="query-params",
            width=132,
        )
        rate = st.selectbox(
            "学習率 η",
            RATES,
            index=RATES.index(FIRST.optimizer.lr),
            format_func=lambda v: f"{v:g}",
            key="pg_rate",
            bind="query-params",
            width=100,
        )
    with details:
        columns = st.pills(
            "入力(特徴量)",
            list(COLUMNS),
            selection_mode="multi",
            default=list(FIRST.table.columns),
            format_func=text.COLUMN_LABELS.__getitem__,
            key="pg_columns",
            bind="query-params",
            wrap=True,
        )
        hidden = _units(layers)
        left, right = st.columns(2)
        with left:
            noise = st.slider("雑音", 0.0, 0.5, 0.0, step=0.05, key="pg_noise", bind="query-params")
            batch = st.select_slider(
                "バッチサイズ", BATCHES, FIRST.training.batch_size, key="pg_batch", bind="query-params"
            )
        with right:
            share = st.select_slider(
                "学習に使う割合",
                TRAIN_SHARES,
                60,
                format_func=lambda v: f"{v} %",
                key="pg_train",
                bind="query-params",
            )
            epochs = st.select_slider(
                "エポック数", EPOCHS, FIRST.training.epochs, key="pg_epochs", bind="query-params"
            )
        with st.expander("詳しい設定(正則化・オプティマイザ・乱数)"):
            optimizer = st.selectbox(
                "オプティマイザ",
                list(text.OPTIMIZER_LABELS),
                index=list(text.OPTIMIZER_LABELS).index(FIRST.optimizer.name),
                format_func=text.OPTIMIZER_LABELS.__getitem__,
                key="pg_optimizer",
                bind="query-params",
            )
            left, right = st.columns(2)
            l1 = left.select_slider(
                "L1 の強さ λ₁", PENALTIES, format_func=_plain, key="pg_l1", bind="query-params"
            )
            l2 = right.select_slider(
                "L2 の強さ λ₂", PENALTIES, format_func=_plain, key="pg_l2", bind="query-params"
            )
            dropout = st.select_slider(
                "ドロップアウト率 p", DROPOUTS, format_func=_plain, key="pg_dropout", bind="query-params"
            )
            mode = lesson.seeds("pg_seeds")
            seed = st.number_input("乱数の種", 0, 9999, 0, key="pg_seed", bind="query-params")
        try:
            spec = setting(
                table,
                noise=noise,
                train_share=share / 100,
                columns=tuple(name for name in COLUMNS if name in columns),
                hidden=hidden,
                activation=activation,
                dropout=dropout,
                l1=l1,
                l2=l2,
                optimizer=optimizer,
                lr=rate,
                epochs=epochs,
                batch_size=batch,
                seed=int(seed),
            )
        except SpecError as error:
            st.warning(str(error))
            return None
    return Chosen(with_seeds(spec, 5 if mode == lesson.SEEDS[2] else 1), mode)


def _units(layers: int) -> tuple[int, ...]:
    """Ask for the units of each hidden layer."""
    if not layers:
        return ()
    st.caption(f"各層のユニット数(1〜{MOST_UNITS})")
    with st.container(horizontal=True, gap="small"):
        return tuple(
            int(
                st.number_input(
                    f"{layer}層目",
                    1,
                    MOST_UNITS,
                    MOST_UNITS,
                    key=f"pg_u{layer}",
                    bind="query-params",
                    width=64,
                )
            )
            for layer in range(1, layers + 1)
        )


def describe(specs: tuple[TableRunSpec, ...]) -> dict[str, str]:
    """Return the settings of a run in the reader's words."""
    spec = specs[0]
    table, model, training = spec.table, spec.model, spec.training
    seeds = f"種 {training.seed}" + (f"〜{specs[-1].training.seed}" if len(specs) > 1 else "")
    return {
        "データ": f"{text.PLANE_LABELS[table.name]}(雑音 {table.noise:g})",
        "入力": "・".join(text.COLUMN_LABELS[name] for name in table.columns),
        "隠れ層": "-".join(map(str, model.hidden)) or "なし",
        "活性化": text.ACTIVATION_LABELS[model.activation],
        "学習": f"{text.OPTIMIZER_LABELS[spec.optimizer.name]} η {spec.optimizer.lr:g}",
        "バッチ": f"バッチ {training.batch_size}",
        "正則化": f"L1 {spec.penalty.l1:g}・L2 {spec.penalty.l2:g}・ドロップアウト {model.dropout:g}",
        "乱数": seeds,
    }
