"""A block of a transformer: the squared error of its output, and the gradients of all its parameters.

The tokens of all sequences are the rows of a matrix; attention alone takes sequences and heads apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .workload import Call, Workload

SEQUENCES, TOKENS, WIDTH, HEADS, INNER, EPS = 4, 16, 32, 4, 128, 1e-5


def start(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    """Scale, shift, queries, keys, values, output; scale, shift, and two layers; inputs and targets."""
    rng = np.random.default_rng(0)

    def weights(n: int, m: int) -> Any:
        return rng.normal(size=(n, m)) / np.sqrt(n)

    attention = [weights(WIDTH, WIDTH) for _ in range(4)]
    layers = [weights(WIDTH, INNER), np.zeros(INNER), weights(INNER, WIDTH), np.zeros(WIDTH)]
    norms = [np.ones(WIDTH), np.zeros(WIDTH)], [np.ones(WIDTH), np.zeros(WIDTH)]
    parameters = [p.astype(dtype) for p in (*norms[0], *attention, *norms[1], *layers)]
    x, target = (rng.normal(size=(SEQUENCES * TOKENS, WIDTH)).astype(dtype) for _ in range(2))
    return parameters, (x, target)


def split(x: Any) -> Any:
    """Rows to sequences, columns to heads: (sequences, heads, tokens, width of a head)."""
    return x.reshape((SEQUENCES, TOKENS, HEADS, WIDTH // HEADS)).swapaxes(1, 2)


def merged(x: Any) -> Any:
    return x.swapaxes(1, 2).reshape((SEQUENCES * TOKENS, WIDTH))


def loss(lib: Any, parameters: list[Any], x: Any, target: Any) -> Any:
    scale, shift, wq, wk, wv, wo, more_scale, more_shift, w, b, v, c = parameters
    normal = lib.layer_norm(x, scale, shift)
    q, k, values = (split(normal @ p) for p in (wq, wk, wv))
    p = lib.softmax(q @ k.swapaxes(2, 3) * (WIDTH // HEADS) ** -0.5)
    x = x + merged(p @ values) @ wo
    x = x + lib.relu(lib.layer_norm(x, more_scale, more_shift) @ w + b) @ v + c
    return lib.xp.mean((x - target) * (x - target))


def normalised(x: Any) -> tuple[Any, Any]:
    """Rows with mean 0 and variance 1, and what they were divided by."""
    deviation = x - x.mean(axis=1, keepdims=True)
    size = np.sqrt((deviation * deviation).mean(axis=1, keepdims=True) + EPS)
    return deviation / size, size


def normalised_back(g: Any, normal: Any, size: Any) -> Any:
    return (g - g.mean(axis=1, keepdims=True) - normal * (g * normal).mean(axis=1, keepdims=True)) / size


def by_hand(parameters: list[Any], x: Any, target: Any) -> Call:
    scale, shift, wq, wk, wv, wo, more_scale, more_shift, w, b, v, c = parameters
    factor = (WIDTH // HEADS) ** -0.5

    def call() -> Any:
        first, _ = normalised(x)
        n = first * scale + shift
        q, k, values = split(n @ wq), split(n @ wk), split(n @ wv)
        z = q @ k.swapaxes(2, 3) * factor
        e = np.exp(z - z.max(axis=3, keepdims=True))
        p = e / e.sum(axis=3, keepdims=True)
        mixed = merged(p @ values)
        y = x + mixed @ wo
        second, second_size = normalised(y)
        m = second * more_scale + more_shift
        h = np.maximum(m @ w + b, 0)
        error = y + h @ v + c - target
        loss = (error * error).mean()

        g = 2 * error / error.size
        gh = (g @ v.T) * (h > 0)
        gm = gh @ w.T
        upper = (gm * second).sum(axis=0), gm.sum(axis=0), m.T @ gh, gh.sum(axis=0), h.T @ g, g.sum(axis=0)
        g = g + normalised_back(gm * more_scale, second, second_size)
        gmixed = split(g @ wo.T)
        gp = gmixed @ values.swapaxes(2, 3)
        gz = p * (gp - (gp * p).sum(axis=3, keepdims=True)) * factor
        gq, gk, gv = merged(gz @ k), merged(gz.swapaxes(2, 3) @ q), merged(p.swapaxes(2, 3) @ gmixed)
        gn = gq @ wq.T + gk @ wk.T + gv @ wv.T
        lower = (gn * first).sum(axis=0), gn.sum(axis=0), n.T @ gq, n.T @ gk, n.T @ gv, mixed.T @ g
        return loss, [*lower, *upper]

    return call


TRANSFORMER = Workload("transformer block", "both", start, loss, by_hand, {"float64": 0.6}, against="jax.jit")
