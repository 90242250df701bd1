"""Code for NumPy that needs a rule of its own, or cannot pass: right, or an error that says what to write."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import OPS, parts
from differences import check

from minigrad import Value, errors, grad

RNG = np.random.default_rng(7)
V, W = RNG.normal(size=4), RNG.normal(size=4)


def outer_products(x: Any) -> Any:
    return np.sum(np.outer(x, x) ** 2)


def roughness(x: Any) -> Any:
    return np.sum(np.diff(x) ** 2)


def einsum_form(x: Any) -> Any:
    return np.einsum("i,ij,j->", x, np.outer(V, W), x)


def quantile_loss(x: Any) -> Any:
    return np.quantile(x, 0.3) + np.median(x)


def weighted_average(x: Any) -> Any:
    return np.average(x, weights=W**2)


def solve_system(x: Any) -> Any:
    return np.sum(np.linalg.solve(np.eye(4) * 5 + np.outer(V, W), x))


def log_determinant(x: Any) -> Any:
    return np.linalg.slogdet(np.eye(4) + x[:, None] * x[None, :])[1]


def inverse(x: Any) -> Any:
    return np.linalg.inv(np.eye(4) + x[:, None] * x[None, :])[0, 1]


def trace_of_product(x: Any) -> Any:
    return np.trace(x[:, None] * W)


def diagonal_matrix(x: Any) -> Any:
    return np.sum(np.diag(x) @ np.outer(V, W))


def tiled(x: Any) -> Any:
    return np.sum(np.tile(x, 2) * np.repeat(x, 2))


def padded(x: Any) -> Any:
    return np.sum(np.pad(x, 1)[1:] * np.pad(x, 1)[:-1])


def smoothed(x: Any) -> Any:
    return np.sum(np.convolve(x, np.ones(2) / 2) ** 2)


def integral(x: Any) -> Any:
    return np.trapezoid(x**2, dx=0.1)


def polynomial(x: Any) -> Any:
    return np.polyval(np.array([1.0, -2.0, 0.5]), x).sum()


def inner_products(x: Any) -> Any:
    return np.inner(x, W) + np.vdot(x, W) + np.tensordot(x, W, 1)


def taken(x: Any) -> Any:
    return np.take(x, [0, 0, 2]).sum() * np.append(x, 1.0).sum()


def columns(x: Any) -> Any:
    return np.linalg.norm(np.column_stack([x, x**2]))


NEEDS_A_RULE = [
    *(outer_products, roughness, einsum_form, quantile_loss, weighted_average, solve_system, log_determinant),
    *(inverse, trace_of_product, diagonal_matrix, tiled, padded, smoothed, integral, polynomial),
    *(inner_products, taken, columns),
]


@pytest.mark.parametrize("f", NEEDS_A_RULE, ids=lambda f: f.__name__)
def test_a_function_of_numpy_is_right_or_refused_by_name(f: Callable[..., Any]) -> None:
    """The table grows: what was refused may be recorded one day, and then it is checked."""
    try:
        grad(f)(V)
    except errors.MissingRule as error:
        assert " has no rule, so its gradient would be lost\n  write  " in str(error)
        return
    check(f, V)


def fill_an_array(x: Any) -> Any:
    y = np.zeros(4)
    for i in range(4):
        y[i] = x[i] ** 2
    return y.sum()


def fill_like(x: Any) -> Any:
    y = np.zeros_like(x)
    for i in range(4):
        y[i] = x[i] ** 2
    return y.sum()


def list_to_array(x: Any) -> Any:
    return np.array([a * a for a in x]).sum()


def python_math(x: Any) -> Any:
    return math.sqrt(x[0] ** 2 + x[1] ** 2)


def preallocated(x: Any) -> Any:
    y = np.empty(4)
    np.multiply(x, x, out=y)
    return y.sum()


def accumulate_into_array(x: Any) -> Any:
    y = np.zeros(4)
    y += x
    return y.sum()


def cast(x: Any) -> Any:
    return float(x[0]) * 2


def scatter_add(x: Any) -> Any:
    y = np.zeros(2)
    np.add.at(y, [0, 1, 0, 1], x)
    return (y**2).sum()


def mutate_argument(x: Any) -> Any:
    x[0] = 0.0
    return x.sum()


def step_in_place(x: Any) -> Any:
    for row in (x,):
        row += 1.0
    return x.sum()


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (fill_an_array, None),  # NumPy turns it into an error of its own, with ours as its cause
        (fill_like, "minigrad.put"),
        (list_to_array, "minigrad.stack"),
        (python_math, "np.sqrt(v)"),
        (preallocated, "a = a + v"),
        (accumulate_into_array, "a = a + v"),
        (cast, "v   as it is"),
        (scatter_add, "write"),
        (mutate_argument, "minigrad.put"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_what_cannot_pass_says_what_to_write(f: Callable[..., Any], remedy: str | None) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        grad(f)(V)
    cause = caught.value if remedy else caught.value.__cause__
    assert isinstance(cause, errors.MinigradError)
    assert (remedy or "v.data") in str(cause)


def test_adding_in_place_to_an_argument_is_refused_or_does_not_reach_the_caller() -> None:
    """On arrays the argument itself would change; here that must not pass as if nothing had happened."""
    try:
        g = grad(step_in_place)(V)
    except errors.InPlaceError:
        return
    assert g.tolist() == [1, 1, 1, 1]


REDUCTIONS = [name for name, op in OPS.items() if {"axis", "keepdims"} <= {*op.names}]


@pytest.mark.parametrize("name", REDUCTIONS)
def test_options_of_every_reduction_work_or_are_refused_by_name(name: str) -> None:
    """where=, initial=, dtype=, out= and what else NumPy offers: never taken without effect."""
    op, tried = OPS[name], []
    x = np.array([[0.7, 1.9], [2.6, 0.4]])
    given = {
        "where": np.array([[True, False], [True, True]]),
        "initial": 2.5,
        "dtype": np.float32,
        "out": np.zeros(()),
    }
    given |= {
        "mean": 0.5,
        "correction": 1,
        "overwrite_input": True,
        "returned": True,
        "weights": np.ones(2),
        "ddof": 1,
    }
    for option in given.keys() & {*op.names} - {*op.options}:
        tried.append(option)
        needed = {"q": 0.3} if "q" in op.names else {}
        params = {"axis": 0, **needed, option: given[option]}
        try:
            found = op.function(Value(x), **params)
        except errors.MinigradError as error:
            assert f"{option}=" in str(error)
        except (TypeError, ValueError) as error:  # NumPy's own: weights of a quantile want method="inverted_cdf"
            with pytest.raises(type(error)):
                op.function(x, **params)
        else:
            for y, want in zip(parts(found), parts(op.function(x, **params)), strict=True):
                np.testing.assert_allclose(np.asarray(getattr(y, "data", y)), want, rtol=1e-14)
    assert tried or name == "count_nonzero" or op.function.__module__.startswith(("minigrad", "numpy.linalg"))
