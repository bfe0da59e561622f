"""Lesson データ拡張: curves are changed, and what a doctor would read off them is measured again."""

from __future__ import annotations

import random
from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs, series_augment_script
from core.series_augment import (
    KINDS,
    LABELS,
    Measured,
    WaveSpec,
    augment,
    factor,
    mean_speed,
    measure,
    signal_to_noise,
)
from core.specs import digest
from pages.parts.augmentation import series_view as view
from pages.parts.augmentation import series_words as words
from pages.parts.augmentation.series_presets import CURVES, MAX_SEED, PRESETS, SEED, VIEWS
from pages.ui import lesson, runs, workings
from pages.ui import side_by_side as parts

SLOT = "au_s"


def _reseed() -> None:
    st.session_state["au_s_seed"] = random.randrange(MAX_SEED + 1)


def _percent(label: str, start: int, key: str, about: str) -> float:
    return (
        st.slider(label, 0, 50, start, step=2, format="±%d %%", key=key, bind="query-params", help=about)
        / 100
    )


def _settings(details: DeltaGenerator) -> tuple[WaveSpec, str]:
    """Ask for the curve, the transform and its strengths."""
    label = CURVES[st.selectbox("波形と、そのラベル", list(CURVES), key="au_s_label", bind="query-params")]
    shown = parts.choice("かける変換", VIEWS, "au_s_view")
    ecg = LABELS[label].beats is not None
    left, right = st.columns(2)
    with left:
        noise = (
            st.slider("雑音(標準偏差 mV)", 0.0, 0.3, 0.03, 0.01, key="au_s_noise", bind="query-params")
            if ecg
            else st.slider("雑音(標準偏差 回/分)", 0, 15, 2, 1, key="au_s_noise_bpm", bind="query-params")
        )
        warp = _percent("時間の伸縮(速さ)", 20, "au_s_warp", "3か所の速さを引き、3次式でつなぎます。")
    with right:
        scale = _percent("拡大縮小(高さ)", 10, "au_s_scale", "波形ごとに倍率を1つ引きます。")
        mask = (
            st.slider("マスク(秒)", 0.0, 3.0, 0.0, 0.1, key="au_s_mask", bind="query-params")
            if ecg
            else st.slider("マスク(分)", 0, 120, 0, 10, key="au_s_mask_min", bind="query-params")
        )
    with details.expander("詳しい設定(本数・乱数)"):
        variants = st.slider("作る本数", 4, 20, 12, key="au_s_variants", bind="query-params")
        seed = st.number_input("乱数の種", 0, MAX_SEED, SEED, key="au_s_seed", bind="query-params")
    spec = WaveSpec(
        label=label,
        noise=round(float(noise), 2),
        scale=scale,
        warp=warp,
        mask=round(float(mask), 1),
        variants=int(variants),
        seed=int(seed),
    )
    return spec, shown


def _of(spec: WaveSpec, shown: str) -> WaveSpec:
    return spec if shown == "all" else spec.alone(shown)


def _choices(count: int) -> list[str]:
    few, many = count // 4, 2 * count // 3
    return ["0 本", f"1〜{few} 本" if few > 1 else "1 本", f"{few + 1}〜{many} 本", f"{many + 1}〜{count} 本"]


