"""What a reader does without thinking: try again when the page was just being redrawn."""

import time

from playwright.sync_api import Error, Locator

SECONDS = 20


def check(choice: Locator) -> None:
    """Choose a radio button, which Streamlit keeps invisible, or none for a moment while it redraws."""
    limit = time.monotonic() + SECONDS
    while True:
        try:
            choice.check(force=True)
            return
        except Error:
            if time.monotonic() > limit:
                raise
            time.sleep(0.2)
