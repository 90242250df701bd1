"""Ops that work row by row, such as sorting: equal rows give equal rows, a row of zeros what the op gives there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .modular import (
    Fingerprint,
    add,
    common_denominator,
    from_constant,
    identically_zero,
    random_function,
    salt,
    sum_over,
    symbols,
)
from .residues import Residues


def by_rows(
    forward: Callable[..., Any], name: str, operands: Sequence[Fingerprint], axis: int | None, ordered: bool
) -> Fingerprint | None:
    """The output of an op along an axis, of which only the rows count; None if it does not work on such rows.

    forward: (*arrays, axis) -> array, which may lack the axis. ordered: whether the order in a row matters.
    """
    shapes = {p.shape for p in operands}
    if len(shapes) > 1:
        return None
    (shape,) = shapes
    if axis is None or not shape:
        operands = [p._replace(x=p.x.reshape(len(p.x), -1)) for p in operands]
    n = operands[0].shape[axis or 0]
    y_shape = np.shape(forward(*(np.zeros(shape) for _ in operands), axis=axis))
    at_zero = np.asarray(forward(*(np.zeros(n) for _ in operands), axis=0))
    if not n or not np.isfinite(at_zero).all():
        return None
    at = len(operands[0].shape) + axis if axis is not None and axis < 0 else axis or 0
    rows = [_mixed(p, at, f"{name} {place}", ordered) for place, p in enumerate(operands)]
    whole = rows[0]
    for row in rows[1:]:
        whole = add(whole, row)
    count = at_zero.size
    places = _along(symbols(count, "of a row", name), at, len(operands[0].shape))
    y = random_function(add(Fingerprint(whole.x, 1.0, 1.0), places).x, salt("row", name, n))
    zero = np.all([identically_zero(p.x).all(axis=at, keepdims=True) for p in operands], axis=0)
    known = from_constant(at_zero.reshape(-1))
    degree, heights, below = common_denominator(known, Fingerprint(y, 1.0, 1.0))
    x = np.where(zero, _along(known.x, at, len(operands[0].shape)).x, y)
    return Fingerprint(x.reshape(len(x), *y_shape), degree, max(heights), below)


def _along(x: Residues, axis: int, ndim: int) -> Fingerprint:
    """One row of residues, along an axis of an array."""
    return Fingerprint(x.reshape(len(x), *(-1 if i == axis else 1 for i in range(ndim))), 1.0, 1.0)


def _mixed(p: Fingerprint, axis: int, name: str, ordered: bool) -> Fingerprint:
    """A random number for each row."""
    if ordered:
        p = add(Fingerprint(p.x, 1.0, 1.0), _along(symbols(p.shape[axis], "in a row", name), axis, len(p.shape)))
    entries = Fingerprint(random_function(p.x, salt("entry of a row", name)), 1.0, 1.0)
    return sum_over(entries, axis, True)
