"""Two ways to write one function, held against each other; matrices to do it with."""

from __future__ import annotations

from typing import Any

import numpy as np
from checking import along

import minigrad

rng = np.random.default_rng(0)


def matrix(*shape: int) -> Any:
    """Well-conditioned, and in general position."""
    return rng.uniform(-1, 1, shape) + max(shape[-2:]) * np.eye(*shape[-2:])


def assert_same_derivatives(f: Any, h: Any, *xs: Any, rtol: float = 1e-11) -> None:
    """Values, gradients, tangents and second derivatives of two ways to write one function."""
    y, every = f(*xs), tuple(range(len(xs)))
    np.testing.assert_allclose(y, h(*xs), rtol=rtol, atol=1e-13)
    g = rng.uniform(0.5, 1.5, np.shape(y))
    ts = tuple(rng.uniform(0.5, 1.5, np.shape(x)) for x in xs)

    def slope(k: Any) -> Any:
        def along_ts(*xs: Any) -> Any:
            found = minigrad.grad(lambda *xs: np.sum(g * k(*xs)), every)(*xs)
            return sum(np.sum(a * t) for a, t in zip(found, ts, strict=True))

        return minigrad.grad(along_ts, every)(*xs)

    for a, b in zip(*(minigrad.grad(k, every)(*xs, cotangent=g) for k in (f, h)), strict=True):
        assert np.abs(b).max() > 0
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max())
    a, b = (minigrad.jvp(k, xs, ts)[1] for k in (f, h))
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max())
    for a, b in zip(slope(f), slope(h), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * max(1.0, np.abs(b).max()))


def assert_slope(f: Any, x: Any, rtol: float = 1e-9) -> None:
    """The gradient of f along a direction, against finite differences."""
    t = rng.uniform(0.5, 1.5, np.shape(x))
    found = np.sum(minigrad.grad(f)(x) * t)
    np.testing.assert_allclose(found, along(lambda h: f(x + h * t)), rtol=rtol, atol=rtol)