def _answer(spec: WaveSpec, measured: Measured) -> lesson.Answer:
    edges = (1, spec.variants // 4 + 1, 2 * spec.variants // 3 + 1)
    place = sum(measured.broken >= edge for edge in edges)
    return lesson.Answer(_choices(spec.variants)[place], words.verdict(spec, measured))


@st.fragment
def show() -> None:
    """Draw variants of a curve, and measure whether its label still holds for each."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        button = st.container()
        above, below = st.container(), st.container()
        with above:
            spec, shown = _settings(below)
        one = _of(spec, shown)
        said = words.WORDS[spec.label]
        names = {name: label for label, name in VIEWS.items()}
        with question:
            lesson.predict(
                SLOT,
                f"「{names[shown]}」を掛けた {spec.variants} 本のうち、"
                f"「{said.name}」({said.stands_on})が正しくなくなるのは?",
                _choices(spec.variants),
                (one, shown),
            )
        with button:
            asked = workings.asked(SLOT, "ラベルを測り直す")
            st.button(
                "くじを引き直す",
                icon=":material/casino:",
                on_click=_reseed,
                key="au_s/reseed",
                width="stretch",
            )
        workings.presets(SLOT, PRESETS)
    with stage:
        found = {kind: measure(spec.alone(kind)) for kind in KINDS} | {"all": measure(spec)} if asked else {}
        view.show_curves(one, augment(one), found.get(shown))
        if not asked:
            st.info(
                f"灰色がもとの波形で、「{said.name}」のラベルが付いています。"
                "▶ で1本ずつ見て、ラベルが正しいままかどうかを予想してから、"
                "「ラベルを測り直す」を押してください。",
                icon=":material/ecg_heart:",
            )
        else:
            lesson.score(SLOT, (one, shown), lambda: _answer(one, found[shown]))
    if asked:
        _result(spec, one, shown, found)
    st.caption(
        "**教育用の模擬波形です。** 心電図は McSharry らの式(2003)にならったガウス関数の和で、"
        "実際の患者さんの記録ではありません。ラベルの基準は、この教材での目安です。"
    )


def _result(spec: WaveSpec, one: WaveSpec, shown: str, found: Mapping[str, Measured]) -> None:
    st.header("読み解き")
    left, right = st.columns([5, 4], gap="large")
    with left:
        view.show_numbers(spec, found)
        st.caption(
            "点は波形1本ずつ、ひし形はもとの波形、破線はラベルの境目です。左の数字は、ラベルが変わった本数です。"
        )
    with right:
        values = found[shown].numbers
        rows = [
            [
                f"**{words.SHORT[name]}**" if name == LABELS[one.label].measure else words.SHORT[name],
                words.told(name, float(column[0])),
                words.reach(name, column[1:]),
            ]
            for name, column in values.items()
        ]
        parts.table(["測った値", "もと", f"拡張後({one.variants} 本)"], rows)
    workings.why(PRESETS)
    parts.points(words.clinical(spec, found))
    if st.toggle("同じ強さで、ほかのラベルも測る", key="au_s_all", bind="query-params"):
        _others(spec)
    _formula(one, found[shown])
    workings.script(SLOT, series_augment_script.script(spec), f"series_{spec.label}", library="NumPy")


@st.cache_data(max_entries=200, show_spinner=False)
def _count(name: str, _spec: WaveSpec) -> dict[str, dict[str, int]]:  # noqa: ARG001 - the key
    found: dict[str, dict[str, int]] = runs.engine().quick(jobs.other_labels, _spec, timeout=30)
    return found


def _others(spec: WaveSpec) -> None:
    try:
        counts = _count(digest(spec), spec)
    except TimeoutError:
        st.info(workings.WAIT)
        return
    rows = [
        [f"{words.WORDS[name].name}", *(f"**{n}**" if n else "0" for n in row.values())]
        for name, row in counts.items()
    ]
    parts.table(["ラベル", *words.KIND_LABELS.values()], rows)
    st.caption(
        f"{spec.variants} 本中、その変換だけでラベルが変わった本数です。安全な変換は、ラベルごとに違います。"
    )


def _formula(one: WaveSpec, measured: Measured) -> None:
    """Show the transforms with the numbers of the first variant."""
    with st.expander("数式で見る(1本目の数字)"):
        st.latex(r"x'(t) = a\,x(\tau(t)) + \varepsilon(t), \qquad \frac{d\tau}{dt} = s(t) > 0")
        times, speed = factor(one, 0), mean_speed(one, 0)
        st.markdown(
            f"倍率 a = {times:.3f}、時計の速さ s の平均 = {speed:.3f}。"
            "s は3か所で引いた速さを3次式 $3u^2-2u^3$ でつないだもので、いつも正です。"
            "時間が逆に進むことはありません。"
        )
        first = {name: float(values[1]) for name, values in measured.numbers.items()}
        origin = {name: float(values[0]) for name, values in measured.numbers.items()}
        if one.is_ecg:
            st.latex(
                rf"\text{{心拍数}} \approx {origin['rate']:.1f} \times {speed:.3f}"
                rf" = {origin['rate'] * speed:.1f}\ \text{{回/分}}"
                rf"\quad(\text{{測った値 }} {first['rate']:.1f})"
            )
            st.latex(
                r"QTc = \frac{QT}{\sqrt{RR}} = "
                rf"\frac{{{first['qt']:.0f}}}{{\sqrt{{60/{first['rate']:.1f}}}}}"
                rf" = {first['qtc']:.0f}\ \text{{ms}}"
            )
        if one.noise:
            ratio = signal_to_noise(one)
            st.latex(
                r"SN比 = 20\log_{10}\frac{\text{波形の標準偏差}}{\text{雑音の標準偏差}}"
                rf" = 20\log_{{10}}\frac{{{one.noise * 10 ** (ratio / 20):.3f}}}{{{one.noise:g}}}"
                rf" = {ratio:.1f}\ \text{{dB}}"
            )
