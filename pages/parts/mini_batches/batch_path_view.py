"""Map, chart and sentences of two weights that learn from mini-batches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import batch_walk, contours
from core.batch_walk import DOMAIN, Spread, WalkSpec
from core.landscape import Path
from pages.ui import charts, terrain, text

COLOURS = [charts.PIN_COLOURS[0], charts.PIN_COLOURS[4], charts.PIN_COLOURS[3]]
TITLES = ("切片 b(標準化した単位)", "傾き w(標準化した単位)")
POINTS = 81


def name(size: int) -> str:
    """Name a batch size on the map."""
    if size >= len(batch_walk.patients()[0]):
        return f"全データ({size} 人)"
    return "1人ずつ(B = 1)" if size == 1 else f"ミニバッチ(B = {size})"


@lru_cache(maxsize=1)
def _ground() -> terrain.Ground:
    (left, right), (low, high) = DOMAIN
    b, w = np.meshgrid(np.linspace(left, right, POINTS), np.linspace(low, high, POINTS))
    heights = batch_walk.loss(np.stack([b, w], axis=-1))
    return terrain.Ground(
        domain=DOMAIN,
        heights=(float(heights.min()), float(heights.max())),
        shapes=contours.regions(heights, contours.levels(heights)),
        deepest=(batch_walk.bottom(),),
        titles=TITLES,
        ratio=0.72,
    )


def _show(specs: Sequence[WalkSpec], paths: Sequence[Path], steps: int, alt_text: str) -> None:
    walkers = [
        terrain.Walker(
            name=name(spec.batch_size),
            colour=colour,
            path=Path(
                positions=path.positions,
                losses=path.losses,
                gradients=np.full_like(path.gradients, np.nan),
                ending=path.ending,
            ),
        )
        for spec, path, colour in zip(specs, paths, COLOURS, strict=True)
    ]
    # The last is drawn on top: all patients, whose path is the smoothest.
    terrain.show(
        _ground(),
        walkers[::-1],
        steps=steps,
        key="mb_path",
        alt_text=alt_text,
        speed=10,
        pick=True,
        unit="更新",
    )


def show_start(specs: Sequence[WalkSpec]) -> None:
    """Draw the map with all walkers at the start."""
    start = np.array([specs[0].start])
    standing = Path(
        positions=start,
        losses=batch_walk.loss(start),
        gradients=batch_walk.gradients(start),
        ending="finished",
    )
    _show(specs, [standing] * len(specs), 0, "切片と傾きごとの損失の等高線と、出発点。")


def show_paths(specs: Sequence[WalkSpec], paths: Sequence[Path]) -> None:
    """Play the walks on the map; one that makes fewer updates stays where it ended."""
    ends = "、".join(
        f"{name(spec.batch_size)} は損失 {text.number(float(path.losses[-1]))}"
        for spec, path in zip(specs, paths, strict=True)
    )
    steps = max(len(path.losses) for path in paths) - 1
    _show(specs, paths, steps, f"損失の等高線の上を、3通りのバッチサイズで進む道すじ。終わりに {ends}。")


def wander(path: Path) -> float:
    """Return the root mean square distance from the bottom over the last quarter of a walk."""
    last = max(len(path.positions) // 4, 1)
    away = path.positions[-last:] - np.array(batch_walk.bottom())
    return float(np.sqrt(np.mean(np.sum(away**2, axis=1))))


def written(value: float) -> str:
    """Write a distance; what is nearly 0 as such."""
    return "ほぼ 0 " if value < 1e-6 else f" {text.number(value)} "


def sentence(spec: WalkSpec, path: Path) -> str:
    """Say where a walk ended and how crooked it was."""
    head = f"**{name(spec.batch_size)}** — "
    if path.ending == "diverged":
        return head + f"{path.diverged_at} 回目の修正で遠くへ飛び出しました(**発散**)。"
    moves = np.linalg.norm(np.diff(path.positions, axis=0), axis=1)
    straight = float(np.linalg.norm(path.positions[-1] - path.positions[0]))
    uphill = int(np.sum(np.diff(path.losses) > 1e-12))
    slope = batch_walk.per_year(float(path.positions[-1, 1]))
    return head + (
        f"{len(moves)} 回の修正で、損失は {text.number(float(path.losses[0]))} から "
        f"{text.number(float(path.losses[-1]))} になりました。道のりは直線距離の "
        f"{float(moves.sum()) / max(straight, 1e-12):.1f} 倍、坂を登ってしまった修正は {uphill} 回。"
        f"学んだ傾きは、1歳あたり {slope:.2f} mmHg です。"
    )


def steepest(lr: float) -> str:
    """Say how steep the loss of one patient can be, against that of all."""
    age, _ = batch_walk.patients()
    curve = 2 * (1 + float(np.max(age**2)))
    moments = np.array([[1, age.mean()], [age.mean(), np.mean(age**2)]])
    whole = 2 * float(np.linalg.eigvalsh(moments)[-1])
    return (
        f"谷の曲がり(2階微分)は、全員では最大 {whole:.2f}、平均から最も離れた年齢の1人では {curve:.2f} です。"
        "学習率との積が 1 を超えると1歩で谷底を飛び越え、2 を超えるとかえって遠ざかります: "
        f"{lr:g} × {whole:.2f} = {lr * whole:.2f}、"
        f"{lr:g} × {curve:.2f} = {lr * curve:.2f}。"
    )


PLACES = ("出発点", "終点(全データの道)")


@lru_cache(maxsize=1)
def _spread_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "size:Q",
        title="バッチサイズ B(対数目盛)",
        scale=alt.Scale(type="log", base=2),
        axis=alt.Axis(values=list(batch_walk.SIZES), format="d"),
    )
    scale = alt.Scale(type="log")
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=list(PLACES), range=[charts.PIN_COLOURS[0], charts.PIN_COLOURS[1]]),
        legend=alt.Legend(orient="top", title=None),
    )
    plain = base.mark_line(strokeDash=[4, 4], strokeWidth=1.5).encode(x=x, y="plain:Q", color=colour)
    theory = base.mark_line(strokeWidth=1.5).encode(x=x, y="theory:Q", color=colour)
    points = base.mark_point(filled=True, size=70).encode(
        x=x,
        y=alt.Y("measured:Q", title="勾配のばらつき(対数目盛)", scale=scale),
        color=colour,
        tooltip=[
            alt.Tooltip("size:Q", title="B"),
            alt.Tooltip("measured:Q", title="実測", format=".3g"),
            alt.Tooltip("theory:Q", title="理論", format=".3g"),
            alt.Tooltip("plain:Q", title="σ/√B", format=".3g"),
        ],
    )
    return charts.finish(plain + theory + points, 280)


def show_spread(spreads: Sequence[Spread]) -> None:
    """Draw the spread of gradients against the batch size: measured, theory, and plain σ / √B (dashed)."""
    tables = []
    for place, s in zip(PLACES, spreads, strict=True):
        tables.append(
            charts.rows(
                place,
                size=s.sizes[:-1],
                measured=s.measured[:-1],
                theory=s.theory()[:-1],
                plain=s.sigma / np.sqrt(s.sizes[:-1]),
            )
        )
    charts.draw(
        _spread_spec(),
        pa.concat_tables(tables),
        "バッチサイズに対するミニバッチの勾配のばらつき。点は実測、実線は理論、破線は σ/√B。両対数目盛。",
    )
    st.caption("点は実測、実線は下の式、破線は σ/√B です。全員を使えばばらつきは 0 なので、描けません。")


def spread_table(spreads: Sequence[Spread]) -> None:
    """Show the measured spread at the start beside its theory."""
    start, end = spreads
    lines = ["| B | 出発点 | 理論 | 比 | 1/√B | 終点 |", "|--:|--:|--:|--:|--:|--:|"]
    for i, size in enumerate(start.sizes.tolist()):
        share = float(start.measured[i] / start.measured[0])
        whole = i == len(start.sizes) - 1
        cells = [
            "全員" if whole else str(size),
            "0" if whole else f"{start.measured[i]:.2f}",
            "0" if whole else f"{start.theory()[i]:.2f}",
            "0" if whole else f"{share:.3f}",
            f"{1 / np.sqrt(size):.3f}",
            "0" if whole else f"{end.measured[i]:.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    st.markdown("\n".join(lines))
    st.caption("出発点と終点は実測、理論は出発点のもの、比は B = 1 の実測との比です。")


def spread_reading(spreads: Sequence[Spread], middle: int) -> list[str]:
    """Say what the measured noise tells."""
    start, end = spreads
    at = int(np.flatnonzero(start.sizes == middle)[0])
    full = float(np.linalg.norm(start.gradient))
    last = float(np.linalg.norm(end.gradient))
    n = int(start.sizes[-1])
    if last < 0.1 * full:
        still = (
            f"終点では、全員の勾配は{written(last)}まで小さくなりますが、1人ぶんのばらつきは "
            f"{end.measured[0]:.2f} 残ります。坂がなくなっても一歩一歩はゆれ続けるので、"
            "小さな B は谷底のまわりを歩き回ります。学習率を下げれば、歩き回る範囲は狭くなります。"
        )
    else:
        still = (
            f"全データの道は終点でもまだ坂の途中で、全員の勾配の長さは {last:.2f}、1人ぶんのばらつきは "
            f"{end.measured[0]:.2f} です。谷底に近づくほど勾配は小さくなり、ばらつきだけが残ります。"
        )
    return [
        f"出発点では、全員の勾配の長さが {full:.2f} なのに対し、1人ぶんのばらつきは {start.measured[0]:.2f}、"
        f"B = {middle} では {start.measured[at]:.2f} です。ばらつきは、{batch_walk.DRAWS:,} 個の"
        "ミニバッチを実際に引いて測りました。",
        f"B を {middle} 倍にしても、ばらつきは 1/{middle} にはならず、実測で 1/"
        f"{start.measured[0] / start.measured[at]:.1f} です(1/√{middle} = 1/{np.sqrt(middle):.1f})。"
        f"√B より少し余計に減るのは、{n} 人から重複なしに選ぶためです。",
        still,
    ]


def formula(
    specs: Sequence[WalkSpec],
    paths: Sequence[Path],
    spreads: Sequence[Spread],
    lowest: tuple[float, float],
) -> None:
    """Show loss, update and noise with the numbers of the run."""
    with st.expander("数式で見る(この学習の数字)"):
        st.latex(r"L(b, w) = \frac{1}{N}\sum_i (b + w\,x_i - y_i)^2")
        st.latex(
            rf"\min L = L({lowest[0]:.3f},\ {lowest[1]:.3f}) = {float(batch_walk.loss(np.array(lowest))):.4f}"
        )
        st.markdown("1人ずつの学習の、最初の1歩です。括弧の中は、その1人だけから求めた勾配です。")
        before, after = paths[-1].positions[0], paths[-1].positions[min(1, len(paths[-1].positions) - 1)]
        lr = specs[-1].lr
        g = (before - after) / lr
        st.latex(
            rf"({before[0]:.2f},\ {before[1]:.2f}) - {lr:g} \times ({g[0]:.3f},\ {g[1]:.3f})"
            rf" = ({after[0]:.3f},\ {after[1]:.3f})"
        )
        full = spreads[0].gradient
        st.markdown(f"全員の勾配は ({full[0]:.3f}, {full[1]:.3f}) でした。")
        size = specs[1].batch_size
        s = spreads[0]
        n, at = int(s.sizes[-1]), int(np.flatnonzero(s.sizes == size)[0])
        st.latex(
            r"\sqrt{\mathrm{E}\,\lVert g_B - \nabla L\rVert^2} = \frac{\sigma}{\sqrt{B}}"
            r"\sqrt{\frac{N - B}{N - 1}}"
        )
        st.latex(
            rf"\frac{{{s.sigma:.3f}}}{{\sqrt{{{size}}}}}\sqrt{{\frac{{{n} - {size}}}{{{n} - 1}}}}"
            rf" = {s.theory()[at]:.3f}\qquad(\text{{実測 }} {s.measured[at]:.3f})"
        )
