"""The last section of a textbook script: a picture of the losses and the forecasts."""

from __future__ import annotations

from collections.abc import Sequence

from core.script_model import watches
from core.script_parts import Section, join
from core.specs import AnySpec, ForecastSpec

FONT = """
try:
    import japanize_matplotlib

    japanize_matplotlib.japanize()
except ImportError:  # 入っていなければ、パソコンにある日本語フォントを使う
    from matplotlib.font_manager import fontManager

    fonts = ["Hiragino Sans", "Yu Gothic", "Meiryo", "Noto Sans CJK JP", "IPAexGothic"]
    installed = {font.name for font in fontManager.ttflist}
    plt.rcParams["font.family"] = [name for name in fonts if name in installed] + ["sans-serif"]
"""
_ONE_CURVE = """
epochs = range(1, len(train_losses) + 1)
axes[0].plot(epochs, train_losses, label="学習損失")
"""
_ONE_CURVE_HELD_OUT = """
axes[0].plot(epochs, validation_losses, label="検証損失")
"""
_FORECAST_CURVE = """
axes[1].plot(truth, label="正解", color="black")
axes[1].plot(forecast, label="モデル")
axes[1].plot(last, label="直前の値", linestyle="--")
axes[1].set(xlabel="テスト区間の窓の番号", ylabel="値")
"""
_CURVES = """
for setting, train_losses in zip(SETTINGS, histories):
    epochs = range(1, len(train_losses) + 1)
    axes[0].plot(epochs, train_losses, label=setting["label"])
"""
_CURVES_HELD_OUT = """
for setting, (train_losses, validation_losses) in zip(SETTINGS, histories):
    epochs = range(1, len(train_losses) + 1)
    axes[0].plot(epochs, train_losses, label=setting["label"])
    axes[1].plot(epochs, validation_losses, label=setting["label"])
axes[1].set(xlabel="エポック", ylabel="検証損失")
"""


def picture(listed: Sequence[AnySpec], file_name: str) -> Section:
    """Write the plot: losses, and for a single forecaster its forecasts of the test stretch."""
    spec, held_out = listed[0], watches(listed[0])
    panels, name = 1, "損失"
    if len(listed) > 1:
        curves = (_CURVES_HELD_OUT if held_out else _CURVES).strip()
        panels, name = (2, "学習損失") if held_out else (1, "学習損失")
    else:
        curves = _ONE_CURVE.strip() + (_ONE_CURVE_HELD_OUT.rstrip() if held_out else "")
        if isinstance(spec, ForecastSpec):
            curves += _FORECAST_CURVE.rstrip()
            panels = 2
    code = join(
        FONT,
        f"figure, axes = plt.subplots(1, {panels}, figsize=({5 * panels}, 4), squeeze=False)\naxes = axes[0]",
        f'{curves}\naxes[0].set(xlabel="エポック", ylabel="{name}")\nfor axis in axes:\n    axis.legend()',
        f'figure.tight_layout()\nfigure.savefig("{file_name}", dpi=150)',
        'if plt.get_backend().lower() != "agg":  # 画面があれば表示する\n    plt.show()',
    )
    return Section(title="図", explanation="損失の動きを描き、画像に保存します。", code=code)
