"""Activation functions against torch, against their limits, and numbers as people write them."""

import contextlib
import io

import numpy as np
import pytest
import torch

from core import activation_curves as curves
from core.activation_curves import FUNCTIONS
from core.models import ACTIVATIONS
from core.specs import SpecError

X = np.linspace(-6, 6, 241) + 0.0125  # never at a corner


@pytest.mark.parametrize("name", FUNCTIONS)
def test_formulas_are_what_torch_and_autograd_say(name: str) -> None:
    found = curves.torch_points([name], X)[name]
    np.testing.assert_allclose(FUNCTIONS[name].value(X), found.values, atol=1e-14)
    np.testing.assert_allclose(FUNCTIONS[name].slope(X), found.slopes, atol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes_are_those_of_differences(name: str) -> None:
    value, h = FUNCTIONS[name].value, 1e-5
    np.testing.assert_allclose(FUNCTIONS[name].slope(X), (value(X + h) - value(X - h)) / (2 * h), atol=1e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_code_shown_is_the_module_trained_with(name: str) -> None:
    made = eval(FUNCTIONS[name].code, {"nn": torch.nn})
    assert repr(made) == repr(ACTIVATIONS[name]())


def test_the_five_numbers_of_the_lesson() -> None:
    found = curves.torch_points(["relu"], np.array(curves.numbers("-3, -0.5, 0, 1, 2.5")))["relu"]
    assert found.values.tolist() == [0, 0, 0, 1, 2.5]
    assert found.slopes.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("name", "largest", "where"),
    [("sigmoid", 0.25, 0.0), ("tanh", 1.0, 0.0), ("gelu", 1.1289, 2**0.5), ("silu", 1.0998, 2.3994)],
)
def test_slopes_are_largest_where_calculus_says(name: str, largest: float, where: float) -> None:
    x = np.linspace(-6, 6, 120_001)
    slopes = curves.torch_points([name], x)[name].slopes
    assert slopes.max() == pytest.approx(largest, abs=1e-4)
    assert x[slopes.argmax()] == pytest.approx(where, abs=1e-3)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("-3, -0.5, 0, 1, 2.5", (-3, -0.5, 0, 1, 2.5)),
        ("−3、−0.5　0", (-3, -0.5, 0)),
        ("[1 2\n3]", (1, 2, 3)),
        ("1e3", (1000,)),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, read: tuple[float, ...]) -> None:
    assert curves.numbers(written) == read


@pytest.mark.parametrize("written", ["", " , ", "1, x", "nan", "inf", "1e9", ",".join("1" * 13)])
def test_what_is_no_list_of_numbers_says_what_to_change(written: str) -> None:
    with pytest.raises(SpecError, match="数"):
        curves.numbers(written)


def test_the_script_prints_the_page_s_numbers() -> None:
    code = curves.script(["sigmoid", "relu"], 1.5, 4, "relu", (-3.0, 2.5))
    out = io.StringIO()
    before = torch.get_default_dtype()
    try:
        with contextlib.redirect_stdout(out):
            exec(code, {})
    finally:
        torch.set_default_dtype(before)
    slope = float(FUNCTIONS["sigmoid"].slope(np.array(1.5)))
    assert f"傾き {slope:.6f}" in out.getvalue()
    assert f"{slope**4:.3e}" in out.getvalue()
    assert "[0.0, 2.5]" in out.getvalue()
