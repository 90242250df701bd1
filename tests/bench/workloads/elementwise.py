"""Chains of elementwise operations, and calls so small that the call itself is what they cost."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .workload import Call, Workload

# --------------------------------------------------------------------------------------- twenty of + - * /


def numbers(size: int, dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    return [], (np.random.default_rng(0).uniform(0.5, 1.5, size).astype(dtype),)


def chain(lib: Any, parameters: list[Any], x: Any) -> Any:
    for _ in range(4):
        x = (x * (x * 0.5 + 1.0) - 0.25) / 1.5
    return x


def by_hand(f: Any) -> Any:
    """A chain is written by hand as it is written for any library: with NumPy's own functions."""

    class Plain:
        xp = np

    return lambda parameters, *data: functools.partial(f, Plain, parameters, *data)


def chain_buffered(parameters: list[Any], x: Any) -> Call:
    """The same with out=; the result is new each time, as it is without."""
    buffer = np.empty_like(x)

    def call() -> Any:
        y, result = x, np.empty_like(x)
        for _ in range(4):
            np.multiply(y, 0.5, out=buffer)
            np.add(buffer, 1.0, out=buffer)
            np.multiply(y, buffer, out=buffer)
            np.subtract(buffer, 0.25, out=buffer)
            y = np.divide(buffer, 1.5, out=result)
        return result

    return call


# ----------------------------------------------------------------------------------- twelve with tanh and exp


def curved(lib: Any, parameters: list[Any], x: Any) -> Any:
    xp = lib.xp
    for _ in range(2):
        t = xp.tanh(x) * 0.5 + x
        x = xp.exp(-t) - 0.1
    return x


def curved_buffered(parameters: list[Any], x: Any) -> Call:
    t = np.empty_like(x)

    def call() -> Any:
        y, result = x, np.empty_like(x)
        for _ in range(2):
            np.tanh(y, out=t)
            np.multiply(t, 0.5, out=t)
            np.add(t, y, out=t)
            np.negative(t, out=t)
            np.exp(t, out=t)
            y = np.subtract(t, 0.1, out=result)
        return result

    return call


# ------------------------------------------------------------------------------------------- small calls


def one_number(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    return [], (np.dtype(dtype).type(1.5),)


def doubled(lib: Any, parameters: list[Any], s: Any) -> Any:
    return s * 2


def incremented(lib: Any, parameters: list[Any], x: Any) -> Any:
    return x + 1


def hundred_arrays(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    rng = np.random.default_rng(0)
    return [], ({f"w{k}": rng.normal(size=(8, 8)).astype(dtype) for k in range(100)},)


def decayed(lib: Any, parameters: list[Any], arrays: dict[str, Any]) -> Any:
    return {name: 0.9 * w for name, w in arrays.items()}


def _chain(f: Any, buffered: Any, name: str, power: int, **targets: float | None) -> Workload:
    start, small = functools.partial(numbers, 10**power), functools.partial(numbers, 100)
    return Workload(f"{name}, 10^{power}", "value", start, f, by_hand(f), targets, buffered, small=small)


ARITHMETIC = "20 of + - * /"
CURVED = "12 with tanh, exp"
CHAINS = (
    _chain(chain, chain_buffered, ARITHMETIC, 3, float64=0.2, float32=0.2),
    _chain(chain, chain_buffered, ARITHMETIC, 5, float64=0.3, float32=0.5),
    _chain(chain, chain_buffered, ARITHMETIC, 6, float64=None),
    _chain(chain, chain_buffered, ARITHMETIC, 7, float64=0.3, float32=0.3),
    _chain(curved, curved_buffered, CURVED, 3, float64=0.5),
    _chain(curved, curved_buffered, CURVED, 5, float64=0.5),
)
SMALL_CALLS = (
    Workload("s * 2, a number", "value", one_number, doubled, by_hand(doubled), {"float64": 2.0}),
    Workload(
        "x + 1, 3 numbers",
        "value",
        functools.partial(numbers, 3),
        incremented,
        by_hand(incremented),
        {"float64": 1.2},
    ),
    Workload("100 arrays, decayed", "value", hundred_arrays, decayed, by_hand(decayed), {"float64": 0.6}),
)
