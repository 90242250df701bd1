"""Arrays as `Numbers`: what of them is shown, and what can be asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import words
from .diagram import Numbers


def of_value(data: Any) -> Numbers:
    """What a node holds; of an op with several outputs, a tuple."""
    return Numbers(tuple(words.value_lines(data)), **_told(data))


def of_gradient(g: Any) -> Numbers:
    """A gradient."""
    return Numbers(tuple(words.gradient_lines(g)), **_told(g))


def _told(data: Any) -> dict[str, Any]:
    if isinstance(data, tuple):
        return {}
    array = np.asarray(data)
    if array.size == 1:
        return {"exact": words.exact(array.ravel()[0])}
    if not array.size or array.dtype.kind != "f":
        return {}
    return {
        "low": float(array.min()),
        "high": float(array.max()),
        "norm": words.norm(array),
        "zeros": float(np.mean(array == 0)),
    }
