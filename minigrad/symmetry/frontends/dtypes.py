"""Types of numbers in a recording: all floats are float64, all whole numbers int64."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_dtype(x: Any, dtype: Any = None) -> Any:
    """x in another type; x itself if that is its type, or if both are floats."""
    kind = np.dtype(np.float64 if dtype is None else dtype).kind.replace("V", "f")  # V: bfloat16, which NumPy lacks
    if dtype is None or kind == x.dtype.kind:
        return x
    return np.not_equal(x, 0) if kind == "b" else np.astype(x, np.float64 if kind == "f" else np.int64)
