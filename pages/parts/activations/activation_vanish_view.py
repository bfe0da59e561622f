"""Charts and sentences of the experiment with vanishing gradients and silent units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.history import Frame, TableRun
from core.run import Run
from core.specs import TableRunSpec
from pages.parts.activations import activation_parts as parts
from pages.ui import charts, lesson, player, side_by_side, text
from pages.ui import workings as view

FLOOR, CEILING = 1e-8, 10.0
NOBODY, SEVERAL = "みんな学べる", "2つ以上"
LEARNT = 0.1  # of the loss of always giving the same probability: less is no learning
STEEPEST = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0, "leaky_relu": 1.0}
GRADIENT, EPOCH = range(2)
SILENT, DEAD = "出力が 0 の割合", "死んだユニット"


@lru_cache(maxsize=64)
def _gradient_spec(names: tuple[str, ...], layers: int, steps: int) -> charts.Spec:
    step = player.step_param(steps) if steps else alt.param(name="step", value=0)
    base = alt.Chart(alt.NamedData("rows")).transform_filter("datum.step == step")
    ends = f"datum.value == 1 ? '1(入力側)' : datum.value == {layers} ? '{layers}(出力側)' : datum.value"
    x = alt.X(
        "layer:Q",
        title="層",
        scale=alt.Scale(domain=[0.7, layers + 0.3], nice=False),
        axis=alt.Axis(values=list(range(1, layers + 1)), labelExpr=ends, grid=False, labelFlush=False),
    )
    y = alt.Y(
        "y:Q",
        title="勾配の大きさ(対数目盛)",
        scale=alt.Scale(type="log", domain=[FLOOR, CEILING], nice=False),
        axis=alt.Axis(format="~e", values=[10.0**k for k in range(-8, 2, 2)], minExtent=40),
    )
    lines = base.transform_filter(f"datum.kind == {GRADIENT}")
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=parts.labels(names), range=parts.colours(names)),
        legend=alt.Legend(orient="top", title=None, columns=3),
    )
    hover = [
        alt.Tooltip("name:N", title="活性化関数"),
        alt.Tooltip("layer:Q", title="層"),
        alt.Tooltip("gradient:Q", title="勾配の大きさ", format=".2e"),
    ]
    drawn = lines.mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=60), clip=True)
    said = (
        base.transform_filter(f"datum.kind == {EPOCH}")
        .transform_calculate(said="format(datum.y, 'd') + ' エポック'")
        .mark_text(
            align="right",
            baseline="bottom",
            dy=-8,
            fontSize=14,
            fontWeight="bold",
            color=charts.COLOURS["実測値"],
        )
        .encode(x=alt.value("width"), y=alt.value("height"), text="said:N")
    )
    chart = alt.layer(drawn.encode(x=x, y=y, color=colour, tooltip=hover), said)
    return charts.finish(chart.add_params(step), 270)


def _gradient_rows(names: tuple[str, ...], frames: Sequence[Frame]) -> pa.Table:
    """Make the rows of looks: a gradient a layer of each activation, and the epoch of each look."""
    steps = np.arange(len(frames), dtype=np.int16)
    epochs = np.array([frame.epoch for frame in frames], dtype=np.float32)
    ones = np.ones(len(frames), dtype=np.int8)
    made = [charts.rows("エポック", layer=ones, y=epochs, gradient=epochs, kind=ones * EPOCH, step=steps)]
    for place, name in enumerate(names):
        found = np.stack([frame.arrays[place]["gradients"] for frame in frames]).astype(np.float64)
        found = np.nan_to_num(found, nan=CEILING, posinf=CEILING)  # (looks, layers)
        layers = found.shape[1]
        made.append(
            charts.rows(
                parts.LABELS[name],
                layer=np.tile(np.arange(1, layers + 1, dtype=np.int8), len(frames)),
                y=np.clip(found, FLOOR, CEILING).ravel().astype(np.float32),
                gradient=found.ravel().astype(np.float32),
                kind=np.full(found.size, GRADIENT, dtype=np.int8),
                step=np.repeat(steps, layers),
            )
        )
    return pa.concat_tables(made)


def show_gradients(names: tuple[str, ...], layers: int, frames: Sequence[Frame], playable: bool) -> None:
    """Draw the gradient's length at every layer: the latest look, or all of them to be played."""
    if not frames:
        st.caption("学習を始める前の勾配を測っています。")
        return
    told = f"{'、'.join(parts.labels(names))} の、層ごとの勾配の大きさ。"
    if playable and len(frames) > 1:
        player.play(
            _gradient_spec(names, layers, len(frames) - 1),
            _gradient_rows(names, frames),
            steps=len(frames) - 1,
            key="ac_vanish_flow",
            alt_text=told,
            label="コマ",
        )
    else:
        charts.draw(_gradient_spec(names, layers, 0), _gradient_rows(names, frames[-1:]), told)
    st.caption(f"{view.power(-8)} より小さい勾配(0 も)は下端に描いています。")


