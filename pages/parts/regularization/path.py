"""Lesson 正則化: what a penalty costs, why L1 reaches exactly zero, and coefficient paths."""

from __future__ import annotations

from pages.parts.regularization import path_columns, path_price, path_weight
from pages.ui import workings as view

PARTS = {"罰の値段": "price", "1つの重み": "weight", "10項目の係数": "columns"}
SHOW = {"price": path_price.show, "weight": path_weight.show, "columns": path_columns.show}


def show() -> None:
    """Go from one weight's price to the ten coefficients of a real table."""
    SHOW[view.choice("見るもの", PARTS, "rg_p_part")]()
