"""A run of many horizons as a plain PyTorch script or notebook that prints the page's own numbers.

The same digits on the same machine: same seed, same operations, same order. Nothing here needs torch, and
nothing of a reader's file enters the text but its name and the headers of its signals.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace

from core import horizon_script_data as data
from core import horizon_script_model as network
from core import horizon_script_scores as scores
from core.horizon_script_data import UploadPanel
from core.horizon_specs import HorizonSpec
from core.script_files import as_notebook, as_script
from core.script_model import CELL_LABELS
from core.script_parts import Section, join
from core.specs import SpecError, digest

__all__ = ["UploadPanel", "file_name", "notebook", "script", "sections"]


def script(specs: Sequence[HorizonSpec], upload: UploadPanel | None = None) -> str:
    """Write the script of a run, or of several that differ in ``fold`` or in ``leak``.

    Raises:
        SpecError: the specs differ in more, or read an upload that is not described.
    """
    return as_script(_preface(specs), sections(specs, upload))


def notebook(specs: Sequence[HorizonSpec], upload: UploadPanel | None = None) -> str:
    """Write the notebook (.ipynb, UTF-8) of the same sections; see ``script``."""
    return as_notebook(_preface(specs), sections(specs, upload))


def file_name(specs: Sequence[HorizonSpec], suffix: str) -> str:
    """Name the file of a run in ASCII: ``lstm_icu_30steps_1a2b3c4d.py``; runs that differ get other names."""
    spec = specs[0]
    runs = f"_{len(specs)}runs" if len(specs) > 1 else ""
    ending = re.sub(r"[^a-z0-9]", "", suffix.lower())
    kind = f"{spec.model.name}_{spec.panel.source}_{spec.horizons}steps{runs}"
    return f"{kind}_{digest(tuple(specs))[:8]}.{ending}"


def sections(specs: Sequence[HorizonSpec], upload: UploadPanel | None = None) -> list[Section]:
    """Return the steps of a run, the one source of both script and notebook; see ``script``."""
    if not specs:
        raise SpecError("設定がありません。")
    spec = specs[0]
    if len({replace(each, fold=0, leak="none") for each in specs}) > 1:
        raise SpecError("1つのスクリプトにまとめられるのは、くり返しの回やリークだけが違う設定です。")
    if spec.panel.source == "upload" and upload is None:
        raise SpecError("CSVの内容がもう残っていません。もう一度ファイルを選んでください。")
    return [
        Section(title="準備", explanation="使う部品を読み込みます。", code=data.preparation(specs)),
        Section(
            title="設定",
            explanation="数字を書きかえると、違う条件で試せます。",
            code=data.settings(spec, upload),
        ),
        Section(
            title="データ",
            explanation=(_OWN if spec.panel.source == "upload" else "")
            + "測定値を読み込み、短い欠測を直前の値で補います。",
            code=data.readings(spec.panel, upload),
        ),
        Section(
            title="時間を区切り、窓を作る",
            explanation="時間の順に、学習・検証・較正・テストに分けます。予測は、その答えがある区間のものとします。",
            code=data.cutting(spec),
        ),
        Section(
            title="モデルと損失関数",
            explanation="欠測で答えのない所は、損失に数えません。",
            code=f"{network.model(spec)}\n\n\n{network.forecasting(spec)}",
        ),
        Section(
            title="基準の予測と採点",
            explanation="ネットワークが勝たなければならない予測と、MAE、RMSE、MASE、スキル、予測区間です。",
            code=f"{scores.baselines()}\n\n\n{scores.scores()}",
        ),
        *_runs(specs),
        Section(
            title="図",
            explanation="損失、先の長さごとの誤差、いちばん先の予測を描き、画像に保存します。",
            code=scores.picture(specs, file_name(specs, "png")),
        ),
    ]


_OWN = (
    "画面からダウンロードした「測定値のみ」のCSVを読みます。CSVの中身はここには書かれていません。\n"
    "等間隔の時刻に並べたもので、前後から補間した値は空のセルになっています。\n"
)
_ORDER = "予測 → 採点 → 反省(逆伝播)→ 修正をくり返します。"
_UNSEEN = "学習に使っていない、いちばん新しい区間で採点します。"


def _runs(specs: Sequence[HorizonSpec]) -> list[Section]:
    """Write the training and the test: section by section for one run, as one loop for several."""
    spec = specs[0]
    cut = data.parts(specs)
    learn = join(network.network(spec), network.training(spec))
    test = f"pictures = []\n{scores.testing(specs)}"
    if len(specs) == 1:
        return [
            Section(title="窓と標準化", explanation="未来の値を使わないように分けます。", code=cut),
            Section(title="学習", explanation=_ORDER, code=learn),
            Section(title="テスト", explanation=_UNSEEN, code=test),
        ]
    folds = len({each.fold for each in specs}) > 1
    if folds:
        head = f'for fold in {[each.fold for each in specs]}:\n    print(f"{{fold + 1}} 回目")\n'
        explanation = "テスト区間を先へずらしながら、そのつど最初から学習し直します。"
    else:
        listed = ", ".join(f'"{data.LEAKS[each.leak]}"' for each in specs)
        head = f'for leak in [{listed}]:\n    print(f"リーク: {{leak}}")\n'
        explanation = "正直な学習と、わざと反則をした学習を並べます。"
    body = head + textwrap.indent(join(cut, learn, test), "    ")
    title = "学習とテスト"
    return [Section(title=title, explanation=f"{explanation}\n{_ORDER}\n{_UNSEEN}", code=body)]


def _preface(specs: Sequence[HorizonSpec]) -> list[str]:
    spec = specs[0] if specs else HorizonSpec()
    runs = "学習" if len(specs) <= 1 else f" {len(specs)} 通りの学習"
    return [
        f"{CELL_LABELS[spec.model.name]} で {spec.horizons} 点先までを予測し、正直に評価する",
        f"AI研修医ラボの画面で行った{runs}を、同じデータ・設定・乱数の種で最初からやり直します。",
        "必要なもの: pip install torch numpy matplotlib japanize-matplotlib",
        "Python 3.12 以降では、japanize-matplotlib のために setuptools も入れてください。",
        "教育用です。診断・治療には使えません。",
    ]
