"""Helpers for the rules of many pages: put axes back, join, split and widen them."""

from __future__ import annotations

from typing import Any

import numpy as np


def expand(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """g with the reduced axes of x put back, of length 1."""
    if keepdims or g.shape == x.shape:
        return g
    return np.reshape(g, (1,) * x.ndim) if axis is None else np.expand_dims(g, axis)


def shared(x: Any, share: Any) -> Any:
    """x share, and 0 where the share is 0, whatever x is there."""
    return np.where(np.not_equal(share, 0), x, 0.0) * share


def merge_axes(x: Any, axis: Any) -> Any:
    """x with the reduced axes joined into one, the last."""
    axes = _numbers_of(axis, x.ndim)
    kept = [i for i in range(x.ndim) if i not in axes]
    n = int(np.prod([x.shape[i] for i in axes]))
    return np.reshape(np.transpose(x, (*kept, *axes)), (*(x.shape[i] for i in kept), n))


def split_axes(rows: Any, x: Any, axis: Any) -> Any:
    """The inverse of `merge_axes`, for an array in the layout of ``merge_axes(x, axis)``."""
    axes = _numbers_of(axis, x.ndim)
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    return np.transpose(np.reshape(rows, [x.shape[i] for i in order]), tuple(np.argsort(order)))


def _numbers_of(axis: Any, ndim: int) -> list[int]:
    """The reduced axes. A number has none, but NumPy takes axis=0 and axis=-1 of it as well."""
    return [*range(ndim)] if axis is None or not ndim else [i % ndim for i in np.atleast_1d(axis)]


def widen(x: Any, before: int, after: int, fill: float = 0.0) -> Any:
    """x with more entries before and after along the last axis: like np.pad, but faster without its checks."""
    sides = (np.full((*x.shape[:-1], n), fill, dtype=x.dtype) for n in (before, after))
    parts = [part for part, n in zip((next(sides), x, next(sides)), (before, 1, after), strict=True) if n]
    return np.concatenate(parts, axis=-1) if len(parts) > 1 else x


def shift_in(y: Any, first: float) -> Any:
    """y moved on by one place along the last axis, with `first` at the first place."""
    return widen(y[..., :-1], 1, 0, first) if y.shape[-1] else y


def dispatches(x: Any) -> bool:
    """Whether x overrides NumPy functions, as a Value does."""
    return hasattr(x, "__array_function__") and not isinstance(x, (np.ndarray, np.generic))
