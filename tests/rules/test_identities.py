"""The same derivative by another road: each op beside an expression in other ops that equals it.

Gradients and products with the Hessian must agree; only roundings, and how well each expression is conditioned on
these moderate numbers, may tell them apart.
"""

from __future__ import annotations

import math
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
BOTH_OVER_ONE = OVER_ONE * [1, -1, 1]
FRACTIONS = 1 / OVER_ONE
TARGETS = np.array([2, 0])

ROUNDINGS = 1e3 * float(np.finfo(np.float64).eps)

F = Callable[..., Any]
HOLED = np.array([1.0, 0.0, 1.0])
DOMINANT = SQUARE / 3 + np.diag([2.0, 3.0, 4.5])
POWERS = np.arange(0.0, 80.0, 2.0)  # erf(x) = 2/√π Σ (-1)ⁿ x^(2n+1) / (n! (2n+1))
SERIES = np.array([2 / math.pi**0.5 * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(40)])


def centred(x: Any) -> Any:
    return x - np.mean(x, axis=1, keepdims=True)


def unit_rows(x: Any) -> Any:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def signed_exponential(sign: Any, log: Any) -> Any:
    return sign * np.exp(log)


def gram(a: Any) -> Any:
    return a.T @ a


def spd(a: Any) -> Any:
    """Symmetric, and positive definite."""
    return a @ a.T + np.diag([1.0, 2.0, 3.0])


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
    "sec": (minigrad.sec, lambda x: 1 / np.cos(x), (UNIT,)),
    "csc": (minigrad.csc, lambda x: 1 / np.sin(x), (POSITIVE,)),
    "cot": (minigrad.cot, lambda x: np.cos(x) / np.sin(x), (POSITIVE,)),
    "sech": (minigrad.sech, lambda x: 1 / np.cosh(x), (REAL,)),
    "csch": (minigrad.csch, lambda x: 1 / np.sinh(x), (REAL,)),
    "coth": (minigrad.coth, lambda x: np.cosh(x) / np.sinh(x), (REAL,)),
    "arcsec": (minigrad.arcsec, lambda x: np.arccos(1 / x), (BOTH_OVER_ONE,)),
    "arccsc": (minigrad.arccsc, lambda x: np.arcsin(1 / x), (BOTH_OVER_ONE,)),
    "arccot": (minigrad.arccot, lambda x: np.arctan(1 / x), (REAL,)),
    "arcsech": (minigrad.arcsech, lambda x: np.arccosh(1 / x), (FRACTIONS,)),
    "arccsch": (minigrad.arccsch, lambda x: np.arcsinh(1 / x), (REAL,)),
    "arccoth": (minigrad.arccoth, lambda x: np.arctanh(1 / x), (BOTH_OVER_ONE,)),
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
    # activations
    "erfc": (minigrad.erfc, lambda x: 1 - minigrad.erf(x), (REAL,)),
    "erf": (minigrad.erf, lambda x: x * np.sum(SERIES * np.expand_dims(x, -1) ** POWERS, axis=-1), (REAL,)),
    "gelu": (lambda x: minigrad.gelu(x, False), lambda x: x * minigrad.erfc(-x / 2**0.5) / 2, (REAL,)),
    "silu": (minigrad.silu, lambda x: x / (1 + np.exp(-x)), (REAL,)),
    "log_sigmoid": (minigrad.log_sigmoid, lambda x: np.log(minigrad.sigmoid(x)), (REAL,)),
    "elu": (minigrad.elu, lambda x: np.where(x > 0, x, np.exp(x) - 1), (REAL,)),
    "leaky_relu": (minigrad.leaky_relu, lambda x: np.maximum(x, 0.01 * x), (REAL,)),
    "softsign": (minigrad.softsign, lambda x: x / (1 + np.abs(x)), (REAL,)),
    "hard_tanh": (minigrad.hard_tanh, lambda x: np.clip(x, -1.0, 1.0), (REAL,)),
    "layer_norm": (
        lambda x: minigrad.layer_norm(x, eps=0.1),
        lambda x: (x - np.mean(x, -1, keepdims=True)) / np.sqrt(np.var(x, -1, keepdims=True) + 0.1),
        (REAL,),
    ),
    "binary_cross_entropy": (
        lambda z: minigrad.binary_cross_entropy_with_logits(z, UNIT * UNIT),
        lambda z: np.mean(minigrad.softplus(z) - UNIT * UNIT * z),
        (REAL,),
    ),
    "glu": (lambda x: minigrad.glu(x, axis=0), lambda x: x[:1] / (1 + np.exp(-x[1:])), (REAL,)),
    "batch_norm": (
        lambda x: minigrad.batch_norm(x[..., None], eps=0.1)[..., 0],
        lambda x: (x - np.mean(x, 0)) / np.sqrt(np.var(x, 0) + 0.1),
        (REAL,),
    ),
    "negative_log_likelihood": (
        lambda x: minigrad.negative_log_likelihood(minigrad.log_softmax(x), TARGETS),
        lambda x: minigrad.cross_entropy(x, TARGETS),
        (REAL,),
    ),
    "focal_loss, gamma 0": (
        lambda x: np.mean(minigrad.focal_loss(minigrad.softmax(x), TARGETS)),
        lambda x: minigrad.cross_entropy(x, TARGETS),
        (REAL,),
    ),
    "focal_loss": (
        lambda p: minigrad.focal_loss(p, TARGETS, alpha=0.25, gamma=2.0),
        lambda p: -0.25 * (1 - p[[0, 1], TARGETS]) ** 2 * np.log(p[[0, 1], TARGETS]),
        (FRACTIONS,),
    ),
    "multiclass_hinge": (
        lambda x: minigrad.multiclass_hinge(x, TARGETS),
        lambda x: (np.sum(np.maximum(x - x[[[0], [1]], TARGETS[:, None]] + 1, 0)) - 2) / 2,
        (REAL,),
    ),
    "margin_ranking_loss": (
        lambda a, b: minigrad.margin_ranking_loss(a, b, [1, -1, 1], 0.5),
        lambda a, b: np.mean(np.maximum(0.5 - np.array([1, -1, 1]) * (a - b), 0)),
        (REAL, MORE),
    ),
    "insert": (
        lambda x, v: np.insert(x, [2, 1], v[:, :2], axis=1),
        lambda x, v: np.stack([x[:, 0], v[:, 1], x[:, 1], v[:, 0], x[:, 2]], axis=1),
        (REAL, MORE),
    ),
    # running and ranked
    "cumprod": (lambda x: np.cumprod(x, axis=1), lambda x: np.exp(np.cumsum(np.log(x), axis=1)), (POSITIVE,)),
    "cumprod with a zero": (
        lambda x: np.cumprod(x[0] * HOLED),
        lambda x: np.stack([x[0, 0], x[0, 0] * x[0, 1] * 0.0, x[0, 0] * x[0, 1] * 0.0 * x[0, 2]]),
        (REAL,),
    ),
    "prod with a zero": (
        lambda x: np.prod(x * HOLED, axis=1),
        lambda x: x[:, 0] * (x[:, 1] * 0.0) * x[:, 2],
        (REAL,),
    ),
    "maximum.accumulate": (
        lambda x: np.maximum.accumulate(x, axis=1),
        lambda x: np.stack([x[:, 0], np.max(x[:, :2], axis=1), np.max(x, axis=1)], axis=1),
        (REAL,),
    ),
    "ptp": (lambda x: np.ptp(x, axis=1), lambda x: np.max(x, axis=1) - np.min(x, axis=1), (REAL,)),
    "median": (lambda x: np.median(x, axis=1), lambda x: np.sort(x, axis=1)[:, 1], (REAL,)),
    "quantile": (
        lambda x: np.quantile(x, 0.3, axis=1),
        lambda x: np.sort(x, axis=1) @ np.array([0.4, 0.6, 0.0]),
        (REAL,),
    ),
    "sort by take_along_axis": (
        lambda x: np.sort(x, axis=1),
        lambda x: np.take_along_axis(x, np.argsort(REAL, axis=1), 1),
        (REAL,),
    ),
    "partition": (lambda x: np.partition(x, 1, axis=1), lambda x: np.sort(x, axis=1), (REAL,)),
    "average": (
        lambda a, w: np.average(a, axis=0, weights=w),
        lambda a, w: np.sum(a * w, axis=0) / np.sum(w, axis=0),
        (REAL, POSITIVE),
    ),
    "nanmean": (np.nanmean, lambda x: np.sum(x) / 6, (REAL,)),
    "nanvar": (lambda x: np.nanvar(x, axis=1), lambda x: np.var(x, axis=1), (REAL,)),
    "cov": (np.cov, lambda x: centred(x) @ centred(x).T / 2, (REAL,)),
    "corrcoef": (np.corrcoef, lambda x: unit_rows(centred(x)) @ unit_rows(centred(x)).T, (REAL,)),
    # products
    "outer": (lambda a, b: np.outer(a, b[0]), lambda a, b: np.einsum("i,j->ij", a.ravel(), b[0]), (REAL, MORE)),
    "inner": (np.inner, lambda a, b: np.einsum("ij,kj->ik", a, b), (REAL, MORE)),
    "vdot": (np.vdot, lambda a, b: np.einsum("ij,ij", a, b), (REAL, MORE)),
    "tensordot": (
        lambda a, b: np.tensordot(a, b, ([0], [0])),
        lambda a, b: np.einsum("ki,kj->ij", a, b),
        (REAL, MORE),
    ),
    "kron": (np.kron, lambda a, b: np.einsum("ij,kl->ikjl", a, b).reshape(4, 9), (REAL, MORE)),
    "einsum": (lambda a, b: np.einsum("ij,kj->ik", a, b), lambda a, b: a @ b.T, (REAL, MORE)),
    "trace": (np.trace, lambda a: np.sum(a * np.eye(3)), (SQUARE,)),
    "multi_dot": (lambda a, b: np.linalg.multi_dot([a, b, a.T]), lambda a, b: a @ b @ a.T, (REAL, SQUARE)),
    "matrix_power": (lambda a: np.linalg.matrix_power(a, 3), lambda a: a @ a @ a, (SQUARE,)),
    "polyval": (lambda p: np.polyval(p[0], p[1]), lambda p: (p[0, 0] * p[1] + p[0, 1]) * p[1] + p[0, 2], (REAL,)),
    # grids, through the matrices that they are
    "convolve": (
        lambda a, v: np.convolve(a[0], v[0]),
        lambda a, v: np.stack([np.pad(v[0], (i, 2 - i)) for i in range(3)], axis=1) @ a[0],
        (REAL, MORE),
    ),
    "correlate": (
        lambda a, v: np.correlate(a[0], v[0], "full"),
        lambda a, v: np.convolve(a[0], v[0, ::-1]),
        (REAL, MORE),
    ),
    "interp": (
        lambda x, f: np.interp(x, np.array([-2.0, 0.0, 2.0]), f[0]),
        lambda x, f: np.maximum(0.0, 1.0 - np.abs(x[..., None] - np.array([-2.0, 0.0, 2.0])) / 2.0) @ f[0],
        (REAL, MORE),
    ),
    "diff": (lambda x: np.diff(x, axis=1), lambda x: x @ np.array([[-1.0, 0.0], [1.0, -1.0], [0.0, 1.0]]), (REAL,)),
    "gradient": (
        lambda x: np.gradient(x, axis=1),
        lambda x: x @ np.array([[-1.0, -0.5, 0.0], [1.0, 0.0, -1.0], [0.0, 0.5, 1.0]]),
        (REAL,),
    ),
    "trapezoid": (
        lambda f, x: np.trapezoid(f, x),
        lambda f, x: np.sum((f[:, 1:] + f[:, :-1]) * np.diff(x), axis=1) / 2,
        (REAL, MORE),
    ),
    "pad": (
        lambda x: np.pad(x, ((0, 0), (1, 0)), mode="edge"),
        lambda x: np.concatenate([x[:, :1], x], axis=1),
        (REAL,),
    ),
    "pad, odd": (
        lambda x: np.pad(x, ((0, 0), (1, 1)), mode="reflect", reflect_type="odd"),
        lambda x: np.stack([2 * x[:, 0] - x[:, 1], *x.T, 2 * x[:, 2] - x[:, 1]], axis=1),
        (REAL,),
    ),
    "repeat": (lambda x: np.repeat(x, 2, axis=1), lambda x: x[:, [0, 0, 1, 1, 2, 2]], (REAL,)),
    "tile": (lambda x: np.tile(x, 2), lambda x: np.concatenate([x, x], axis=1), (REAL,)),
    # linear algebra
    "det": (np.linalg.det, lambda a: signed_exponential(*np.linalg.slogdet(a)), (SQUARE,)),
    "slogdet": (
        lambda a: np.linalg.slogdet(spd(a))[1],
        lambda a: 2 * np.sum(np.log(np.diagonal(np.linalg.cholesky(spd(a))))),
        (SQUARE,),
    ),
    "inv": (np.linalg.inv, lambda a: np.linalg.solve(a, np.eye(3)), (DOMINANT,)),
    "pinv": (np.linalg.pinv, lambda a: np.linalg.solve(a.T @ a, a.T), (DOMINANT[:, :2],)),
    "lstsq": (
        lambda a, b: np.linalg.lstsq(a, b[0])[0],
        lambda a, b: np.linalg.solve(a.T @ a, a.T @ b[0]),
        (DOMINANT[:, :2], MORE),
    ),
    "svd": (
        lambda a: np.linalg.svd(a, compute_uv=False),
        lambda a: np.sqrt(np.linalg.eigvalsh(a.T @ a)[::-1]),
        (DOMINANT,),
    ),
    "eigh": (
        lambda a: np.sum(np.log(np.linalg.eigh(spd(a))[0])),
        lambda a: np.linalg.slogdet(spd(a))[1],
        (SQUARE,),
    ),
    "qr": (lambda a: gram(np.linalg.qr(a)[1]), gram, (DOMINANT,)),
    "norm, nuc": (
        lambda a: np.linalg.norm(a, "nuc"),
        lambda a: np.sum(np.linalg.svd(a, compute_uv=False)),
        (DOMINANT,),
    ),
    "cond": (np.linalg.cond, lambda a: np.linalg.norm(a, 2) * np.linalg.norm(np.linalg.inv(a), 2), (DOMINANT,)),
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
