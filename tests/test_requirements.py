"""What the app needs: every library with the least version that will do, and installed so here."""

import ast
import re
import sys
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement

from tests.server import ROOT

TEXT = (ROOT / "requirements.txt").read_text(encoding="utf-8")
LINES = [line for line in TEXT.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", LINES)
def test_every_library_has_its_least_version_and_it_is_here(line: str) -> None:
    asked = Requirement(line)
    assert any(part.operator == ">=" for part in asked.specifier)
    if asked.marker is None or asked.marker.evaluate():
        assert asked.specifier.contains(version(asked.name), prereleases=True)


def test_every_library_that_the_app_imports_is_asked_for() -> None:
    asked = {re.split(r"[<>=;]", line)[0].strip().lower() for line in LINES}
    named = {"sklearn": "scikit-learn", "PIL": "pillow", "japanize_matplotlib": "japanize-matplotlib"}
    with_another = {
        "starlette": "streamlit",
        "google": "streamlit",
        "tornado": "distributed",
        "dask": "distributed",
    }
    own = {"core", "pages", "streamlit_app", "tests", "benchmarks"}
    imported: set[str] = set()
    for path in (file for folder in ("core", "pages") for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported.update(name.name.partition(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    foreign = imported - own - set(sys.stdlib_module_names)
    missing = {name for name in foreign if with_another.get(name, named.get(name, name)).lower() not in asked}
    assert not missing
