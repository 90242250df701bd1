"""Random small networks, written once for NumPy's functions and once for the oracle's exact ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import minigrad as mg

POLYNOMIAL = ("linear", "square", "cube", "quadratic")
ODD = ("tanh", "sin", "erf", "softsign")
EVEN = ("square", "cos", "abs")
OTHER = ("relu", "leaky_relu", "sigmoid", "softplus", "elu", "layer_norm", "softmax", "exp of -abs", "maximum")
STARTS = ("pattern", "pattern", "pattern", "zeros", "one number", "few numbers", "random")
BLOCKS = ("dense", "dense", "dense", "residual", "shared", "product", "attention", "transposed", "scalars")


class Floats:
    """The functions that networks are written in, from NumPy and minigrad."""

    sum, mean, maximum = np.sum, np.mean, np.maximum
    exp, log, sqrt, tanh, abs, sin, cos = np.exp, np.log, np.sqrt, np.tanh, np.abs, np.sin, np.cos
    erf, relu, sigmoid, softplus, elu, softsign = mg.erf, mg.relu, mg.sigmoid, mg.softplus, mg.elu, mg.softsign
    leaky_relu, softmax, layer_norm, cross_entropy = mg.leaky_relu, mg.softmax, mg.layer_norm, mg.cross_entropy


def activate(m: Any, name: str, z: Any) -> Any:
    if name in ("linear", "square", "cube", "quadratic"):
        return {"linear": lambda: z, "square": lambda: z * z, "cube": lambda: z * z * z}.get(
            name, lambda: z * (z + 2.0)
        )()
    if name == "exp of -abs":
        return m.exp(-m.abs(z))
    if name == "maximum":
        return m.maximum(z, z * z)
    return getattr(m, name)(z)


@dataclass(frozen=True)
class Case:
    """f(m, params, x, y), where m holds the functions; exact: whether it is a polynomial of all its numbers."""

    f: Callable[..., Any]
    params: list[Any]
    x: Any
    y: Any
    exact: bool
    words: str

    def floats(self, params: Any, x: Any, y: Any) -> Any:
        return self.f(Floats, params, x, y)


class Tied:
    """How the units of a layer are tied: which are equal, and with what signs."""

    def __init__(self, rng: np.random.Generator, n: int, tied: bool) -> None:
        self.n = n
        self.of = rng.integers(0, max(1, n // 2), n) if tied and rng.random() < 0.8 else np.arange(n)
        self.signs = rng.choice([1.0, -1.0], n) if tied and rng.random() < 0.6 else np.ones(n)


def random_case(rng: np.random.Generator, exact: bool) -> Case:
    """A network with a start and data."""
    block = str(rng.choice(BLOCKS))
    if block == "scalars":
        return scalar_case(rng, exact)
    samples, depth = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    sizes = [int(rng.integers(1, 4)), *(int(rng.integers(1, 5)) for _ in range(depth - 1)), int(rng.integers(1, 4))]
    if block in ("residual", "shared", "attention", "transposed") and depth > 1:
        sizes[1:-1] = [int(rng.integers(2, 5))] * (depth - 1)
    layers = [Tied(rng, n, 0 < k < depth) for k, n in enumerate(sizes)]
    pool = POLYNOMIAL if exact else ODD + EVEN + OTHER + ODD + EVEN
    names = [str(rng.choice(pool)) for _ in range(depth)]
    biased = bool(rng.random() < 0.6)
    params: list[Any] = []
    for below, above in pairwise(layers):
        params.append(start(rng, below, above))
        params.append(start(rng, None, above)[0] if biased else np.zeros(above.n))
    inner = layers[1] if depth > 1 else layers[-1]
    square = [start(rng, inner, inner) for _ in range(3)] if block not in ("dense", "transposed") else []
    head = str(rng.choice(("squares", "error", "product") if exact else ("squares", "error", "classes", "softmax")))
    softened = not exact and bool(rng.random() < 0.7)

    def f(m: Any, p: Any, x: Any, y: Any) -> Any:
        h, square = x, p[2 * depth :]
        for k in range(depth):
            h = h @ p[2 * k] + (p[2 * k + 1] if biased else 0.0)
            if k < depth - 1 or depth == 1:
                h = activate(m, names[k], h)
            if k == 0 and block != "dense":
                h = special(m, block, h, square or [p[0]], names[-1], softened)
        return loss(m, head, h, y)

    if not biased:
        params[1::2] = [np.zeros(0)] * depth
    params += square
    words = f"{block} {sizes} {names} {head}{' biased' if biased else ''}{' softened' if softened else ''}"
    return Case(f, params, *data(rng, samples, sizes, head), exact, words)


def special(m: Any, block: str, h: Any, p: Any, name: str, softened: bool) -> Any:
    """What follows the first layer."""
    if block == "residual":
        return h + activate(m, name, h @ p[0]) @ p[1]
    if block == "shared":
        return activate(m, name, h @ p[0]) @ p[0]
    if block == "product":
        return (h @ p[0]) * activate(m, name, h @ p[1])
    if block == "attention":
        scores = (h @ p[0]) @ (h @ p[1]).T
        return (m.softmax(scores) if softened else scores) @ (h @ p[2])
    return activate(m, name, h @ p[0].T) @ p[0]  # transposed: the first weights twice more


def loss(m: Any, head: str, h: Any, y: Any) -> Any:
    if head == "classes":
        return m.cross_entropy(h, y)
    if head == "softmax":
        return m.sum((m.softmax(h) - y) * (m.softmax(h) - y))
    if head == "product":
        return m.sum(h * y * h[::-1])
    return m.sum(h * h) if head == "squares" else m.mean((h - y) * (h - y))


def start(rng: np.random.Generator, below: Tied | None, above: Tied) -> Any:
    below = below or Tied(rng, 1, False)
    shape, how = (below.n, above.n), str(rng.choice(STARTS))
    if how == "pattern":
        base = rng.choice([1.0, 0.5, -1.0, 0.75, 2.0], shape) if rng.random() < 0.5 else rng.normal(size=shape)
        return base[below.of][:, above.of] * below.signs[:, None] * above.signs
    if how == "few numbers":
        return rng.choice([-1.0, 0.0, 0.5, 1.0], shape)
    return {"zeros": np.zeros(shape), "one number": np.full(shape, float(rng.choice([0.5, -1.0, 0.3])))}.get(
        how, rng.normal(size=shape)
    )


def data(rng: np.random.Generator, samples: int, sizes: list[int], head: str) -> tuple[Any, Any]:
    x = (
        rng.normal(size=(samples, sizes[0]))
        if rng.random() < 0.4
        else rng.integers(-2, 3, (samples, sizes[0])) * 1.0
    )
    if rng.random() < 0.3:
        x = np.abs(x)
    if rng.random() < 0.2:
        x[:, 0] = x[:, -1]
    if rng.random() < 0.15:
        x = np.concatenate([x, -x])
    if rng.random() < 0.1:
        x[:, 0] = 0.0
    if head == "classes":
        return x, rng.integers(0, sizes[-1], len(x))
    y = (
        rng.integers(-1, 3, (len(x), sizes[-1])) * 1.0
        if rng.random() < 0.5
        else rng.normal(size=(len(x), sizes[-1]))
    )
    return x, (np.zeros_like(y) if rng.random() < 0.1 else y)


def scalar_case(rng: np.random.Generator, exact: bool) -> Case:
    """A random graph of single numbers."""
    n = int(rng.integers(2, 7))
    count = 4 if exact else 13
    plan = [(int(rng.integers(count)), *map(int, rng.integers(0, 30, 2))) for _ in range(int(rng.integers(2, 16)))]

    def f(m: Any, p: Any, x: Any, y: Any) -> Any:
        v = [p[0][k] for k in range(n)]
        for op, i, j in plan:
            v.append(scalar_op(m, op, v[i % len(v)], v[j % len(v)]))
        total = v[-1]
        for u in v[n:-1]:
            total = total + u * u
        return total

    values = rng.choice([0.0, 0.5, -0.5, 1.0, -1.0], n) if rng.random() < 0.8 else rng.normal(size=n)
    return Case(f, [values], np.zeros(1), np.zeros(1), exact, f"scalars {values} {plan}")


def scalar_op(m: Any, op: int, a: Any, b: Any) -> Any:
    if op < 4:
        return (lambda: a + b, lambda: a - b, lambda: a * b, lambda: a * 0.5 - 1.0)[op]()
    if op < 8:
        return (lambda: a / (b * b + 1.0), lambda: m.maximum(a, b), lambda: m.exp(-(a * a)), lambda: a * m.abs(b))[
            op - 4
        ]()
    return getattr(m, ("tanh", "sin", "relu", "sigmoid", "cos")[op - 8])(a)