@lru_cache(maxsize=16)
def _silence_spec(names: tuple[str, ...], epochs: int) -> charts.Spec:
    line = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
            y=alt.Y("share:Q", title="割合(%)", scale=alt.Scale(domain=[0, 100])),
            color=alt.Color(
                "name:N", scale=alt.Scale(domain=parts.labels(names), range=parts.colours(names)), legend=None
            ),
            strokeDash=alt.condition("datum.dead == 1", alt.value([1, 0]), alt.value([4, 4])),
            detail="dead:N",
            tooltip=[
                alt.Tooltip("name:N", title="活性化関数"),
                alt.Tooltip("epoch:Q", title="エポック"),
                alt.Tooltip("share:Q", title="割合(%)", format=".0f"),
            ],
        )
    )
    return charts.finish(line, 130)


def show_silence(names: tuple[str, ...], epochs: int, frames: Sequence[Frame]) -> None:
    """Draw which share of the outputs is 0, and of the units never speaks, over the epochs."""
    if not frames:
        return
    epoch = np.array([frame.epoch for frame in frames], dtype=np.int32)
    tables = [
        charts.rows(
            parts.LABELS[name],
            epoch=epoch,
            share=np.array([100 * frame.arrays[place][what].mean() for frame in frames], dtype=np.float32),
            dead=np.full(len(frames), int(what == "dead"), dtype=np.int8),
        )
        for place, name in enumerate(names)
        for what in ("silent", "dead")
    ]
    charts.draw(
        _silence_spec(names, epochs),
        pa.concat_tables(tables),
        f"エポックごとの、{SILENT}と{DEAD}の割合。",
    )
    st.caption(
        f"破線は{SILENT}(スパースさ)、実線は**{DEAD}**(調べた患者の誰に対しても出力が 0 のユニット)"
        "の割合です。"
    )


def results(run: Run) -> tuple[TableRun, ...] | None:
    """Return what a run that is done has left, diverged networks too, or say why there is nothing to read."""
    if run.result is None:
        st.info(run.problem or "順番を待っているあいだに停止しました。学習は行われていません。")
        return None
    found: tuple[TableRun, ...] = run.result
    if not all(result.history for result in found):
        st.info("1エポックも終わらないうちに停止しました。")
        return None
    return found


def gain(result: TableRun) -> float:
    """Return by which share the training loss has fallen below always giving the same probability."""
    loss = result.history[-1].train_loss
    return 1 - loss / result.reference_loss if math.isfinite(loss) else -math.inf


def gains(names: Sequence[str], results: Sequence[TableRun]) -> dict[str, float]:
    """Return the gain of each activation, the median of its seeds."""
    return {
        name: float(np.median([gain(result) for result in results[place :: len(names)]]))
        for place, name in enumerate(names)
    }


