import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core import marker_study, proximal, shrinkage
from core.marker_study import ELASTIC, L1, NONE, REAL, REPEATS, StudySpec
from core.shrinkage import PathsSpec, WeightSpec
from pages.parts.regularization import path_columns, path_weight, selection
from tests.pages.reading import shown

Open = Callable[..., AppTest]
PATH, SELECT = {"rg_experiment": "0になる重み"}, {"rg_experiment": "マーカーを選ぶ"}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Compute as the workers do, so that the tests wait less."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def labels(app: AppTest) -> list[str]:
    """Return the alternative texts of all charts."""
    return [chart.proto.alt for chart in app.main.get("vega_lite_chart")]


def test_prices_of_a_step_and_a_wrong_guess(open_page: Open) -> None:
    app = open_page("regularization.py", **PATH)
    app.radio[0].set_value("L1").run()
    app = press(app, "rg_p_price/go")
    assert not app.exception
    assert "予想は「L1」、結果は「L2」でした。" in shown(app)
    assert "L1 は +1.00、L2 は +5.00 変わりました" in shown(app)
    app = press(press(app, "rg_p_price/preset/1"), "rg_p_price/go")
    assert "正解は「同じ」" in shown(app)
    assert "L1 は +1.00、L2 は +1.00 変わりました" in shown(app)
    app = press(press(app, "rg_p_price/preset/2"), "rg_p_price/go")
    assert "正解は「L1」" in shown(app)
    assert "L2 は +0.01 変わりました" in shown(app)
    assert "**なぜ**" in shown(app)


@pytest.mark.parametrize(
    ("preset", "ends", "why"),
    [
        (0, "0 から離れた所に落ち着く", False),
        (1, "0 のまわりで行ったり来たり", True),
        (2, "0 のまわりで行ったり来たり", True),
        (3, "0 のまわりで行ったり来たり", True),
    ],
)
def test_one_weight_ends_as_its_walk_says(open_page: Open, preset: int, ends: str, why: bool) -> None:
    app = open_page("regularization.py", rg_p_part="1つの重み", **PATH)
    app = press(press(app, f"rg_p_weight/preset/{preset}"), "rg_p_weight/go")
    assert not app.exception
    chosen = path_weight.PRESETS[preset].values
    spec = WeightSpec(
        target=chosen["rg_p_a"], strength=chosen["rg_p_lambda"], lr=chosen["rg_p_lr"], steps=120
    )
    walks = proximal.walk_weight(spec)
    seen = shown(app)
    assert f"正解は「{ends}」" in seen
    assert f"最後の値は {walks.plain[-1]:.4f}".replace("-", "−") in seen
    crossed = int((walks.plain[-10:-1] * walks.plain[-9:] < 0).sum())
    assert f"0 をまたいだのは {crossed} 回" in seen
    assert ("**なぜ**" in seen) == why
    assert f"**{max(abs(spec.target) - spec.strength / 2, 0):.3f}**" in seen
    assert f"**{spec.target / (1 + spec.strength):.3f}**" in seen


def test_coefficients_are_counted_from_the_readers_own_fit(open_page: Open) -> None:
    app = open_page("regularization.py", rg_p_part="10項目の係数", rg_p_seed="3", **PATH)
    app = press(app, "rg_p_columns/go")
    assert not app.exception
    found = proximal.paths(PathsSpec(seed=3))
    seen = shown(app)
    zeros, place = int(shrinkage.zeros(found.lasso)[30]), 30
    assert f"近接勾配法では {zeros} 個がちょうど 0 でした" in seen
    assert "素朴な劣勾配法で学習すると、0 個です" in seen
    assert f"すべてが 0 になるのは λ = {found.vanish:.3f} から" in seen
    table = next(element.value for element in app.markdown if "| | 近接 | 劣勾配 | L2 |" in element.value)
    cells = [re.findall(r"[\d.]+(?= \|)", line) for line in table.splitlines()[2:]]
    methods = (found.lasso, found.plain, found.ridge)
    assert cells[0] == [str((w[place] == 0).sum()) for w in methods]
    assert cells[1] == [str((np.abs(w[place]) < 1e-3).sum()) for w in methods]
    assert cells[2] == [str((w == 0).sum()) for w in methods]
    assert cells[3] == [str((np.abs(w) < 1e-3).sum()) for w in methods]
    names = [name for name, w in zip(shrinkage.COLUMNS, found.lasso[place], strict=True) if w == 0]
    assert "、".join(names) + "の係数をちょうど 0 にしました" in seen


