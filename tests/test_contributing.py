"""The README and the contribution guide keep their word: examples that work, links that lead somewhere."""

import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / ".github" / "CONTRIBUTING.md"
README = ROOT / "README.md"
BLOCK = re.compile(r"^```python\n# (?P<file>\S+\.py)(?:: (?P<table>\w+))?\n(?P<code>.*?)^```", re.M | re.S)
LARGEST = 1.5e6  # bytes of all pictures


@dataclass(frozen=True)
class Example:
    """Code that the guide adds to a file, at the end of ``table`` if it names one."""

    file: str
    table: str | None
    code: str


EXAMPLES = [Example(*found.groups()) for found in BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))]


def add(example: Example, root: Path) -> None:
    """Do with a copy of the app what the guide tells a person to do."""
    path = root / example.file
    if example.table is None:
        path.parent.mkdir(exist_ok=True)
        before = path.read_text(encoding="utf-8") + "\n\n" if path.exists() else ""
        path.write_text(before + example.code, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    closing = re.compile(r"^[}\]]$", re.M).search(text, text.index(f"\n{example.table}"))
    assert closing is not None
    code = textwrap.indent(example.code, "    ")
    path.write_text(text[: closing.start()] + code + text[closing.start() :], encoding="utf-8")


@pytest.fixture(scope="module")
def contributed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app to which the examples have been added, word for word."""
    root = tmp_path_factory.mktemp("contributed")
    for name in ("core", "pages", "tests", ".streamlit"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "screenshots"))
    for name in ("pyproject.toml", "streamlit_app.py"):
        shutil.copy(ROOT / name, root)
    for example in EXAMPLES:
        add(example, root)
    return root


def in_copy(root: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=root, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guide_adds_an_optimizer_by_one_line_and_one_label() -> None:
    lines = {example.file: example.code.count("\n") for example in EXAMPLES if "nadam" in example.code}
    assert lines == {"core/update_rules.py": 1, "pages/ui/text.py": 1}


def test_an_optimizer_a_data_set_and_a_lesson_work_as_the_guide_adds_them(contributed: Path) -> None:
    in_copy(contributed, "-m", "tests.guide_trial")


def test_what_the_guide_adds_is_tidy_and_keeps_the_layers(contributed: Path) -> None:
    files = sorted({example.file for example in EXAMPLES})
    in_copy(contributed, "-m", "ruff", "check", "--no-cache", *files)
    in_copy(contributed, "-m", "ruff", "format", "--no-cache", "--check", *files)
    in_copy(contributed, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", "tests/test_layers.py")


@pytest.mark.parametrize("page", [README, GUIDE], ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r'(?:src|href)="([^"#:]+)"', text)
    named = re.findall(r"`((?:core|pages|tests|benchmarks)/[\w/]+\.py)`", text)
    made = {example.file for example in EXAMPLES} | {"tests/browser/test_dehydration.py"}
    made |= {"tests/pages/test_dehydration_page.py"}
    missing = [place for place in places if not (page.parent / place).exists()]
    missing += [name for name in named if name not in made and not (ROOT / name).exists()]
    assert not missing


def test_pictures_are_small_and_all_are_shown() -> None:
    pictures = list((ROOT / ".github" / "images").iterdir())
    assert pictures
    assert sum(picture.stat().st_size for picture in pictures) <= LARGEST
    shown = README.read_text(encoding="utf-8")
    assert [picture.name for picture in pictures if f"images/{picture.name}" not in shown] == []
