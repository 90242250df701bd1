"""Two training steps without hidden layers: layer norm and softmax; logistic regression of many samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from .workload import LR, Call, Workload

# ------------------------------------------------------------------------------- layer norm and softmax
ROWS, WIDTH, CLASSES, EPS = 128, 128, 32, 1e-5


def block_start(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, WIDTH)).astype(dtype)
    target = rng.dirichlet(np.ones(CLASSES), ROWS).astype(dtype)
    w = (rng.normal(size=(WIDTH, CLASSES)) / np.sqrt(WIDTH)).astype(dtype)
    return [np.ones(WIDTH, dtype), np.zeros(WIDTH, dtype), w], (x, target)


def block(lib: Any, parameters: list[Any], x: Any, target: Any) -> Any:
    """Squared error of softmax(layer_norm(x) @ w), the sum over classes, the mean over rows."""
    scale, shift, w = parameters
    error = lib.softmax(lib.layer_norm(x, scale, shift) @ w) - target
    return lib.xp.sum(error * error) / ROWS


def block_by_hand(parameters: list[Any], x: Any, target: Any) -> Call:
    scale, shift, w = parameters

    def step() -> Any:
        deviation = x - x.mean(axis=1, keepdims=True)
        size = np.sqrt((deviation * deviation).mean(axis=1, keepdims=True) + EPS)
        normal = deviation / size
        h = normal * scale + shift
        z = h @ w
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        error = p - target
        loss = (error * error).sum() / ROWS
        gp = error * (2 / ROWS)
        gz = p * (gp - (gp * p).sum(axis=1, keepdims=True))
        gw, gh = h.T @ gz, gz @ w.T
        gscale, gshift = (gh * normal).sum(axis=0), gh.sum(axis=0)
        for parameter, g in ((w, gw), (scale, gscale), (shift, gshift)):
            parameter -= LR * g
        return loss

    return step


def block_buffered(parameters: list[Any], x: Any, target: Any) -> Call:
    scale, shift, w = parameters
    normal, square, h = (np.empty_like(x) for _ in range(3))
    side, size, p = np.empty((ROWS, 1), x.dtype), np.empty((ROWS, 1), x.dtype), np.empty_like(target)
    error, product, gw = np.empty_like(p), np.empty_like(p), np.empty_like(w)
    gscale, gshift = np.empty_like(scale), np.empty_like(shift)

    def step() -> Any:
        np.mean(x, axis=1, keepdims=True, out=side)
        np.subtract(x, side, out=normal)
        np.multiply(normal, normal, out=square)
        np.mean(square, axis=1, keepdims=True, out=size)
        np.add(size, EPS, out=size)
        np.sqrt(size, out=size)
        np.divide(normal, size, out=normal)
        np.multiply(normal, scale, out=h)
        np.add(h, shift, out=h)
        np.dot(h, w, out=p)
        np.max(p, axis=1, keepdims=True, out=side)
        np.subtract(p, side, out=p)
        np.exp(p, out=p)
        np.sum(p, axis=1, keepdims=True, out=side)
        np.divide(p, side, out=p)
        np.subtract(p, target, out=error)
        np.multiply(error, error, out=product)
        loss = product.sum() / ROWS
        np.multiply(error, 2 / ROWS, out=error)
        np.multiply(error, p, out=product)
        np.sum(product, axis=1, keepdims=True, out=side)
        np.subtract(error, side, out=error)
        np.multiply(error, p, out=error)
        np.dot(h.T, error, out=gw)
        np.dot(error, w.T, out=square)
        np.sum(square, axis=0, out=gshift)
        np.multiply(square, normal, out=square)
        np.sum(square, axis=0, out=gscale)
        for parameter, g in ((w, gw), (scale, gscale), (shift, gshift)):
            np.multiply(g, LR, out=g)
            np.subtract(parameter, g, out=parameter)
        return loss

    return step


NORMALISED = Workload(
    "layer norm, softmax",
    "step",
    block_start,
    block,
    block_by_hand,
    {"float64": None, "float32": None},
    block_buffered,
)

# ------------------------------------------------------------------------------------ logistic regression
SAMPLES, FEATURES = 100_000, 20


def logistic_start(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SAMPLES, FEATURES)).astype(dtype)
    y = (x @ rng.normal(size=FEATURES) + rng.normal(size=SAMPLES) > 0).astype(dtype)
    return [np.zeros(FEATURES, dtype), np.zeros((), dtype)], (x, y)


def logistic(lib: Any, parameters: list[Any], x: Any, y: Any) -> Any:
    w, b = parameters
    z = x @ w + b
    return lib.xp.mean(lib.softplus(z) - y * z)


def logistic_by_hand(parameters: list[Any], x: Any, y: Any) -> Call:
    w, b = parameters

    def step() -> Any:
        z = x @ w + b
        loss = (np.logaddexp(z, 0) - y * z).mean()
        g = (1 / (1 + np.exp(-z)) - y) / SAMPLES
        np.subtract(w, LR * (x.T @ g), out=w)
        np.subtract(b, LR * g.sum(), out=b)
        return loss

    return step


def logistic_buffered(parameters: list[Any], x: Any, y: Any) -> Call:
    w, b = parameters
    z, s, g, gw = np.empty_like(y), np.empty_like(y), np.empty_like(y), np.empty_like(w)

    def step() -> Any:
        np.dot(x, w, out=z)
        np.add(z, b, out=z)
        np.logaddexp(z, 0, out=s)
        np.multiply(y, z, out=g)
        np.subtract(s, g, out=s)
        loss = s.mean()
        np.negative(z, out=z)
        np.exp(z, out=z)
        np.add(z, 1, out=z)
        np.divide(1, z, out=z)
        np.subtract(z, y, out=z)
        np.divide(z, SAMPLES, out=z)
        np.dot(x.T, z, out=gw)
        np.multiply(gw, LR, out=gw)
        np.subtract(w, gw, out=w)
        np.subtract(b, LR * z.sum(), out=b)
        return loss

    return step


LOGISTIC = Workload(
    "logistic, 10^5 rows",
    "step",
    logistic_start,
    logistic,
    logistic_by_hand,
    {"float64": None, "float32": None},
    logistic_buffered,
)
