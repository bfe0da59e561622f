"""What the experiments on losses share: numbers in words, small tables, live curves of several losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from pages.ui import charts, lesson, text
from pages.ui.loss_view import curve
from pages.ui.runs import Watched

WAIT = "計算の準備をしています。数秒後にもう一度ボタンを押すか、値を動かしてください。"


def number(value: float, digits: int = 3) -> str:
    """Write a number, infinity and what is no number, with a true minus sign."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == round(value) and abs(value) < 1e7:
        return f"{value + 0.0:,.0f}".replace("-", "−")
    if 0 < abs(value) < 1e-4 or abs(value) >= 1e7:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.replace('-', '−')}×{power(int(exponent))}"
    return text.number(value, digits).replace("-", "−")


def power(exponent: int) -> str:
    """Write a power of ten: 10⁻¹²."""
    return "10" + text.superscript(exponent)


def times(ratio: float) -> str:
    """Write how many times as much: 「100倍」, 「2.5倍」."""
    if not math.isfinite(ratio):
        return "計算できません" if math.isnan(ratio) else "無限大"
    return f"{ratio:,.0f}倍" if ratio >= 100 or ratio == round(ratio) else f"{ratio:.3g}倍"


def percent(share: float) -> str:
    """Write a share of patients; that of nobody is a dash."""
    return "—" if math.isnan(share) else f"{share:.1%}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a small table whose first column is text."""
    lines = [" | ".join(head), " | ".join(["---", *["---:"] * (len(head) - 1)])]
    st.markdown("\n".join(f"| {line} |" for line in [*lines, *(" | ".join(row) for row in rows)]))


def asked(slot: str, label: str) -> bool:
    """Offer to compare the prediction with the numbers; they stay in sight once asked for."""
    if st.button(label, type="primary", icon=":material/done_all:", width="stretch", key=f"{slot}/check"):
        st.session_state[f"{slot}/asked"] = True
    return bool(st.session_state.get(f"{slot}/asked"))


def choice(label: str, options: dict[str, Any], key: str, default: str | None = None) -> Any:
    """Ask for one of a few named values, and return the value."""
    chosen = st.segmented_control(
        label,
        list(options),
        default=default or next(iter(options)),
        required=True,
        key=key,
        bind="query-params",
    )
    return options[chosen]


def whys(sentences: Sequence[str]) -> None:
    """Say why these settings fail, if they do."""
    for sentence in sentences:
        st.markdown(f"**なぜ** — {sentence}")


def points(sentences: Sequence[str]) -> None:
    """List sentences."""
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences))


@lru_cache(maxsize=8)
def _curves_spec(names: tuple[str, ...], epochs: int) -> charts.Spec:
    line = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
            y=alt.Y("loss:Q", title="損失(対数目盛)", scale=alt.Scale(type="log")),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=names, range=[charts.LOSS_COLOURS[name] for name in names]),
                legend=alt.Legend(orient="top", title=None),
            ),
            strokeDash=alt.condition("datum.part == 1", alt.value([5, 4]), alt.value([1, 0])),
            detail="part:N",
            tooltip=[
                alt.Tooltip("name:N", title="損失関数"),
                alt.Tooltip("epoch:Q", title="エポック"),
                alt.Tooltip("loss:Q", title="損失", format=".4g"),
            ],
        )
    )
    return charts.finish(line, 200)


def curves(watched: Watched, names: tuple[str, ...]) -> None:
    """Draw the losses so far: solid for training, dashed for validation, the median of repeated runs.

    The runs are those of ``names``, over and over.
    """
    rows = watched.run.rows
    parts: list[pa.Table] = []
    for part in (0, 1):
        values = curve(rows, part == 1)
        for place, name in enumerate(names):
            loss = np.median(values[:, place :: len(names)], axis=1) if len(rows) else np.empty(0)
            kept = np.isfinite(loss) & (loss > 0)
            epoch = np.arange(1, len(loss) + 1)[kept]
            parts.append(charts.rows(name, epoch=epoch, loss=loss[kept], part=np.full(len(epoch), part)))
    charts.draw(
        _curves_spec(names, watched.epochs),
        pa.concat_tables(parts),
        f"{'、'.join(names)}で学習したときの、エポックごとの損失。実線が学習、破線が検証。",
        key="loss_curves",
    )
    st.caption("実線は学習損失、破線は検証損失です。損失関数ごとに単位が違うので、線の高さは比べられません。")


def presets(slot: str, choices: Sequence[lesson.Preset]) -> None:
    """Offer settings to try."""
    st.caption("試してみる設定:")
    lesson.presets(slot, choices)