def answer(found: Mapping[str, float]) -> lesson.Answer:
    """Say who has not learnt."""
    stuck = [name for name, share in found.items() if share < LEARNT]
    told = "、".join(f"{parts.LABELS[name]} {_percent(share)}" for name, share in found.items())
    choice = NOBODY if not stuck else SEVERAL if len(stuck) > 1 else parts.LABELS[stuck[0]]
    return lesson.Answer(
        choice,
        f"いつも同じ確率を答える場合と比べた学習損失の改善は、{told} でした"
        f"({LEARNT:.0%} 未満を「学べない」とします)。",
    )


def _percent(share: float) -> str:
    return f"{view.fixed(100 * share, 0)} %" if math.isfinite(share) else "計算不能"


def ratio(frame: Frame, place: int) -> float:
    """Return the first layer's gradient as a share of the last layer's; NaN without one."""
    gradients = frame.arrays[place]["gradients"].astype(np.float64)
    return float(gradients[0] / gradients[-1]) if gradients[-1] > 0 else math.nan


def _ratio(value: float) -> str:
    return "—" if math.isnan(value) else view.scientific(value)


def show_table(
    specs: Sequence[TableRunSpec],
    results: Sequence[TableRun],
    frames: Sequence[Frame],
    found: Mapping[str, float],
) -> None:
    """Compare the activations in numbers."""
    rows = []
    for place, (spec, result) in enumerate(zip(specs, results, strict=True)):
        name, last = spec.model.activation, frames[-1].arrays[place]
        rows.append(
            [
                f"**{parts.LABELS[name]}**",
                "学べた" if found[name] >= LEARNT else "学べない",
                text.number(result.history[-1].train_loss),
                _ratio(ratio(frames[0], place)),
                _ratio(ratio(frames[-1], place)),
                f"{last['silent'].mean():.0%}",
                f"{last['dead'].mean():.0%}",
            ]
        )
    head = ["", "判定", "学習損失", "比(学習前)", "比(最後)", "出力 0", "死んだ"]
    side_by_side.table(head, rows)
    st.caption(
        "比は、入力側の層の勾配 ÷ 出力側の層の勾配です。"
        "「死んだ」は、調べた患者の誰に対しても出力が 0 のユニットの割合です。"
        f"いつも同じ確率を答える場合の学習損失は {results[0].reference_loss:.3f} です。"
    )


def sentences(specs: Sequence[TableRunSpec], frames: Sequence[Frame]) -> list[str]:
    """Say what is left of the gradient beside the bound by the slopes, and who is silent."""
    depth = len(specs[0].model.hidden)
    bound = 0.25**depth
    told = []
    for place, spec in enumerate(specs):
        name = spec.model.activation
        before = ratio(frames[0], place)
        if name == "sigmoid":
            told.append(
                f"シグモイドの傾きは最大でも 0.25 です。{depth} 層をさかのぼると、傾きの積は大きくても "
                f"0.25{text.superscript(depth)} = {view.scientific(bound)} です。学習前に測った勾配の比は "
                f"**{_ratio(before)}** でした。"
                + ("傾きが 0.25 より小さいことや、掛けられる重みも効いています。" if before < bound else "")
            )
        elif name == "tanh":
            told.append(
                f"tanh の傾きは最大 1 なので、積の上限は 1{text.superscript(depth)} = 1 です。"
                f"測った勾配の比は {_ratio(before)} "
                "でした。上限が 1 でも、実際の傾きや重みが 1 より小さければ、その分だけ縮みます。"
            )
        elif name == "relu":
            silent = frames[-1].arrays[place]["silent"].mean()
            told.append(
                f"ReLU の傾きは、働いている道ではちょうど 1 です(勾配の比 {_ratio(before)})。その代わり、"
                f"学習後は出力の {silent:.0%} が 0 でした(スパース)。"
                "患者ごとに別のユニットが働いているかぎり、これは無駄ではありません。"
            )
    dead = {
        parts.LABELS[spec.model.activation]: float(frames[-1].arrays[place]["dead"].mean())
        for place, spec in enumerate(specs)
        if frames[-1].arrays[place]["dead"].any()
    }
    for label, share in dead.items():
        units = sum(specs[0].model.hidden)
        told.append(
            f"{label} の {units} ユニットのうち {round(share * units)} 個は、"
            "調べたどの患者でも出力が 0 でした。"
        )
    return told


