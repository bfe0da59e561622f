"""Charts and sentences of the experiment with two hospitals."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import tables
from core.classification import Confusion, Truth
from core.history import TableRun
from core.shift import BRIGHTNESS, SHADOW, HospitalSpec, Reader, hospital_b
from core.simulated import Matrix
from core.specs import TableRunSpec, TableSpec
from pages.ui import charts
from pages.ui import side_by_side as parts

PLAIN, SHAKEN = "そのまま学習", "明るさを揺らして学習"
NAMES = (PLAIN, SHAKEN)
COLOURS = ("#D55E00", "#009E73")
A, B = "病院A", "病院B"
INPUTS = ("陰影", "明るさ", "コントラスト")
ILL, WELL = "肺炎", "肺炎なし"
FILMS, DOTS = 6, 250
LINKS = {
    "関係なし": "unrelated",
    "逆": "reversed",
    "全体に明るい装置": "brighter",
    "病院Aと同じ": "same",
}


def films_a(spec: TableSpec) -> tuple[Matrix, Truth]:
    """Return the test films of hospital A in their own unit, and who is ill."""
    data = tables.load(spec)
    return data.test.inputs.astype(np.float64) * data.scale + data.centre, data.test.targets.astype(np.int64)


def reader(spec: TableRunSpec, result: TableRun) -> Reader:
    """Return a trained network with the scale of its own training films."""
    data = tables.load(spec.table)
    return Reader(weights=result.weights, centre=data.centre, scale=data.scale)


def without_brightness(films: Matrix, table: TableSpec) -> Matrix:
    """Put hospital A's mean in place of every brightness."""
    hidden = films.copy()
    hidden[:, BRIGHTNESS] = tables.load(table).centre[BRIGHTNESS]
    return hidden


@lru_cache(maxsize=1)
def _films_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("place:O", title=None, axis=None, scale=alt.Scale(paddingInner=0.08))
    y = alt.Y(
        "name:N",
        title=None,
        sort=[A, B],
        scale=alt.Scale(paddingInner=0.12),
        axis=alt.Axis(ticks=False, domain=False, labelFontSize=13),
    )
    grey = alt.Scale(domain=[-2, 5], range=["#16181B", "#E4E6E8"], clamp=True)
    film = base.mark_rect(cornerRadius=5, stroke="#8A8F94").encode(
        x=x,
        y=y,
        color=alt.Color("brightness:Q", scale=grey, legend=None),
        tooltip=[
            alt.Tooltip("brightness:Q", title="明るさ", format=".1f"),
            alt.Tooltip("shadow:Q", title="陰影", format=".1f"),
        ],
    )
    shade = alt.Scale(domain=[-1, 3], range=[0.05, 0.9], clamp=True)
    spot = base.mark_point(filled=True, size=420, color="#C9A24A", yOffset=-8).encode(
        x=x, y=y, opacity=alt.Opacity("shadow:Q", scale=shade, legend=None)
    )
    said = base.transform_calculate(said=f"datum.ill == 1 ? '{ILL}' : 'なし'")
    label = {"x": x, "y": y, "text": "said:N"}
    paper = said.mark_text(fontSize=12, dy=24, fontWeight="bold", stroke="#16181B", strokeWidth=3)
    ink = said.mark_text(fontSize=12, dy=24, fontWeight="bold", color="#FFFFFF")
    return charts.finish(alt.layer(film, spot, paper.encode(**label), ink.encode(**label)), 170)


