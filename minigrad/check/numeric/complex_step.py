"""The complex step: all digits of the slope that is printed beside a wrong entry, if the function allows it.

Im f(x + ih)/h subtracts nothing, so h may be arbitrarily short; but f must be analytic, and right for complex
numbers. Both are tested, not assumed, and no verdict depends on the result. Source: Squire and Trapp 1998.
"""

from __future__ import annotations

import warnings

import numpy as np

from .derivative import Point
from .extrapolation import Array, U
from .flattening import is_foreign

SHORT = 2.0**-100  # step relative to the number: its square is far below rounding
ULPS = 2  # the values of an analytic function may change by so much over such a step


def sharpen(point: Point, i: int, weights: Array, value: float, error: float) -> float:
    """The slope of weights @ f along axis i by a complex step; `value` if that may not be better.

    value, error: the slope by real steps, and its bar. Returns `value` if f does not take complex numbers, or warns
    or raises an error at them; if Re f(x + ih) is not f(x), or f(conj z) is not conj f(z); if the two slopes differ
    by more than the bar; if any argument or result is not float64; if an argument is no array of NumPy.
    """
    if point.unit != U or any(slot.dtype != np.float64 or is_foreign(slot.leaf) for slot in point.layout.slots):
        return value
    try:
        with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
            warnings.simplefilter("error")
            found = _slope(point, i, weights)
    except Exception:  # f may do anything with complex numbers
        return value
    return found if abs(found - value) <= error else value


def _slope(point: Point, i: int, weights: Array) -> float:
    """The slope; nan if f proves not analytic. Raises the errors and warnings of f."""
    used = np.flatnonzero(weights)
    h = SHORT * 2.0 ** np.floor(np.log2(abs(point.x[i]) or 1.0))
    above, below = (_at(point, i, step)[used] for step in (h, -h))
    bars = ULPS * np.spacing(np.abs(above))  # of both parts: where f is 0, h² f'' must not count
    mirrored = np.abs(below.imag + above.imag) <= ULPS * np.spacing(np.abs(above.imag))
    unmoved = [np.abs(z.real - point.y[used]) <= bars for z in (above, below)]
    if not (mirrored.all() and np.all(unmoved)):
        return float("nan")
    return float(weights[used] @ above.imag / h)


def _at(point: Point, i: int, step: float) -> Array:
    """f beside the point, as one row of complex numbers."""
    point.evaluator.afford(1)
    point.evaluator.tick(1)
    row = point.x + 0j
    row[i] += 1j * step
    layout = point.layout
    parts = [row[slot.stretch].reshape(slot.shape)[()] for slot in layout.slots]
    result = point.f.f(*layout.fill(parts, layout.build(point.x)))
    leaves = [np.asarray(leaf) for leaf in point.results.leaves(result)]
    if any(leaf.dtype != np.complex128 for leaf in leaves):
        raise TypeError("not all of the results are complex numbers")
    return np.concatenate([leaf.ravel() for leaf in leaves])
