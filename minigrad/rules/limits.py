"""What a derivative that is infinite makes of a cotangent that is zero: the one helper of the 0·inf policy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domain import REAL
from ..op import bilinear, dispatched


@dispatched
def times(g: Any, d: Any) -> Any:
    """g d, except that a zero g makes 0 of a d that is not finite.

    So a branch that `np.where` did not take, and that had no derivative there, hands back 0 and not nan.
    """
    if isinstance(d, float):  # np.float64 too
        return g * d if math.isfinite(d) else np.where(np.equal(g, 0), 0.0, g) * np.where(np.equal(g, 0), 0.0, d)
    finite = np.isfinite(d)
    return g * d if finite.all() else g * np.where(finite | np.not_equal(g, 0), d, 0.0)


bilinear(
    times,
    "·",
    "y = g d, with 0·inf = 0",
    lambda g, y, a, b: times(g, b),
    lambda g, y, a, b: times(g, a),
    domain=(REAL, REAL),
)
