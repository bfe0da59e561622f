"""What 「正直に評価する」 forecasts: a simulated patient, the article's wave, the reader's own signals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.panel import ARTICLE_SIGNALS, ICU_SIGNALS, Panel, PanelSpec, load, panel_of
from core.vitals import Imported
from pages.parts.vitals import upload, upload_summary
from pages.parts.vitals.taken import Taken
from pages.ui import text

SOURCES = {"ICUの模擬患者": "icu", "例題の波形": "article", "自分のCSV": "upload"}
PERIODS = {"icu": 60, "article": 40, "upload": 60}
HOURS = {"12時間": 12.0, "24時間": 24.0, "72時間": 72.0}
MAX_INPUTS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """The readings that were chosen, how they are named, and their clock.

    ``spec`` and ``panel`` are None until they are known. ``labels`` and ``units`` are by signal; ``times``
    (points,) are seconds for a file, hours for a simulated patient, None where points are counted.
    """

    spec: PanelSpec | None
    panel: Panel | None = field(repr=False)
    labels: dict[str, str]
    units: dict[str, str]
    times: npt.NDArray[np.float64] | None = field(default=None, repr=False)
    kind: Literal["datetime", "elapsed", "rows", "points"] = "points"
    taken: Taken | None = field(default=None, repr=False)
    imported: Imported | None = field(default=None, repr=False)

    @property
    def own(self) -> bool:
        """Say whether these are the reader's own readings."""
        return self.taken is not None or (self.spec is not None and self.spec.source == "upload")

    def ahead(self, points: int) -> str:
        """Say how far ``points`` ahead is: 「10点先(10分後)」."""
        step = self.panel.step_s if self.panel else None
        return f"{points}点先" + (f"({text.duration(points * step)}後)" if step else "")


def choose() -> Source:
    """Ask for the data; an upload is taken in here as well."""
    name = st.segmented_control(
        "データ",
        list(SOURCES),
        default="ICUの模擬患者",
        required=True,
        wrap=True,
        key="ve_data",
        bind="query-params",
    )
    source = SOURCES[name]
    if source == "icu":
        return _patient()
    if source == "article":
        spec = PanelSpec(source="article", inputs=ARTICLE_SIGNALS, targets=ARTICLE_SIGNALS)
        return _simulated(spec)
    taken = upload.take_in()
    if taken is None or taken.ready is None or upload_summary.sparse(taken.ready):
        return Source(spec=None, panel=None, labels={}, units={}, taken=taken)
    return _own(taken, taken.ready)


def _patient() -> Source:
    ill = st.toggle("途中で状態が悪化する", value=False, key="ve_ill", bind="query-params")
    seen, asked = _signals("見る信号(入力)", "ve_inputs"), _signals("予測する信号", "ve_targets")
    inputs = tuple(name for name in ICU_SIGNALS if name in (*seen, *asked)) or ("心拍数",)
    targets = tuple(name for name in inputs if name in asked) or inputs[:1]
    if not set(asked) <= set(seen):
        st.caption("予測する信号は、入力にも加えました。")
    hours = st.segmented_control(
        "記録の長さ(1分ごと)",
        list(HOURS),
        default="72時間",
        required=True,
        key="ve_hours",
        bind="query-params",
    )
    seed = st.number_input("患者の乱数の種", 0, 9999, 0, key="ve_patient", bind="query-params")
    spec = PanelSpec(
        inputs=inputs, targets=targets, seed=int(seed), hours=HOURS[hours], deterioration=bool(ill)
    )
    return _simulated(spec)


def _signals(label: str, key: str) -> list[str]:
    return st.pills(
        label,
        ICU_SIGNALS,
        default=["心拍数"],
        selection_mode="multi",
        wrap=True,
        key=key,
        bind="query-params",
    )


def _simulated(spec: PanelSpec) -> Source:
    panel = _load(spec)
    labels = {name: name for name in panel.names}
    units = dict(zip(panel.names, panel.units, strict=True))
    times = None
    if panel.step_s:
        times = np.arange(len(panel.values)) * panel.step_s / 3600
    return Source(spec=spec, panel=panel, labels=labels, units=units, times=times)


@st.cache_data(max_entries=32, show_spinner=False)
def _load(spec: PanelSpec) -> Panel:
    return load(spec)


def _own(taken: Taken, imported: Imported) -> Source:
    panel = panel_of(imported)
    labels = {signal.source: signal.label for signal in imported.signals}
    key = f"ve_csv_{taken.file_id}_{taken.turn}"
    names = list(panel.names)
    inputs = st.multiselect(
        f"見る信号(入力、{MAX_INPUTS} つまで)",
        names,
        default=names[:MAX_INPUTS],
        format_func=lambda name: labels.get(name, name),
        max_selections=MAX_INPUTS,
        key=f"{key}_inputs",
        placeholder="信号を選んでください",
    )
    inputs = [name for name in names if name in inputs] or names[:1]
    targets = st.multiselect(
        "予測する信号",
        inputs,
        default=inputs[:1],
        format_func=lambda name: labels.get(name, name),
        key=f"{key}_targets",
        placeholder="信号を選んでください",
    )
    spec = PanelSpec(source="upload", inputs=tuple(inputs), targets=tuple(targets or inputs[:1]))
    clock = imported.clock
    units = dict(zip(panel.names, panel.units, strict=True))
    return Source(
        spec=spec,
        panel=panel,
        labels=labels,
        units=units,
        times=clock.times,
        kind=clock.kind,
        taken=taken,
        imported=imported,
    )
