"""Training steps of multilayer perceptrons: tanh, cross-entropy, gradient descent.

With weights 4 times as large, tanh saturates: its slope is then nearly 0 for many entries.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .workload import LR, Call, Workload


def start(sizes: Sequence[int], batch: int, dtype: str, scale: float = 1.0) -> tuple[list[Any], tuple[Any, ...]]:
    """Parameters W1, b1, W2, b2, ... (Xavier, times scale), inputs and their classes."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (batch, sizes[0])).astype(dtype)
    classes = rng.integers(0, sizes[-1], batch)
    parameters = []
    for n, m in pairwise(sizes):
        w = scale * rng.uniform(-1, 1, (n, m)) * np.sqrt(6 / (n + m))
        parameters += [w.astype(dtype), np.zeros(m, dtype)]
    return parameters, (x, classes)


def loss(lib: Any, parameters: list[Any], x: Any, classes: Any) -> Any:
    h = x
    for w, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        h = lib.xp.tanh(h @ w + b)
    return lib.cross_entropy(h @ parameters[-2] + parameters[-1], classes)


def hand(parameters: list[Any], x: Any, classes: Any) -> Call:
    """As one writes it in NumPy: every derivative worked out on paper."""
    rows = np.arange(len(x))
    weights, biases = parameters[::2], parameters[1::2]

    def step() -> Any:
        h = [x]
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            h.append(np.tanh(h[-1] @ w + b))
        z = h[-1] @ weights[-1] + biases[-1]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[rows, classes]).mean()

        g = p
        g[rows, classes] -= 1
        g /= len(x)
        gradients = []
        for k in reversed(range(len(weights))):
            gradients.append((h[k].T @ g, g.sum(axis=0)))
            if k:
                g = (g @ weights[k].T) * (1 - h[k] * h[k])
        for w, b, (dw, db) in zip(weights, biases, reversed(gradients), strict=True):
            w -= LR * dw
            b -= LR * db
        return loss

    return step


def buffered(parameters: list[Any], x: Any, classes: Any) -> Call:
    """The same with a buffer for every array, and nothing allocated in the step."""
    rows, n = np.arange(len(x)), len(x)
    weights, biases = parameters[::2], parameters[1::2]
    h = [x, *(np.empty((n, w.shape[1]), x.dtype) for w in weights)]
    g = [np.empty_like(a) for a in h]
    dw, db = [np.empty_like(w) for w in weights], [np.empty_like(b) for b in biases]
    side, last = np.empty((n, 1), x.dtype), len(weights) - 1
    layers = [
        (w, b, h[k], h[k].T, h[k + 1], g[k], g[k + 1], w.T, dw[k], db[k])
        for k, (w, b) in enumerate(zip(weights, biases, strict=True))
    ]

    def step() -> Any:
        for k, (w, b, before, _, after, *_) in enumerate(layers):
            np.dot(before, w, out=after)
            np.add(after, b, out=after)
            if k < last:
                np.tanh(after, out=after)
        z, p = h[-1], g[-1]
        np.max(z, axis=1, keepdims=True, out=side)
        np.subtract(z, side, out=p)
        np.exp(p, out=p)
        np.sum(p, axis=1, keepdims=True, out=side)
        np.divide(p, side, out=p)
        picked = p[rows, classes]
        loss = -np.log(picked).mean()

        p[rows, classes] = picked - 1
        np.divide(p, n, out=p)
        for k in range(last, -1, -1):
            _, _, before, transposed, _, down, up, back, dw_k, db_k = layers[k]
            np.dot(transposed, up, out=dw_k)
            np.sum(up, axis=0, out=db_k)
            if k:
                np.dot(up, back, out=down)
                np.multiply(before, before, out=before)
                np.subtract(1, before, out=before)
                np.multiply(down, before, out=down)
        for w, b, _, _, _, _, _, _, dw_k, db_k in layers:
            np.multiply(dw_k, LR, out=dw_k)
            np.subtract(w, dw_k, out=w)
            np.multiply(db_k, LR, out=db_k)
            np.subtract(b, db_k, out=b)
        return loss

    return step


def _network(sizes: Sequence[int], batch: int, scale: float = 1.0, **targets: float | None) -> Workload:
    name = "-".join(map(str, sizes)) + (", saturated" if scale > 1 else "")
    begin = functools.partial(start, sizes, batch, scale=scale)
    return Workload(name, "step", begin, loss, hand, targets, buffered)


NETWORKS = (
    _network((2, 16, 16, 2), 100, float64=0.35, float32=0.35),
    _network((2, 16, 16, 2), 100, scale=4.0, float64=0.6, float32=0.6),
    _network((64, 128, 64, 10), 64, float64=0.82, float32=0.8),
    _network((784, 512, 256, 10), 256, float64=0.98, float32=0.95),
)
