"""Axes of an array put back, joined, parted and widened: what rules of many pages do to a layout."""

from __future__ import annotations

from typing import Any

import numpy as np


def expand(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """g with the reduced axes of x put back, of length 1."""
    if keepdims or g.shape == x.shape:
        return g
    return np.reshape(g, (1,) * x.ndim) if axis is None else np.expand_dims(g, axis)


def joined(x: Any, axis: Any) -> Any:
    """x with the axes that are reduced joined to one, the last."""
    axes = [*range(x.ndim)] if axis is None else [i % x.ndim for i in np.atleast_1d(axis)]
    kept = [i for i in range(x.ndim) if i not in axes]
    n = int(np.prod([x.shape[i] for i in axes]))
    return np.reshape(np.transpose(x, (*kept, *axes)), (*(x.shape[i] for i in kept), n))


def parted(rows: Any, x: Any, axis: Any) -> Any:
    """The inverse of `joined`, for an array in the layout that x has there."""
    axes = [*range(x.ndim)] if axis is None else [i % x.ndim for i in np.atleast_1d(axis)]
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    return np.transpose(np.reshape(rows, [x.shape[i] for i in order]), tuple(np.argsort(order)))


def widened(x: Any, before: int, after: int, fill: float = 0.0) -> Any:
    """x with so many entries more along the last axis: np.pad, which asks more questions than it joins arrays."""
    sides = (np.full((*x.shape[:-1], n), fill, dtype=x.dtype) for n in (before, after))
    parts = [part for part, n in zip((next(sides), x, next(sides)), (before, 1, after), strict=True) if n]
    return np.concatenate(parts, axis=-1) if len(parts) > 1 else x


def one_before(y: Any, first: float) -> Any:
    """Along the last axis, what stands one place before; `first` at the first place."""
    return widened(y[..., :-1], 1, 0, first) if y.shape[-1] else y
