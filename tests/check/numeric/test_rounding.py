"""The rounding that a function shows in its values, whatever type they are stored in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import gradient_report
from minigrad.check.comparison.candidate import Claim
from minigrad.check.comparison.problem import Subject
from minigrad.check.numeric.evaluation import Evaluator
from minigrad.check.numeric.flattening import Layout
from minigrad.check.numeric.rounding import DEPTHS, DOUBLE, UNITS, float_name, grid_unit, shown_unit
from minigrad.check.numeric.rounding import unit_of as unit_of_layout

X = np.random.default_rng(0).normal(size=6)
SINGLE, HALF = UNITS["float32"], UNITS["float16"]


def unit_of(f: Callable[..., Any], *args: Any) -> float:
    subject = Subject(f, args, None, Evaluator(), 0)
    assert subject.point is not None
    return subject.point.unit


def inside(dtype: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel of some type behind arguments and results of another."""
    return lambda x: function(x.astype(dtype)).astype(x.dtype)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "tanh": np.tanh,
    "sum": lambda x: np.sum(np.sin(x), dtype=x.dtype),
    "squares": lambda x: x * x,
    "exp": np.exp,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("dtype", "unit"), [("f8", DOUBLE), ("f4", SINGLE), ("f2", HALF)])
def test_the_type_of_a_kernel_is_seen_behind_double_numbers(name: str, dtype: str, unit: float) -> None:
    for seed in range(10):
        x = np.random.default_rng(seed).normal(size=6)
        assert unit_of(inside(dtype, FUNCTIONS[name]), x) == unit
        if dtype == "f2":
            assert unit_of(inside(dtype, FUNCTIONS[name]), x.astype(np.float32)) == unit


def test_a_constant_beside_a_kernel_hides_nothing() -> None:
    assert unit_of(lambda x: np.append(np.tanh(x.astype("f4")).astype(float), np.pi), X) == SINGLE


def test_a_gradient_is_as_coarse_as_its_numbers_where_the_function_is() -> None:
    def back(g: Any, x: Any) -> Any:
        return (g.astype("f4") * (1 - np.tanh(x.astype("f4")) ** 2)).astype(float)

    for f, unit in ((inside("f4", np.tanh), SINGLE), (np.tanh, DOUBLE)):
        subject = Subject(f, (X,), None, Evaluator(), 0)
        assert subject.point is not None
        claim = Claim("vjp", back, subject.point, subject.names, subject.chosen)
        assert claim.pull(np.cos(X)).unit == unit


def test_the_digits_of_a_product_of_bfloat16_are_seen() -> None:
    def cut(x: Any) -> Any:
        return ((x.astype(np.float32).view(np.int32) + 0x8000) >> 16 << 16).view(np.float32)

    for seed in range(10):
        a, b = (np.random.default_rng(seed + 50 * k).normal(size=(4, 4)) for k in (0, 1))
        assert unit_of(lambda a, b: cut(cut(a) @ cut(b)).astype(float), a, b) == 2.0**-8


def test_the_type_of_a_kernel_is_seen_at_zero() -> None:
    slope = np.float32(0.1)
    for x in (np.zeros(3), np.zeros(1)):
        assert unit_of(inside("f4", lambda x: np.where(x > 0, x, slope * x)), x) == SINGLE
        assert unit_of(inside("f4", lambda x: 1 / (1 + np.exp(-x))), x) == SINGLE
        assert unit_of(inside("f2", lambda x: np.maximum(1.1 * x, 0)), x) == HALF
        assert unit_of(lambda x: 1 / (1 + np.exp(-x)), x) == DOUBLE


def test_the_steps_of_a_sum_in_double_numbers_of_single_ones_are_seen() -> None:
    unit = unit_of(lambda x: float(np.sum(np.sin(x.astype("f4")).astype(float))), np.array([0.7]))
    assert 2.0**-30 < unit <= 2.0**-20


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.sum(np.sin(x)), np.linspace(-3.0, 3.0, 11)),  # it cancels: few bits are left
        (lambda x: 2 * x, np.array([0.5, 1.0, 2.0])),
        (lambda x: x * x, np.array([3.0])),
        (lambda x: 1e10 + np.sin(x), X),
        (lambda x: 1 + 1e-12 * x, X),
        (lambda x: 1 + 1e-10 * x, X),
        (lambda x: np.floor(300 * x), X),
        (lambda x: np.maximum(x, 0.0), -np.abs(X)),
        (lambda x: np.floor(x), 10 * X),
        (lambda x: 3.0 + 0 * x, X),
        (lambda x: x[:0], X),
        (np.sum, np.zeros(3)),
    ],
)
def test_a_function_of_double_numbers_is_not_taken_for_a_coarser_one(f: Callable[..., Any], x: Any) -> None:
    assert unit_of(f, x) < 2.0**-48


def test_a_function_that_computes_in_its_own_type_is_called_once_more_at_most() -> None:
    for dtype, f in (("f8", np.tanh), ("f4", np.tanh), ("f4", lambda x: np.tanh(np.float32(x)))):
        calls: list[Any] = []

        def counted(x: Any, f: Any = f, calls: list[Any] = calls) -> Any:
            calls.append(x)
            return f(x)

        unit_of(counted, X.astype(dtype))
        assert len(calls) <= 4  # at the point, there again, in float64, and beside it


def test_no_function_is_called_more_often_than_there_are_depths() -> None:
    y = np.array([0.3])
    for there in (y, np.array([np.nan]), np.zeros(0), np.ones(2)):
        calls: list[Any] = []

        def stands(row: Any, there: Any = there, calls: list[Any] = calls) -> Any:
            calls.append(row)
            return there

        assert shown_unit(stands, X, y, DOUBLE, DOUBLE) == DOUBLE
        assert len(calls) <= len(DEPTHS) <= 8


def test_numbers_of_few_bits_tell_nothing() -> None:
    for dtype, unit in UNITS.items():
        if dtype != "bfloat16":
            assert grid_unit(np.astype(np.exp(X), np.dtype(dtype)).astype(float)) == unit
    cut = (np.exp(X).astype(np.float32).view(np.int32) >> 16 << 16).view(np.float32)
    assert grid_unit(cut.astype(float)) == 2.0**-8
    for values in ([], [0.0], [np.nan], [0.5, 1, 3], np.exp(X), [np.inf, 1e300]):
        assert grid_unit(np.array(values, dtype=float)) == DOUBLE
    assert grid_unit(np.float32(np.exp(X)).astype(float), coarsest=2.0**-30) == DOUBLE


def test_types_have_their_names() -> None:
    for dtype, name in (("f8", "float64"), ("f4", "float32"), ("f2", "float16"), (">f4", "float32")):
        assert float_name(unit_of_layout(Layout(np.ones(2, dtype)))) == name


def test_the_report_says_by_which_rounding_it_judged() -> None:
    report = gradient_report(inside("f4", np.tanh), X, vjp=lambda g, x: g * (1 - np.tanh(x) ** 2))
    assert report.ok and "the digits of float32" in str(report) and 1e-6 < report.resolving_power < 1e-2
    assert "digits of" not in str(gradient_report(np.tanh, X, vjp=lambda g, x: g * (1 - np.tanh(x) ** 2)))
