"""What loading ahead was worth: who did what when, seconds an epoch, and what the theory foretold."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import streamlit as st

from core.loading import LoadSpec, Measured, Report, foretold
from pages.ui import charts, lesson, text

CHOICES = ["3分の2以下に縮む", "少し縮む", "ほとんど変わらない(±1割)", "かえって延びる"]
WHAT = ("読み込み", "学習")
COLOURS = ["#E69F00", "#2D8BD0"]


def answer(report: Report) -> lesson.Answer:
    """Say what two workers did to the time of an epoch."""
    alone, two = report.runs[0].epoch, report.runs[2].epoch
    share = two / alone
    limits = (2 / 3, 0.9, 1.1)
    return lesson.Answer(
        CHOICES[sum(share > limit for limit in limits)],
        f"1エポックは、ワーカー0人で {text.number(alone * 1e3)} ms、2人で {text.number(two * 1e3)} ms"
        f"({share:.2f} 倍の時間)でした。",
    )


def training_is_slower(report: Report) -> bool:
    """Say whether a batch trains longer than it loads, so that more workers have nothing to do."""
    return report.runs[0].step > report.runs[0].load


def _lane(workers: int, who: int) -> str:
    return f"{workers}人 | " + ("本体" if who == 0 else f"ワーカー{who}")


@lru_cache(maxsize=4)
def _gantt_spec(lanes: tuple[str, ...], height: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).encode(
        y=alt.Y("lane:N", sort=list(lanes), title=None, axis=alt.Axis(labelLimit=110, labelOverlap=False)),
    )
    bars = base.mark_bar(height={"band": 0.75}, stroke="#5F6368", strokeWidth=0.5).encode(
        x=alt.X("begin:Q", title="エポックの始まりからの時間 [ms]"),
        x2="end:Q",
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=list(WHAT), range=COLOURS),
            legend=alt.Legend(orient="top", title=None, symbolStrokeWidth=0),
        ),
        tooltip=[
            alt.Tooltip("name:N", title="仕事"),
            alt.Tooltip("batch:Q", title="バッチ"),
            alt.Tooltip("begin:Q", title="始まり [ms]", format=".1f"),
            alt.Tooltip("end:Q", title="終わり [ms]", format=".1f"),
        ],
    )
    words = base.mark_text(align="left", dx=2, fontSize=9, color="black").encode(
        x="begin:Q", text=alt.condition("datum.end - datum.begin > 8", "batch:Q", alt.value(""))
    )
    return charts.finish(bars + words, height)


def _draw_gantt(lanes: dict[str, list[tuple[str, int, float, float]]], alt_text: str) -> None:
    """Draw lanes of (what, batch, begin, end) with times in ms."""
    flat = [(lane, *span) for lane, spans in lanes.items() for span in spans]
    rows = charts.rows(
        [what for _, what, *_ in flat],
        batch=np.array([batch for _, _, batch, _, _ in flat]),
        begin=np.array([begin for *_, begin, _ in flat]),
        end=np.array([end for *_, end in flat]),
    )
    # Lanes are text too; the rows of a chart have one column of it, so they come as a second table's.
    named = charts.rows([lane for lane, *_ in flat], batch=np.zeros(len(flat)))
    rows = rows.append_column("lane", named.column("name"))
    charts.draw(_gantt_spec(tuple(lanes), 28 * len(lanes) + 70), rows, alt_text)


def show_gantt(report: Report) -> None:
    """Draw the shortest epoch with each number of workers: loading and training, batch by batch."""
    lanes: dict[str, list[tuple[str, int, float, float]]] = {}
    for run in report.runs:
        for who in range(1, run.workers + 1):
            lanes[_lane(run.workers, who)] = []
        lanes[_lane(run.workers, 0)] = []
        for what, spans in zip(WHAT, (run.loading, run.training), strict=True):
            for s in spans:
                span = what, s.batch + 1, max(s.begin, 0.0) * 1e3, s.end * 1e3
                lanes[_lane(run.workers, s.who)].append(span)
    ends = "、".join(f"{run.workers}人では {run.training[-1].end * 1e3:.0f} ms" for run in report.runs)
    _draw_gantt(lanes, f"読み込みと学習の時間割。最後のバッチの学習が終わるのは、{ends}。")
    st.caption(
        "いちばん速かったエポックの実測です。数字はバッチの番号です。"
        "本体が学習しているあいだに、ワーカーは次のバッチを読み込みます。"
    )


def show_idea() -> None:
    """Draw, from the formula, four batches without and with one worker, before anything is measured."""
    load, step = 24.0, 16.0
    alone: list[tuple[str, int, float, float]] = []
    for batch in range(4):
        begin = batch * (load + step)
        alone += [
            (WHAT[0], batch + 1, begin, begin + load),
            (WHAT[1], batch + 1, begin + load, begin + load + step),
        ]
    ahead = [(WHAT[0], batch + 1, batch * load, (batch + 1) * load) for batch in range(4)]
    after = [(WHAT[1], batch + 1, (batch + 1) * load, (batch + 1) * load + step) for batch in range(4)]
    _draw_gantt(
        {_lane(0, 0): alone, _lane(1, 1): ahead, _lane(1, 0): after},
        "先読みの考え方。ワーカーがいれば、学習のあいだに次のバッチを読み込める。",
    )
    st.caption(
        "考え方の図です(1バッチの読み込みが 24 ms、学習が 16 ms のとき)。実測は、測ったあとに描きます。"
    )


@lru_cache(maxsize=2)
def _times_spec(height: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).encode(
        y=alt.Y("workers:O", title="ワーカーの人数", axis=alt.Axis(labelExpr="datum.value + '人'"))
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=["実測", "式からの予告"], range=["#2D8BD0", "#D55E00"]),
        legend=alt.Legend(orient="top", title=None),
    )
    bars = (
        base.transform_filter("datum.name == '実測'")
        .mark_bar(height={"band": 0.6})
        .encode(x=alt.X("ms:Q", title="1エポックの時間 [ms]"), color=colour)
    )
    ticks = (
        base.transform_filter("datum.name != '実測'")
        .mark_tick(thickness=4, size=40)
        .encode(x="ms:Q", color=colour)
    )
    words = (
        base.transform_filter("datum.name == '実測'")
        .mark_text(align="left", color="black", fontWeight="bold")
        .encode(x=alt.value(6), text=alt.Text("ms:Q", format=".0f"))
    )
    return charts.finish(bars + ticks + words, height)


def _foretold(spec: LoadSpec, report: Report, workers: int) -> float:
    """Return the seconds that the run without workers lets one expect of ``workers``."""
    alone = report.runs[0]
    return foretold(alone.load, alone.step, spec.batches, workers)


def show_times(spec: LoadSpec, report: Report) -> None:
    """Draw seconds an epoch, measured and foretold."""
    workers = np.array([run.workers for run in report.runs] * 2)
    told = [_foretold(spec, report, run.workers) for run in report.runs]
    values = np.array([run.epoch for run in report.runs] + told) * 1e3
    names = ["実測"] * len(report.runs) + ["式からの予告"] * len(report.runs)
    charts.draw(
        _times_spec(190),
        charts.rows(names, workers=workers, ms=values),
        "ワーカーの人数ごとの1エポックの時間。"
        + "、".join(f"{run.workers}人は {run.epoch * 1e3:.0f} ms" for run in report.runs),
    )


def table(report: Report) -> None:
    """Show what was measured."""
    lines = [
        "| W | 起動 | 1エポック | 読み込み | 学習 |",
        "|--:|--:|--:|--:|--:|",
    ]
    for run in report.runs:
        cells = (run.start, run.epoch, run.load, run.step)
        lines.append(f"| {run.workers}人 | " + " | ".join(f"{value * 1e3:,.1f}" for value in cells) + " |")
    st.markdown("\n".join(lines))
    st.caption(
        "W はワーカーの人数、単位は ms、読み込みと学習は1バッチ分です。起動は最初のバッチが届くまでの時間、"
        "1エポックは2回測ったうちの短いほうです(起動を含みません)。"
    )
    st.caption(
        f"このアプリを動かしているコンピューター(使えるコア {report.cores} 個、起動方法 {report.start})での、"
        "いまの実測です。ほかの人の学習と重なると延びます。"
    )


def reading(spec: LoadSpec, report: Report) -> list[str]:
    """Say what the numbers mean."""
    alone, one, two = report.runs
    said = [
        f"0人では、読み込み {alone.load * 1e3:.1f} ms と学習 {alone.step * 1e3:.1f} ms を {spec.batches} 回、"
        f"代わる代わる行います。学習は全体の {alone.step / (alone.load + alone.step):.0%} で、"
        "残りのあいだネットワークは待っています。",
    ]
    for run in (one, two):
        gain = alone.epoch - run.epoch
        started = run.start - alone.start
        if gain > 0.02 * alone.epoch and started > 0:
            said.append(
                f"{run.workers}人では、1エポックが {gain * 1e3:.0f} ms 短くなりました。起動に余分にかかった "
                f"{started * 1e3:.0f} ms は、{started / gain:.1f} エポックで取り戻せます。"
            )
        elif gain <= 0:
            said.append(f"{run.workers}人では、1エポックが {-gain * 1e3:.0f} ms 延びました。")
    if spec.cost == "none":
        said.append(
            "式の予告には、別のプロセスからバッチを受け取る手間が入っていません。実測との差が、その手間です。"
        )
    slowed = two.load / alone.load if alone.load > 0 else 1.0
    if spec.cost == "compute" and slowed > 1.2:
        said.append(
            f"2人で読み込むと、1バッチの読み込みが {slowed:.1f} 倍に延びました。"
            "計算する読み込みはコアを使うので、"
            f"コア {report.cores} 個を、本体とワーカーとほかの仕事とで取り合っています。"
        )
    elif spec.cost == "wait":
        said.append(
            "待つだけの読み込みはコアを使わないので、ワーカーを増やした分だけ重ねられます。"
            "学習より速く用意できるようになれば、それ以上増やしても縮みません。"
        )
    return said


def formula(spec: LoadSpec, report: Report) -> None:
    """Show the theory with the numbers measured without workers."""
    alone: Measured = report.runs[0]
    load, step, n = alone.load * 1e3, alone.step * 1e3, spec.batches
    c, s = text.number(load), text.number(step)
    with st.expander("数式で見る(予告はどう計算したか)"):
        st.markdown("1バッチの読み込みを c、学習を s、バッチの数を n、ワーカーを W 人とします。")
        st.latex(r"T_0 = n\,(c + s),\qquad T_W \approx c + (n - 1)\max\!\left(\frac{c}{W},\ s\right) + s")
        st.latex(rf"T_0 = {n} \times ({c} + {s}) = {text.number(n * (load + step))}\ \text{{ms}}")
        for run in report.runs[1:]:
            told = _foretold(spec, report, run.workers) * 1e3
            st.latex(
                rf"T_{run.workers} \approx {c} + {n - 1} \times \max({c} / {run.workers},\ {s}) + {s}"
                rf" = {text.number(told)}\ \text{{ms}}"
                rf"\qquad(\text{{実測 }} {text.number(run.epoch * 1e3)}\ \text{{ms}})"
            )
