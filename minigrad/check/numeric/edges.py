"""Tell a function that is flat up to an edge, as `clip` is, from the tail of a function that only looks flat.

The tail of a sigmoid has a slope that its rounding errors hide: a gradient of 0 may be wrong there. It changes
little by little where it ceases to look flat. A function with an edge changes at once by far more than its rounding
errors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .extrapolation import Array

CLOSE = 2.0 ** -np.array([9.0, 18.0])  # steps over which a flat function must not change
FAR = 2.0 ** np.arange(-6.0, 6.0)
HALVINGS = 5  # between a point where the function is flat and one where it is not
# So many rounding errors at most change a flat function; so many are a change; so many at once are an edge.
FLAT, SEEN, SHARP = 2.0**4, 2.0**10, 2.0**18


def is_flat_to_an_edge(changes: Callable[[Array], Array], length: float, floor: float) -> bool:
    """Whether a function is flat around the point, and starts to change at an edge.

    changes: the sizes of its changes at points along a line; inf where it has no value. length: the unit of these
    points. floor: the size of its rounding errors.
    """
    if any(changes(length * np.concatenate([CLOSE, -CLOSE])) > FLAT * floor):
        return False
    flat = length * CLOSE[0]
    for far in length * FAR:
        sides = changes(np.array([far, -far])) > SEEN * floor
        if any(sides):
            side = 1.0 if sides[0] else -1.0
            return _first_change(changes, side * flat, side * far, SEEN * floor) > SHARP * floor
        flat = far
    return False


def _first_change(changes: Callable[[Array], Array], near: float, far: float, bound: float) -> float:
    """The change at the first point, between a near and a far one, where it exceeds a bound."""
    change = np.inf
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        (here,) = changes(np.array([middle]))
        near, far, change = (near, middle, here) if here > bound else (middle, far, change)
    return float(change if np.isfinite(change) else changes(np.array([far]))[0])