def whys(specs: Sequence[TableRunSpec], frames: Sequence[Frame], found: Mapping[str, float]) -> list[str]:
    """Say why networks have not learnt, by what the looks into them show."""
    told = []
    for place, spec in enumerate(specs):
        name = spec.model.activation
        if found[name] >= LEARNT:
            continue
        last, label = frames[-1].arrays[place], parts.LABELS[name]
        closed = np.flatnonzero(last["dead"] == 1)
        if len(closed):
            told.append(
                f"**{label}**: 学習率 η = {spec.optimizer.lr:g} の大きすぎる修正で、"
                f"{closed[0] + 1} 層目のユニットが1個残らず死にました(**死んだ ReLU**)。"
                "1つの層が全員黙ると患者の情報はそこで途切れ、手前の層に届く勾配はちょうど 0 です。"
                "学習率を下げても、もう目を覚ましません。"
            )
        elif ratio(frames[0], place) < 0.01:
            told.append(
                f"**{label}**: 入力側の層に届く勾配は、学習前で出力側の {_ratio(ratio(frames[0], place))} "
                f"倍しかありません(**勾配消失**)。η = {spec.optimizer.lr:g} の1歩では、"
                "入力側の重みがほとんど動かず、患者の違いが出力まで伝わらないままでした。"
            )
        else:
            told.append(
                f"**{label}**: 勾配は届いていますが(比 {_ratio(ratio(frames[0], place))})、"
                f"学習率 η = {spec.optimizer.lr:g} が合わないか、エポック数が足りません。"
            )
    return told


def luck(names: Sequence[str], results: Sequence[TableRun]) -> list[str]:
    """Say in how many of the seeds each activation has learnt."""
    told = []
    for place, name in enumerate(names):
        mine = results[place :: len(names)]
        able = sum(gain(result) >= LEARNT for result in mine)
        told.append(f"{parts.LABELS[name]} は、{len(mine)} 個の種のうち {able} 個で学べました。")
    return told


def show_formula(specs: Sequence[TableRunSpec], frames: Sequence[Frame]) -> None:
    """Show the chain of slopes with the numbers of the first activation."""
    depth, name = len(specs[0].model.hidden), specs[0].model.activation
    gradients = frames[0].arrays[0]["gradients"]
    with st.expander("数式で見る(学習前の数字)"):
        st.markdown("入力側の重み W₁ に届く勾配は、通ってきた層の傾き φ′ と重みの積です(連鎖律)。")
        st.latex(
            r"\begin{aligned} \frac{\partial L}{\partial W_1} ={} & \frac{\partial L}{\partial \hat y}"
            rf"\ W_{{{depth + 1}}}\,\varphi'(z_{{{depth}}}) \\ & \cdots\ W_2\,\varphi'(z_1)\ x"
            r" \end{aligned}"
        )
        if name in STEEPEST:
            top = STEEPEST[name]
            st.latex(
                rf"\varphi'(z) \le {top:g} \ \Rightarrow\ "
                rf"\varphi'(z_1) \cdots \varphi'(z_{{{depth}}}) \le {top:g}^{{{depth}}} = {top**depth:.3g}"
            )
        st.markdown(f"{parts.LABELS[name]} で測った勾配の大きさ(L2 ノルム)の比です。")
        first, last = (_tex(float(gradients[i])) for i in (0, -1))
        st.latex(
            rf"\frac{{\lVert \partial L / \partial W_1 \rVert}}"
            rf"{{\lVert \partial L / \partial W_{{{depth + 1}}} \rVert}}"
            rf" = \frac{{{first}}}{{{last}}} = {_tex(ratio(frames[0], 0))}"
        )


def _tex(value: float) -> str:
    if not math.isfinite(value):
        return r"\text{計算不能}"
    if value == 0 or 1e-2 <= abs(value) < 1e4:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}"
