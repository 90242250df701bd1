"""Lengths and directions of vectors, right also where squares overflow or vanish: the slopes of norms and std."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import dispatched, op
from ..engine.sampling import NONZERO, Call, Draw
from . import vmap_rules
from .draws import draw_axis


def _are_exact(sizes: Any) -> bool:
    """Whether no square behind these lengths overflowed, or was too small to keep its digits."""
    limits = np.finfo(sizes.dtype)
    return bool(((sizes > np.sqrt(limits.tiny / limits.eps)) & (sizes < np.inf)).all())


def _scale(x: Any, axis: Any) -> Any:
    """The largest size of an entry, and 1 where that is 0 or infinite."""
    top = np.max(np.abs(x), axis=axis, keepdims=True, initial=0.0)
    return np.where((top == 0) | np.isinf(top), top.dtype.type(1), top)


def _plain(x: Any, axis: Any) -> Any:
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=True))


@dispatched
def length(x: Any, axis: Any = None) -> Any:
    """√(Σ x²) over the axes (all by default), which are kept with length 1."""
    with np.errstate(over="ignore", under="ignore"):
        size = _plain(x, axis)
    if _are_exact(size):
        return size
    top = _scale(x, axis)
    return top * _plain(x / top, axis)


@dispatched
def direction(x: Any, size: Any = None, axis: Any = None) -> Any:
    """x / √(Σ x²) over the axes (all by default), and 0 where all entries are 0. size = √(Σ x²), if it is known."""
    with np.errstate(over="ignore", under="ignore"):
        size = _plain(x, axis) if size is None else size
    if _are_exact(size):
        return x / size
    x = x / _scale(x, axis)
    size = _plain(x, axis)
    return x / np.where(size == 0, size.dtype.type(1), size)


def _turn(g: Any, y: Any, x: Any, axis: Any = None) -> Any:
    """The part of g across the direction, by the length: a symmetric Jacobian, so the rule is vjp and jvp."""
    return (g - y * np.sum(g * y, axis=axis, keepdims=True)) / length(x, axis)


def _along_axes(draw: Draw) -> Call:
    x = draw.array(NONZERO, draw.shape(min_dims=1))
    return (x,), {"axis": draw_axis(draw, x.ndim)}


# fmt: off
op(length, "length", "y = √Σ x²", domain=NONZERO, vjp=(lambda g, y, x, axis=None: g * direction(x, y, axis),),
    jvp=(lambda t, y, x, axis=None: np.sum(t * direction(x, y, axis), axis=axis, keepdims=True),),
    calls=_along_axes, kink="at 0: 0", gives_new=True, parity="even", meaning=_plain, vmap=vmap_rules.reduce_batch)
op(direction, "direction", "y = x / √Σ x²; √Σ x² only saves work", domain=NONZERO, vjp=(_turn,), jvp=(_turn,),
    bind=lambda x, size=None, axis=None: ((x,), {"axis": axis}), calls=_along_axes, kink="at 0: 0", gives_new=True,
    parity="odd", meaning=lambda x, axis=None: x / _plain(x, axis), vmap=vmap_rules.reduce_batch)
