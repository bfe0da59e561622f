"""Lesson 勾配降下法, first and second experiment: plain gradient descent on a curve and on a map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core import jobs
from core.landscape import LANDSCAPES, Path, PathSpec
from core.specs import OptimizerSpec, digest
from core.surfaces import Landscape
from pages.parts.gradient_descent import descent_reading
from pages.ui import charts, lesson, runs, terrain, text, walk_script

RATES = [a * 10.0**b for b in range(-4, 1) for a in (1, 2, 5)]
RATES = [float(f"{rate:.0e}") for rate in RATES if rate <= 2]
GRID = 0.05  # of the sliders of the start, and so of a click
BALL = charts.PIN_COLOURS[1]
ASIDE = 0.15  # share of the map's width within which a valley is neither left nor right


@dataclass(frozen=True, kw_only=True)
class Course:
    """One of the two experiments: its landscapes, each with a start and a rate that suit it."""

    slot: str
    defaults: dict[str, tuple[tuple[float, ...], float]]
    presets: tuple[lesson.Preset, ...]
    axes: tuple[str, ...]

    def key(self, name: str) -> str:
        """Return the key, and name in the address, of a control."""
        return f"{self.slot}_{name}"

    def starts(self) -> list[str]:
        """Return the keys of the sliders of the start."""
        return [self.key(axis) for axis in ("x", "y")[: len(self.axes)]]


def _preset(
    slot: str,
    label: str,
    landscape: str,
    start: tuple[float, ...],
    rate: float,
    steps: int = 200,
    why: str = "",
) -> lesson.Preset:
    values: dict[str, Any] = {
        f"{slot}_land": text.LANDSCAPE_LABELS[landscape],
        f"{slot}_rate": rate,
        f"{slot}_steps": steps,
        **dict(zip((f"{slot}_x", f"{slot}_y"), start, strict=False)),
    }
    return lesson.Preset(label, values, why)


LINE = Course(
    slot="gd_line",
    axes=("出発点 w",),
    defaults={"two_valleys_1d": ((-3.5,), 0.02), "bowl_1d": ((-3.5,), 0.1)},
    presets=(
        _preset("gd_line", "深い谷に着く", "two_valleys_1d", (-3.5,), 0.02),
        _preset(
            "gd_line",
            "浅い谷につかまる",
            "two_valleys_1d",
            (3.5,),
            0.02,
            why="右から下ると、先に浅い谷底に着きます。そこでは勾配が 0 なので、修正も 0 になります。",
        ),
        _preset("gd_line", "峠のすぐ左から", "two_valleys_1d", (0.95,), 0.02),
        _preset(
            "gd_line",
            "小さすぎる学習率",
            "two_valleys_1d",
            (-3.5,),
            0.0002,
            why="1歩の長さは η × 勾配です。η が小さすぎると、坂がどれほど急でもほとんど進みません。",
        ),
        _preset(
            "gd_line",
            "大きすぎる学習率",
            "bowl_1d",
            (-3.5,),
            2.0,
            why="谷底を飛び越え、反対側のもっと急な坂に着きます。次の1歩はさらに大きくなり、発散します。",
        ),
    ),
)

MAP = Course(
    slot="gd_map",
    axes=("出発点 w₁(横)", "出発点 w₂(縦)"),
    defaults={
        "two_valleys": ((3.5, 2.5), 0.02),
        "bowl": ((-3.5, 2.5), 0.05),
        "ravine": ((-3.5, 1.5), 0.02),
        "saddle": ((-1.8, 0.05), 0.05),
        "plateau": ((-2.5, 1.5), 0.1),
        "rosenbrock": ((-1.2, 1.0), 0.001),
        "beale": ((1.0, 1.0), 0.01),
        "himmelblau": ((-1.0, 0.0), 0.01),
    },
    presets=(
        _preset("gd_map", "まっすぐ谷底へ", "bowl", (-3.5, 2.5), 0.05),
        _preset(
            "gd_map",
            "局所最小につかまる",
            "two_valleys",
            (3.5, 2.5),
            0.02,
            why="右側から下ると、手前にある浅い谷へ導かれます。そこで勾配が 0 になり、止まります。",
        ),
        _preset("gd_map", "別の出発点なら", "two_valleys", (-3.5, 2.5), 0.02),
        _preset(
            "gd_map",
            "大きすぎる学習率",
            "ravine",
            (-3.5, 1.5),
            0.1,
            why="細い谷の壁がとても急なので、この学習率では谷を越えるたびに、壁から壁へ大きく跳ねてしまいます。",
        ),
        _preset(
            "gd_map",
            "鞍点の尾根の上",
            "saddle",
            (-1.8, 0.0),
            0.05,
            why="w₂ = 0 の尾根の上では、w₂ 方向の勾配がちょうど 0 です。"
            "地図の上側にも下側にも下り坂があるのに、気づけません。",
        ),
        _preset(
            "gd_map",
            "平地で迷う",
            "plateau",
            (-3.5, 2.5),
            0.1,
            why="平地では勾配がほとんど 0 なので、向きは正しくても1歩がごく短くなります。",
        ),
        _preset("gd_map", "4つの谷のどれへ?", "himmelblau", (-1.0, 0.0), 0.01),
    ),
)


@st.cache_resource(max_entries=300, show_spinner=False)
def _walk(name: str, _spec: PathSpec) -> Path:  # noqa: ARG001 - the key
    """Walk on the quick lane; equal settings are walked once for all readers."""
    (path,) = runs.engine().quick(jobs.descend, (_spec,), timeout=30)
    return path  # type: ignore[no-any-return]


def _standing(spec: PathSpec) -> Path:
    """Return a walk that has not begun."""
    land = LANDSCAPES[spec.landscape]
    start = np.array([spec.start])
    return Path(positions=start, losses=land.value(start), gradients=land.gradient(start), ending="finished")


def valley(landscape: Landscape, minimum: tuple[float, ...]) -> str:
    """Name a valley by where on the map it lies."""
    low, high = landscape.corners
    away = (np.array(minimum) - (low + high) / 2) / (high - low)
    names = (("左", "右"), ("下", "上"))
    words = [pair[int(a > 0)] for pair, a in zip(names, away, strict=False) if abs(a) > ASIDE]
    return "".join(words) + "の谷"


def _choices(landscape: Landscape) -> list[str]:
    """Return what can be predicted of a walk: a valley of its own each where several are deepest."""
    minima = np.array(landscape.minima)
    depths = landscape.value(minima)
    deepest = [m for m, d in zip(landscape.minima, depths, strict=True) if d <= depths.min() + 1e-9]
    ends = ["いちばん深い谷底"] if len(deepest) == 1 else [valley(landscape, m) for m in deepest]
    if len(deepest) < len(minima):
        ends.append("浅い谷底(局所最小)")
    return [*ends, "途中(谷底には着かない)", "発散する"]


def _answer(path: Path, landscape: Landscape) -> lesson.Answer:
    kind = descent_reading.ending(path, landscape)
    because = descent_reading.headline(path, landscape)
    if kind == "diverged":
        return lesson.Answer("発散する", because)
    if kind == "local":
        return lesson.Answer("浅い谷底(局所最小)", because)
    if kind != "global":
        return lesson.Answer("途中(谷底には着かない)", because)
    found = valley(landscape, descent_reading.nearest(landscape, path.positions[-1]))
    choice = found if found in _choices(landscape) else "いちばん深い谷底"
    return lesson.Answer(choice, because)


def _take_click(course: Course) -> None:
    """Move the sliders of the start to where the reader has just clicked."""
    point = terrain.picked(course.slot)
    if point is None:
        return
    labels = {text.LANDSCAPE_LABELS[name]: name for name in course.defaults}
    name = labels.get(st.session_state.get(course.key("land"), ""), next(iter(course.defaults)))
    for key, value, (low, high) in zip(course.starts(), point, LANDSCAPES[name].domain, strict=False):
        st.session_state[key] = float(np.clip(round(round(value / GRID) * GRID, 2), low, high))


def _settings(course: Course) -> tuple[PathSpec, bool]:
    """Ask for landscape, start, rate and steps; return the walk, and whether there is fog."""
    labels = {text.LANDSCAPE_LABELS[name]: name for name in course.defaults}

    def suit() -> None:
        start, rate = course.defaults[labels[st.session_state[course.key("land")]]]
        st.session_state[course.key("rate")] = rate
        st.session_state.update(dict(zip(course.starts(), start, strict=True)))

    label = st.selectbox("地形", list(labels), key=course.key("land"), bind="query-params", on_change=suit)
    fog = st.toggle("霧をかける", key=course.key("fog"), bind="query-params", help=_FOG)
    name = labels.get(label, next(iter(labels.values())))
    start, rate = course.defaults[name]
    at = [
        st.slider(axis, low, high, value, step=GRID, key=key, bind="query-params")
        for axis, (low, high), value, key in zip(
            course.axes, LANDSCAPES[name].domain, start, course.starts(), strict=True
        )
    ]
    eta = st.select_slider(
        "学習率 η", RATES, rate, format_func=lambda v: f"{v:g}", key=course.key("rate"), bind="query-params"
    )
    steps = st.slider("歩数", 20, 1000, 200, step=20, key=course.key("steps"), bind="query-params")
    spec = PathSpec(
        landscape=name,
        start=tuple(float(value) for value in at),
        optimizer=OptimizerSpec(name="sgd", lr=eta),
        steps=steps,
    )
    return spec, fog


_FOG = "霧の中では、足もとの傾きしか分かりません。ネットワークの学習も、これと同じ状況で進みます。"


@st.fragment
def show(course: Course) -> None:
    """Let the reader choose a landscape and a start, predict, and watch the walk."""
    _take_click(course)
    question = st.container()
    controls, stage = st.columns([1, 2], gap="large")
    with controls:
        spec, fog = _settings(course)
        land = LANDSCAPES[spec.landscape]
        with question:
            lesson.predict(course.slot, f"{spec.steps} 歩後に、どこにいるでしょう?", _choices(land), spec)
        if st.button(
            "歩き始める", type="primary", icon=":material/hiking:", width="stretch", key=course.key("start")
        ):
            st.session_state[course.key("asked")] = spec
        st.caption("試してみる設定:")
        lesson.presets(course.slot, course.presets)
    with stage:
        path = _asked(course, spec)
        _draw(course, spec, path or _standing(spec), fog, walked=path is not None)
        if path is not None and _may_tell(course, fog):
            _tell(course, spec, path, land)


def _asked(course: Course, spec: PathSpec) -> Path | None:
    """Return the walk if the reader has asked for it with these very settings."""
    if st.session_state.get(course.key("asked")) != spec:
        return None
    try:
        return _walk(digest(spec), spec)
    except TimeoutError:
        st.info("計算の準備をしています。数秒後にもう一度「歩き始める」を押してください。")
        return None


def _draw(course: Course, spec: PathSpec, path: Path, fog: bool, walked: bool) -> None:
    alt_text = f"「{text.LANDSCAPE_LABELS[spec.landscape]}」の損失の地形と、"
    alt_text += f"出発点 {descent_reading.point(spec.start)} から下る点。"
    walker = terrain.Walker(
        name="勾配降下法",
        colour=BALL,
        path=path,
        arrows={"下る向き −∇L": -path.gradients},
    )
    terrain.show(
        spec.landscape,
        [walker],
        steps=len(path.positions) - 1 if walked else 0,
        key=course.slot,
        alt_text="霧の中の" + alt_text if fog else alt_text,
        fog=fog,
        pick=True,
    )
    if not walked:
        st.info(
            "図の上をクリック(タップ)すると、そこが出発点になります。"
            "予想を選んで「歩き始める」を押してください。",
            icon=":material/touch_app:",
        )


def _may_tell(course: Course, fog: bool) -> bool:
    """In fog the reader first walks; the answer comes when they ask for it."""
    if not fog:
        return True
    return st.toggle("答え合わせをする(霧の中の結果を見る)", key=course.key("reveal"))


def _tell(course: Course, spec: PathSpec, path: Path, land: Landscape) -> None:
    lesson.score(course.slot, spec, lambda: _answer(path, land))
    why = next((p.why for p in course.presets if p.why and _is_preset(course, p, spec)), "")
    if why:
        st.markdown(f"**なぜ** — {why}")
    for sentence in descent_reading.reasons(spec.optimizer.lr, path, land):
        st.markdown(f"- {sentence}")
    _formula(course, spec, path, land)
    _code(course, spec)


def _is_preset(course: Course, preset: lesson.Preset, spec: PathSpec) -> bool:
    return preset.values == {
        course.key("land"): text.LANDSCAPE_LABELS[spec.landscape],
        course.key("rate"): spec.optimizer.lr,
        course.key("steps"): spec.steps,
        **dict(zip(course.starts(), spec.start, strict=True)),
    }


def _formula(course: Course, spec: PathSpec, path: Path, land: Landscape) -> None:
    """Show the update rule with the numbers of a step that the reader chooses."""
    with st.expander("数式で見る(この道のりの数字)"):
        st.latex(land.latex)
        st.latex(r"w \leftarrow w - \eta\,\nabla L(w)")
        last = len(path.positions) - 1
        if last < 1:
            st.caption("1歩目で数値として表せなくなったため、代入できる数字がありません。")
            return
        step = 1
        if last > 1:
            step = st.slider("何歩目の修正を見るか", 1, last, 1, key=course.key("formula"))
        st.latex(substituted(spec.optimizer.lr, path, step))
        if land.source:
            st.caption(f"地形の出典: {land.source}")


def substituted(eta: float, path: Path, step: int) -> str:
    """Return the update of ``step`` as LaTeX with its numbers: before − η × gradient = after."""
    before, slope, after = path.positions[step - 1], path.gradients[step - 1], path.positions[step]
    return rf"{_vector(before)} - {eta:g} \times {_vector(slope)} = {_vector(after)}"


def _vector(values: np.typing.NDArray[np.float64]) -> str:
    numbers = [f"{value:.4g}" if abs(value) < 1e5 else f"{value:.3e}" for value in values]
    numbers = [_power(number) for number in numbers]
    if len(numbers) == 1:
        return f"({numbers[0]})"
    return r"\begin{pmatrix}" + r"\\".join(numbers) + r"\end{pmatrix}"


def _power(number: str) -> str:
    mantissa, _, exponent = number.partition("e")
    return rf"{mantissa}\times10^{{{int(exponent)}}}" if exponent else mantissa


def _code(course: Course, spec: PathSpec) -> None:
    with st.expander("この道のりとまったく同じ PyTorch のコード"):
        st.caption("実行すると、この画面と同じ終わりの位置と損失が表示されます。")
        st.download_button(
            "Python(.py)",
            walk_script.script(spec),
            file_name=f"gradient_descent_{spec.landscape}_{digest(spec)[:8]}.py",
            mime="text/x-python",
            icon=":material/download:",
            key=course.key("py"),
            on_click="ignore",
        )
        st.code(walk_script.script(spec), language="python", height=320)


def shower(course: Course) -> Callable[[], None]:
    """Return the experiment as something without arguments to call."""
    return lambda: show(course)
