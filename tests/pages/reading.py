"""What a reader of a page sees and waits for, for the tests of pages."""

import time

from streamlit.testing.v1 import AppTest


def shown(app: AppTest) -> str:
    """Return all running text on the page."""
    parts = [*app.markdown, *app.caption, *app.success, *app.warning, *app.info, *app.error, *app.title]
    return "\n".join(element.value for element in parts)


def wait_until(app: AppTest, slot: str, state: str) -> AppTest:
    """Wait until the run of ``slot`` is ``state``, and read the page anew."""
    limit = time.monotonic() + 30
    while app.session_state[slot].run.state != state:
        assert time.monotonic() < limit, app.session_state[slot].run.state
        time.sleep(0.02)
    return app.run()


def wait_until_done(app: AppTest, slot: str) -> AppTest:
    """Wait until the run of ``slot`` has ended, and read the page anew."""
    limit = time.monotonic() + 30
    while not app.session_state[slot].run.done:
        assert time.monotonic() < limit
        time.sleep(0.02)
    return app.run()
