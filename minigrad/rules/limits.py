"""Products in rules that must not turn 0·inf into nan: `times` for infinite slopes, `times_mask` for masks."""

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


@dispatched
def times_mask(g: Any, share: Any) -> Any:
    """g share, but 0 where share is 0, whatever g is there: a mask chooses, it does not multiply.

    So the entry that `np.maximum` did not take gets 0 and not nan, even if the slope behind is infinite.
    """
    if isinstance(g, float) and math.isfinite(g):  # np.float64 too
        return g * share
    kept = np.where(share, g, 0.0)
    return kept if getattr(share, "dtype", None) == np.bool_ else kept * share


# fmt: off
bilinear(times, "·", "y = g d, with 0·inf = 0", lambda g, y, a, b: times(g, b), lambda g, y, a, b: times(g, a),
    elementwise=True, on_floats="{0} * {1} if -{inf} < {1} < {inf} else {product}({0}, {1})")
bilinear(times_mask, "·mask", "y = g s, with inf·0 = 0", lambda g, y, a, s: times_mask(g, s),
    lambda g, y, a, s: times(g, a), elementwise=True, on_floats="{0} * {1} if {1} or -{inf} < {0} < {inf} else 0.0")
