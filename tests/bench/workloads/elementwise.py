"""A chain of twenty elementwise operations on a million numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .workload import Call, Workload

SIZE = 1_000_000


def start(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    x = np.random.default_rng(0).uniform(0.5, 1.5, SIZE).astype(dtype)
    return [], (x, x[::-1].copy())


def chain(lib: Any, parameters: list[Any], x: Any, y: Any) -> Any:
    xp = lib.xp
    a = x * 0.5
    b = a + y
    c = b - 0.25
    d = c * a
    e = xp.abs(d)
    f = e + 1.0
    g = xp.sqrt(f)
    h = b / g
    i = h * 1.5
    j = i - a
    k = xp.maximum(j, x)
    m = k * 0.125
    n = m + 0.5
    o = n * n
    p = o - m
    q = p / f
    r = q + h
    s = r * 2.0
    t = s - y
    return t * 0.75


class _NumPy:
    xp = np


def hand(parameters: list[Any], x: Any, y: Any) -> Call:
    return lambda: chain(_NumPy, parameters, x, y)


def buffered(parameters: list[Any], x: Any, y: Any) -> Call:
    """The same with out=, in six buffers; the result is new each time, as it is without."""
    a, b, f, h, m, z = (np.empty_like(x) for _ in range(6))

    def call() -> Any:
        np.multiply(x, 0.5, out=a)
        np.add(a, y, out=b)
        np.subtract(b, 0.25, out=f)
        np.multiply(f, a, out=f)
        np.abs(f, out=f)
        np.add(f, 1.0, out=f)
        np.sqrt(f, out=z)
        np.divide(b, z, out=h)
        np.multiply(h, 1.5, out=z)
        np.subtract(z, a, out=z)
        np.maximum(z, x, out=z)
        np.multiply(z, 0.125, out=m)
        np.add(m, 0.5, out=z)
        np.multiply(z, z, out=z)
        np.subtract(z, m, out=z)
        np.divide(z, f, out=z)
        np.add(z, h, out=z)
        np.multiply(z, 2.0, out=z)
        np.subtract(z, y, out=z)
        return np.multiply(z, 0.75)

    return call


CHAIN = Workload("chain of 20 on 1e6", "value", start, chain, hand, buffered, 0.45, 15)
