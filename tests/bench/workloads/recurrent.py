"""A training step of a recurrent network: 200 steps in time."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .workload import LR, Call, Workload

STEPS, BATCH, INPUTS, WIDTH = 200, 16, 8, 32


def start(steps: int, dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    """Weights of the input and of the state, their bias, weights of the output; inputs and targets."""
    rng = np.random.default_rng(0)
    shapes = (INPUTS, WIDTH), (WIDTH, WIDTH), (WIDTH,), (WIDTH, 1)
    parameters = [(0.3 * rng.normal(size=s) / np.sqrt(s[0])).astype(dtype) for s in shapes]
    x = rng.normal(size=(steps, BATCH, INPUTS)).astype(dtype)
    return parameters, (x, x.sum(axis=(0, 2))[:, None] / steps)


def loss(lib: Any, parameters: list[Any], x: Any, y: Any) -> Any:
    """The mean squared error of the last state's output."""
    u, w, b, v = parameters
    first = lib.xp.tanh(x[0] @ u + b)
    h = lib.scan(lambda h, x: lib.xp.tanh(x @ u + h @ w + b), first, x[1:])
    error = h @ v - y
    return lib.xp.mean(error * error)


def by_hand(parameters: list[Any], x: Any, y: Any) -> Call:
    u, w, b, v = parameters

    def step() -> Any:
        states = [np.tanh(x[0] @ u + b)]
        for inputs in x[1:]:
            states.append(np.tanh(inputs @ u + states[-1] @ w + b))
        error = states[-1] @ v - y
        loss = (error * error).mean()

        g = 2 * error / error.size
        dv = states[-1].T @ g
        g = g @ v.T
        du, dw, db = np.zeros_like(u), np.zeros_like(w), np.zeros_like(b)
        for t in reversed(range(len(x))):
            g = g * (1 - states[t] * states[t])
            du += x[t].T @ g
            db += g.sum(axis=0)
            if t:
                dw += states[t - 1].T @ g
                g = g @ w.T
        for parameter, change in ((u, du), (w, dw), (b, db), (v, dv)):
            parameter -= LR * change
        return loss

    return step


RECURRENT = Workload(
    "recurrent, 200 steps",
    "step",
    functools.partial(start, STEPS),
    loss,
    by_hand,
    {"float64": 0.6},
    small=functools.partial(start, 8),
)
