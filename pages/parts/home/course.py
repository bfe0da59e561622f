"""The map of the course: twelve lessons in three groups, and what the reader has done in this session."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from pages.ui import lesson


class Stop(NamedTuple):
    """A lesson on the map; ``title`` is that of its page where the map has a shorter ``name``."""

    page: str
    name: str
    idea: str
    icon: str
    title: str = ""

    @property
    def header(self) -> str:
        """Return the title that the lesson gives itself."""
        return self.title or self.name


GROUPS = {
    "1歩のしくみ": [
        Stop("training_cycle.py", "学習サイクル", "予測・採点・反省・修正", ":material/cycle:"),
        Stop("loss_functions.py", "損失関数", "外れ具合の採点のしかた", ":material/target:"),
        Stop("derivatives.py", "微分と連鎖律", "心電図の傾きから", ":material/function:"),
        Stop("gradient_descent.py", "勾配降下法", "霧のなかで谷底を探す", ":material/landscape:"),
    ],
    "学ばせ方のくふう": [
        Stop("optimizers.py", "オプティマイザ", "7つの下り方の競走", ":material/sprint:"),
        Stop("learning_rate.py", "学習率", "用量の多すぎ、少なすぎ", ":material/speed:"),
        Stop(
            "mini_batches.py",
            "ミニバッチ",
            "何人ごとに重みを直すか",
            ":material/stacks:",
            "ミニバッチ・エポック・DataLoader",
        ),
        Stop("activations.py", "活性化関数", "曲がった境目を描く", ":material/bolt:"),
    ],
    "覚え込みを防ぎ、医療データへ": [
        Stop("overfitting.py", "過学習と未学習", "覚え込みを見分ける", ":material/balance:"),
        Stop("augmentation.py", "データ拡張", "診断を変えない変え方", ":material/flip:"),
        Stop("regularization.py", "正則化", "覚えすぎにブレーキ", ":material/compress:"),
        Stop("vitals.py", "RNNとバイタルサイン", "次の値を予測する", ":material/ecg_heart:"),
    ],
}
STOPS = [stop for stops in GROUPS.values() for stop in stops]
INDENT = "&emsp;&emsp;"  # under the name, which stands beside an icon
OPENED, CHECKED = " :gray-badge[開いた]", " :green-badge[:material/check: 答え合わせ]"


def show() -> None:
    """Show the map, each lesson with a mark of what the reader has done there."""
    done = lesson.opened()
    checked = [done[stop.header] for stop in STOPS if stop.header in done]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("## コースの地図", width="content", anchors=False)
        st.caption(
            f"開いた {len(checked)}/{len(STOPS)}・答え合わせ {sum(checked)}/{len(STOPS)}(閉じると消えます)",
            width="content",
        )
    for column, (group, stops) in zip(st.columns(len(GROUPS)), GROUPS.items(), strict=True):
        with column, st.container(gap="xxsmall"):
            st.markdown(f"**{group}**")
            for stop in stops:
                st.page_link(stop.page, label=f"**{STOPS.index(stop) + 1} {stop.name}**", icon=stop.icon)
                st.caption(INDENT + stop.idea + _mark(done.get(stop.header)))


def _mark(checked: bool | None) -> str:
    if checked is None:
        return ""
    return CHECKED if checked else OPENED
