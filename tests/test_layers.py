"""Arrows point down only: streamlit_app → pages → pages/parts/<lesson> → pages/ui → core."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def starts(name: str, *packages: str) -> bool:
    return any(name == p or name.startswith(p + ".") for p in packages)


@pytest.mark.parametrize("path", sorted((ROOT / "core").rglob("*.py")), ids=str)
def test_core_imports_neither_streamlit_nor_pages(path: Path) -> None:
    assert not [n for n in imported(path) if starts(n, "streamlit", "pages", "altair", "ui")]


@pytest.mark.parametrize("path", sorted((ROOT / "pages" / "ui").glob("*.py")), ids=str)
def test_shared_parts_import_no_page(path: Path) -> None:
    assert not [n for n in imported(path) if starts(n, "pages") and not starts(n, "pages.ui")]


@pytest.mark.parametrize("path", sorted((ROOT / "pages" / "parts").rglob("*.py")), ids=str)
def test_a_lesson_is_made_of_its_own_parts_and_of_shared_ones(path: Path) -> None:
    own = f"pages.parts.{path.parent.name}"
    used = [n for n in imported(path) if starts(n, "pages") and not starts(n, "pages.ui", own)]
    assert not used


@pytest.mark.parametrize("path", sorted((ROOT / "pages").rglob("*.py")), ids=str)
def test_pages_never_import_torch_or_a_second_copy_of_ui(path: Path) -> None:
    assert not [n for n in imported(path) if starts(n, "torch", "ui")]


def test_no_page_has_the_name_of_an_importable_module() -> None:
    names = [p.stem for p in (ROOT / "pages").glob("*.py") if p.stem != "__init__"]
    code = f"import importlib.util as u, sys; print([n for n in {names} if u.find_spec(n)])"
    found = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    assert found.stdout.strip() == "[]"


def test_server_side_modules_load_without_torch() -> None:
    code = (
        "import sys, core.engine, core.jobs, core.vitals, pages.ui.server, pages.parts.vitals.forecast_view;"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "False"


def test_core_loads_without_streamlit() -> None:
    code = "import sys; sys.modules['streamlit'] = None; import core.forecaster, core.engine, core.vitals"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
