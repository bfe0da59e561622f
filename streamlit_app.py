"""The ASGI entry: ``streamlit run streamlit_app.py`` or ``uvicorn streamlit_app:app``."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from pages.ui import server
from pages.ui.headers import SecurityHeaders

app = st.App(
    Path(__file__).parent / "pages" / "app.py",
    lifespan=server.lifespan,
    routes=server.ROUTES,
    middleware=[Middleware(SecurityHeaders)],
    on_script_error=server.show_error,
)
