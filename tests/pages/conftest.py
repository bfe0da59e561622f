from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.engine import Engine
from pages.ui import runs

APP = Path(__file__).parents[2] / "pages" / "app.py"


@pytest.fixture
def open_page(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Open a page of the app as a new reader, with the given query parameters."""
    monkeypatch.setattr(runs, "_engine", engine)

    def opened(page: str, **query: str) -> AppTest:
        app = AppTest.from_file(APP, default_timeout=20)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        return app.switch_page(page).run()

    yield opened
    runs._shared.clear()