def show_films(table: TableSpec, link: str) -> None:
    """Draw a few films of each hospital, three ill and three well."""
    rows = []
    for name, (films, ill) in ((A, films_a(table)), (B, hospital_b(_spec(table, link)))):
        chosen = np.concatenate([np.flatnonzero(ill == k)[: FILMS // 2] for k in (1, 0)])
        rows.append(
            charts.rows(
                name,
                place=np.arange(FILMS),
                brightness=films[chosen, BRIGHTNESS],
                shadow=films[chosen, SHADOW],
                ill=ill[chosen],
            )
        )
    charts.draw(
        _films_spec(),
        pa.concat_tables(rows),
        "2つの病院の胸部画像の模式図。四角の明るさが画像の明るさ、黄色い円の濃さが陰影。",
        key="of_films",
    )
    st.caption(
        "**模式図**(本物の画像ではありません): 四角の明るさが画像の明るさ、黄色い円の濃さが肺炎の陰影です。"
    )


def _spec(table: TableSpec, link: str) -> HospitalSpec:
    return HospitalSpec(link=link, noise=table.noise, seed=table.seed)


@lru_cache(maxsize=16)
def films_b(table: TableSpec, link: str) -> tuple[Matrix, Truth]:
    """Return the films of hospital B, and who is ill."""
    return hospital_b(_spec(table, link))


SHARES = ("正解率", "感度", "特異度")


@lru_cache(maxsize=1)
def _shares_spec() -> charts.Spec:
    order = [f"{kind} {where}" for kind in SHARES for where in (A, B)]
    base = alt.Chart(alt.NamedData("rows")).transform_calculate(
        group=f"{list(SHARES)}[datum.place] + ' ' + (datum.hospital == 0 ? '{A}' : '{B}')"
    )
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        x=alt.X(
            "group:N",
            title=None,
            sort=order,
            scale=alt.Scale(paddingInner=0.2, paddingOuter=0.1),
            axis=alt.Axis(labelAngle=0, labelExpr="split(datum.label, ' ')", labelLimit=0, ticks=False),
        ),
        xOffset=alt.XOffset("name:N", sort=list(NAMES)),
        y=alt.Y("share:Q", title="成績", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=NAMES, range=COLOURS),
            legend=alt.Legend(orient="top", title=None),
        ),
        tooltip=[
            alt.Tooltip("name:N", title="学習"),
            alt.Tooltip("group:N", title="成績"),
            alt.Tooltip("share:Q", title="割合", format=".1%"),
        ],
    )
    return charts.finish(bars, 270)


def show_shares(found: dict[tuple[str, str], Confusion]) -> None:
    """Draw accuracy, sensitivity and specificity of both networks at both hospitals."""
    rows = []
    for (name, where), c in found.items():
        rows.append(
            charts.rows(
                name,
                place=np.arange(3),
                share=np.array([c.accuracy, c.sensitivity, c.specificity]),
                hospital=np.full(3, int(where == B)),
            )
        )
    told = "、".join(f"{name} {where} {c.accuracy:.0%}" for (name, where), c in found.items())
    charts.draw(
        _shares_spec(), pa.concat_tables(rows), f"2つの病院での成績。正解率は {told}。", key="of_shares"
    )


@lru_cache(maxsize=1)
def _importance_spec() -> charts.Spec:
    bars = (
        alt.Chart(alt.NamedData("rows"))
        .transform_calculate(input=f"{list(INPUTS)}[datum.place]")
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            y=alt.Y("input:N", title=None, sort=list(INPUTS)),
            yOffset=alt.YOffset("name:N", sort=list(NAMES)),
            x=alt.X("lost:Q", title="並べ替えで失う正解率(病院A)", axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=NAMES, range=COLOURS),
                legend=alt.Legend(orient="top", title=None),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="学習"),
                alt.Tooltip("input:N", title="入力"),
                alt.Tooltip("lost:Q", title="失う正解率", format=".1%"),
            ],
        )
    )
    return charts.finish(bars, 270)


def show_importance(lost: dict[str, Matrix]) -> None:
    """Draw what each network loses when an input is shuffled among the patients."""
    rows = [charts.rows(name, place=np.arange(3), lost=values) for name, values in lost.items()]
    told = "。".join(
        f"{name}: " + "、".join(f"{i} {v:.0%}" for i, v in zip(INPUTS, values, strict=True))
        for name, values in lost.items()
    )
    charts.draw(
        _importance_spec(), pa.concat_tables(rows), f"入力ごとの重要度。{told}。", key="of_importance"
    )