@pytest.mark.parametrize(("preset", "zeros"), [(1, "1個もない"), (2, "10個全部")])
def test_presets_of_the_paths_end_as_they_are_named(open_page: Open, preset: int, zeros: str) -> None:
    app = open_page("regularization.py", rg_p_part="10項目の係数", **PATH)
    app = press(press(app, f"rg_p_columns/preset/{preset}"), "rg_p_columns/go")
    assert not app.exception
    assert f"正解は「{zeros}」" in shown(app)
    assert ("**なぜ**" in shown(app)) == bool(path_columns.PRESETS[preset].why)


def test_markers_are_told_with_the_numbers_of_the_study(open_page: Open) -> None:
    app = open_page("regularization.py", rg_s_seed="5", rg_s_patients="200", **SELECT)
    app.radio[0].set_value("10個全部").run()
    app = press(app, "rg_s/go")
    assert not app.exception
    found = marker_study.study(StudySpec(patients=200, seed=5))
    seen, best = shown(app), found.best(L1)
    hit, miss = int(found.found[L1, 0, best]), int(found.wrong[L1, 0, best])
    assert f"本物 10 個のうち {hit} 個に重みを残し、役に立たないマーカーも {miss} 個残しました" in seen
    assert "予想どおりです" in seen
    assert hit == 10
    misses = [int(found.wrong[L1, r, found.best(L1, r)]) for r in range(REPEATS)]
    assert f"余計なマーカーは {min(misses)}〜{max(misses)} 個でした" in seen
    table = next(element.value for element in app.markdown if "| | なし | L2 | L1 | L1+L2 |" in element.value)
    assert f"| ちょうど 0 | 0 | 0 | {200 - hit - miss} |" in table
    assert f"{found.explained(NONE, 0):.3f}".replace("-", "−") in table


@pytest.mark.parametrize("preset", range(len(selection.PRESETS)))
def test_marker_presets_succeed_or_fail_for_their_reason(open_page: Open, preset: int) -> None:
    app = press(press(open_page("regularization.py", **SELECT), f"rg_s/preset/{preset}"), "rg_s/go")
    assert not app.exception
    seen = shown(app)
    right = {0: "10個全部", 1: "4〜6個", 2: "0〜3個", 3: "7〜9個", 4: "10個全部"}[preset]
    assert f"正解は「{right}」" in seen
    assert ("**なぜ**" in seen) == (preset > 0)
    if preset == 3:
        found = marker_study.study(StudySpec(patients=150, twins=0.98, noise=1.5, seed=2))
        pairs = (found.weights[L1, found.best(L1)][list(REAL)] != 0).reshape(-1, 2).sum(axis=1)
        assert f"片方しか残らなかったのは、L1 で {(pairs == 1).sum()} 組" in seen
        assert found.found[ELASTIC, 0, found.best(ELASTIC)] == 10
    if preset == 4:
        assert any(
            "罰「なし」での 200 個の重み。本物 10 個と役に立たないもの 190 個" in x for x in labels(app)
        )


def test_the_chosen_strength_counts_only_when_the_reader_decides(open_page: Open) -> None:
    app = open_page("regularization.py", rg_s_strength="0.5", **SELECT)
    app = press(app, "rg_s/go")
    assert app.select_slider(key="rg_s_strength").disabled
    assert "λ = 0.5 の L1" not in shown(app)
    app.button_group(key="rg_s_rule").set_value("自分で決める").run()
    assert not app.select_slider(key="rg_s_strength").disabled
    assert "λ = 0.5 の L1" in shown(app)


@pytest.mark.parametrize(
    "query",
    [
        {**PATH, "rg_p_part": "<b>", "rg_p_from": "nan", "rg_p_to": "1e9"},
        {**PATH, "rg_p_part": "1つの重み", "rg_p_a": "inf", "rg_p_lambda": "-3", "rg_p_lr": "7"},
        {**PATH, "rg_p_part": "10項目の係数", "rg_p_strength": "x", "rg_p_patients": "33", "rg_p_eta": "9"},
        {**SELECT, "rg_s_patients": "0", "rg_s_twins": "1", "rg_s_rule": "?", "rg_s_effect": "0.123"},
    ],
)
def test_hostile_addresses_fall_back(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("regularization.py", **query)
    assert not app.exception
    for slot in ("rg_p_price", "rg_p_weight", "rg_p_columns", "rg_s"):
        if any(button.key == f"{slot}/go" for button in app.button):
            app = press(app, f"{slot}/go")
            assert not app.exception
            assert "結果" in shown(app)
