"""Functions with a backward pass, right and wrong, to put to any checker: ours, and those of the frameworks.

Each is written in NumPy with `vjp(g, *args)`, one gradient per argument. They are the kinds that users brought:
ordinary formulas, many parameters, cancelling terms, mixed scales, ties, edges of a domain, functions that compute
in float32 inside, results of solvers, noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

RNG = np.random.default_rng(0)
X5, X30, X100, X1000, X10000 = (RNG.normal(size=n) for n in (5, 30, 100, 1000, 10_000))
P5 = RNG.uniform(0.5, 1.5, 5)
A34, B45, A44 = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 5)), RNG.normal(size=(4, 4)) + 4 * np.eye(4)
SCALES = np.array([1e-9, 1.0, 1e9])


@dataclass(frozen=True)
class Checked:
    """A function, its backward pass, a point, and whether that pass is right; options: for our check."""

    name: str
    f: Callable[..., Any]
    vjp: Callable[..., Any]
    args: tuple[Any, ...]
    right: bool
    options: dict[str, Any] = field(default_factory=dict)


def elementwise(name: str, f: Any, slope: Any, x: Any, right: bool = True) -> Checked:
    """A function of each entry alone."""
    return Checked(name, f, lambda g, x: (g * slope(x),), (x,), right)


def cases() -> Iterator[Checked]:
    """All of them."""
    yield from formulas()
    yield from arrays()
    yield from ties()
    yield from hard()
    yield from large()


def formulas() -> Iterator[Checked]:
    """Ordinary formulas, and one mistake of each kind."""
    yield elementwise("tanh of 5", np.tanh, lambda x: 1 - np.tanh(x) ** 2, X5)
    yield elementwise("tanh of 100", np.tanh, lambda x: 1 - np.tanh(x) ** 2, X100)
    yield elementwise("tanh of 1000", np.tanh, lambda x: 1 - np.tanh(x) ** 2, X1000)
    yield elementwise("tanh, y for y²", np.tanh, lambda x: 1 - np.tanh(x), X5, False)
    yield elementwise("sin", np.sin, np.cos, X30)
    yield elementwise(
        "sin, an entry of 30 off by 10 %", np.sin, lambda x: one_off(x, 17, 0.9) * np.cos(x), X30, False
    )
    yield elementwise(
        "sin, an entry of 1000 off by 10 %", np.sin, lambda x: one_off(x, 17, 0.9) * np.cos(x), X1000, False
    )
    yield elementwise("sin, the sign", np.sin, lambda x: -np.cos(x), X5, False)
    yield elementwise("exp", np.exp, np.exp, X5)
    yield elementwise("exp, off by 1e-5", np.exp, lambda x: (1 + 1e-5) * np.exp(x), X5, False)
    yield elementwise("square, twice", lambda x: x * x, lambda x: 4 * x, X5, False)
    yield elementwise("square at 1e8", lambda x: x * x, lambda x: 2 * x, np.full(3, 1e8))
    yield elementwise("reciprocal", lambda x: 1 / x, lambda x: -1 / x**2, P5)
    yield elementwise("reciprocal at 1e-3", lambda x: 1 / x, lambda x: -1 / x**2, np.full(3, 1e-3))
    yield elementwise("log at 1e-5", np.log, lambda x: 1 / x, np.full(3, 1e-5))
    yield elementwise("sqrt at 1e-7", np.sqrt, lambda x: 0.5 / np.sqrt(x), np.full(3, 1e-7))
    yield elementwise("softplus", lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(-x)), X30)
    yield elementwise(
        "softplus, the argument's sign", lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(x)), X30, False
    )
    yield elementwise("sin 1000 x", lambda x: np.sin(1000 * x), lambda x: 1000 * np.cos(1000 * x), P5)
    yield elementwise("x + 1e8", lambda x: x + 1e8, np.ones_like, P5)
    yield elementwise("1e-7 sin x, twice", lambda x: 1e-7 * np.sin(x), lambda x: 2e-7 * np.cos(x), P5, False)
    yield elementwise("exp 30 x", lambda x: np.exp(30 * x), lambda x: 30 * np.exp(30 * x), P5)


def one_off(x: Any, k: int, factor: float) -> Any:
    found = np.ones_like(x)
    found[k] = factor
    return found


def arrays() -> Iterator[Checked]:
    """Products, normalisations and losses."""

    def product(a: Any, b: Any) -> Any:
        return a @ b

    yield Checked("a product", product, lambda g, a, b: (g @ b.T, a.T @ g), (A34, B45), True)
    yield Checked("a product, not transposed", product, lambda g, a, b: (g @ b, a.T @ g), (A34, A44), False)
    yield Checked("a product, the second twice", product, lambda g, a, b: (g @ b.T, 2 * a.T @ g), (A34, B45), False)
    yield Checked("an inverse", np.linalg.inv, inverse_vjp, (A44,), True)
    yield Checked("an inverse, the sign", np.linalg.inv, lambda g, a: (-inverse_vjp(g, a)[0],), (A44,), False)
    yield Checked(
        "a sum of a broadcast bias", lambda x, b: x + b, lambda g, x, b: (g, g.sum(axis=0)), (A34, X5[:4]), True
    )
    yield Checked("a bias, averaged", lambda x, b: x + b, lambda g, x, b: (g, g.mean(axis=0)), (A34, X5[:4]), False)
    for at in ([0.3, -0.2, 0.9], [8.0, 0.0, -1.0], [12.0, 0.0, -1.0]):
        yield Checked(f"softmax at {at}", softmax, softmax_vjp, (np.array(at),), True)
    yield Checked("softmax without its sum", softmax, lambda g, x: (softmax(x) * g,), (X5,), False)
    yield Checked("a unit vector", unit_vector, unit_vector_vjp, (np.array([1e-6, 3.0]),), True)
    yield Checked("a unit vector, no projection", unit_vector, lambda g, x: (g / np.sqrt(x @ x),), (X5,), False)
    yield Checked("layer norm", layer_norm, layer_norm_vjp, (A34,), True)
    yield Checked("layer norm of two features", layer_norm, layer_norm_vjp, (A34[:2, :2],), True)
    yield Checked("layer norm without its mean", layer_norm, no_mean_vjp, (A34,), False)
    yield Checked("a mean", np.mean, lambda g, x: (np.full_like(x, g / x.size),), (X100,), True)
    yield Checked("a mean, summed", np.mean, lambda g, x: (np.full_like(x, g),), (X100,), False)
    yield Checked("an outer product", np.outer, lambda g, a, b: (g @ b, a @ g), (X5, X30), True)
    yield Checked("embedding, assigned", embedding, assigned_vjp, (A34,), False)
    yield Checked("embedding, added", embedding, added_vjp, (A34,), True)


def inverse_vjp(g: Any, a: Any) -> Any:
    y = np.linalg.inv(a)
    return (-y.T @ g @ y.T,)


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum()


def softmax_vjp(g: Any, x: Any) -> Any:
    y = softmax(x)
    return (y * (g - np.sum(g * y)),)


def unit_vector(x: Any) -> Any:
    return x / np.sqrt(np.sum(x * x))


def unit_vector_vjp(g: Any, x: Any) -> Any:
    n = np.sqrt(np.sum(x * x))
    return (g / n - x * np.sum(g * x) / n**3,)


def layer_norm(x: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)


def layer_norm_vjp(g: Any, x: Any, mean: bool = True) -> Any:
    size = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    y = layer_norm(x)
    kept = g.mean(axis=-1, keepdims=True) if mean else 0.0
    return ((g - kept - y * np.mean(g * y, axis=-1, keepdims=True)) / size,)


def no_mean_vjp(g: Any, x: Any) -> Any:
    return layer_norm_vjp(g, x, mean=False)


ROWS = np.array([0, 2, 2, 1])


def embedding(table: Any) -> Any:
    return table[ROWS]


def added_vjp(g: Any, table: Any) -> Any:
    found = np.zeros_like(table)
    np.add.at(found, ROWS, g)
    return (found,)


def assigned_vjp(g: Any, table: Any) -> Any:
    found = np.zeros_like(table)
    found[ROWS] = g
    return (found,)


def ties() -> Iterator[Checked]:
    """Kinks: a gradient within the subdifferential is right, one outside is wrong."""
    tied, three = np.array([1.0, 1.0]), np.array([0.5, 2.0, 2.0, 2.0])
    yield elementwise("relu at 0", lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), np.zeros(3))
    yield elementwise("abs at 3e-7", np.abs, np.sign, np.full(3, 3e-7))
    yield Checked("max, shared", np.max, lambda g, x: (g * (x == x.max()) / np.sum(x == x.max()),), (three,), True)
    yield Checked("max, the first", np.max, lambda g, x: (g * np.eye(len(x))[np.argmax(x)],), (tied,), True)
    yield Checked("max, every winner", np.max, lambda g, x: (g * (x == x.max()),), (tied,), False)
    yield Checked("max of four, every winner", np.max, lambda g, x: (g * (x == x.max()),), (three,), False)
    yield Checked("max, none", np.max, lambda g, x: (g * (x > np.sort(x)[-2]),), (tied,), False)
    yield Checked("maximum, the left", np.maximum, lambda g, x, y: (g * (x >= y), g * (y > x)), (tied, tied), True)
    yield Checked("maximum, both", np.maximum, lambda g, x, y: (g * (x >= y), g * (y >= x)), (tied, tied), False)
    yield Checked("norm at 0", norm, lambda g, x: (0 * x,), (np.zeros(2),), True)
    yield Checked("norm at 0, ones", norm, lambda g, x: (g * np.ones(2),), (np.zeros(2),), False)
    yield Checked("total variation, flat", variation, lambda g, x: (0 * x,), (np.ones(9),), True)
    yield Checked("total variation, one way", variation, wrong_variation_vjp, (np.ones(9),), False)


def norm(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


def variation(x: Any) -> Any:
    return np.sum(np.abs(np.diff(x)))


def wrong_variation_vjp(g: Any, x: Any) -> Any:
    """Each difference counted as 1 at one of its ends alone."""
    return (g * np.append(-np.ones(len(x) - 1), 0.0),)


def hard() -> Iterator[Checked]:
    """Edges, mixed scales, float32 inside, solvers that stop early, noise."""
    yield elementwise("x^1.5 at its edge", lambda x: x**1.5, lambda x: 1.5 * np.sqrt(x), np.array([0.0, 1.0]))
    yield elementwise("x log x at 1e-8", lambda x: x * np.log(x), lambda x: np.log(x) + 1, np.array([1e-8, 0.5]))
    yield mixed("mixed scales", 1.0)
    yield mixed("mixed scales, the middle off by half", 1.5)
    yield Checked("float32 inside", tanh32, tanh32_vjp, (X5,), True)
    yield Checked("float32 inside, y for y²", tanh32, lambda g, x: (g * (1 - tanh32(x)),), (X5,), False)
    need = {"need": 1e-6}
    yield Checked(
        "a solver stopped at 1e-8", cube_root, lambda g, x: (g / (3 * np.cbrt(x) ** 2),), (P5,), True, need
    )
    noisy = {"need": 0.5}
    yield Checked("noise of 1e-6", noise(1e-6), lambda g, x: (g * np.cos(x),), (P5,), True, noisy)
    yield Checked(
        "noise of 1e-3, off by half", noise(1e-3), lambda g, x: (1.5 * g * np.cos(x),), (P5,), False, noisy
    )


def mixed(name: str, factor: float) -> Checked:
    """A gradient with entries of 1e9, 1 and 1e-9."""

    def slope(g: Any, x: Any) -> Any:
        return (g * 3 * (x / SCALES) ** 2 / SCALES * [1, factor, 1],)

    return Checked(name, lambda x: np.sum((x / SCALES) ** 3), slope, (0.7 * SCALES,), factor == 1)


def tanh32(x: Any) -> Any:
    return np.tanh(x.astype(np.float32)).astype(float)


def tanh32_vjp(g: Any, x: Any) -> Any:
    return ((g.astype(np.float32) * (1 - np.tanh(x.astype(np.float32)) ** 2)).astype(float),)


def cube_root(x: Any) -> Any:
    """By bisection, until the interval is 1e-8 wide."""
    low, high = np.zeros_like(x), np.full_like(x, 2.0)
    while np.max(high - low) > 1e-8:
        middle = (low + high) / 2
        low, high = np.where(middle**3 < x, middle, low), np.where(middle**3 < x, high, middle)
    return (low + high) / 2


def noise(size: float) -> Callable[[Any], Any]:
    """sin with an error of that size, which is the same at the same point."""

    def f(x: Any) -> Any:
        bits = np.frombuffer(np.asarray(x, dtype=float).tobytes(), dtype=np.uint32)
        return np.sin(x) + size * np.random.default_rng(bits).normal(size=np.shape(x))

    return f


def large() -> Iterator[Checked]:
    """Ten thousand parameters: right, one entry off by 1 %, all off by 1 %."""

    def loss(x: Any) -> Any:
        return np.sum(np.tanh(x))

    def slope(x: Any) -> Any:
        return 1 - np.tanh(x) ** 2

    yield Checked("10,000 entries", loss, lambda g, x: (g * slope(x),), (X10000,), True)
    yield Checked(
        "10,000, one off by 1 %", loss, lambda g, x: (g * one_off(x, 77, 1.01) * slope(x),), (X10000,), False
    )
    yield Checked("10,000, all off by 1 %", loss, lambda g, x: (1.01 * g * slope(x),), (X10000,), False)