@lru_cache(maxsize=1)
def _scatter_spec() -> charts.Spec:
    dots = (
        alt.Chart(alt.NamedData("rows"))
        .mark_point(filled=True, size=26, opacity=0.55)
        .encode(
            x=alt.X("shadow:Q", title="陰影(SD)", scale=alt.Scale(domain=[-4, 5], nice=False)),
            y=alt.Y("brightness:Q", title="明るさ(SD)", scale=alt.Scale(domain=[-4, 7], nice=False)),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=[ILL, WELL], range=["#D55E00", "#2D8BD0"]),
                legend=alt.Legend(orient="top", title=None),
            ),
            shape=alt.Shape(
                "name:N", scale=alt.Scale(domain=[ILL, WELL], range=["circle", "triangle-up"]), legend=None
            ),
        )
    )
    return charts.finish(dots, 290)


def show_scatter(where: str, films: Matrix, ill: Truth) -> None:
    """Draw shadow and brightness of a hospital's films."""
    films, ill = films[:DOTS], ill[:DOTS]
    inside = (np.abs(films[:, SHADOW] - 0.5) < 4.5) & (np.abs(films[:, BRIGHTNESS] - 1.5) < 5.5)
    rows = [
        charts.rows(
            name,
            shadow=films[inside & (ill == k), SHADOW].astype(np.float32),
            brightness=films[inside & (ill == k), BRIGHTNESS].astype(np.float32),
        )
        for name, k in ((ILL, 1), (WELL, 0))
    ]
    st.markdown(f"**{where}**")
    charts.draw(
        _scatter_spec(), pa.concat_tables(rows), f"{where}の陰影と明るさの散布図。", key=f"of_scatter_{where}"
    )


def show_table(found: dict[tuple[str, str], Confusion], hidden: Confusion, alone: float) -> None:
    """List the shares at both hospitals, with what hiding the brightness and the shadow alone give at B."""
    told = {f"{name}・{where}": c for (name, where), c in found.items()}
    told[f"{PLAIN}、明るさを隠す・{B}"] = hidden
    rows = [
        [label, f"{c.accuracy:.1%}", f"{c.sensitivity:.1%}", f"{c.specificity:.1%}"]
        for label, c in told.items()
    ]
    rows.append([f"陰影だけで読む・{B}(目安)", f"{alone:.1%}", "—", "—"])
    parts.table(["", "正解率", "感度", "特異度"], rows)


def points(share: float) -> str:
    """Write a difference of shares in points, with its sign."""
    return f"{100 * share:+.1f} ポイント".replace("-", "−")


