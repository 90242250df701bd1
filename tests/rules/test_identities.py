"""The same derivative by another road: each op beside an expression in other ops that equals it.

Gradients and products with the Hessian must agree; only roundings, and how well each expression is conditioned on
these moderate numbers, may tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import assert_close

import minigrad
from minigrad import grad

RNG = np.random.default_rng(20)
REAL = RNG.uniform(-1.5, 1.5, (2, 3))
MORE = RNG.uniform(-1.5, 1.5, (2, 3))
POSITIVE = RNG.uniform(0.3, 2.5, (2, 3))
OTHER_POSITIVE = RNG.uniform(0.3, 2.5, (2, 3))
UNIT = RNG.uniform(-0.8, 0.8, (2, 3))
OVER_ONE = RNG.uniform(1.3, 3.0, (2, 3))
SQUARE = RNG.uniform(-1.5, 1.5, (3, 3))
TARGETS = np.array([2, 0])

ROUNDINGS = 1e3 * float(np.finfo(np.float64).eps)

F = Callable[..., Any]


def lower(n: int) -> Any:
    return np.tril(np.ones((n, n)))


IDENTITIES: dict[str, tuple[F, F, tuple[Any, ...]]] = {
    # through exponentials and logarithms
    "tanh": (np.tanh, lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), (REAL,)),
    "tanh by sigmoid": (np.tanh, lambda x: 2 * minigrad.sigmoid(2 * x) - 1, (REAL,)),
    "sigmoid": (minigrad.sigmoid, lambda x: 1 / (1 + np.exp(-x)), (REAL,)),
    "softplus": (minigrad.softplus, lambda x: np.log1p(np.exp(x)), (REAL,)),
    "relu": (minigrad.relu, lambda x: x * (x > 0), (REAL,)),
    "softmax": (minigrad.softmax, lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True), (REAL,)),
    "softmax over all": (
        lambda x: minigrad.softmax(x, axis=(0, 1)),
        lambda x: np.exp(x) / np.sum(np.exp(x)),
        (REAL,),
    ),
    "log_softmax": (minigrad.log_softmax, lambda x: np.log(minigrad.softmax(x)), (REAL,)),
    "log_softmax by logsumexp": (
        lambda x: minigrad.log_softmax(x, axis=0),
        lambda x: x - minigrad.logsumexp(x, axis=0, keepdims=True),
        (REAL,),
    ),
    "logsumexp": (lambda x: minigrad.logsumexp(x, axis=1), lambda x: np.log(np.exp(x).sum(axis=1)), (REAL,)),
    "cross_entropy": (
        lambda x: minigrad.cross_entropy(x, TARGETS),
        lambda x: -np.mean(minigrad.log_softmax(x)[np.arange(2), TARGETS]),
        (REAL,),
    ),
    "cross_entropy of one row": (
        lambda x: minigrad.cross_entropy(x[0], 1),
        lambda x: minigrad.logsumexp(x[0]) - x[0, 1],
        (REAL,),
    ),
    "logaddexp": (np.logaddexp, lambda a, b: np.log(np.exp(a) + np.exp(b)), (REAL, MORE)),
    "exp2": (np.exp2, lambda x: 2.0**x, (REAL,)),
    "expm1": (np.expm1, lambda x: np.exp(x) - 1, (REAL,)),
    "log2": (np.log2, lambda x: np.log(x) / np.log(2.0), (POSITIVE,)),
    "log10": (np.log10, lambda x: np.log(x) / np.log(10.0), (POSITIVE,)),
    "log1p": (np.log1p, lambda x: np.log(1 + x), (UNIT,)),
    "**": (np.power, lambda a, b: np.exp(b * np.log(a)), (POSITIVE, REAL)),
    "** 3": (lambda x: x**3, lambda x: x * x * x, (REAL,)),
    "** -2": (lambda x: x**-2, lambda x: 1 / (x * x), (POSITIVE,)),
    "/": (np.divide, lambda a, b: a * b**-1.0, (REAL, POSITIVE)),
    "reciprocal": (np.reciprocal, lambda x: 1 / x, (POSITIVE,)),
    "square": (np.square, lambda x: x * x, (REAL,)),
    "sqrt": (np.sqrt, lambda x: x**0.5, (POSITIVE,)),
    "cbrt": (np.cbrt, lambda x: x ** (1 / 3), (POSITIVE,)),
    "hypot": (np.hypot, lambda a, b: np.sqrt(a * a + b * b), (REAL, MORE)),
    # trigonometry and its hyperbolic sister
    "tan": (np.tan, lambda x: np.sin(x) / np.cos(x), (UNIT,)),
    "cos": (np.cos, lambda x: np.sin(x + np.pi / 2), (REAL,)),
    "arcsin": (np.arcsin, lambda x: np.arctan2(x, np.sqrt(1 - x * x)), (UNIT,)),
    "arccos": (np.arccos, lambda x: np.pi / 2 - np.arcsin(x), (UNIT,)),
    "arctan": (np.arctan, lambda x: np.arcsin(x / np.hypot(1.0, x)), (REAL,)),
    "arctan2": (np.arctan2, lambda a, b: np.arctan(a / b), (REAL, POSITIVE)),
    "sinh": (np.sinh, lambda x: (np.exp(x) - np.exp(-x)) / 2, (REAL,)),
    "cosh": (np.cosh, lambda x: (np.exp(x) + np.exp(-x)) / 2, (REAL,)),
    "arcsinh": (np.arcsinh, lambda x: np.log(x + np.sqrt(x * x + 1)), (REAL,)),
    "arccosh": (np.arccosh, lambda x: np.log(x + np.sqrt(x * x - 1)), (OVER_ONE,)),
    "arctanh": (np.arctanh, lambda x: np.log((1 + x) / (1 - x)) / 2, (UNIT,)),
    "deg2rad": (np.deg2rad, lambda x: x * np.pi / 180, (REAL,)),
    "degrees": (np.degrees, lambda x: x * 180 / np.pi, (REAL,)),
    # kinks, away from them
    "abs": (np.abs, lambda x: np.sqrt(x * x), (REAL,)),
    "maximum": (np.maximum, lambda a, b: (a + b + np.abs(a - b)) / 2, (REAL, MORE)),
    "minimum": (np.minimum, lambda a, b: -np.maximum(-a, -b), (REAL, MORE)),
    "clip": (lambda x: np.clip(x, -0.7, 0.9), lambda x: np.minimum(np.maximum(x, -0.7), 0.9), (REAL,)),
    "where": (lambda a, b: np.where(REAL > 0, a, b), lambda a, b: a * (REAL > 0) + b * (REAL <= 0), (REAL, MORE)),
    "%": (np.remainder, lambda a, b: a - b * np.floor(a / b), (REAL, POSITIVE)),
    # reductions
    "mean": (lambda x: np.mean(x, axis=1), lambda x: np.sum(x, axis=1) / 3, (REAL,)),
    "var": (lambda x: np.var(x, axis=0), lambda x: np.mean((x - np.mean(x, axis=0)) ** 2, axis=0), (REAL,)),
    "var, ddof": (lambda x: np.var(x, ddof=1), lambda x: np.sum((x - np.mean(x)) ** 2) / 5, (REAL,)),
    "std": (lambda x: np.std(x, axis=1), lambda x: np.sqrt(np.var(x, axis=1)), (REAL,)),
    "prod": (lambda x: np.prod(x, axis=1), lambda x: np.exp(np.log(x).sum(axis=1)), (POSITIVE,)),
    "max": (lambda x: np.max(x, axis=1), lambda x: np.sort(x, axis=1)[:, -1], (REAL,)),
    "min": (np.min, lambda x: x.ravel()[x.ravel().argmin()], (REAL,)),
    "cumsum": (lambda x: np.cumsum(x, axis=1), lambda x: x @ lower(3).T, (REAL,)),
    "norm": (lambda x: np.linalg.norm(x, axis=1), lambda x: np.sqrt(np.sum(x * x, axis=1)), (REAL,)),
    "norm of all": (np.linalg.norm, lambda x: np.sqrt(np.sum(x * x)), (REAL,)),
    "norm, 1": (lambda x: np.linalg.norm(x, ord=1, axis=0), lambda x: np.sum(np.abs(x), axis=0), (REAL,)),
    "norm, 3": (
        lambda x: np.linalg.norm(x, ord=3, axis=1),
        lambda x: np.sum(np.abs(x) ** 3, axis=1) ** (1 / 3),
        (REAL,),
    ),
    "norm, inf": (lambda x: np.linalg.norm(x, ord=np.inf, axis=1), lambda x: np.max(np.abs(x), axis=1), (REAL,)),
    "sort": (lambda x: np.sort(x, axis=1), lambda x: x[[[0], [1]], np.argsort(REAL, axis=1)], (REAL,)),
    # products
    "@": (lambda a, b: a @ b, lambda a, b: np.sum(a[:, :, None] * b[None, :, :], axis=1), (REAL, SQUARE)),
    "@ of vectors": (lambda a, b: a[0] @ b[0], lambda a, b: np.sum(a[0] * b[0]), (REAL, MORE)),
    "dot": (lambda a, b: np.dot(a, b[0]), lambda a, b: a @ b[0], (REAL, MORE)),
    "broadcasting": (lambda a, b: a * b[0], lambda a, b: a * np.broadcast_to(b[0], (2, 3)), (REAL, MORE)),
    # moving entries
    "stack": (
        lambda a, b: np.stack([a, b], axis=1),
        lambda a, b: np.concatenate([a[:, None], b[:, None]], axis=1),
        (REAL, MORE),
    ),
    "concatenate": (
        lambda a, b: np.concatenate([a, b]),
        lambda a, b: minigrad.put(minigrad.put(np.zeros((4, 3)), slice(0, 2), a), slice(2, 4), b),
        (REAL, MORE),
    ),
    "roll": (lambda x: np.roll(x, 1, axis=1), lambda x: x[:, [2, 0, 1]], (REAL,)),
    "flip": (lambda x: np.flip(x, 1), lambda x: x[:, ::-1], (REAL,)),
    "transpose": (lambda x: x.T, lambda x: np.stack([x[0], x[1]], axis=1), (REAL,)),
    "put": (
        lambda x, v: minigrad.put(x, (0, slice(1, 3)), v[0, :2]),
        lambda x, v: np.where([[0, 1, 1], [0, 0, 0]], np.concatenate([v[0, 2:], v[0, :2]]), x),
        (REAL, MORE),
    ),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_two_roads_to_the_same_derivative(name: str) -> None:
    f, other, xs = IDENTITIES[name]
    rng = np.random.default_rng(5)
    y = f(*map(minigrad.Value, xs)).data
    assert_close(other(*map(minigrad.Value, xs)).data, y, ROUNDINGS * (1 + np.abs(y)), f"{name}: the value")
    v = rng.uniform(0.5, 1.5, np.shape(y)) * rng.choice([-1, 1], np.shape(y))
    directions = [rng.uniform(0.5, 1.5, np.shape(x)) for x in xs]
    numbers = tuple(range(len(xs)))

    def slope(f: F) -> F:
        def along(*xs: Any) -> Any:
            gs = grad(f, numbers)(*xs, cotangent=v)
            return sum(np.sum(u * g) for u, g in zip(directions, gs, strict=True))

        return along

    for k in numbers:
        ours, theirs = (grad(h, k)(*xs, cotangent=v) for h in (f, other))
        assert_close(ours, theirs, ROUNDINGS * (1 + np.abs(theirs)), f"{name}: gradient of input {k}")
        ours, theirs = (grad(slope(h), k)(*xs) for h in (f, other))
        assert_close(ours, theirs, 10 * ROUNDINGS * (1 + np.abs(theirs)), f"{name}: second order, input {k}")
