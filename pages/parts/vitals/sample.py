"""A simulated patient in intensive care, to take home as a CSV or to try on the spot."""

from __future__ import annotations

import streamlit as st

from core.vitals.sample import SampleSpec, sample_csv
from pages.parts.vitals import taken
from pages.parts.vitals.taken import Taken

NAME = "見本_ICU.csv"
_ARTEFACTS = {"none": 0.0, "few": 0.01, "many": 0.05}


def show(kept: Taken | None) -> Taken | None:
    """Offer the sample while there is no file; return it while it is in use."""
    if kept is not None:
        st.info("シミュレーションの見本を使っています。実在の患者さんの記録ではありません。")
        st.button("見本をやめる", icon=":material/close:", key="sample_leave", on_click=taken.forget)
        return kept
    with st.expander("ファイルがなくても試せます(見本のCSV)", icon=":material/science:"):
        _panel()
    return taken.current()


def _panel() -> None:
    st.caption("集中治療室の患者さん1人の経過を、シミュレーションで作ります。実在の人の記録ではありません。")
    spec = _settings()
    data = sample_csv(spec).encode("utf-8-sig") if _pressed() else b""
    if data:
        taken.take(f"sample-{hash(spec)}", NAME, data, sample=True)
        st.rerun()
    st.download_button(
        "見本のCSVを保存",
        lambda: sample_csv(spec).encode("utf-8-sig"),
        NAME,
        "text/csv",
        icon=":material/download:",
        key="sample_save",
        on_click="ignore",
    )


def _pressed() -> bool:
    return st.button("この見本をそのまま使う", icon=":material/play_arrow:", key="sample_use", type="primary")


def _settings() -> SampleSpec:
    hours = st.segmented_control(
        "長さ",
        [6, 12, 24, 48],
        default=24,
        required=True,
        format_func=lambda h: f"{h}時間",
        key="sample_hours",
        bind="query-params",
    )
    worse = st.segmented_control(
        "経過",
        ["worse", "stable"],
        default="worse",
        required=True,
        format_func={"worse": "途中から悪化", "stable": "安定"}.__getitem__,
        key="sample_course",
        bind="query-params",
        help="「途中から悪化」では、後半に発熱、頻脈、血圧とSpO₂の低下、頻呼吸が現れます(敗血症を模した経過)。",
    )
    artefacts = st.segmented_control(
        "体動やセンサー外れ",
        list(_ARTEFACTS),
        default="few",
        required=True,
        format_func={"none": "なし", "few": "少し(1%)", "many": "多い(5%)"}.__getitem__,
        key="sample_artefacts",
        bind="query-params",
    )
    seed = st.number_input("見本の乱数の種", 0, 9999, 0, key="sample_seed", bind="query-params")
    return SampleSpec(
        seed=int(seed), hours=float(hours), deterioration=worse == "worse", artefacts=_ARTEFACTS[artefacts]
    )
