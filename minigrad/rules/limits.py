"""The helper of the 0·inf policy: an infinite derivative times a zero cotangent is 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import bilinear, dispatched


@dispatched
def times(g: Any, d: Any) -> Any:
    """g d, but 0 where g is 0 and d is not finite.

    So a branch that `np.where` did not take gives 0 and not nan, even if it has no derivative there.
    """
    if isinstance(d, float):  # np.float64 too
        return g * d if math.isfinite(d) else np.where(np.equal(g, 0), 0.0, g) * np.where(np.equal(g, 0), 0.0, d)
    finite = np.isfinite(d)
    return g * d if finite.all() else g * np.where(finite | np.not_equal(g, 0), d, 0.0)


# fmt: off
bilinear(times, "·", "y = g d, with 0·inf = 0", lambda g, y, a, b: times(g, b), lambda g, y, a, b: times(g, a),
    elementwise=True, on_floats="{0} * {1} if -{inf} < {1} < {inf} else {product}({0}, {1})")
