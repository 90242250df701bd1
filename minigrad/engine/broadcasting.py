"""Give cotangents and tangents the shape and type of their value, and unshared memory.

Everything here also works on Values, through NumPy's functions; nothing here knows the graph.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .errors import DTypeError, ShapeError


def copy_like(g: Any, data: Any, what: str) -> Any:
    """An unshared copy of g in the shape and type of the data; a number fills every entry."""
    g = np.asarray(g)
    if g.shape != data.shape and g.ndim:
        raise ShapeError(f"{what} has shape {g.shape}, the value {data.shape}")
    if g.dtype.kind not in "fiub":
        raise DTypeError(f"{what} is made of {g.dtype}, not of real numbers")
    return np.array(np.broadcast_to(g, data.shape), dtype=data.dtype)[()]


def unaliased(g: Any, taken: set[int]) -> Any:
    """g itself if nothing else can hold its memory, else a copy; adds its identity to `taken`."""
    if type(g) is np.ndarray and (g.base is not None or id(g) in taken):
        g = g.copy()
    taken.add(id(g))
    return g


def has_nan(g: Any) -> bool:
    """Whether there is nan in a gradient. (A sum of squares is nan only then, and the fastest to ask.)"""
    if type(g) is not np.ndarray:
        g = getattr(g, "_array", g)
    return math.isnan(np.vdot(g, g) if type(g) is np.ndarray else g)


def unbroadcast(c: Any, shape: tuple[int, ...], label: str) -> Any:
    """Sum a cotangent over the axes along which its value was broadcast: the transpose of broadcasting."""
    lead = len(c.shape) - len(shape)
    if lead == 1 and c.shape[1:] == shape:  # a bias, added to every row
        return _sum_of_rows(c)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, c.shape[lead:], strict=True)):
        raise ShapeError(f"the rule of {label} gave a cotangent of shape {c.shape} for a value of shape {shape}")
    axes = (*range(lead), *(lead + i for i, n in enumerate(shape) if n != c.shape[lead + i]))
    summed = np.add.reduce(c, axis=axes[0] if len(axes) == 1 else axes)
    return summed if summed.shape == shape else np.reshape(summed, shape)


def _sum_of_rows(c: Any) -> Any:
    """np.add.reduce(c, axis=0), for a matrix as a product with ones: BLAS is two to five times faster."""
    if type(c) is np.ndarray and c.ndim == 2 and c.dtype.char in "fd" and c.flags.c_contiguous:
        return np.dot(_ones(len(c), c.dtype.char), c)
    return np.add.reduce(c, axis=0)


@functools.lru_cache(maxsize=32)
def _ones(n: int, char: str) -> Any:
    return np.ones(n, char)


def reduce_to_shape(c: Any, data: Any, label: str) -> Any:
    """A cotangent in the shape and type of the data it belongs to."""
    if not hasattr(c, "shape"):
        c = np.asarray(c)
    shape = data.shape
    if c.shape != shape:
        c = unbroadcast(c, shape, label)
    if c.dtype is not data.dtype and c.dtype != data.dtype:
        c = np.astype(c, data.dtype)
    return c if shape or type(c) is not np.ndarray else c[()]


def broadcast_tangent(t: Any, data: Any) -> Any:
    """A tangent in the shape and type of the data it belongs to: broadcast as the data was."""
    t = t if hasattr(t, "shape") else np.asarray(t)
    t = t if t.shape == data.shape else np.broadcast_to(t, data.shape)
    t = t if t.dtype == data.dtype else np.astype(t, data.dtype)
    return t[()] if type(t) is np.ndarray and not t.ndim else t
