"""Arrays as Numbers of one short line, for the rows of cards: a number, a range, a norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import words
from ..diagram import Numbers


def of_value(data: Any) -> Numbers:
    """The number; of an array the least and the largest."""
    array = np.asarray(data)
    if array.ndim == 0:
        return Numbers((words.number(array[()]),), words.exact(array[()]))
    return Numbers((_span(array),), **_told(array))


def of_gradient(g: Any) -> Numbers:
    """The number; of an array the Euclidean norm between bars, to three digits."""
    array = np.asarray(g)
    if array.ndim == 0:
        return Numbers((words.number(array[()]),), words.exact(array[()]))
    norm = words.norm(array)
    return Numbers((f"|{norm:.3g}|" if norm else "0",), **_told(array))


def _told(array: Any) -> dict[str, Any]:
    if not array.size or array.dtype.kind != "f":
        return {}
    return {
        "low": float(array.min()),
        "high": float(array.max()),
        "norm": float(words.norm(array)),
        "zeros": float(np.mean(array == 0)),
    }


def _span(array: Any) -> str:
    """From the least to the largest, in three digits; once if they are one."""
    known = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    if not known.size:
        return "nan" if array.size else "empty"
    low, high = words.derivative(known.min()), words.derivative(known.max())
    return low if low == high else f"{low} .. {high}"
