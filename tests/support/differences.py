"""Derivatives by difference quotients, for code that must not know it is being differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import grad, value_and_grad

X = np.array([0.5, 0.25, 0.75])


def directions(x: np.ndarray) -> list[np.ndarray]:
    return [np.cos(np.arange(x.size) * k + k).reshape(x.shape) for k in (1.0, 2.0)]


def agrees_with_differences(f: Callable[[Any], Any], x: np.ndarray) -> None:
    """The gradient of Σ sin-weighted outputs along two directions, against a five-point difference."""
    weights = np.sin(1.0 + np.arange(np.size(f(x)))).reshape(np.shape(f(x)))

    def total(x: Any) -> Any:
        return (f(x) * weights).sum()

    # Truncation is about (h / s)⁴ of a derivative that changes over s: here as little as 0.2.
    g, h = grad(total)(x), 2.5e-4
    for d in directions(x):
        numeric = 8 * (total(x + h * d) - total(x - h * d)) - (total(x + 2 * h * d) - total(x - 2 * h * d))
        assert (g * d).sum() == pytest.approx(numeric / (12 * h), rel=1e-8, abs=1e-10)


def leaves_of(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in leaves_of(tree[key])]
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves_of(item)]
    return [tree]


def moved(tree: Any, steps: Any) -> Any:
    """The tree with each leaf moved by its step."""
    if isinstance(tree, dict):
        return {key: moved(tree[key], steps) for key in tree}
    if isinstance(tree, (list, tuple)):
        return type(tree)([moved(item, steps) for item in tree])
    return tree + next(steps)


def check(f: Callable[..., Any], *args: Any, h: float = 1e-3, rtol: float = 1e-7) -> None:
    """Each partial derivative against a difference quotient of sixth order; f stays unaware of it all.

    Error of the quotient: h⁶ f⁽⁷⁾ / 140 in theory and 1e-16 / h in rounding.
    """
    before = [np.array(leaf, copy=True) for leaf in leaves_of(list(args))]
    value, gradients = value_and_grad(f, tuple(range(len(args))))(*args)
    assert type(value) is np.float64 and value == f(*args), "differentiating changes no bit of the value"
    sizes = [np.asarray(leaf) for leaf in leaves_of(list(args))]
    scale = max(1.0, abs(value))
    for k, (leaf, g) in enumerate(zip(sizes, leaves_of(list(gradients)), strict=True)):
        assert np.shape(g) == leaf.shape
        for index in np.ndindex(leaf.shape):
            unit = np.zeros(leaf.shape)
            unit[index] = 1.0

            def at(t: float, k: int = k, unit: np.ndarray = unit) -> Any:
                steps = iter([t * unit if i == k else 0.0 for i in range(len(sizes))])
                return f(*moved(args, steps))

            slope = (45 * (at(h) - at(-h)) - 9 * (at(2 * h) - at(-2 * h)) + (at(3 * h) - at(-3 * h))) / (60 * h)
            assert np.asarray(g)[index] == pytest.approx(slope, rel=rtol, abs=1e-9 * scale)
    for old, new in zip(before, leaves_of(list(args)), strict=True):
        np.testing.assert_array_equal(old, new)
