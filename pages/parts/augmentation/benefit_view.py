"""Charts and sentences of the experiment that asks whether augmentation helps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.history import TableRun
from core.specs import AugmentSpec, TableRunSpec
from pages.parts.augmentation import pairs
from pages.parts.augmentation.pairs import NAMES, WITH, WITHOUT
from pages.ui import charts, text
from pages.ui import side_by_side as parts
from pages.ui.side_by_side import Array

KINDS = ("小さな変形と雑音", "左右反転", "180°回転")
COLOURS = ("#8A8F94", "#009E73")
SMALL = 0.02  # a gain below two points is a small one


def told(augment: AugmentSpec) -> str:
    """Say what an augmentation does to each picture."""
    if augment.flip:
        return f"画像の {augment.flip:.0%} を左右反転します。"
    if augment.upside_down:
        return f"画像の {augment.upside_down:.0%} を 180° 回します。"
    return (
        f"画像ごとに、回転 ±{augment.degrees:g}°、ずらし ±{augment.translate:.1%}、"
        f"拡大縮小 ±{augment.scale:.0%}、せん断 ±{augment.shear:g}°、雑音 {augment.noise:.3g}。"
    )


def short(augment: AugmentSpec) -> str:
    """Name an augmentation for a table."""
    if augment.flip:
        return KINDS[1]
    return KINDS[2] if augment.upside_down else f"変形と雑音 {augment.degrees / 8:g} 倍"


def gains(results: Sequence[TableRun]) -> Array:
    """Return by how much augmentation changed the test accuracy of each pair, (pairs,)."""
    without, changed = pairs.accuracies(results)
    return changed - without


def verdict(results: Sequence[TableRun]) -> str:
    """Say what the pairs support, with the numbers."""
    without, changed = pairs.accuracies(results)
    gain = gains(results)
    wins, losses = int((gain > 0).sum()), int((gain < 0).sum())
    said = (
        f"テスト正解率の平均は、拡張なし {without.mean():.1%}、拡張あり {changed.mean():.1%}"
        f"(差 {pairs.points(float(gain.mean()))})。"
    )
    if wins == len(gain):
        return said + f"{wins} 回とも拡張ありが上で、**差があるとみます**。"
    if losses == len(gain):
        return said + f"{losses} 回とも拡張なしが上で、**差があるとみます**(拡張が害になりました)。"
    even = len(gain) - wins - losses
    tie = f"、引き分け {even} 回" if even else ""
    return said + f"拡張ありの {wins} 勝 {losses} 敗{tie}で、**はっきりした差はありません**。"


@lru_cache(maxsize=1)
def _pairs_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("name:N", title=None, sort=list(NAMES), axis=alt.Axis(labelAngle=0, labelFontSize=13))
    y = alt.Y(
        "share:Q", title="テストの正解率", scale=alt.Scale(zero=False, padding=8), axis=alt.Axis(format="%")
    )
    line = base.mark_line(strokeWidth=2, opacity=0.8).encode(
        x=x,
        y=y,
        detail="seed:N",
        color=alt.condition("datum.gain > 0", alt.value(COLOURS[1]), alt.value("#D55E00")),
    )
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=x,
        y=y,
        color=alt.Color("name:N", scale=alt.Scale(domain=NAMES, range=COLOURS), legend=None),
        tooltip=[
            alt.Tooltip("seed:Q", title="種"),
            alt.Tooltip("name:N", title="学習"),
            alt.Tooltip("share:Q", title="正解率", format=".1%"),
        ],
    )
    return charts.finish(alt.layer(line, dots), 250)


def show_pairs(results: Sequence[TableRun]) -> None:
    """Draw the test accuracy of each pair, joined: green where augmentation won."""
    gain = gains(results)
    rows = [
        charts.rows(name, share=values, gain=gain, seed=np.arange(len(gain), dtype=np.int8))
        for name, values in zip(NAMES, pairs.accuracies(results), strict=True)
    ]
    charts.draw(
        _pairs_spec(), pa.concat_tables(rows), f"組ごとのテスト正解率。{verdict(results)}", key="au_b/pairs"
    )
    st.caption("線は同じ種の組です。緑は拡張ありの勝ち、オレンジは負けか引き分けです。")


def show_table(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> None:
    """List the pairs."""
    without, changed = pairs.accuracies(results)
    rows = [
        [f"種 {spec.training.seed}", f"{a:.1%}", f"{b:.1%}", f"{100 * (b - a):+.1f}".replace("-", "−")]
        for spec, a, b in zip(specs[::2], without, changed, strict=True)
    ]
    gap = 100 * (changed - without)
    rows.append(
        [
            "**平均**",
            f"**{without.mean():.1%}**",
            f"**{changed.mean():.1%}**",
            f"**{gap.mean():+.1f}**".replace("-", "−"),
        ]
    )
    spread = [f"{100 * values.std(ddof=1):.1f}" for values in (without, changed)]
    rows.append(["標準偏差", *spread, f"{gap.std(ddof=1):.1f}"])
    parts.table(["組", WITHOUT, WITH, "差(ポイント)"], rows)


def _ends(results: Sequence[TableRun]) -> tuple[float, float]:
    """Return the mean training and validation loss after the last epoch."""
    train = float(np.mean([result.history[-1].train_loss for result in results]))
    return train, float(np.mean([parts.validation_losses(result)[-1] for result in results]))


def sentences(results: Sequence[TableRun]) -> list[str]:
    """Say how sure one can be, and what augmentation did to overfitting, in numbers."""
    gain = gains(results)
    count = len(gain)
    chance = 2 * 0.5**count
    without, changed = pairs.accuracies(results)
    (train, held), (train_with, held_with) = _ends(results[::2]), _ends(results[1::2])
    losses = [float(np.mean([r.test_loss for r in results[place::2]])) for place in (0, 1)]
    better = sum(b.test_loss < a.test_loss for a, b in zip(results[::2], results[1::2], strict=True))
    return [
        f"**運との区別**: 拡張に何の力もなければ、{count} 回とも同じ側が勝つ確率は {chance:.2%} です。"
        f"種を変えただけで、拡張なしの正解率は {without.min():.1%} から {without.max():.1%} まで動きます。"
        "1組だけを見て決めると、運を実力と読み違えます。",
        f"**過学習**: 最後の学習損失と検証損失は、拡張なしで {text.number(train)} と {text.number(held)}、"
        f"拡張ありで {text.number(train_with)} と {text.number(held_with)} です。"
        + (
            "拡張すると、まったく同じ画像は二度と出てこないので、丸暗記がしにくくなります。"
            if train_with > 3 * train
            else "この拡張では、どちらの学習も手元の画像をほぼ覚え込みました。"
        ),
        f"**損失で比べると**: テスト損失の平均は {text.number(losses[0])} から"
        f" {text.number(losses[1])} へ変わり、"
        f"{count} 組中 {better} 組で拡張ありが低くなりました。",
        f"拡張ありの正解率は {changed.min():.1%} 〜 {changed.max():.1%} でした。"
        f"テスト画像は {results[0].rows[2]} 枚なので、"
        f"1枚の違いは {1 / results[0].rows[2]:.2%} にあたります。",
    ]


def whys(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> list[str]:
    """Say why augmentation did not help, if it did not."""
    augment = pairs.augmentation(specs)
    gain = gains(results)
    rows = specs[0].table.train_rows or 0
    train, _ = _ends(results[1::2])
    without, _ = pairs.accuracies(results)
    found = []
    if gain.mean() < 0 and (augment.flip or augment.upside_down):
        found.append(
            "数字は、鏡に映したり逆さにしたりすると別の形になります。テストには来ない姿に、"
            "もとのラベルを付けて覚えさせました(**答えを変える拡張**)。"
        )
    elif gain.mean() < 0 and train > 0.5:
        few = specs[0].training.epochs < 40
        found.append(
            f"最後の学習損失が {text.number(train)} もあり、変形した画像を覚えきれていません"
            + ("(**学習が短すぎる**)。" if few else "(**拡張が強すぎる**)。")
            + (
                "拡張は問題を難しくするので、いつもより長い学習が要ります。"
                if few
                else f"±{augment.degrees:g}° の回転と標準偏差 {augment.noise:g} の雑音では、"
                "人にも読めない数字が混ざります。"
            )
        )
    elif rows >= 400 and abs(gain.mean()) < SMALL:
        found.append(
            f"{rows} 枚あれば、拡張なしでも {without.mean():.1%} に届き、"
            f"伸びしろが {1 - without.mean():.1%} しかありません。"
            "本物の画像が、すでにさまざまな見え方を教えています(**画像が十分**)。"
        )
    elif not (gain > 0).all() and not (gain < 0).all():
        found.append(
            f"差の平均 {pairs.points(float(gain.mean()))}に対して、種ごとのばらつき(SD)が "
            f"{100 * gain.std(ddof=1):.1f} ポイントあります。{rows} 枚では、"
            "どの画像が学習に入ったかの運のほうが大きいためです(**ばらつきに埋もれる**)。"
        )
    return found


def show_formula(results: Sequence[TableRun]) -> None:
    """Show the mean of the paired differences and their spread with the numbers of the run."""
    gain = 100 * gains(results)
    count = len(gain)
    listed = " ".join(f"{g:+.1f}" for g in gain)
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown(
            "同じ種どうしで差 dᵢ(ポイント)をとると、種ごとの難しさが打ち消されます(**対応のある比較**)。"
        )
        st.latex(
            rf"\bar d = \frac{{1}}{{{count}}}\sum_i d_i = \frac{{{listed}}}{{{count}}} = {gain.mean():+.2f}"
        )
        st.latex(
            r"s_d = \sqrt{\frac{1}{n-1}\sum_i (d_i-\bar d)^2}"
            rf" = {gain.std(ddof=1):.2f}, \qquad 2 \times \left(\tfrac12\right)^{{{count}}}"
            rf" = {2 * 0.5**count:.4f}"
        )
