"""Steps of networks besides products and activations: normalising, looking up, dropping."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import dispatched, moves, op, refuse
from ..engine.sampling import REAL, Call, Draw
from .axes import dispatches
from .composed import composed
from .draws import integers
from .indexing import add_at, scatter
from .limits import bounded


@dispatched
def layer_norm(x: Any, scale: Any = 1.0, shift: Any = 0.0, axis: Any = -1, eps: float = 1e-5) -> Any:
    """(x - mean) / √(variance + eps) · scale + shift, over the axis (the last by default): Ba and others (2016).

    x: any shape. scale, shift: broadcast to it. axis: an int or a tuple. eps: added to the variance.
    """
    return _normal(x, axis, eps)[0] * scale + shift


def _normal(x: Any, axis: Any, eps: float) -> tuple[Any, Any]:
    """x with mean 0 and variance 1 along the axis, and the divisor of its deviations."""
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    size = np.sqrt(np.mean(deviation * deviation, axis=axis, keepdims=True) + eps)
    size = bounded(size)  # where the squares overflow, neither is known
    return deviation / size, size


def _jacobian_times(c: Any, z: Any, size: Any, axis: Any) -> Any:
    """The Jacobian of normalising, which is symmetric, times c: c without its parts along 1 and along z."""
    along = np.mean(c * z, axis=axis, keepdims=True)
    return (c - np.mean(c, axis=axis, keepdims=True) - z * along) / size


def _layer_norm_x(g: Any, y: Any, x: Any, scale: Any, shift: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    return _jacobian_times(g * scale, *_normal(x, axis, eps), axis)


def _layer_norm_scale(g: Any, y: Any, x: Any, scale: Any, shift: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    return g * _normal(x, axis, eps)[0]


def _layer_norm_along(t: Any, y: Any, x: Any, scale: Any, shift: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    return scale * _jacobian_times(t, *_normal(x, axis, eps), axis)


def _layer_norm_call(x: Any, scale: Any = 1.0, shift: Any = 0.0, axis: Any = -1, eps: float = 1e-5) -> Call:
    kind = np.result_type(x, np.float16)
    # Plain numbers take the type of x.
    scale, shift = (kind.type(c) if isinstance(c, (int, float)) else c for c in (scale, shift))
    return (x, scale, shift), {"axis": axis, "eps": eps}


def _normalise(x: Any, scale: Any, shift: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    return deviation / np.sqrt(np.var(x, axis=axis, keepdims=True) + eps) * scale + shift


def _layer_norm(draw: Draw) -> Call:
    shape = draw.shape(min_dims=1)
    row = draw.choice([shape[-1:], (), shape])
    axis = draw.choice([-1, 0, tuple(range(len(shape)))])
    x, scale, shift = (draw.array(REAL, s) for s in (shape, row, row))
    return (x, scale, shift), {"axis": axis, "eps": draw.choice([0.5, 1.0])}


@dispatched
def embedding(table: Any, indices: Any) -> Any:
    """The rows of a table, one for each index.

    table: (n, …). indices: integers from 0 to n - 1, of any shape s. Gives s + (…). IndexError beyond n.
    """
    rows = np.asarray(indices)
    if rows.dtype.kind not in "iu" or (rows.size and rows.min() < 0):
        raise IndexError(f"expected integers from 0 to {len(table) - 1}, got {rows.dtype} from {rows.min()}")
    return table[rows]


def _plain(indices: Any) -> Any:
    """Indices as an array, unless they are computed."""
    return indices if dispatches(indices) else np.asarray(indices)


def _embedding(draw: Draw) -> Call:
    table = draw.array(REAL, draw.shape(min_dims=1))
    return (table,), {"indices": integers(draw, 0, table.shape[0] - 1, draw.shape(max_dims=2))}


def dropout(x: Any, rate: float, rng: np.random.Generator) -> Any:
    """x with each entry set to 0 with probability `rate`, and the rest divided by 1 - rate: this keeps the mean.

    x: any shape. rate: from 0 to less than 1. rng: draws once per entry, so the same state gives the same result.
    """
    if not isinstance(rng, np.random.Generator):
        refuse(
            f"dropout needs a numpy.random.Generator, got {type(rng).__name__}\n  write  np.random.default_rng(0)"
        )
    if not 0 <= rate < 1:
        raise ValueError(f"dropout: the rate is a probability below 1, got {rate}")
    return x * ((rng.random(np.shape(x)) >= rate) / np.asarray(1.0 - rate, dtype=np.result_type(x)))


def _batch_norm_call(draw: Draw) -> Call:
    n, channels = draw.integer(2, 3), draw.integer(1, 2)
    x = draw.array(REAL, (n, channels, *draw.choice([(), (2,)])))
    scale, shift = (draw.array(REAL, (channels,)) for _ in range(2))
    return (x, scale, shift), {"eps": draw.choice([0.5, 1.0])}


def batch_norm(x: Any, scale: Any = 1.0, shift: Any = 0.0, eps: float = 1e-5) -> Any:
    """(x - mean) / √(variance + eps) · scale + shift, per channel, over the batch: Ioffe and Szegedy (2015).

    x: (n, channels, …). scale, shift: (channels,) or a number. eps: added to the variance.
    The statistics are those of x itself; none are stored. ValueError for a vector.
    """
    if np.ndim(x) < 2:
        raise ValueError(f"batch_norm: expected shape (n, channels, …), got {np.shape(x)}")
    columns = (-1, *(1,) * (np.ndim(x) - 2))
    scale, shift = (np.reshape(c, columns) if np.ndim(c) else c for c in (scale, shift))
    return layer_norm(x, scale, shift, axis=(0, *range(2, np.ndim(x))), eps=eps)


# fmt: off
op(layer_norm, "layer_norm", "y = a (x - mean) / √(var + ε) + b",
    vjp=(_layer_norm_x, _layer_norm_scale, lambda g, y, x, a, b, axis=-1, eps=1e-5: g),
    jvp=(_layer_norm_along, _layer_norm_scale, lambda t, y, x, a, b, axis=-1, eps=1e-5: t), bind=_layer_norm_call,
    calls=_layer_norm, gives_new=True, meaning=_normalise)
moves(embedding, "embedding", "y[i] = table[index[i]]",
    lambda g, y, table, indices=None: scatter(g, _plain(indices), table.shape),
    add=lambda buffer, g, y, table, indices=None: add_at(buffer, np.asarray(indices), g), calls=_embedding,
    meaning=lambda table, indices: table[indices] if dispatches(indices) else NotImplemented)
composed(batch_norm, "y = a (x - mean) / √(var + ε) + b, per channel", _batch_norm_call)(batch_norm)
