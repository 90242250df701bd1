"""The Hessian of a network's squared error times a direction."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from .workload import Call, Workload

SIZES, BATCH = (20, 50, 50, 1), 32


def start(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    """Weights and biases, a direction for each; inputs and targets."""
    rng = np.random.default_rng(0)
    shapes = [shape for n, m in pairwise(SIZES) for shape in ((n, m), (m,))]
    parameters = [(rng.normal(size=s) / np.sqrt(s[0])).astype(dtype) for s in shapes]
    directions = [rng.normal(size=s).astype(dtype) for s in shapes]
    x, y = (rng.normal(size=(BATCH, n)).astype(dtype) for n in (SIZES[0], SIZES[-1]))
    return parameters, (directions, x, y)


def error(lib: Any, parameters: list[Any], x: Any, y: Any) -> Any:
    u, p, v, q, w, r = parameters
    a = lib.xp.tanh(x @ u + p)
    b = lib.xp.tanh(a @ v + q)
    rest = b @ w + r - y
    return lib.xp.sum(rest * rest)


def by_hand(parameters: list[Any], directions: list[Any], x: Any, y: Any) -> Call:
    """Pearlmutter's R-operator: every line, and its derivative along the directions (names with r)."""
    (u, p, v, q, w, r), (du, dp, dv, dq, dw, dr) = parameters, directions

    def call() -> Any:
        a = np.tanh(x @ u + p)
        slope_a = 1 - a * a
        ra = slope_a * (x @ du + dp)
        b = np.tanh(a @ v + q)
        slope_b = 1 - b * b
        rb = slope_b * (ra @ v + a @ dv + dq)
        g, rg = 2 * (b @ w + r - y), 2 * (rb @ w + b @ dw + dr)

        gb, rgb = g @ w.T, rg @ w.T + g @ dw.T
        gz, rgz = gb * slope_b, rgb * slope_b - 2 * gb * b * rb
        ga, rga = gz @ v.T, rgz @ v.T + gz @ dv.T
        ry = rga * slope_a - 2 * ga * a * ra
        weights = x.T @ ry, ra.T @ gz + a.T @ rgz, rb.T @ g + b.T @ rg
        biases = ry.sum(axis=0), rgz.sum(axis=0), rg.sum(axis=0)
        return [part for pair in zip(weights, biases, strict=True) for part in pair]

    return call


PRODUCT = Workload("Hessian times vector", "product", start, error, by_hand, {"float64": 0.5})
