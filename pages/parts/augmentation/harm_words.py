"""Sentences and formulas of the experiment with harmful augmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.history import TableRun
from core.specs import TableRunSpec
from pages.parts.augmentation import pairs
from pages.parts.augmentation.harm_view import Findings
from pages.parts.augmentation.pairs import WITH, WITHOUT
from pages.ui import text

HARM = 0.03  # a fall of the accuracy from here on is called harm


def sentences(specs: Sequence[TableRunSpec], found: Findings, results: Sequence[TableRun]) -> list[str]:
    """Say who paid for the augmentation, in numbers."""
    without, changed = found.shares
    worst = found.worst
    lines = [
        f"最も下がったクラスは「{found.answers[worst]}」で、正解率は {without[worst]:.1%} から "
        f"{changed[worst]:.1%}({pairs.points(changed[worst] - without[worst])})へ変わりました。"
        if without[worst] > changed[worst]
        else "正解率の下がったクラスはありませんでした。"
    ]
    if specs[0].table.name == "digits":
        before = (int(found.without[6, 9]), int(found.without[9, 6]))
        after = (int(found.changed[6, 9]), int(found.changed[9, 6]))
        lines.append(
            f"**6と9**: 6を9と答えたのは {int(found.without[6].sum())} 枚中 {before[0]} 枚から"
            f" {after[0]} 枚へ、9を6と答えたのは {int(found.without[9].sum())} 枚中 {before[1]} 枚から"
            f" {after[1]} 枚へ変わりました。"
        )
    sure = [pairs.confidence(results[place::2]) for place in (0, 1)]
    losses = [float(np.mean([r.test_loss for r in results[place::2]])) for place in (0, 1)]
    held = found.lost < HARM and sure[0] - sure[1] > 0.05
    lines.append(
        f"答えに付けた確率の平均は {sure[0]:.1%} から {sure[1]:.1%} へ、テスト損失は"
        f" {text.number(losses[0])} から {text.number(losses[1])} へ変わりました。"
        + ("正解率は保たれても、自信が失われています。" if held else "")
    )
    if len(results) > 2:
        plain, augmented = pairs.accuracies(results)
        gaps = augmented - plain
        lines.append(
            f"5つの種での差は {'、'.join(f'{100 * gap:+.1f}' for gap in gaps)} "
            f"ポイントで、拡張で下がったのは {int((gaps < 0).sum())} 回です。"
        )
    return lines


def whys(specs: Sequence[TableRunSpec], found: Findings, results: Sequence[TableRun]) -> list[str]:
    """Say why the augmentation did harm, if it did."""
    augment = pairs.augmentation(specs)
    digits = specs[0].table.name == "digits"
    loss = float(np.mean([result.test_loss for result in results[1::2]]))
    plain = float(np.mean([result.test_loss for result in results[::2]]))
    reasons = []
    if augment.flip and not digits and (found.lost >= HARM or loss > 2 * plain + 0.05):
        reasons.append(
            "内臓正位の画像を左右反転したものは、**内臓逆位の画像そのもの**です。"
            "ラベルは「内臓正位」のままなので、同じ見え方に2つの答えが付きます。"
            f"反転が {augment.flip:.0%} なら、丸暗記しないかぎり、学習画像での正解率は "
            f"{max(augment.flip, 1 - augment.flip):.0%} どまりです。"
        )
    if found.lost >= HARM and augment.upside_down and digits:
        after = int(found.changed[6, 9] + found.changed[9, 6])
        reasons.append(
            "**6を180°回すと9、9を回すと6になります。** ラベルは回しても変えていないので、"
            f"「9の形をした6」を覚えさせたことになります(取り違えは合わせて {after} 枚)。"
            "ほかの数字も、来るはずのない逆さの姿を覚えるのに力を使いました。"
        )
    if found.lost < HARM and 0 < augment.upside_down < 1 and digits:
        after = int(found.changed[6, 9] + found.changed[9, 6])
        reasons.append(
            f"害が小さいのは、{1 - augment.upside_down:.0%} は正しい向きのまま見せたうえ、本物の手書きでは"
            f"「逆さの9」と「6」の書きぐせが少し違うためです(取り違えは {after} 枚)。"
            "害が見えにくいだけで、得にはなっていません。"
        )
    if found.lost >= HARM and augment.flip and digits:
        reasons.append(
            "数字は鏡に映すと別の形になります(2と5、3など)。テストには来ない鏡文字を覚えるのに力を使いました。"
        )
    if found.lost >= HARM and augment.degrees:
        reasons.append(
            f"±{augment.degrees:g}° は、テストで出会う傾きよりずっと大きく、隣のクラスの姿と重なります"
            "(**拡張が強すぎる**)。"
        )
    if found.lost >= HARM and augment.erase:
        reasons.append(
            "決め手になる場所が消された画像にも、もとのラベルが付いています。見えないものは学べません"
            "(**手がかりを消している**)。"
        )
    return reasons


def show_formula(specs: Sequence[TableRunSpec], found: Findings, results: Sequence[TableRun]) -> None:
    """Show the accuracy of the class that lost most; and the least loss that flipped films allow."""
    augment = pairs.augmentation(specs)
    worst = found.worst
    with st.expander("数式で見る(この学習の数字)"):
        for name, table in ((WITHOUT, found.without), (WITH, found.changed)):
            right, whole = int(table[worst, worst]), int(table[worst].sum())
            st.latex(
                rf"\text{{正解率}}_{{\text{{{found.answers[worst]}}}}}(\text{{{name}}})"
                rf" = \frac{{{right}}}{{{whole}}} = {right / max(whole, 1):.3f}"
            )
        if augment.flip and specs[0].table.name == "situs":
            p = augment.flip
            floor = -sum(q * math.log(q) for q in (p, 1 - p) if q > 0)
            train = float(np.mean([result.history[-1].train_loss for result in results[1::2]]))
            st.markdown(
                "反転の確率が p なら、どんなに学習しても、学習損失は次の値(平均)より下がれません。"
                "丸暗記でたまたま下回ることはあります。"
            )
            st.latex(
                rf"H(p) = -p\ln p - (1-p)\ln(1-p) = {floor:.3f}"
                rf"\qquad(\text{{測った学習損失 }} {train:.3f})"
            )
