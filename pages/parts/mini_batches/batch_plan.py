"""Lesson ミニバッチ, fourth experiment: how a DataLoader deals out patients, epoch by epoch."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import streamlit as st

from core import jobs
from core.batches import Plan, PlanSpec, leftover, updates
from core.specs import digest
from pages.parts.mini_batches import batch_script
from pages.ui import charts, lesson, player, runs

SLOT = "mb_plan"
CHOICES = ["1人もいない", "1人以上いる"]
DROPPED = "使わない"
BATCH_COLOURS = [colour for colour in charts.PIN_COLOURS if colour != "#8A8F94"]


def _preset(label: str, why: str = "", **others: Any) -> lesson.Preset:
    usual: dict[str, Any] = {
        "mb_plan_n": 20,
        "mb_plan_b": 6,
        "mb_plan_shuffle": True,
        "mb_plan_drop": False,
        "mb_plan_epochs": 3,
    }
    return lesson.Preset(label, usual | others, why)


PRESETS = [
    _preset("混ぜて、端数も使う"),
    _preset("混ぜて、端数は捨てる", mb_plan_drop=True),
    _preset(
        "混ぜずに、端数を捨てる",
        "順番が毎回同じなので、列の最後にいる人は、何エポック学習しても捨てられ続けます。"
        "`drop_last=True` は、シャッフルと組で使うものです。",
        mb_plan_shuffle=False,
        mb_plan_drop=True,
    ),
    _preset(
        "バッチが人数より大きい",
        "全員を集めても1つのバッチに満たないので、そのバッチごと捨てられ、更新は 0 回になります。"
        "エラーにはならないまま、何も学びません。",
        mb_plan_n=10,
        mb_plan_b=12,
        mb_plan_drop=True,
    ),
]


@st.cache_data(max_entries=300, show_spinner=False)
def _plan(name: str, _spec: PlanSpec) -> Plan:  # noqa: ARG001 - the key
    """Deal out on the quick lane; equal settings are dealt out once for all readers."""
    found: Plan = runs.engine().quick(jobs.batch_plan, _spec, timeout=30)
    return found


def _settings() -> PlanSpec:
    patients = st.slider("患者数 N", 6, 24, 20, key="mb_plan_n", bind="query-params")
    size = st.slider("バッチサイズ B(batch_size)", 1, 12, 6, key="mb_plan_b", bind="query-params")
    shuffle = st.toggle(
        "エポックごとに混ぜる(shuffle)", value=True, key="mb_plan_shuffle", bind="query-params"
    )
    drop = st.toggle("端数を捨てる(drop_last)", key="mb_plan_drop", bind="query-params")
    epochs = st.slider("エポック数", 1, 5, 3, key="mb_plan_epochs", bind="query-params")
    seed = st.slider("乱数の種", 0, 20, 0, key="mb_plan_seed", bind="query-params")
    return PlanSpec(
        patients=patients, batch_size=size, shuffle=shuffle, drop_last=drop, epochs=epochs, seed=seed
    )


@st.fragment
def show() -> None:
    """Let a real DataLoader deal out a few patients, and play the batches."""
    question = st.container()
    controls, stage = st.columns([1, 2], gap="large")
    with controls:
        button = st.container()
        spec = _settings()
        with question:
            lesson.predict(SLOT, f"{spec.epochs} エポックのあいだ、一度も使われない患者は?", CHOICES, spec)
        if button.button(
            "配ってみる", type="primary", icon=":material/play_arrow:", width="stretch", key="mb_plan/go"
        ):
            st.session_state["mb_plan/asked"] = spec
        st.caption("試してみる設定:")
        lesson.presets(SLOT, PRESETS)
    with stage:
        if st.session_state.get("mb_plan/asked") != spec:
            st.info(
                "DataLoader は、患者の列を混ぜ、B 人ずつのバッチに切り分けて、順に渡してくれる係です。"
                "予想を選んで「配ってみる」を押すと、本物の DataLoader が配った順番を描きます。",
                icon=":material/style:",
            )
            st.latex(_count(spec))
            return
        try:
            plan = _plan(digest(spec), spec)
        except TimeoutError:
            st.info("計算の準備をしています。数秒後にもう一度「配ってみる」を押してください。")
            return
        _draw(spec, plan)
        lesson.score(SLOT, spec, lambda: _answer(spec, plan))
        why = next((p.why for p in PRESETS if p.why and _is_preset(p, spec)), "")
        if why:
            st.markdown(f"**なぜ** — {why}")
        for said in reading(spec, plan):
            st.markdown(f"- {said}")
        with st.expander("数式で見る(更新の回数)"):
            st.latex(_count(spec))
            made = sum(len(epoch) for epoch in plan.epochs)
            st.latex(
                rf"{updates(spec.patients, spec.batch_size, spec.drop_last)} \times {spec.epochs} = {made}"
                r"\ \text{回の修正}"
            )
        batch_script.show(SLOT, batch_script.plan_script(spec), "dataloader_batches.py")


def _count(spec: PlanSpec) -> str:
    """Write the number of updates of one epoch with its numbers."""
    n, b = spec.patients, spec.batch_size
    left, right = (r"\lfloor", r"\rfloor") if spec.drop_last else (r"\lceil", r"\rceil")
    return (
        rf"{left} N / B {right} = {left} {n} / {b} {right} = {updates(n, b, spec.drop_last)}"
        r"\ \text{回の更新(1エポック)}"
    )


def _is_preset(preset: lesson.Preset, spec: PlanSpec) -> bool:
    return preset.values == {
        "mb_plan_n": spec.patients,
        "mb_plan_b": spec.batch_size,
        "mb_plan_shuffle": spec.shuffle,
        "mb_plan_drop": spec.drop_last,
        "mb_plan_epochs": spec.epochs,
    }


def _answer(spec: PlanSpec, plan: Plan) -> lesson.Answer:
    never = plan.never(spec.patients)
    if not never:
        return lesson.Answer(
            CHOICES[0], f"{spec.patients} 人の全員が、{spec.epochs} エポックのどこかで使われました。"
        )
    return lesson.Answer(CHOICES[1], f"{_people(never)}が、一度も使われませんでした({len(never)} 人)。")


def _people(numbers: tuple[int, ...]) -> str:
    return "患者 " + "、".join(map(str, numbers)) + " "


def reading(spec: PlanSpec, plan: Plan) -> list[str]:
    """Say what the drawing shows, with its numbers."""
    rest = leftover(spec.patients, spec.batch_size)
    said = []
    if rest and not spec.drop_last:
        said.append(
            f"最後のバッチは {rest} 人だけです。人数が少ない分、その勾配はほかのバッチよりゆれます。"
            "それでも1回の修正としては、同じ重さで数えられます。"
        )
    elif not updates(spec.patients, spec.batch_size, drop_last=True):
        return [f"{spec.patients} 人では1つのバッチに満たないので、どのエポックでも全員が捨てられました。"]
    elif rest:
        told = "、".join(
            f"{epoch + 1} エポック目は{_people(plan.dropped(epoch, spec.patients))}".strip()
            for epoch in range(spec.epochs)
        )
        said.append(f"端数の {rest} 人は捨てられました: {told}。")
    else:
        said.append(f"{spec.patients} は {spec.batch_size} で割り切れるので、端数は出ません。")
    if spec.epochs > 1:
        same = len({plan.used(epoch) for epoch in range(spec.epochs)}) == 1
        if spec.shuffle and not same:
            said.append("順番はエポックごとに混ぜ直されます。同じ種なら、混ざり方は何度やっても同じです。")
        elif spec.shuffle:
            said.append("混ぜ直しても、たまたま同じ順番になりました。")
        else:
            said.append("混ぜないので、どのエポックも同じ人が同じバッチに入ります。")
    return said


@lru_cache(maxsize=64)
def _plan_spec(epochs: int, batches: int, steps: int, drops: bool) -> charts.Spec:
    step = player.step_param(steps, "バッチ") if steps else alt.param(name="step", value=0)
    names = [f"バッチ {number}" for number in range(1, batches + 1)]
    colours = [BATCH_COLOURS[number % len(BATCH_COLOURS)] for number in range(batches)]
    if drops:
        names, colours = [*names, DROPPED], [*colours, "#8A8F94"]
    shade = "datum.step < 0 ? 0.25 : step == 0 || datum.step == step ? 1 : datum.step < step ? 0.55 : 0.12"
    pale = "datum.step < 0 || (step > 0 && datum.step > step)"
    base = (
        alt.Chart(alt.NamedData("rows"))
        .transform_calculate(shade=shade)
        .encode(
            x=alt.X(
                "place:O",
                title="配る順番",
                axis=alt.Axis(labels=False, ticks=False),
                scale=alt.Scale(paddingInner=0.07),
            ),
            y=alt.Y("epoch:O", title="エポック", scale=alt.Scale(paddingInner=0.1)),
        )
    )
    cells = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=names, range=colours),
            legend=alt.Legend(orient="top", title=None, columns=3, symbolType="square"),
        ),
        opacity=alt.Opacity("shade:Q", scale=None, legend=None),
        tooltip=[
            alt.Tooltip("patient:Q", title="患者"),
            alt.Tooltip("epoch:O", title="エポック"),
            alt.Tooltip("name:N", title="バッチ"),
        ],
    )
    words = base.mark_text(fontSize=11, fontWeight="bold").encode(
        text="patient:Q",
        color=alt.condition(pale, alt.value("#8A8F94"), alt.value("black")),
    )
    return charts.finish((cells + words).add_params(step), 52 * epochs + 90)


def _draw(spec: PlanSpec, plan: Plan) -> None:
    """Draw who is in which batch, a row an epoch, and play the batches one after another."""
    patient: list[int] = []
    place: list[int] = []
    epoch: list[int] = []
    step: list[int] = []
    names: list[str] = []
    count = 0
    for number, batches in enumerate(plan.epochs):
        seen = 0
        for which, batch in enumerate(batches):
            count += 1
            patient += batch
            place += range(seen, seen + len(batch))
            names += [f"バッチ {which + 1}"] * len(batch)
            step += [count] * len(batch)
            seen += len(batch)
        dropped = plan.dropped(number, spec.patients)
        patient += dropped
        place += range(seen, seen + len(dropped))
        names += [DROPPED] * len(dropped)
        step += [-1] * len(dropped)
        epoch += [number + 1] * spec.patients
    rows = charts.rows(
        names, patient=np.array(patient), place=np.array(place), epoch=np.array(epoch), step=np.array(step)
    )
    batches_drawn = max(len(batches) for batches in plan.epochs)
    drawn = _plan_spec(spec.epochs, batches_drawn, count, -1 in step)
    alt_text = (
        f"{spec.patients} 人を {spec.epochs} エポック、{spec.batch_size} 人ずつに分けた表。"
        f"1エポックに {batches_drawn} バッチ。"
    )
    if count:
        player.play(drawn, rows, steps=count, key=SLOT, alt_text=alt_text, label="バッチ", speed=2)
    else:
        charts.draw(drawn, rows, alt_text)
