"""Functions that compiled code calls besides NumPy: functions of the table that write into a given buffer.

Each gives the same bits as the function it is named after.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..rules.elementwise import NEARLY_FLAT
from ..rules.indexing import add_at
from ..rules.losses import take_one


def bounded_into(x: Any, out: Any) -> None:
    """out = bounded(x); out may be x."""
    np.add(x, 0.0, out=out)
    infinite = np.isinf(out)
    if infinite.any():
        out[infinite] = np.nan


def sech2_into(x: Any, y: Any, out: Any) -> None:
    """out = sech2(x, y), where y = tanh(x); y may be out."""
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    if out.size and not out.item(out.argmin()) >= NEARLY_FLAT:
        near = out < NEARLY_FLAT
        e = np.exp(-2 * np.abs(x[near]))
        out[near] = 4 * e / (1 + e) ** 2


def where_into(c: Any, a: Any, b: Any, out: Any) -> None:
    """out = np.where(c, a, b)."""
    if type(b) is float:  # half the time of np.copyto
        out.fill(b)
    else:
        np.copyto(out, b)
    np.copyto(out, a, where=c)


def tie_share_into(y: Any, a: Any, b: Any, out: Any) -> None:
    """out = tie_share(y, a, b)."""
    ours = np.equal(y, a)
    ties = np.logical_and(ours, np.equal(y, b))
    if ties.any():
        np.subtract(ours, 0.5 * ties, out=out)
    else:
        np.multiply(ours, 1.0, out=out)


# The parts of cross-entropy with classes: rows as columns, and one entry of each.


def as_columns(x: Any) -> Any:
    """The transposed matrix, C-contiguous."""
    return np.ascontiguousarray(x.T)


def as_columns_into(x: Any, out: Any) -> None:
    """out = as_columns(x)."""
    np.copyto(out, x.T)


def reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    """x.reshape(shape), where that is a copy."""
    y = np.empty(shape, x.dtype)
    reshaped_into(x, shape, y)
    return y


def reshaped_into(x: Any, shape: tuple[int, ...], out: Any) -> None:
    """out = reshaped(x, shape)."""
    np.copyto(out.reshape(x.shape), x)


def places(classes: Any, k: int, columns: Any) -> Any:
    """The flat index of each column's class in a (k, columns) matrix. Raises ShapeError for other classes."""
    if classes.size and classes.view(np.uintp).max() >= k:  # negative ones are large without a sign
        raise ShapeError(
            f"cross_entropy: expected classes from 0 to {k - 1}, got {classes.min()} to {classes.max()}"
        )
    return classes * len(columns) + columns


def less_one(p: Any, chosen: Any) -> Any:
    """p, whose columns add up to 1, with 1 less at the chosen place of each: with minus the sum of the others."""
    y = p.copy()
    take_one(y, chosen)
    return y


def less_one_into(p: Any, chosen: Any, out: Any) -> None:
    """out = less_one(p, chosen); p may be out."""
    if p is not out:
        np.copyto(out, p)
    take_one(out, chosen)


def pick(x: Any, chosen: Any) -> Any:
    """The entries of x at the chosen places, which are known to be valid."""
    return x.reshape(-1).take(chosen)


def pick_into(x: Any, chosen: Any, out: Any) -> None:
    """out = pick(x, chosen)."""
    x.reshape(-1).take(chosen, out=out, mode="clip")


# The gradient of reads x[index], which adds up in one array.


def placed(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of that shape, with g added at an index."""
    y = np.zeros(shape, g.dtype)
    add_at(y, index, g)
    return y


def placed_into(g: Any, index: Any, shape: tuple[int, ...], out: Any) -> None:
    """out = placed(g, index, shape)."""
    out.fill(0)
    add_at(out, index, g)


def plus_at(before: Any, g: Any, index: Any) -> Any:
    """A copy of an array, with g added at an index."""
    y = np.array(before)
    add_at(y, index, g)
    return y


def plus_at_into(before: Any, g: Any, index: Any, out: Any) -> None:
    """out = plus_at(before, g, index); out may be before."""
    if out is not before:
        np.copyto(out, before)
    add_at(out, index, g)


def number(x: Any) -> Any:
    """The result of a function of numbers as the engine keeps it: a NumPy number."""
    return np.asarray(x)[()]
