"""A rule broken on purpose: what a leak promises, and what it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.horizon_run import HorizonRun
from core.horizon_specs import MODEL, HorizonSpec
from pages.parts.vitals import evaluate_save
from pages.parts.vitals.evaluate_data import Source
from pages.ui import charts, lesson, text
from pages.ui import side_by_side as parts
from pages.ui.runs import Watched

CLAIM, FUTURE = "手元の成績", "未来での成績"
KEPT = 1.2
QUESTION = "反則をした学習は、手元で出した成績を、未来でも守れるでしょうか?"
CHOICES = ["守れる(誤差は1.2倍まで)", "裏切る(1.2倍を超える)"]
NAMES = {"none": "正直", "scaler": "標準化に未来", "shuffle": "窓を混ぜる"}
EXPLAINED = {
    "scaler": "**標準化に未来を混ぜる**: "
    "平均と標準偏差を、学習区間だけでなく手元の全部の区間から計算しました。"
    "ネットワークは、採点に使う区間の「高さ」と「ばらつき」を先に知っていることになります。",
    "shuffle": "**窓を混ぜてから分ける**: 窓を時間の順に区切らず、よく混ぜてから学習用と採点用に分けました。"
    "となりどうしの窓は中身がほとんど同じなので、採点用の窓の「双子」が学習用に入ってしまいます。",
}


def leaks(specs: Sequence[HorizonSpec]) -> bool:
    """Say whether one of ``specs`` breaks a rule."""
    return any(spec.leak != "none" for spec in specs)


def show(slot: str, watched: Watched, source: Source) -> None:
    """Show the score that each protocol would report beside the one that the future gives it."""
    results: tuple[HorizonRun, ...] = watched.run.result
    specs: tuple[HorizonSpec, ...] = watched.specs
    if any(result.ending == "diverged" for result in results):
        st.error("損失が数値として計算できなくなりました(発散)。学習率を下げて試してください。")
        return
    last = specs[0].horizons
    name = specs[0].panel.targets[0]
    unit = source.units.get(name, "")
    st.header("手元の成績と、未来での成績")
    st.markdown(EXPLAINED[specs[-1].leak])
    lesson.score(slot, specs, lambda: _answer(results, specs))
    _chart(results, specs, text.plain(unit))
    rows = []
    for spec, run in zip(specs, results, strict=True):
        claim, future = _maes(run, last)
        covered = run.targets[0].models[MODEL].coverage[last - 1].measured
        rows.append(
            [
                text.unbroken(NAMES[spec.leak]),
                _told(claim),
                _told(future),
                "—" if not claim or future is None else f"{future / claim:.2f} 倍",
                "—" if covered is None else f"{covered:.0%}",
            ]
        )
    head = ["やり方", "手元のMAE", "未来のMAE", "未来 ÷ 手元", "区間内"]
    parts.table(head, rows)
    in_unit = unit and f"(単位 {text.plain(unit)})"
    st.caption(
        f"{text.plain(source.labels[name])}の{source.ahead(last)}の予測です{in_unit}。"
        "「手元の成績」は論文や報告書に書くはずだった数字、「未来での成績」はどちらも同じテスト区間"
        f"(学習にも採点にも一度も使っていない、いちばん後の時間)での数字です。"
        f"「区間内」は、名目 {1 - specs[0].alpha:.0%} の予測区間に実際に入った割合です。"
    )
    parts.points(_sentences(results, specs))
    evaluate_save.show_code(watched, source)


def _maes(run: HorizonRun, horizon: int) -> tuple[float | None, float | None]:
    target = run.targets[0]
    return target.claimed[horizon - 1].mae.value, target.models[MODEL].scores[horizon - 1].mae.value


def _told(value: float | None) -> str:
    return "—" if value is None else text.number(value)


def _flattery(run: HorizonRun, horizon: int) -> float | None:
    claim, future = _maes(run, horizon)
    return None if not claim or future is None else future / claim


def _answer(results: Sequence[HorizonRun], specs: Sequence[HorizonSpec]) -> lesson.Answer:
    """Say whether the score that the leak promised holds in the future."""
    broken = _flattery(results[-1], specs[0].horizons)
    if broken is None:
        return lesson.Answer("—", "成績を比べられる答えがありませんでした。")
    claim, future = _maes(results[-1], specs[0].horizons)
    kept = broken <= KEPT
    return lesson.Answer(
        CHOICES[0] if kept else CHOICES[1],
        f"反則の学習の MAE は、手元では {_told(claim)}、未来では {_told(future)} で、"
        f"{broken:.2f} 倍になりました。",
    )


def _sentences(results: Sequence[HorizonRun], specs: Sequence[HorizonSpec]) -> list[str]:
    last = specs[0].horizons
    honest, broken = (_flattery(run, last) for run in results)
    claims = [_maes(run, last)[0] for run in results]
    told = []
    if claims[0] and claims[1]:
        cut = 1 - claims[1] / claims[0]
        if cut > 0.05:
            told.append(f"反則をすると、手元の MAE は {cut:.0%} 小さく見えました(水増し)。")
        elif cut < -0.05:
            told.append(
                f"今回は、反則をしても手元の MAE は小さくならず、{-cut:.0%} 大きくなりました。"
                "反則がいつも得になるとは限りませんが、出てきた数字を信じてよい理由にもなりません。"
            )
        else:
            told.append(
                f"今回は、反則をしても手元の MAE はほとんど変わりませんでした(差 {abs(cut):.1%})。"
                "害が小さいこともありますが、それは正直にやり直して初めて分かることです。"
            )
    if honest and broken:
        told.append(
            f"未来での MAE は、正直な学習では手元の {honest:.2f} 倍、反則の学習では {broken:.2f} 倍でした。"
            "この比が大きいほど、「報告した成績」が現場で裏切られます。"
        )
    covered = [run.targets[0].models[MODEL].coverage[last - 1].measured for run in results]
    if specs[-1].leak == "shuffle" and covered[0] is not None and covered[1] is not None:
        told.append(
            f"予測区間も、混ぜた窓の外れ幅から作ると狭くなりすぎます。"
            f"未来で入った割合は、正直 {covered[0]:.0%}、反則 {covered[1]:.0%}"
            f"(名目 {1 - specs[0].alpha:.0%})でした。"
        )
    if specs[-1].leak == "shuffle" and specs[0].panel.deterioration and specs[0].panel.source == "icu":
        told.append(
            "この患者さんは途中で悪化します。混ぜた学習は後の時間の窓でも学べるぶん、未来での誤差そのものは"
            "小さくなることがあります。水増しだけを見るには「落ち着いた患者」でも試してください。"
        )
    if specs[-1].leak == "scaler":
        told.append(
            "標準化のリークの影響は、ふつうは小さめです。ただし、採点する区間で値の高さが大きく変わるとき"
            "(悪化・治療・測定機器の交換)ほど大きくなります。"
        )
    return told


@lru_cache(maxsize=2)
def _spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    lines = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=14)).encode(
        x=alt.X("x:Q", title="何点先か", scale=alt.Scale(nice=False)),
        y=alt.Y("y:Q", title=charts.Y_TITLE, scale=alt.Scale(zero=True)),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=["正直", "反則"], range=["#2D8BD0", "#D55E00"]),
            legend=alt.Legend(orient="top", title=None),
        ),
        strokeDash=alt.StrokeDash(
            "future:N",
            scale=alt.Scale(domain=[0, 1], range=[[4, 3], [1, 0]]),
            legend=alt.Legend(
                orient="top",
                title=None,
                symbolStrokeColor=charts.COLOURS["実測値"],
                symbolFillColor="transparent",
                labelExpr=f"datum.value == 1 ? '{FUTURE}(実線)' : '{CLAIM}(破線)'",
            ),
        ),
        tooltip=[
            alt.Tooltip("name:N", title="やり方"),
            alt.Tooltip("x:Q", title="何点先"),
            alt.Tooltip("y:Q", title="MAE", format=".3g"),
        ],
    )
    return charts.finish(lines, 280)


def _chart(results: Sequence[HorizonRun], specs: Sequence[HorizonSpec], unit: str) -> None:
    tables: list[pa.Table] = []
    for name, run in zip(("正直", "反則"), results, strict=True):
        for future in (0, 1):
            found = [(h, _maes(run, h)[future]) for h in range(1, specs[0].horizons + 1)]
            known = [(h, value) for h, value in found if value is not None]
            tables.append(
                charts.rows(
                    name,
                    x=np.array([h for h, _ in known], dtype=np.int32),
                    y=np.array([v for _, v in known], dtype=np.float64),
                    future=np.full(len(known), future, dtype=np.int8),
                )
            )
    charts.draw(
        charts.titled(_spec(), "", f"MAE({unit})" if unit else "MAE"),
        pa.concat_tables(tables),
        "正直な学習と反則の学習の、手元の成績と未来での成績。",
    )
