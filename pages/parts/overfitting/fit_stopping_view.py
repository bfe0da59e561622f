"""Charts and sentences of the experiment with early stopping."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.history import Epoch, TableRun
from core.specs import TableRunSpec
from core.stopping import Count, counts
from pages.ui import charts, text
from pages.ui import side_by_side as parts

TRAIN, HELD, ON = "学習", "検証", "検証(止めずに続けた場合)"
BEST, STOP = "最良", "停止"
COLOURS = (charts.COLOURS["学習"], charts.COLOURS["検証"], charts.COLOURS["直前の値"])
LINE, MARK = range(2)


def losses(history: Sequence[Epoch]) -> list[float]:
    """Return the validation losses of epochs."""
    return [epoch.validation_loss for epoch in history if epoch.validation_loss is not None]


@lru_cache(maxsize=16)
def _curves_spec(epochs: int, names: tuple[str, ...]) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False))
    y = alt.Y("loss:Q", title="損失(交差エントロピー)", axis=alt.Axis(minExtent=30))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=COLOURS[: len(names)]),
        legend=alt.Legend(orient="top", title=None, labelLimit=260),
    )
    hover = [
        alt.Tooltip("epoch:Q", title="エポック"),
        alt.Tooltip("name:N", title="曲線"),
        alt.Tooltip("loss:Q", title="損失", format=".4f"),
    ]
    line = base.transform_filter(f"datum.kind == {LINE}").mark_line(strokeWidth=2, clip=True)
    mark = base.transform_filter(f"datum.kind == {MARK}")
    best = mark.transform_filter(f"datum.name == '{BEST}'")
    green = charts.COLOURS["予測(モデル)"]
    grey = charts.COLOURS["実測値"]
    written = mark.mark_text(align="left", dx=4, fontSize=11, color=grey, baseline="bottom")
    chart = alt.layer(
        line.encode(
            x=x,
            y=y,
            color=colour,
            tooltip=hover,
            strokeDash=alt.condition(f"datum.name == '{ON}'", alt.value([4, 3]), alt.value([1, 0])),
        ),
        best.mark_rule(color=green, strokeDash=[4, 3], strokeWidth=1.5).encode(x=x),
        mark.transform_filter(f"datum.name == '{STOP}'")
        .mark_rule(color=grey, strokeDash=[2, 3], strokeWidth=1.5)
        .encode(x=x),
        best.mark_point(size=190, filled=True, shape="diamond", color=green).encode(x=x, y=y, tooltip=hover),
        written.encode(x=x, y=alt.value("height"), text="name:N").transform_filter(f"datum.name == '{BEST}'"),
        written.encode(x=x, y=alt.value(12), text="name:N").transform_filter(f"datum.name == '{STOP}'"),
    )
    return charts.finish(chart, 260)


def _line(name: str, loss: Sequence[float], first: int = 1) -> pa.Table:
    n = len(loss)
    return charts.rows(
        name,
        epoch=np.arange(first, first + n, dtype=np.int32),
        loss=np.array(loss, dtype=np.float32),
        kind=np.full(n, LINE, dtype=np.int8),
    )


def _mark(name: str, epoch: int, loss: float) -> pa.Table:
    return charts.rows(
        name,
        epoch=np.array([epoch], dtype=np.int32),
        loss=np.array([loss], dtype=np.float32),
        kind=np.array([MARK], dtype=np.int8),
    )


def show_curves(
    spec: TableRunSpec, history: Sequence[Epoch], stopped: bool, on: Sequence[Epoch] = ()
) -> None:
    """Draw both losses with the best epoch so far; ``on`` is the same run, never stopped."""
    held = losses(history)
    found = [_line(TRAIN, [epoch.train_loss for epoch in history]), _line(HELD, held)]
    told = ""
    if held:
        now = counts(held, spec.training.min_delta)[-1]
        found.append(_mark(BEST, now.best_epoch, now.best_loss))
        told = f"最良は {now.best_epoch} エポック目の検証損失 {text.number(now.best_loss)}。"
    if stopped:
        found.append(_mark(STOP, len(history), held[-1]))
    names: tuple[str, ...] = (TRAIN, HELD)
    if len(on) > len(history):
        names = (TRAIN, HELD, ON)
        found.append(_line(ON, losses(on)[len(history) - 1 :], len(history)))
    charts.draw(
        _curves_spec(spec.training.epochs, names),
        pa.concat_tables(found),
        f"エポックごとの学習損失と検証損失。{told}",
        key="of_stop_curves",
    )


@lru_cache(maxsize=16)
def _counter_spec(epochs: int, patience: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    bars = base.mark_bar(size=3, color=charts.COLOURS["テスト"]).encode(
        x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
        y=alt.Y(
            "waited:Q",
            title="我慢(回)",
            scale=alt.Scale(domain=[0, patience], nice=False),
            axis=alt.Axis(values=[0, patience], minExtent=30),
        ),
        tooltip=[
            alt.Tooltip("epoch:Q", title="エポック"),
            alt.Tooltip("waited:Q", title="更新なしの連続回数"),
        ],
    )
    return charts.finish(bars, 112)


def show_counter(spec: TableRunSpec, history: Sequence[Epoch]) -> None:
    """Draw the counter of early stopping, and how far it has come."""
    patience = spec.training.patience or 1
    found = counts(losses(history), spec.training.min_delta)
    now = found[-1] if found else Count(waited=0, best_epoch=0, best_loss=0.0)
    full = min(now.waited, patience)
    st.markdown(
        f"**我慢カウンター {full}/{patience}** {'●' * full}{'○' * (patience - full)}"
        + (f" (最良 {now.best_epoch} エポック目)" if now.best_epoch else "")
    )
    charts.draw(
        _counter_spec(spec.training.epochs, patience),
        charts.rows(
            "我慢",
            epoch=np.arange(1, len(found) + 1, dtype=np.int32),
            waited=np.array([c.waited for c in found], dtype=np.int32),
        ),
        f"検証損失が最良を更新できなかった連続回数。いま {full} 回。{patience} 回で停止する。",
        key="of_stop_counter",
    )


def show_table(result: TableRun, full: TableRun | None) -> None:
    """Compare the restored weights with those at the stop and, if known, those at the very end."""
    held = losses(result.history)
    best, stop = result.weights_epoch, len(result.history)
    rows = [
        [f"最良({best} エポック)に戻す", text.number(held[best - 1]), text.number(result.test_loss)],
        [f"停止時({stop} エポック)のまま", text.number(held[-1]), text.number(result.last_test_loss)],
    ]
    if full is not None:
        end = len(full.history)
        held_on = text.number(losses(full.history)[-1])
        rows.append([f"止めずに最後({end} エポック)まで", held_on, text.number(full.test_loss)])
    parts.table(["重み", "検証損失", "テスト損失"], rows)


def sentences(spec: TableRunSpec, result: TableRun, full: TableRun | None) -> list[str]:
    """Say what stopping early has given, in numbers."""
    held, patience = losses(result.history), spec.training.patience or 0
    best, stop = result.weights_epoch, len(result.history)
    saved = spec.training.epochs - stop
    if result.ending == "early":
        told = [
            f"検証損失は {best} エポック目の {text.number(held[best - 1])} が最良で、"
            f"その後 {patience} 回続けて最良を更新できず、{stop} エポック({best} + {patience})"
            "で止まりました。"
            f"予定より {saved} エポック少なく済みました。"
        ]
    else:
        told = [
            f"我慢の {patience} 回に達しないまま、予定の {stop} エポックを終えました。"
            f"重みは、検証損失が最良だった {best} エポック目のものに戻しています。"
        ]
    gain = result.last_test_loss - result.test_loss
    if abs(gain) < 5e-4:
        told.append("戻しても、テスト損失はほとんど変わりませんでした。")
    else:
        better = "小さく" if gain > 0 else "大きく"
        told.append(
            f"重みを戻したことで、テスト損失は {text.number(result.last_test_loss)} から "
            f"{text.number(result.test_loss)} へ、{abs(gain):.3f} {better}なりました。"
            + (
                ""
                if gain > 0
                else "戻す先は検証の患者で選ぶので、別の患者(テスト)では、このように逆になることもあります。"
            )
        )
    if full is not None:
        end = full.history[-1]
        told.append(
            f"止めずに {end.number} エポックまで続けると、学習損失は {text.number(end.train_loss)} まで下がる"
            f"のに、テスト損失は {text.number(full.test_loss)}"
            f"(戻した重みの {full.test_loss / result.test_loss:.2f} 倍)でした。"
        )
    told.append(
        "テストの患者は、いつ止めるかを決めるのに一度も使っていません。"
        "テストで止めどきを選ぶと、成績が実力より良く見えてしまいます。"
    )
    return told


def whys(spec: TableRunSpec, result: TableRun, full: TableRun | None) -> list[str]:
    """Say why these settings fail, if they do."""
    training, held = spec.training, losses(result.history)
    best, stop = result.weights_epoch, len(result.history)
    found = []
    later = min(losses(full.history)[stop:], default=float("inf")) if full is not None else float("inf")
    if result.ending == "early" and training.min_delta > 0 and min(held) < held[best - 1]:
        found.append(
            f"最小の改善幅 {training.min_delta:g} より小さな改善は数えないため、"
            f"検証損失が {text.number(min(held))} まで下がっていたのに、"
            f"{best} エポック目の {text.number(held[best - 1])} を最良としました(**改善幅が大きすぎる**)。"
        )
    if later < held[best - 1]:
        found.append(
            f"続けていれば、検証損失は {text.number(later)} まで下がりました。偶然の上下に"
            f"{training.patience} 回しか我慢できず、早く止まりすぎました(**我慢が短すぎる**)。"
        )
    if result.ending != "early":
        found.append(
            f"我慢の {training.patience} 回が予定の {training.epochs} エポックに対して長く、"
            "早く終える効果がありませんでした(**我慢が長すぎる**)。重みを戻す効果だけが残ります。"
        )
    elif (training.patience or 0) >= 2 * best:
        found.append(
            f"最良は {best} エポック目なのに、そのあと {training.patience} エポックも待ちました"
            "(**我慢が長すぎる**)。重みは戻るので成績は落ちませんが、計算時間が無駄になります。"
        )
    return found


def show_formula(spec: TableRunSpec, result: TableRun) -> None:
    """Show the rule of early stopping with the numbers of the run."""
    held, best = losses(result.history), result.weights_epoch
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown("エポック t の検証損失が、これまでの最良より δ を超えて小さければ、更新とみなします。")
        st.latex(
            r"L_t < L_\text{最良} - \delta \quad\Rightarrow\quad L_\text{最良} \leftarrow L_t,\ "
            r"\text{我慢} \leftarrow 0 \qquad \text{そうでなければ}\ \text{我慢} \leftarrow \text{我慢} + 1"
        )
        st.latex(
            rf"L_\text{{最良}} = L_{{{best}}} = {held[best - 1]:.4f},\qquad"
            rf" \delta = {spec.training.min_delta:g},\qquad L_{{{len(held)}}} = {held[-1]:.4f}"
        )
        st.markdown("入力から出力までの、重みとバイアスの数です(Linear 層が2つ)。")
        units = spec.model.hidden[0]
        st.latex(
            rf"(20 \times {units} + {units}) + ({units} \times 2 + 2) = {result.parameters:,}".replace(
                ",", "{,}"
            )
        )
