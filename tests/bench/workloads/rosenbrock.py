"""The gradient of Rosenbrock's function of a hundred numbers, beside Python's own floats."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .workload import Call, Workload

VARIABLES = 100


def as_list(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    return [], (np.random.default_rng(0).uniform(-1, 1, VARIABLES).tolist(),)


def as_array(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    _, (x,) = as_list(dtype)
    return [], (np.array(x),)


def with_powers(lib: Any, parameters: list[Any], x: Any) -> Any:
    return sum(100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2 for a, b in itertools.pairwise(x))


def with_products(lib: Any, parameters: list[Any], x: Any) -> Any:
    return sum(100.0 * (b - a * a) * (b - a * a) + (1.0 - a) * (1.0 - a) for a, b in itertools.pairwise(x))


def taken_apart(lib: Any, parameters: list[Any], x: Any) -> Any:
    return with_powers(lib, parameters, [x[k] for k in range(VARIABLES)])


def by_hand(parameters: list[Any], x: Any) -> Call:
    """In Python's floats: the gradient, worked out on paper."""
    floats = [float(a) for a in x]

    def call() -> list[float]:
        g = [0.0] * len(floats)
        for i in range(len(floats) - 1):
            a = floats[i]
            d = floats[i + 1] - a * a
            g[i] += -400.0 * d * a - 2.0 * (1.0 - a)
            g[i + 1] += 200.0 * d
        return g

    return call


ROSENBROCKS = (
    Workload("Rosenbrock, a ** 2", "gradient", as_list, with_powers, by_hand, {"float64": 0.4}),
    Workload("Rosenbrock, a * a", "gradient", as_list, with_products, by_hand, {"float64": 0.4}),
    Workload("Rosenbrock, of an array", "gradient", as_array, taken_apart, by_hand, {"float64": 0.15}),
)
