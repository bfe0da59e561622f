"""Shared by the pages."""