def sentences(
    found: dict[tuple[str, str], Confusion], lost: dict[str, Matrix], hidden: Confusion, alone: float
) -> list[str]:
    """Say what happened at the other hospital, and what helped, in numbers."""
    here, there = found[(PLAIN, A)], found[(PLAIN, B)]
    cured_here, cured = found[(SHAKEN, A)], found[(SHAKEN, B)]
    leaned = INPUTS[int(np.argmax(lost[PLAIN]))]
    worse = here.accuracy - there.accuracy
    return [
        f"**病院を変えると**: そのまま学習したネットワークの正解率は、{A}で {here.accuracy:.1%}、"
        f"{B}で {there.accuracy:.1%} でした({points(-worse)})。"
        f"{B}では {there.ill} 人の肺炎のうち {there.false_negative} 人を見逃し、"
        f"肺炎でない {there.healthy} 人のうち {there.false_positive} 人を肺炎と判定しました。",
        f"**頼っていた入力**: {A}の患者どうしで値を入れ替えると、正解率は、"
        + "、".join(f"{i} {100 * v:.1f}" for i, v in zip(INPUTS, lost[PLAIN], strict=True))
        + f" ポイント下がります。最も頼っていたのは「{leaned}」です。",
        f"**揺らして学習すると**: 明るさの重要度は {100 * lost[PLAIN][BRIGHTNESS]:.1f} から "
        f"{100 * lost[SHAKEN][BRIGHTNESS]:.1f} ポイントへ、陰影は {100 * lost[PLAIN][SHADOW]:.1f} から "
        f"{100 * lost[SHAKEN][SHADOW]:.1f} ポイントへ変わりました。"
        f"正解率は、{A}で {cured_here.accuracy:.1%}、{B}で {cured.accuracy:.1%} です。"
        f"陰影だけを正しく読む場合の目安は {alone:.1%} です。",
        "**明るさを隠すと**: そのまま学習したネットワークに、予測のときだけ明るさの代わりに"
        f"{A}の平均を渡すと、{B}での正解率は {hidden.accuracy:.1%} でした。"
        + (
            "陰影の読み方も学んではいましたが、明るさの目印に押しのけられていたのです。"
            if hidden.accuracy >= alone - 0.05
            else "近道があったぶん、陰影の読み方はあまり身についていませんでした。"
        ),
        f"{A}の検証やテストの患者も同じ習慣で撮っているので、{A}のなかでいくら確かめても、"
        "この近道には気づけません。別の病院のデータで確かめる(**外部検証**)理由です。",
    ]


def whys(
    table: TableSpec,
    shake: float,
    link: str,
    found: dict[tuple[str, str], Confusion],
    lost: dict[str, Matrix],
    alone: float,
) -> list[str]:
    """Say why networks fail, by the numbers of their runs."""
    told = []
    here, there = found[(PLAIN, A)].accuracy, found[(PLAIN, B)].accuracy
    if here - there >= 0.05 and lost[PLAIN][BRIGHTNESS] > lost[PLAIN][SHADOW]:
        told.append(
            f"{A}では肺炎の人の画像が 2.5 SD 明るく(ばらつきは {0.3 + 2 * table.noise:.1f} SD)、淡い陰影より"
            "ずっと見分けやすい目印です。ネットワークは損失をいちばん速く減らす目印を選んだだけで、"
            "それが病気ではなく装置のものだとは知りません(**近道学習**)。"
        )
    cured = found[(SHAKEN, B)].accuracy
    if link != "same" and cured < alone - 0.05:
        told.append(
            f"揺らす強さ {shake:g} では、明るさの目印がまだ使えるので(重要度 "
            f"{100 * lost[SHAKEN][BRIGHTNESS]:.1f} ポイント)、{B}では目安の {alone:.1%} に届かず "
            f"{cured:.1%} でした(**対策が不十分**)。"
        )
    return told


def show_formula(lost: Matrix, found: dict[tuple[str, str], Confusion]) -> None:
    """Show permutation importance and accuracy with the numbers of the plain network."""
    here, there = found[(PLAIN, A)], found[(PLAIN, B)]
    with st.expander("数式で見る(「そのまま学習」の数字)"):
        st.markdown(
            "入力 j の重要度は、その列だけを患者のあいだで並べ替えたときに失う正解率です(20回の平均)。"
        )
        st.latex(
            rf"I_j = \text{{正解率}} - \frac{{1}}{{20}}\sum_{{k=1}}^{{20}} \text{{正解率}}^{{(j,k)}},\qquad"
            rf" I_\text{{明るさ}} = {lost[BRIGHTNESS]:.3f},\quad I_\text{{陰影}} = {lost[SHADOW]:.3f}"
        )
        for where, c in ((A, here), (B, there)):
            st.latex(
                rf"\text{{正解率({where})}} = \frac{{TP + TN}}{{N}} ="
                rf" \frac{{{c.true_positive} + {c.true_negative}}}{{{c.ill + c.healthy}}} = {c.accuracy:.3f}"
            )
