"""Arrays as Numbers of one short line, for the rows of cards: a number, a range, a norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import format
from ..diagram import ArraySummary


def brief_value(data: Any) -> ArraySummary:
    """A number; for an array its smallest and largest."""
    array = np.asarray(data)
    if array.ndim == 0:
        return ArraySummary((format.number_text(array[()]),), format.exact(array[()]))
    return ArraySummary((_span(array),), **_details(array))


def brief_gradient(g: Any) -> ArraySummary:
    """A number; for an array its Euclidean norm between bars, to three digits."""
    array = np.asarray(g)
    if array.ndim == 0:
        return ArraySummary((format.number_text(array[()]),), format.exact(array[()]))
    norm = format.euclidean_norm(array)
    return ArraySummary((f"|{norm:.3g}|" if norm else "0",), **_details(array))


def _details(array: Any) -> dict[str, Any]:
    if not array.size or array.dtype.kind != "f":
        return {}
    return {
        "low": float(array.min()),
        "high": float(array.max()),
        "norm": float(format.euclidean_norm(array)),
        "zeros": float(np.mean(array == 0)),
    }


def _span(array: Any) -> str:
    """The smallest and largest number in three digits; one number if they are equal."""
    known = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    if not known.size:
        return "nan" if array.size else "empty"
    low, high = format.derivative_text(known.min()), format.derivative_text(known.max())
    return low if low == high else f"{low} .. {high}"
