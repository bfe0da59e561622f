from collections.abc import Iterator

import pytest

from core.engine import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One running engine for all tests that do not break it."""
    engine = Engine()
    engine.start()
    assert engine.wait_ready(60), "the engine did not come up"
    yield engine
    engine.close()
