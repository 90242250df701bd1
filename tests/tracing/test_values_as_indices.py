"""Positions and conditions that are computed from data, in functions that are traced with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import grad, jacobian, vjp

A = np.array([0.3, -1.2, 0.7])
XP, FP = np.array([-2.0, 0.0, 1.0]), np.array([0.0, 1.0, 4.0])

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "argmax": lambda a: a[np.argmax(a)] ** 2,
    "argsort": lambda a: np.sum(a[np.argsort(a)] * np.arange(3.0)),
    "several": lambda a: np.sum(a[np.stack([np.argmax(a), np.argmin(a)])] * 2.0),
    "interp": lambda a: np.sum(np.interp(a, XP, FP)),
    "interp in its samples": lambda a: np.sum(np.interp(A, XP, a)),
    "piecewise": lambda a: np.sum(np.piecewise(a, [a < 0, a >= 0], [np.sin, np.cos])),
    "piecewise with a rest": lambda a: np.sum(np.piecewise(a, [a > 0.5], [np.exp, lambda x: x * x])),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_traced_as_in_eager_code(name: str) -> None:
    f = FUNCTIONS[name]
    for transform in (grad, jacobian, lambda f: grad(lambda a: np.sum(grad(f)(a) ** 2))):
        expected = transform(f)(A)
        np.testing.assert_array_equal(mg.compile(transform(f))(A), expected)
        for row in mg.vmap(transform(f))(np.stack([A, A])):
            np.testing.assert_allclose(row, expected, rtol=1e-15)


def test_a_plain_cotangent_meets_an_index_that_is_a_value() -> None:
    pulled = mg.compile(lambda a: vjp(lambda a: a[np.argsort(a)], a)[1](np.arange(3.0))[0])
    np.testing.assert_array_equal(pulled(A), [1.0, 0.0, 2.0])


def test_a_list_of_truth_values_is_one_condition() -> None:
    found = np.piecewise(mg.Value(A), [True, False, True], [np.sin, np.cos])
    np.testing.assert_array_equal(found.data, np.piecewise(A, [True, False, True], [np.sin, np.cos]))
