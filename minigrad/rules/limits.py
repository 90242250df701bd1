"""Infinite arguments: a function that grows slower than its argument has no slope there, and says nan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import diagonal, dispatched


@dispatched
def bounded(x: Any) -> Any:
    """x, but nan where it is infinite, and 0 for -0.

    The rules of logarithms and roots ask it for their argument: 1 / x would make a quiet 0 of an overflow.
    """
    y = x + 0.0
    if isinstance(y, float):  # np.float64 too
        return y if not math.isinf(y) else np.float64(math.nan)
    infinite = np.isinf(y)
    return np.where(infinite, np.nan, y)[()] if infinite.any() else y


# fmt: off
diagonal(bounded, "bounded", "y = x, but nan where x is infinite", lambda g, y, x: g, parity="odd",
    meaning=lambda x: x, on_floats="{0} + 0.0 if -{inf} < {0} < {inf} else {no_slope}({0})")
