"""A run's settings as a plain PyTorch script or notebook that prints the page's own losses.

A single run gives the same digits on the same machine: same seed, same operations, same order. Several
runs, which the page trains stacked, are trained one after another and agree to float32 rounding.
Nothing here needs torch, and nothing of a reader's file enters the text but its name and two headers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from core import script_steps as steps
from core.cohorts import COHORTS
from core.script_files import as_notebook, as_script
from core.script_model import CELL_LABELS, classifies, varying
from core.script_parts import Section
from core.script_picture import picture
from core.script_upload import UploadSource
from core.specs import AnySpec, ForecastSpec, SpecError, TableRunSpec, digest, require_together

__all__ = ["Section", "Specs", "UploadSource", "file_name", "notebook", "script", "sections"]

Specs = AnySpec | Sequence[AnySpec]


def script(specs: Specs, upload: UploadSource | None = None) -> str:
    """Write the script of a run, or of several that differ in learning rate, schedule and seed.

    Raises:
        SpecError: the specs cannot be compared, or read an upload that is not described.
    """
    return as_script(_preface(_listed(specs)), sections(specs, upload))


def notebook(specs: Specs, upload: UploadSource | None = None) -> str:
    """Write the notebook (.ipynb, UTF-8) of the same sections; see ``script``."""
    return as_notebook(_preface(_listed(specs)), sections(specs, upload))


def file_name(specs: Specs, suffix: str) -> str:
    """Name the file of a run in ASCII: ``lstm_article_1a2b3c4d.py``; runs that differ get other names."""
    listed = _listed(specs)
    spec = listed[0]
    if isinstance(spec, ForecastSpec):
        kind = f"{spec.model.name}_{spec.series.source}"
    else:
        kind = f"{'cnn' if COHORTS[spec.table.name].side else 'mlp'}_{spec.table.name}"
    if len(listed) > 1:
        kind += f"_{len(listed)}runs"
    ending = re.sub(r"[^a-z0-9]", "", suffix.lower())
    return f"{kind}_{digest(listed)[:8]}.{ending}"


def sections(specs: Specs, upload: UploadSource | None = None) -> list[Section]:
    """Return the steps of a run, the one source of both script and notebook; see ``script``."""
    listed = _listed(specs)
    spec = listed[0]
    if isinstance(spec, ForecastSpec) and spec.series.source == "upload" and upload is None:
        raise SpecError("CSVの内容がもう残っていません。もう一度ファイルを選んでください。")
    first = [steps.settings(listed), steps.data(listed, upload)]
    if "data" in varying(listed):
        first.reverse()  # the list of settings names the tables
    return [
        steps.preparation(listed, upload),
        *first,
        *(steps.one_run(spec) if len(listed) == 1 else steps.many_runs(listed)),
        picture(listed, file_name(listed, "png")),
    ]


def _listed(specs: Specs) -> tuple[AnySpec, ...]:
    listed = (specs,) if isinstance(specs, TableRunSpec | ForecastSpec) else tuple(specs)
    if not listed:
        raise SpecError("設定がありません。")
    require_together(listed)
    if len({classifies(each) for each in listed}) > 1:
        raise SpecError("分類と数値の予測は、1つのスクリプトにまとめられません。")
    return listed


def _preface(listed: Sequence[AnySpec]) -> list[str]:
    spec = listed[0]
    if isinstance(spec, ForecastSpec):
        title, needs = f"{CELL_LABELS[spec.model.name]} で次の値を予測する", ""
    else:
        cohort = COHORTS[spec.table.name]
        kind = "畳み込みネットワーク" if cohort.side else "多層パーセプトロン"
        title = f"{kind}で学ぶ: {cohort.label}"
        needs = "" if cohort.make else " scikit-learn"
    runs = "学習" if len(listed) == 1 else f" {len(listed)} 通りの学習"
    return [
        title,
        f"AI研修医ラボの画面で行った{runs}を、同じデータ・設定・乱数の種で最初からやり直します。",
        f"必要なもの: pip install torch numpy matplotlib japanize-matplotlib{needs}",
        "Python 3.12 以降では、japanize-matplotlib のために setuptools も入れてください。",
        "教育用です。診断・治療には使えません。",
    ]
