"""Functions that workers evaluate: in a module of their own, which a process started afresh can import."""

from __future__ import annotations

import multiprocessing
import os
from typing import Any

import numpy as np


def network(w: Any, b: Any, x: Any) -> Any:
    """Long sums, so that another order of them would be seen in the last bits."""
    return np.sum(np.sin(np.tanh(x @ w + b) * np.exp(w[0])) ** 2)


def network_gradient(w: Any, b: Any, x: Any) -> Any:
    inner = np.tanh(x @ w + b)
    e = np.exp(w[0])
    g = np.sin(2 * inner * e)
    down = g * e * (1 - inner**2)
    dw = x.T @ down
    dw[0] += np.sum(g * inner, axis=0) * e
    return dw, down.sum(axis=0), down @ w.T


def network_gradient_wrong_in_one(w: Any, b: Any, x: Any) -> Any:
    dw, db, dx = network_gradient(w, b, x)
    dx[1, 0] *= 1.5
    return dw, db, dx


def rows(x: Any) -> Any:
    return np.cumsum(np.exp(np.sin(x)))


def rows_vjp(g: Any, x: Any) -> Any:
    return np.cumsum(g[::-1])[::-1] * np.exp(np.sin(x)) * np.cos(x)


def partial_domain(x: Any) -> Any:
    """Raises on one side, is nan on the other; in between it is smooth."""
    if x[0] > 0.6:
        raise ValueError("beyond the end")
    return np.sum(np.sqrt(x - 0.4))


def partial_domain_gradient(x: Any) -> Any:
    return 0.5 / np.sqrt(x - 0.4)


def leaves_the_process(x: Any) -> Any:
    """Ends the process it runs in, if that is a worker."""
    if multiprocessing.parent_process() is not None:
        os._exit(1)
    return np.sum(x**2)


def leaves_gradient(x: Any) -> Any:
    return 2 * x
