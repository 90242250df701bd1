"""The log likelihood of a Gaussian process and its gradient, in three numbers."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .workload import Call, Workload


def start(n: int, dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    """The logarithms of length, height and noise; squared distances of the points, their values, and ones."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 10, n))
    y = np.sin(x) + 0.1 * rng.normal(size=n)
    numbers = [np.dtype(dtype).type(a) for a in (0.1, 0.2, -1.5)]
    squares = (x[:, None] - x) ** 2
    return numbers, (squares.astype(dtype), y.astype(dtype), np.eye(n, dtype=dtype))


def loss(lib: Any, parameters: list[Any], squares: Any, y: Any, one: Any) -> Any:
    """-log p(y), but for a constant."""
    length, height, noise = (lib.xp.exp(p) for p in parameters)
    k = height * height * lib.xp.exp(-0.5 * squares / (length * length)) + noise * noise * one
    return 0.5 * y @ lib.xp.linalg.solve(k, y) + 0.5 * lib.xp.linalg.slogdet(k)[1]


def by_hand(parameters: list[Any], squares: Any, y: Any, one: Any) -> Call:
    """With the inverse, which the gradient needs in full."""

    def call() -> Any:
        length, height, noise = np.exp(parameters)
        smooth = height**2 * np.exp(-0.5 * squares / length**2)
        k = smooth + noise**2 * one
        inverse = np.linalg.inv(k)
        a = inverse @ y
        value = 0.5 * y @ a + 0.5 * np.linalg.slogdet(k)[1]
        g = 0.5 * (inverse - np.outer(a, a))
        weighted = g * smooth
        slopes = (weighted * squares).sum() / length**2, 2 * weighted.sum(), 2 * noise**2 * np.trace(g)
        return value, slopes

    return call


PROCESS = Workload(
    "Gaussian process, n = 100", "both", functools.partial(start, 100), loss, by_hand, {"float64": 1.0}
)
