"""Layers of neural networks, with the backward passes that people write by hand and what goes wrong in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Subject, normal, positive, scaled_at

# --------------------------------------------------------------------------------------------- layer norm

EPS = 1e-3


def layer_norm(x: Any, gamma: Any, beta: Any) -> Any:
    c = x - np.mean(x, axis=-1, keepdims=True)
    return c / np.sqrt(np.mean(c * c, axis=-1, keepdims=True) + EPS) * gamma + beta


def layer_norm_parts(x: Any) -> tuple[Any, Any]:
    c = x - np.mean(x, axis=-1, keepdims=True)
    s = np.sqrt(np.mean(c * c, axis=-1, keepdims=True) + EPS)
    return c / s, s


def layer_norm_vjp(g: Any, x: Any, gamma: Any, beta: Any) -> Any:
    n, s = layer_norm_parts(x)
    h = g * gamma
    dx = (h - np.mean(h, -1, keepdims=True) - n * np.mean(h * n, -1, keepdims=True)) / s
    return dx, np.sum(g * n, 0), np.sum(g, 0)


def without_mean_term(g: Any, x: Any, gamma: Any, beta: Any) -> Any:
    n, s = layer_norm_parts(x)
    h = g * gamma
    return (h - n * np.mean(h * n, -1, keepdims=True)) / s, np.sum(g * n, 0), np.sum(g, 0)


def without_variance_term(g: Any, x: Any, gamma: Any, beta: Any) -> Any:
    n, s = layer_norm_parts(x)
    h = g * gamma
    return (h - np.mean(h, -1, keepdims=True)) / s, np.sum(g * n, 0), np.sum(g, 0)


LAYER_NORM = Subject(
    "layer norm", layer_norm, (normal(1, 3, 5), positive(2, 5), normal(3, 5)), "vjp", layer_norm_vjp
)

# --------------------------------------------------------------------------------------------- batch norm


def batch_norm(x: Any, gamma: Any) -> Any:
    c = x - np.mean(x, axis=0)
    return c / np.sqrt(np.mean(c * c, axis=0) + EPS) * gamma


def batch_norm_vjp(g: Any, x: Any, gamma: Any) -> Any:
    c = x - np.mean(x, axis=0)
    s = np.sqrt(np.mean(c * c, axis=0) + EPS)
    n, h = c / s, g * gamma
    return (h - h.mean(0) - n * (h * n).mean(0)) / s, (g * n).sum(0)


def batch_norm_as_at_test_time(g: Any, x: Any, gamma: Any) -> Any:
    """The statistics taken for constants."""
    c = x - np.mean(x, axis=0)
    s = np.sqrt(np.mean(c * c, axis=0) + EPS)
    return g * gamma / s, (g * c / s).sum(0)


BATCH_NORM = Subject("batch norm", batch_norm, (normal(4, 6, 3), positive(5, 3)), "vjp", batch_norm_vjp)

# ------------------------------------------------------------------------------------------- dense layers


def dense(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


def dense_vjp(g: Any, x: Any, w: Any, b: Any) -> Any:
    return g @ w.T, x.T @ g, g.sum(0)


DENSE = Subject("dense layer", dense, (normal(6, 5, 3), normal(7, 3, 3), normal(8, 3)), "vjp", dense_vjp)


def tanh_layer(x: Any, w: Any) -> Any:
    return np.tanh(x @ w)


def tanh_layer_vjp(g: Any, x: Any, w: Any) -> Any:
    h = g * (1 - np.tanh(x @ w) ** 2)
    return h @ w.T, x.T @ h


TANH_LAYER = Subject("tanh layer", tanh_layer, (normal(9, 4, 3), normal(10, 3, 2)), "vjp", tanh_layer_vjp)


def residual_block(x: Any, w: Any) -> Any:
    return x + np.tanh(x @ w)


def residual_vjp(g: Any, x: Any, w: Any) -> Any:
    h = g * (1 - np.tanh(x @ w) ** 2)
    return g + h @ w.T, x.T @ h


RESIDUAL = Subject("residual block", residual_block, (normal(11, 4, 3), normal(12, 3, 3)), "vjp", residual_vjp)

# -------------------------------------------------------------------------------------- convolution, pools


def conv1d(x: Any, k: Any) -> Any:
    """Valid correlation of a signal with a kernel."""
    n = x.shape[0] - k.shape[0] + 1
    return np.stack([np.sum(x[i : i + k.shape[0]] * k) for i in range(n)])


def conv1d_vjp(g: Any, x: Any, k: Any) -> Any:
    return np.convolve(g, k), np.correlate(x, g, "valid")


CONV1D = Subject("conv1d", conv1d, (normal(13, 9), normal(14, 4)), "vjp", conv1d_vjp)


def average_pool(x: Any) -> Any:
    return np.mean(np.reshape(x, (x.shape[0] // 2, 2)), axis=1)


def average_pool_vjp(g: Any, x: Any) -> Any:
    return np.repeat(g, 2) / 2


AVERAGE_POOL = Subject("average pooling", average_pool, (normal(15, 8),), "vjp", average_pool_vjp)


def max_pool(x: Any) -> Any:
    return np.max(np.reshape(x, (x.shape[0] // 3, 3)), axis=1)


def max_pool_vjp(g: Any, x: Any) -> Any:
    windows = x.reshape(-1, 3)
    d = np.zeros_like(windows)
    d[np.arange(len(windows)), windows.argmax(1)] = g
    return d.reshape(-1)


def max_pool_to_every_place(g: Any, x: Any) -> Any:
    return np.repeat(g, 3)


MAX_POOL = Subject("max pooling", max_pool, (normal(16, 9),), "vjp", max_pool_vjp)

# ---------------------------------------------------------------------------------------------- embedding

TOKENS = np.array([2, 0, 2, 3, 2])


def embedding(table: Any) -> Any:
    return table[TOKENS]


def embedding_vjp(g: Any, table: Any) -> Any:
    d = np.zeros_like(table)
    np.add.at(d, TOKENS, g)
    return d


def embedding_overwrites(g: Any, table: Any) -> Any:
    d = np.zeros_like(table)
    d[TOKENS] += g  # adds once for a repeated index
    return d


EMBEDDING = Subject("embedding", embedding, (normal(17, 5, 3),), "vjp", embedding_vjp)


def dropout(x: Any) -> Any:
    return x * KEPT / 0.8


KEPT = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
DROPOUT = Subject("dropout with a mask", dropout, (normal(18, 6),), "vjp", lambda g, x: g * KEPT / 0.8)

SUBJECTS = [
    LAYER_NORM, BATCH_NORM, DENSE, TANH_LAYER, RESIDUAL, CONV1D, AVERAGE_POOL, MAX_POOL, EMBEDDING, DROPOUT,
]  # fmt: skip

MISTAKES: list[Case] = [
    LAYER_NORM.wrong("the mean's term left out", "missing term", without_mean_term),
    LAYER_NORM.wrong("the variance's term left out", "missing term", without_variance_term),
    LAYER_NORM.slip("gamma's gradient not summed over the batch", {"not summed", "shape"},  # it is both
                    lambda d, g, x, *_: g * layer_norm_parts(x)[0], at=1),
    LAYER_NORM.slip("beta's gradient is that of the first sample", "not summed", lambda d, g, *_: g[0], at=2),
    LAYER_NORM.slip("gamma's gradient averaged over the batch", "averaged", lambda d: d / 3, at=1),
    BATCH_NORM.wrong("statistics taken for constants", "missing term", batch_norm_as_at_test_time),
    BATCH_NORM.slip("gamma's gradient averaged over the batch", "averaged", lambda d: d / 6, at=1),
    DENSE.slip("input's gradient without the transpose of w", "transposed", lambda d, g, x, w, b: g @ w),
    DENSE.slip("w's gradient transposed", "transposed", lambda d: d.T.copy(), at=1),
    DENSE.slip("bias not summed over the batch", {"not summed", "shape"}, lambda d, g, *_: g.copy(), at=2),
    DENSE.slip("bias of the last sample only", "not summed", lambda d, g, *_: g[-1].copy(), at=2),
    DENSE.slip("bias averaged over the batch", "averaged", lambda d, g, *_: g.mean(0), at=2),
    DENSE.slip("bias forgotten", "zero", lambda d: np.zeros_like(d), at=2),
    DENSE.slip("bias answered by None", "zero", lambda d: None, at=2),
    DENSE.slip("w's gradient negative", "sign", lambda d: -d, at=1),
    TANH_LAYER.wrong("the slope of tanh forgotten", "missing factor",
                     lambda g, x, w: (g @ w.T, x.T @ g)),
    TANH_LAYER.slip("w detached", "zero", lambda d: 0 * d, at=1),
    RESIDUAL.slip("the skip connection's path left out", "missing term", lambda d, g, x, w: d - g),
    RESIDUAL.slip("the skip connection counted twice", "missing term", lambda d, g, x, w: d + g),
    CONV1D.slip("the kernel's gradient flipped", "flipped", lambda d: d[::-1].copy(), at=1),
    CONV1D.slip("the signal's gradient correlates with the kernel", "wrong",
                lambda d, g, x, k: np.convolve(g, k[::-1])),
    CONV1D.slip("the signal's gradient off by one place", "rolled", lambda d: np.roll(d, 1)),
    AVERAGE_POOL.slip("not divided by the window", "factor", lambda d: 2 * d),
    AVERAGE_POOL.slip("divided by the window twice", "factor", lambda d: d / 2),
    AVERAGE_POOL.slip("tiled in place of repeated", "permuted", lambda d, g, x: np.tile(g, 2) / 2),
    MAX_POOL.wrong("every place of a window gets the gradient", "entries", max_pool_to_every_place),
    EMBEDDING.wrong("repeated tokens overwrite", "overwritten", embedding_overwrites),
    EMBEDDING.slip("one row forgotten", "entries", lambda d: d * (np.arange(5) != 3)[:, None]),
    DROPOUT.slip("not scaled by what is kept", "factor", lambda d: d * 0.8),
    DROPOUT.wrong("the mask forgotten", "entries", lambda g, x: g / 0.8, deep=True),
    DROPOUT.slip("one entry off by a millionth", "entries", scaled_at((3,), 1 + 1e-6), index=(3,)),
]  # fmt: skip
