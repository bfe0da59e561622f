"""Mirrors ``core`` and ``pages``; ``browser`` drives Chromium, ``load`` opens many sessions."""
