"""Mistakes that people make in gradients they write by hand, over the functions they make them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from planting import draw, planted

from minigrad.check.diagnosis.diagnosis import Evidence, diagnose

X = draw(3, 4, seed=1)  # an argument with both signs
P = np.abs(X)
G = draw(3, 4, seed=2)  # a cotangent
V, GV = draw(6, seed=3), draw(6, seed=4)
A = draw(4, 4, seed=5)
Mistake = tuple[str, str, Callable[[], Evidence]]
MISTAKES: list[Mistake] = []


def mistake(kind: str, words: str, given: Any, right: Any, x: Any, **known: Any) -> None:
    """A mistake: its kind, what was forgotten or done, the gradient it gives, and the right one."""
    MISTAKES.append((kind, words, lambda: planted(given, right, x, **known)))


def elementwise(kind: str, words: str, f: Any, wrong: Any, right: Any, x: np.ndarray = X) -> None:
    """A mistake in the slope of an elementwise function, as a vjp."""
    y, g = f(x), G.reshape(x.shape) if x.size == G.size else draw(*x.shape, seed=2)
    mistake(kind, words, g * wrong(x, y), g * right(x, y), x, y=y.ravel(), cotangent=g.ravel(), y_shape=y.shape)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


elementwise("sign", "cos: -sin without its sign", np.cos, lambda x, y: np.sin(x), lambda x, y: -np.sin(x))
elementwise("sign", "1/x: without its sign", lambda x: 1 / x, lambda x, y: y * y, lambda x, y: -y * y)
elementwise("factor", "x²: x for 2x", np.square, lambda x, y: x, lambda x, y: 2 * x)
elementwise("factor", "√x: 1/√x for half of it", np.sqrt, lambda x, y: 1 / y, lambda x, y: 0.5 / y, P)
elementwise("factor", "log10: 1/x", np.log10, lambda x, y: 1 / x, lambda x, y: 1 / x / np.log(10), P)
elementwise(
    "factor",
    "degrees: cos of radians",
    lambda x: np.sin(np.radians(x)),
    lambda x, y: np.cos(np.radians(x)),
    lambda x, y: np.cos(np.radians(x)) * np.pi / 180,
)
elementwise(
    "factor", "sin 3x: no 3", lambda x: np.sin(3 * x), lambda x, y: np.cos(3 * x), lambda x, y: 3 * np.cos(3 * x)
)
elementwise("missing factor", "tanh: no slope", np.tanh, lambda x, y: 1 + 0 * y, lambda x, y: 1 - y * y)
elementwise("missing factor", "tanh: slope of x", np.tanh, lambda x, y: 1 - x * x, lambda x, y: 1 - y * y)
elementwise("missing factor", "sigmoid: only y", sigmoid, lambda x, y: y, lambda x, y: y * (1 - y))
elementwise("missing factor", "sigmoid of x, not y", sigmoid, lambda x, y: x * (1 - x), lambda x, y: y * (1 - y))
elementwise("missing factor", "exp: none", np.exp, lambda x, y: 1 + 0 * x, lambda x, y: y)
elementwise("missing factor", "log: x for 1/x", np.log, lambda x, y: x, lambda x, y: 1 / x, P)
elementwise("missing factor", "x³: 3x", lambda x: x**3, lambda x, y: 3 * x, lambda x, y: 3 * x * x)
elementwise(
    "missing factor",
    "sin x²: no 2x",
    lambda x: np.sin(x * x),
    lambda x, y: np.cos(x * x),
    lambda x, y: 2 * x * np.cos(x * x),
)
elementwise("missing factor", "arctan: no x²", np.arctan, lambda x, y: 1 + 0 * x, lambda x, y: 1 / (1 + x * x))
elementwise(
    "missing term",
    "x sin x: half of the product rule",
    lambda x: x * np.sin(x),
    lambda x, y: np.sin(x),
    lambda x, y: np.sin(x) + x * np.cos(x),
)
elementwise(
    "missing term",
    "x eˣ: the other half",
    lambda x: x * np.exp(x),
    lambda x, y: x * np.exp(x),
    lambda x, y: (1 + x) * np.exp(x),
)
elementwise(
    "branch", "relu: no mask", lambda x: np.maximum(x, 0), lambda x, y: 1 + 0 * x, lambda x, y: 1.0 * (x > 0)
)
elementwise("branch", "abs: no sign", np.abs, lambda x, y: 1 + 0 * x, lambda x, y: np.sign(x))
elementwise(
    "branch",
    "leaky relu: 0 for the leak",
    lambda x: np.where(x > 0, x, 0.01 * x),
    lambda x, y: 1.0 * (x > 0),
    lambda x, y: np.where(x > 0, 1, 0.01),
)
elementwise(
    "branch",
    "elu: 1 below 0",
    lambda x: np.where(x > 0, x, np.exp(x) - 1),
    lambda x, y: 1 + 0 * x,
    lambda x, y: np.where(x > 0, 1, np.exp(x)),
)
elementwise(
    "branch",
    "clip to ±1: no mask",
    lambda x: np.clip(x, -1, 1),
    lambda x, y: 1 + 0 * x,
    lambda x, y: 1.0 * (np.abs(x) < 1),
)
elementwise(
    "branch",
    "huber: x everywhere",
    lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5),
    lambda x, y: x,
    lambda x, y: np.clip(x, -1, 1),
)
elementwise("zero", "detached", np.sin, lambda x, y: 0 * x, lambda x, y: np.cos(x))

# Reductions and norms, of a scalar result.
norm = np.sqrt((V * V).sum())
mistake("missing factor", "norm: not divided by it", V, V / norm, V, y=np.array([norm]))
mistake("factor", "mean: 1 for 1/N", np.ones(6), np.ones(6) / 6, V, y=np.array([V.mean()]))
mistake("factor", "mean of squares: no 1/N", 2 * V, 2 * V / 6, V, y=np.array([np.mean(V * V)]))
center = V - V.mean()
mistake("factor", "variance: N for N - 1", 2 * center / 6, 2 * center / 5, V, y=np.array([V.var(ddof=1)]))
mistake("missing term", "variance: mean not subtracted", 2 * V / 6, 2 * center / 6, V, y=np.array([V.var()]))
mistake(
    "missing factor", "logsumexp: not normalised", np.exp(V), softmax(V), V, y=np.array([np.log(np.exp(V).sum())])
)
mistake("missing factor", "prod: the product itself", np.full(6, V.prod()), V.prod() / V, V, y=np.array([V.prod()]))
mistake("missing term", "weight decay left out", np.cos(V), np.cos(V) + 0.02 * V, V)
mistake("missing term", "L1 penalty left out", np.cos(V), np.cos(V) + 0.02 * np.sign(V), V)
hit = np.arange(6) == V.argmax()
mistake("permuted", "max: the smallest gets it", 1.3 * (np.arange(6) == V.argmin()), 1.3 * hit, V)
mistake("permuted", "sort: not put back", GV, GV[np.argsort(np.argsort(V))], V, cotangent=GV)

# Layers.
S = softmax(X)
right = S * (G - (G * S).sum(axis=1, keepdims=True))
mistake("missing term", "softmax: as if elementwise", S * G, right, X, y=S.ravel(), cotangent=G.ravel())
LABELS = np.array([2, 0, 1])
HOT = np.eye(4)[LABELS]
mistake("entries", "cross entropy: target not subtracted", S / 3, (S - HOT) / 3, X, constants=[LABELS])
mistake("factor", "cross entropy: not divided by the batch", S - HOT, (S - HOT) / 3, X, constants=[LABELS])
mistake("sign", "cross entropy: target minus softmax", HOT - S, S - HOT, X, constants=[LABELS])
Z = (X - X.mean(axis=0)) / X.std(axis=0)
whole = (G - G.mean(axis=0) - Z * (G * Z).mean(axis=0)) / X.std(axis=0)
known = {"y": Z.ravel(), "cotangent": G.ravel(), "y_shape": (3, 4)}
mistake("missing term", "batch norm: mean held fixed", whole + (G.mean(axis=0)) / X.std(axis=0), whole, X, **known)
mistake("missing term", "batch norm: deviation held fixed", (G - G.mean(axis=0)) / X.std(axis=0), whole, X, **known)
mistake("missing factor", "batch norm: not divided by the deviation", whole * X.std(axis=0), whole, X, **known)
bias = draw(4, seed=8)
known = {"y": (X + bias).ravel(), "cotangent": G.ravel(), "y_shape": (3, 4), "constants": [X]}
mistake("not summed", "bias: first row of the batch", G[0], G.sum(axis=0), bias, **known)
mistake("averaged", "bias: mean over the batch", G.mean(axis=0), G.sum(axis=0), bias, **known)
MASK = (np.indices((3, 4)).sum(axis=0) % 3 > 0) / 0.75
mistake("missing factor", "dropout: no mask", G, G * MASK, X, constants=[MASK], cotangent=G.ravel())

# Matrices and indices.
mistake("transposed", "A @ x: A for A.T", A @ G[0], A.T @ G[0], X[0], constants=[A], cotangent=G[0], y=A @ X[0])
mistake("transposed", "x.T A x: 2 A x", 2 * A @ X[0], (A + A.T) @ X[0], X[0], constants=[A])
mistake("transposed", "W @ x: outer the wrong way", np.outer(X[0], G[0]), np.outer(G[0], X[0]), A, constants=[X[0]])
inverse = np.linalg.inv(A)
mistake("transposed", "log det: no transpose", inverse, inverse.T, A)
mistake("entries", "symmetric: off-diagonal halved", np.where(np.eye(4), A, A / 2), A, A)
INDEX = np.array([1, 3, 3, 0, 1])
counted, written = np.zeros(6), np.zeros(6)
np.add.at(counted, INDEX, GV[:5])
written[INDEX] = GV[:5]
mistake("entries", "x[index]: last write wins", written, counted, V, constants=[INDEX], cotangent=GV[:5])
mistake("flipped", "convolution: kernel not turned", GV[::-1], GV, V)
mistake("rolled", "periodic difference: off by one", np.roll(GV, 1), GV, V)
mistake("cotangent ignored", "cotangent left out", np.cos(X), G * np.cos(X), X, cotangent=G.ravel())
# Known to have no name yet: cumsum summed from the wrong end.
mistake("wrong", "cumsum: not reversed", np.cumsum(GV), np.cumsum(GV[::-1])[::-1], V, cotangent=GV)


@pytest.mark.parametrize(("kind", "words", "evidence"), MISTAKES, ids=[words for _, words, _ in MISTAKES])
def test_a_mistake_that_people_make_gets_its_name(kind: str, words: str, evidence: Callable[[], Evidence]) -> None:
    assert diagnose(evidence()).kind == kind


def test_two_arguments_that_are_mixed_up_get_their_names() -> None:
    a, b, g = P, draw(3, 4, seed=7), G
    z = a**b
    right_a, right_b = g * b * z / a, g * z * np.log(a)

    def both(given_a: np.ndarray, given_b: np.ndarray) -> list[str]:
        first, second = planted(given_a, right_a, a, path="a"), planted(given_b, right_b, b, path="b")
        return [diagnose(first, [second]).kind, diagnose(second, [first]).kind]

    assert both(right_b, right_a) == ["swapped", "swapped"]
    assert both(g * z / a, right_b)[0] == "missing factor"
    assert both(right_a, g * z)[1] == "missing factor"
    assert both(right_a, right_a)[1] == "swapped"


def test_nine_in_ten_mistakes_have_a_name() -> None:
    named = [kind for kind, *_ in MISTAKES if kind != "wrong"]
    assert len(MISTAKES) >= 50
    assert len(named) >= 0.9 * len(MISTAKES)
