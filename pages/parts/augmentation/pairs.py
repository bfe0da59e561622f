"""What two experiments share: networks trained in pairs, without and with augmentation, on equal pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import jobs
from core.augment_show import Bytes
from core.cohorts import COHORTS
from core.history import Row, TableRun
from core.specs import (
    AugmentSpec,
    ConvSpec,
    OptimizerSpec,
    ScheduleSpec,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
    digest,
)
from pages.ui import charts, runs, workings
from pages.ui.side_by_side import Array

WITHOUT, WITH = "拡張なし", "拡張あり"
NAMES = (WITHOUT, WITH)
COLOURS = ("#8A8F94", "#D55E00")
SHOWN = {"digits": (6, 9, 2, 3, 5, 7), "situs": (0, 1, 0, 1)}
PATIENTS = 500


def pair_specs(
    table: str, augment: AugmentSpec, rows: int, epochs: int, steps: int, lr: float, seeds: Sequence[int]
) -> tuple[TableRunSpec, ...]:
    """Return two specs for each seed, without and with ``augment``; each epoch has ``steps`` updates.

    A seed decides the pictures as well as the weights, so that the two of a pair differ in nothing else.
    """
    channels = (16, 32) if table == "digits" else (8, 16)
    plain = TableRunSpec(
        table=TableSpec(name=table, patients=PATIENTS, validation=0.1, test=0.3, train_rows=rows),
        model=ConvSpec(channels=channels),
        optimizer=OptimizerSpec(name="adam", lr=lr),
        schedule=ScheduleSpec(name="one_cycle"),
        training=TrainingSpec(epochs=epochs, batch_size=max(rows // steps, 1)),
    )
    return tuple(
        replace(
            plain,
            table=replace(plain.table, seed=seed),
            model=ConvSpec(channels=channels, augment=changed),
            training=replace(plain.training, seed=seed),
        )
        for seed in seeds
        for changed in (AugmentSpec(), augment)
    )


def augmentation(specs: Sequence[TableRunSpec]) -> AugmentSpec:
    """Return the augmentation of the second of each pair."""
    model = specs[1].model
    assert isinstance(model, ConvSpec)
    return model.augment


def accuracies(results: Sequence[TableRun]) -> tuple[Array, Array]:
    """Return the shares of right answers on the test pictures, (pairs,) without and (pairs,) with."""
    found = np.array([result.test_accuracy or 0.0 for result in results])
    return found[::2], found[1::2]


def counts(results: Sequence[TableRun], classes: int) -> Array:
    """Count the test pictures of networks by truth and answer, (classes, classes)."""
    table = np.zeros((classes, classes))
    for result in results:
        np.add.at(table, (result.test_targets.astype(np.int64), result.test_outputs.argmax(axis=1)), 1)
    return table


def confidence(results: Sequence[TableRun]) -> float:
    """Return the mean probability that networks give to their own answers."""
    shown = []
    for result in results:
        outputs = result.test_outputs.astype(np.float64)
        likely = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        shown.append((likely / likely.sum(axis=1, keepdims=True)).max(axis=1).mean())
    return float(np.mean(shown))


@st.cache_data(max_entries=200, show_spinner=False)
def _changed(name: str, _spec: TableRunSpec, classes: tuple[int, ...]) -> tuple[Bytes, Bytes]:  # noqa: ARG001
    found: tuple[Bytes, Bytes] = runs.engine().quick(jobs.changed_pictures, _spec, classes, timeout=30)
    return found


@lru_cache(maxsize=4)
def _pictures_spec(count: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("place:O", axis=None, scale=alt.Scale(paddingInner=0.05))
    y = alt.Y(
        "row:O",
        title=None,
        axis=alt.Axis(labelExpr="['もと', '変換後'][datum.value]", ticks=False, domain=False),
    )
    side = 300 // count
    image = base.mark_image(width=side, height=side).encode(x=x, y=y, url="name:N")
    return charts.finish(image, 2 * side + 24)


@lru_cache(maxsize=128)
def _url(pixels: bytes, side: int) -> str:
    """Write a grey picture as the address of a PNG, every pixel a block."""
    import base64
    import io

    from PIL import Image

    picture = Image.frombytes("L", (side, side), pixels)
    out = io.BytesIO()
    picture.resize((96, 96), Image.Resampling.NEAREST).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def show_pictures(spec: TableRunSpec) -> None:
    """Draw a few training pictures, as they are above and as the network sees them in one epoch below."""
    table = spec.table.name
    classes = SHOWN[table]
    try:
        before, after = _changed(digest(spec), spec, classes)
    except TimeoutError:
        st.info(workings.WAIT)
        return
    urls = [_url(picture.tobytes(), picture.shape[0]) for picture in (*before, *after)]
    count = len(classes)
    rows = charts.rows(
        urls,
        place=np.tile(np.arange(count, dtype=np.int8), 2),
        row=np.repeat(np.arange(2, dtype=np.int8), count),
    )
    labels = "、".join(COHORTS[table].answers[label] for label in classes)
    charts.draw(_pictures_spec(count), rows, f"学習用の画像と、変換した後の画像。ラベルは順に {labels}。")
    kind = (
        "8×8画素の、本物の手書き数字です。"
        if table == "digits"
        else "**模式図**で、本物のX線画像ではありません。"
    )
    st.caption(f"{kind}変換後も、ラベルは左から順に **{labels}** のままです。")


@lru_cache(maxsize=16)
def _bands_spec(epochs: int, title: str, percent: bool, colours: tuple[str, str]) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=NAMES, range=colours),
            legend=alt.Legend(orient="top", title=None, symbolOpacity=1),
        ),
    )
    scale = alt.Scale(zero=not percent)
    axis = alt.Axis(format="%") if percent else alt.Axis()
    band = base.mark_area(opacity=0.2, clip=True).encode(
        y=alt.Y("low:Q", title=title, scale=scale, axis=axis), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=2, clip=True).encode(
        y=alt.Y("middle:Q", title=title, scale=scale, axis=axis),
        tooltip=[
            alt.Tooltip("name:N", title="学習"),
            alt.Tooltip("epoch:Q", title="エポック"),
            alt.Tooltip("middle:Q", title="平均", format=".3f"),
            alt.Tooltip("low:Q", title="最小", format=".3f"),
            alt.Tooltip("high:Q", title="最大", format=".3f"),
        ],
    )
    return charts.finish(alt.layer(band, line), 200)


def show_bands(
    rows: Sequence[Row], epochs: int, accuracy: bool, key: str, colours: tuple[str, str] = COLOURS
) -> None:
    """Draw validation accuracy or loss so far: the mean of the seeds, and their range as a band."""
    values = np.array(
        [[e.validation_accuracy if accuracy else e.validation_loss for e in row] for row in rows],
        dtype=np.float64,
    )
    tables = []
    for place, name in enumerate(NAMES):
        part = values[:, place::2] if len(rows) else np.empty((0, 1))
        tables.append(
            charts.rows(
                name,
                epoch=np.arange(1, len(part) + 1, dtype=np.int16),
                middle=part.mean(axis=1).astype(np.float32),
                low=part.min(axis=1).astype(np.float32),
                high=part.max(axis=1).astype(np.float32),
            )
        )
    title = "検証の正解率" if accuracy else "検証損失"
    charts.draw(
        _bands_spec(epochs, title, accuracy, colours),
        pa.concat_tables(tables),
        f"エポックごとの{title}。拡張なしと拡張ありの平均と、種ごとの最小から最大の帯。",
        key=key,
    )


def points(share: float) -> str:
    """Write a difference of shares in points, with its sign."""
    return f"{100 * share:+.1f} ポイント".replace("-", "−")
