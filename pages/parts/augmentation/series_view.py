"""Charts of the experiment with curves: variants over the original, and the number that decides the label."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa

from core.series_augment import KINDS, LABELS, Curves, Measured, WaveSpec
from pages.parts.augmentation import series_words as words
from pages.ui import charts, player

ORIGINAL, MADE, KEPT, BROKEN = "もと", "拡張した波形", "ラベルどおり", "ラベルと違う"
COLOURS = {ORIGINAL: "#8A8F94", MADE: "#2D8BD0", KEPT: "#2D8BD0", BROKEN: "#D55E00"}
SAID = 100  # added to the number of a variant in the row that tells its measured number
HEIGHTS = {
    "tachycardia": (-0.6, 1.8),
    "long_qt": (-0.6, 1.8),
    "st": (-0.6, 1.8),
    "high_voltage": (-1.0, 4.6),
    "sinus": (-0.6, 1.8),
    "no_pause": (-0.6, 1.8),
    "lasting": (40.0, 170.0),
    "onset": (40.0, 170.0),
}
LIMITS = {"st": 0.1, "high_voltage": 2.6, "lasting": 100.0, "onset": 100.0}
"""Levels of a label that can be drawn across its curve (mV or 1/min)."""


@lru_cache(maxsize=64)
def _curves_spec(label: str, variants: int, measured: bool) -> charts.Spec:
    """Return the variants over one another; the player picks one of them, 0 none."""
    ecg = LABELS[label].beats is not None
    step = player.step_param(variants, "波形")
    names = [ORIGINAL, KEPT, BROKEN] if measured else [ORIGINAL, MADE]
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "t:Q",
        title="時刻(秒)" if ecg else "時刻(時間)",
        scale=alt.Scale(domain=[0, 6 if ecg else 12], nice=False),
        axis=alt.Axis(grid=False),
    )
    y = alt.Y(
        "v:Q",
        title="電位(mV)" if ecg else "心拍数(回/分)",
        scale=alt.Scale(domain=HEIGHTS[label], nice=False),
        axis=alt.Axis(tickCount=5),
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=[COLOURS[name] for name in names]),
        legend=alt.Legend(orient="top", title=None, symbolOpacity=1),
    )
    original = base.transform_filter("datum.number == 0").mark_line(strokeWidth=2.5, clip=True)
    thin = base.transform_filter(f"datum.number > 0 && datum.number < {SAID}").mark_line(
        strokeWidth=1, clip=True
    )
    picked = base.transform_filter("datum.number > 0 && datum.number == step").mark_line(
        strokeWidth=2, clip=True
    )
    layers = [
        thin.encode(
            x=x,
            y=y,
            color=colour,
            detail="number:N",
            opacity=alt.condition("step == 0", alt.value(0.4), alt.value(0.1)),
        ),
        original.encode(x=x, y=y, color=colour),
        picked.encode(x=x, y=y, color=colour),
    ]
    if label in LIMITS:
        rule = base.transform_aggregate(count="count()").transform_calculate(level=str(LIMITS[label]))
        layers.append(rule.mark_rule(color=COLOURS[ORIGINAL], strokeDash=[4, 4]).encode(y="level:Q"))
    if measured:
        measure = LABELS[label].measure
        said = (
            base.transform_filter(f"datum.number == step + {SAID} && step > 0")
            .transform_calculate(
                said=f"step + '本目: {words.SHORT[measure]} ' + "
                f"(isValid(datum.v) ? format(datum.v, '{words.FORMATS[measure]}') + '{words.UNITS[measure]}'"
                " : '測れません')"
            )
            .mark_text(align="right", baseline="top", fontSize=13, fontWeight="bold")
            .encode(x=alt.value("width"), y=alt.value(2), text="said:N", color=colour)
        )
        layers.append(said)
    return charts.finish(alt.layer(*layers).add_params(step), 270)


def _line(name: str, curves: Curves, number: int, every: int) -> pa.Table:
    values = curves.values[number, ::every].astype(np.float32)
    return charts.rows(
        name,
        t=curves.times[::every].astype(np.float32),
        v=values,
        number=np.full(len(values), number, dtype=np.int16),
    )


def show_curves(spec: WaveSpec, curves: Curves, measured: Measured | None) -> None:
    """Draw the original and its variants, to be picked one by one; coloured by their labels if measured."""
    every = 2 if spec.is_ecg else 1
    tables = [_line(ORIGINAL, curves, 0, every)]
    for name in (MADE,) if measured is None else (KEPT, BROKEN):
        chosen = [n for n in range(1, spec.variants + 1) if name == MADE or _status(measured, n) == name]
        if not chosen:
            continue
        values = curves.values[chosen, ::every].astype(np.float32)
        tables.append(
            charts.rows(
                name,
                t=np.tile(curves.times[::every].astype(np.float32), len(chosen)),
                v=values.ravel(),
                number=np.repeat(np.array(chosen, dtype=np.int16), values.shape[1]),
            )
        )
        if measured is not None:
            found = measured.numbers[LABELS[spec.label].measure][chosen].astype(np.float32)
            tables.append(
                charts.rows(
                    name,
                    t=np.zeros(len(chosen), dtype=np.float32),
                    v=found,
                    number=np.array(chosen, dtype=np.int16) + np.int16(SAID),
                )
            )
    player.play(
        _curves_spec(spec.label, spec.variants, measured is not None),
        pa.concat_tables(tables),
        steps=spec.variants,
        key="au_s",
        alt_text=f"もとの波形に、拡張した {spec.variants} 本の波形を重ねた図。",
        label="波形",
        speed=2,
    )


def _status(measured: Measured | None, number: int) -> str:
    return KEPT if measured is None or bool(measured.kept[number - 1]) else BROKEN


ROWS = ("noise", "scale", "warp", "mask", "all")
ROW_NAMES = [*words.KIND_LABELS.values(), "4つすべて"]


@lru_cache(maxsize=64)
def _numbers_spec(measure: str, low: float, high: float) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).transform_calculate(
        row=f"{ROW_NAMES}[datum.place] + '|' + datum.broken + ' / ' + datum.made + ' 本'"
    )
    y = alt.Y(
        "row:N",
        title=None,
        sort=alt.EncodingSortField(field="place", op="min"),
        axis=alt.Axis(ticks=False, domain=False, labelExpr="split(datum.label, '|')", labelFontSize=12),
    )
    x = alt.X(
        "v:Q",
        title=words.AXES[measure],
        scale=alt.Scale(zero=False, padding=14),
        axis=alt.Axis(tickCount=6, grid=False),
    )
    names = [ORIGINAL, KEPT, BROKEN]
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=[COLOURS[name] for name in names]),
        legend=alt.Legend(orient="top", title=None),
    )
    dots = base.mark_point(filled=True, size=62, opacity=0.65).encode(
        x=x,
        y=y,
        color=colour,
        shape=alt.Shape(
            "name:N", scale=alt.Scale(domain=names, range=["diamond", "circle", "cross"]), legend=None
        ),
        tooltip=[
            alt.Tooltip("row:N", title="変換"),
            alt.Tooltip("number:Q", title="本目"),
            alt.Tooltip("v:Q", title=words.AXES[measure], format=words.FORMATS[measure]),
        ],
    )
    layers = [dots]
    for level in (low, high):
        if np.isfinite(level):
            rule = base.transform_aggregate(count="count()").transform_calculate(level=f"{level}")
            layers.append(
                rule.mark_rule(color=COLOURS[BROKEN], strokeDash=[5, 4]).encode(
                    x=alt.X("level:Q", title=words.AXES[measure])
                )
            )
    return charts.finish(alt.layer(*layers), 240)


def show_numbers(spec: WaveSpec, found: Mapping[str, Measured]) -> None:
    """Draw the deciding number of every variant, a row for each transform alone and one for all together."""
    measure = LABELS[spec.label].measure
    tables = []
    for place, row in enumerate(ROWS):
        measured = found[row]
        values = measured.numbers[measure]
        for name, chosen in (
            (KEPT, 1 + np.flatnonzero(measured.kept)),
            (BROKEN, 1 + np.flatnonzero(~measured.kept)),
            (ORIGINAL, np.zeros(1, dtype=np.int64)),
        ):
            fit = chosen[np.isfinite(values[chosen])]
            count = len(fit)
            tables.append(
                charts.rows(
                    name,
                    v=values[fit],
                    number=fit.astype(np.int32),
                    place=np.full(count, place, dtype=np.int8),
                    broken=np.full(count, measured.broken, dtype=np.int32),
                    made=np.full(count, spec.variants, dtype=np.int32),
                )
            )
    first = found["all"]
    told = "、".join(f"{name} {found[row].broken} 本" for name, row in zip(ROW_NAMES, ROWS, strict=True))
    charts.draw(
        _numbers_spec(measure, first.low, first.high),
        pa.concat_tables(tables),
        f"変換ごとの{words.AXES[measure]}。ラベルが変わったのは {told}。",
        key="au_s/numbers",
    )


assert ROWS[:4] == KINDS
