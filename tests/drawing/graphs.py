"""Graphs that are too wide or too long for a page, if nobody takes care of that."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Value, nn, relu, scope, softmax

T, W, H, INNER = 8, 16, 2, 32  # tokens, width, heads, inner width


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def transformer() -> Value:
    """The loss of a block of a transformer."""
    wq, wk, wv, wo = (Value(normal(W, W, seed=k) / 4, name) for k, name in enumerate(("Wq", "Wk", "Wv", "Wo")))
    ones, zeros = np.ones(W), np.zeros(W)
    g1, b1, g2, b2 = Value(ones, "g1"), Value(zeros, "b1"), Value(ones, "g2"), Value(zeros, "b2")
    w1, c1 = Value(normal(W, INNER, seed=5) / 4, "W1"), Value(np.zeros(INNER), "c1")
    w2, c2 = Value(normal(INNER, W, seed=6) / 4, "W2"), Value(zeros, "c2")
    x, target = normal(T, W, seed=7), normal(T, W, seed=8)

    def split(z: Any) -> Any:
        return z.reshape((T, H, W // H)).swapaxes(0, 1)

    def norm(z: Any, g: Any, b: Any) -> Any:
        d = z - z.mean(axis=1, keepdims=True)
        return d / np.sqrt((d * d).mean(axis=1, keepdims=True) + 1e-5) * g + b

    n = norm(x, g1, b1)
    q, k, v = (split(n @ p) for p in (wq, wk, wv))
    p = softmax(q @ k.swapaxes(1, 2) * (W // H) ** -0.5)
    y = x + (p @ v).swapaxes(0, 1).reshape((T, W)) @ wo
    y = y + relu(norm(y, g2, b2) @ w1 + c1) @ w2 + c2
    return np.mean((y - target) ** 2)  # type: ignore[no-any-return]


def convolution() -> Value:
    """A convolution as a sum over the entries of its kernel."""
    x, k, b = normal(8, 8), Value(normal(3, 3, seed=1), "K"), Value(0.1, "b")
    out: Any = sum((k[i, j] * x[i : i + 6, j : j + 6] for i in range(3) for j in range(3)), start=0.0) + b
    return np.mean(np.maximum(out, 0) ** 2)  # type: ignore[no-any-return]


def sines(length: int = 100) -> Value:
    """A chain."""
    y = Value(0.5, "x")
    for _ in range(length):
        y = np.sin(y)
    return y


def nine_scalars() -> Value:
    pairs = [(Value(1.0 + k, f"a{k}"), Value(1.0 + k, f"b{k}")) for k in range(9)]
    return sum((np.sin(a) * np.sin(b) for a, b in pairs), start=Value(0.0))


def network(sizes: list[int], per_neuron: bool) -> tuple[Any, ...]:
    model = nn.MLP(sizes, activation="tanh", per_neuron=per_neuron, seed=1)
    return model, normal(1, sizes[0]), normal(1, sizes[-1])


def recurrent(steps: int = 5) -> Value:
    w, u, h = Value(normal(3, 3) / 2, "W"), Value(normal(2, 3), "U"), np.zeros(3)
    for x in normal(steps, 2, seed=1):
        h = np.tanh(h @ w + x @ u)
    return np.sum(h**2)  # type: ignore[no-any-return]


def blocks(count: int = 4) -> Value:
    """Residual blocks in scopes."""
    h: Any = normal(8, 16)
    for k in range(count):
        with scope(f"block {k}"):
            w, b = Value(normal(16, 16, seed=k) / 4, f"W{k}"), Value(np.zeros(16), f"b{k}")
            h = h + np.tanh(h @ w + b)
    return np.mean(h**2)  # type: ignore[no-any-return]
