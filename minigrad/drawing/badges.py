"""Badges: the warnings on a value, such as nan, inf, dead, frozen, wrong rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.value import Value
from .local_derivatives import uses_of


def badges(v: Value, g: object, *, frozen: bool, wrong: bool) -> tuple[str, ...]:
    """The badges of a value with gradient g (None: it gets no gradient).

    frozen: proved never to move. wrong: made by an op whose rule is wrong.
    """
    marks = _not_finite(v._array, g)
    if dead := _dead(v):
        marks.append(dead)
    if frozen:
        marks.append("frozen")
    if wrong:
        marks.append("wrong rule")
    return tuple(marks)


def _not_finite(*arrays: Any) -> list[str]:
    found = set()
    for array in arrays:
        if array is None or isinstance(array, tuple) or np.asarray(array).dtype.kind != "f":
            continue
        if np.isnan(array).any():
            found.add("nan")
        if np.isinf(array).any():
            found.add("inf")
    return sorted(found, reverse=True)


def _dead(v: Value) -> str:
    """The badge of a dead value: for every sample (the first axis) it is past a kink, so no gradient passes back.

    For a matrix, the badge counts the dead columns.
    """
    made_by = v.op
    if made_by is None or not made_by.kink or not made_by.elementwise or len(v.inputs) != 1:
        return ""
    (use,) = uses_of(v, None)
    if use.derivative is None or np.shape(use.derivative) != np.shape(v._array) or not np.size(use.derivative):
        return ""
    alive = np.any(use.derivative, axis=0) if np.ndim(use.derivative) > 1 else np.any(use.derivative)
    count = int(np.size(alive) - np.count_nonzero(alive))
    if not count:
        return ""
    return "dead" if count == np.size(alive) else f"{count} of {np.size(alive)} dead"
