"""What the experiments on derivatives share: signed numbers, a table that compares slopes, small scripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core import derivative_script
from pages.ui import code as code_box
from pages.ui import lesson, text

WAIT = "計算の準備をしています。数秒後にもう一度ボタンを押してください。"
ORANGE, GREEN, RED, BLUE, GREY = "#E69F00", "#009E73", "#D55E00", "#2D8BD0", "#8A8F94"


def power(exponent: int) -> str:
    """Write a power of ten: ``power(-8)`` is 10⁻⁸."""
    return "10" + text.superscript(exponent)


def fixed(value: float, digits: int) -> str:
    """Write ``value`` with ``digits`` decimals, a true minus sign and no negative zero."""
    if not math.isfinite(value):
        return "計算不能"
    shown = f"{value:.{digits}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown.replace("-", "−")


def signed(value: float, digits: int) -> str:
    """Write ``value`` with its sign; nothing before a zero."""
    shown = fixed(value, digits)
    return shown if shown[0] in "−計" or float(shown) == 0 else f"+{shown}"


def scientific(value: float) -> str:
    """Write a size or difference with two digits, a small one with a power of ten."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return text.number(value, 2).replace("-", "−")
    if not math.isfinite(value):
        return "計算不能"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.replace('-', '−')}×{power(int(exponent))}"


def tex(value: float, digits: int) -> str:
    """Write ``value`` for LaTeX, in brackets if it is negative."""
    shown = fixed(value, digits).replace("−", "-")
    return rf"({shown})" if shown.startswith("-") else shown


def tex_gradient(symbol: str, names: Sequence[str], values: Sequence[float], digits: int) -> str:
    """Write a gradient as a column of partial derivatives beside their values, narrow enough for a phone."""
    left = r" \\ ".join(
        rf"\partial {symbol} / \partial\,\text{{{name.removeprefix('収縮期')}}}" for name in names
    )
    right = r" \\ ".join(f"{value:+.{digits}f}" for value in values)
    return (
        rf"\nabla {symbol} = \begin{{pmatrix}} {left} \end{{pmatrix}}"
        rf" = \begin{{pmatrix}} {right} \end{{pmatrix}}"
    )


def mark(agrees: bool) -> str:
    """Return ✓ for numbers that agree to the shown digits, else ✗, kept on the line of its number."""
    return "\N{NO-BREAK SPACE}✓" if agrees else "\N{NO-BREAK SPACE}✗"


def agreement(
    slopes: Sequence[tuple[str, float | None]], truth: float, digits: int, unit: str = ""
) -> list[bool]:
    """Show slopes found in several ways beside ``truth``, and say which agree with it to the shown digits.

    A slope of None does not exist. Returns whether each agrees.
    """
    lines = [f"| 求め方 | 値{f' [{unit}]' if unit else ''} | 差 |", "|:--|--:|--:|"]
    agree = []
    for name, value in slopes:
        if value is None:
            agree.append(False)
            lines.append(f"| {name} | 存在しない | — |")
            continue
        agree.append(fixed(value, digits) == fixed(truth, digits))
        lines.append(
            f"| {name} | {fixed(value, digits)}{mark(agree[-1])} | {scientific(abs(value - truth))} |"
        )
    lines.append(f"| 自動微分 | **{fixed(truth, digits)}** | — |")
    st.markdown("\n".join(lines))
    return agree


def asked(slot: str, label: str) -> bool:
    """Offer the button that shows the result; from then on it follows every slider, until a preset."""
    if st.button(label, type="primary", icon=":material/play_arrow:", width="stretch", key=f"{slot}/go"):
        st.session_state[f"{slot}/asked"] = True
    return bool(st.session_state.get(f"{slot}/asked"))


def presets(slot: str, choices: Sequence[lesson.Preset]) -> None:
    """Offer settings to try; each asks for a prediction anew before its result is shown."""

    def hide(_: lesson.Preset) -> None:
        st.session_state[f"{slot}/asked"] = False

    st.caption("試してみる設定:")
    lesson.presets(slot, choices, note=hide)


def why(choices: Sequence[lesson.Preset]) -> None:
    """Say why the preset that the controls now stand at fails, if it does."""
    for preset in choices:
        if preset.why and all(st.session_state.get(key) == value for key, value in preset.values.items()):
            st.markdown(f"**なぜ** — {preset.why}")


def sentences(lines: Sequence[str]) -> None:
    """Show the reading as a list."""
    st.markdown("\n".join(f"- {line}" for line in lines))


def script(slot: str, code: str, name: str, library: str = "PyTorch") -> None:
    """Show a small script that prints the page's own numbers, to copy or to take home."""
    code_box.offer(
        slot,
        f"この計算とまったく同じ {library} のコード",
        "いまの設定がそのまま入っています。実行すると、この画面と同じ数値が表示されます。",
        code,
        lambda: derivative_script.notebook(code),
        name,
    )


def choice(label: str, options: dict[str, str], key: str, default: str | None = None) -> str:
    """Ask for one of ``options`` (label -> name) and return its name; ``default`` is the first label."""
    picked: Any = st.segmented_control(
        label,
        list(options),
        default=default or next(iter(options)),
        required=True,
        key=key,
        bind="query-params",
    )
    return options.get(picked, next(iter(options.values())))
