from collections.abc import Iterator

import pytest

from tests.server import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server for all tests that do not break it."""
    with serving(tmp_path_factory.mktemp("server") / "log") as running:
        running.wait_ready()
        yield running
