"""Lesson 学習率, third experiment: find a good rate with a range test."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.range_test import GIVE_UP, HIGH, LOW, SMOOTHING, STEPS, RangeTest
from core.specs import OptimizerSpec, TableRunSpec, TrainingSpec, digest
from pages.parts.learning_rate import rate_view
from pages.ui import lesson, runs, text
from pages.ui.rules import OPTIMIZERS, RATES

SLOT = "range"
CHOICES = ["0.001 より小さい", "0.001 〜 0.03", "0.03 より大きい"]


@st.cache_data(max_entries=100, show_spinner=False)
def _test(name: str, _spec: TableRunSpec) -> RangeTest:  # noqa: ARG001 - the key
    found: RangeTest = runs.engine().quick(jobs.range_test, _spec, timeout=30)
    return found


def _answer(found: RangeTest) -> lesson.Answer:
    rate = found.suggested or 0.0
    choice = CHOICES[0] if rate < 1e-3 else CHOICES[1] if rate <= 0.03 else CHOICES[2]
    return lesson.Answer(choice, f"損失が最も急に下がったのは、学習率 {rate:.2g} 付近でした。")


def _adopt(optimizer: str, rate: float) -> None:
    """Take the suggestion over to the experiment with the real network."""
    st.session_state["experiment"] = "本物のネットワーク"
    st.session_state["optimizer"] = optimizer
    st.session_state["rate"] = min(RATES, key=lambda r: abs(r / rate - 1))


def show() -> None:
    """Raise the learning rate step by step on a fresh network, and mark where the loss falls fastest."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        st.markdown(
            "学習率を 0.00001 から 10 まで、1歩ごとに少しずつ上げながら学習します。"
            "損失が最も急に下がるあたりが、よい学習率の目安です。"
        )
        optimizer = st.segmented_control(
            "オプティマイザ", OPTIMIZERS, default="Adam", required=True, key="range_opt", bind="query-params"
        )
        seed = st.slider("乱数の種", 0, 20, 0, key="range_seed", bind="query-params")
        names = {label: name for name, label in text.OPTIMIZER_LABELS.items()}
        spec = TableRunSpec(
            optimizer=OptimizerSpec(name=names[optimizer]),
            training=TrainingSpec(batch_size=32, seed=seed),
        )
        with question:
            lesson.predict(SLOT, "損失が最も急に下がる学習率は?", CHOICES, spec)
        if st.button(
            "範囲テストを行う", type="primary", icon=":material/play_arrow:", width="stretch", key="range/go"
        ):
            st.session_state["range/asked"] = spec
    with stage:
        if st.session_state.get("range/asked") != spec:
            st.info(
                "予想を選んで「範囲テストを行う」を押すと、損失の曲線が描かれます。",
                icon=":material/show_chart:",
            )
            return
        try:
            found = _test(digest(spec), spec)
        except TimeoutError:
            st.info("計算の準備をしています。数秒後にもう一度押してください。")
            return
        rate_view.show_range(found)
        if found.suggested is None:
            st.warning("損失がはっきり下がる区間がありませんでした。乱数の種を変えて試してください。")
            return
        lesson.score(SLOT, spec, lambda: _answer(found))
        st.markdown(
            f"- 提案する学習率は **{found.suggested:.2g}** です。"
            f"{len(found.lrs)} 歩目(学習率 {found.lrs[-1]:.2g})までの損失の最低は "
            f"{text.number(found.lowest)} でした。\n"
            + (
                f"- 次の1歩で損失が最低の {GIVE_UP:g} 倍を超えたか、計算不能になったため、"
                "そこで打ち切りました。"
                "学習率が大きすぎて、発散し始めたしるしです。"
                if len(found.lrs) < STEPS
                else f"- 学習率を {HIGH:g} まで上げても、損失は最低の {GIVE_UP:g} 倍を超えませんでした。"
            )
        )
        st.button(
            "この学習率で学習する",
            icon=":material/arrow_forward:",
            on_click=_adopt,
            args=(optimizer, found.suggested),
            key="range/adopt",
        )
        _formula(found)


def _formula(found: RangeTest) -> None:
    """Show how the rate is raised, how the loss is smoothed, and what is suggested."""
    with st.expander("数式で見る(このテストの数字)"):
        st.markdown(f"学習率は、1歩ごとに同じ倍率で、{STEPS} 歩かけて上げます。")
        ratio = (HIGH / LOW) ** (1 / (STEPS - 1))
        st.latex(rf"\eta_{{k+1}} = {ratio:.4f} \times \eta_k,\qquad \eta_1 = 10^{{-5}}")
        st.markdown("ミニバッチごとの損失は大きくゆれるので、移動平均(指数移動平均)でならします。")
        st.latex(
            rf"m_k = {SMOOTHING:g}\,m_{{k-1}} + {1 - SMOOTHING:.1g}\,L_k,\qquad"
            rf" \bar L_k = \frac{{m_k}}{{1 - {SMOOTHING:g}^k}}"
        )
        st.markdown("学習率を対数目盛でとったとき、損失が最も急に下がる所の学習率を提案します。")
        st.latex(
            r"\eta^* = \mathop{\mathrm{arg\,min}}_{\eta_k}\ \frac{\Delta \bar L_k}{\Delta \log \eta_k}"
            rf" = {found.suggested or 0.0:.2g}"
        )
