"""What compiled code of numbers calls: NumPy's meaning of an operation, for floats of Python.

They are asked where Python itself would raise, or mean something else; then NumPy's own operation answers, with the
warning that eager code gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules.elementwise import NEARLY_FLAT, sech2
from ..rules.limits import times

float64 = np.float64
_sech2, _times = sech2._implementation, times._implementation  # type: ignore[attr-defined]


def divided(a: float, b: float) -> float:
    """a / b: inf or nan where b is 0."""
    return float(float64(a) / float64(b))


def power(a: float, b: float) -> float:
    """a ** b, of NumPy's numbers: where C's pow has no answer, inf or nan."""
    try:
        return math.pow(a, b)
    except (ValueError, OverflowError):
        return float(float64(a) ** float64(b))


def larger(a: float, b: float) -> float:
    """np.maximum."""
    return float(np.maximum(a, b))


def smaller(a: float, b: float) -> float:
    """np.minimum."""
    return float(np.minimum(a, b))


def root(a: float) -> float:
    """np.sqrt: nan below 0."""
    return float(np.sqrt(a))


def signum(a: float) -> float:
    """np.sign: 0 of 0, nan of nan."""
    return float(np.sign(a))


def product(g: float, d: float) -> float:
    """times(g, d): where g is 0 and d is not finite, 0."""
    return float(_times(float64(g), float64(d)))


def slope_of_tanh(x: float, y: float) -> float:
    """sech2(x, y), where y = tanh(x)."""
    slope = 1.0 - y * y
    return slope if slope >= NEARLY_FLAT else float(_sech2(float64(x), float64(y)))


def as_numpy(x: Any) -> Any:
    """A number as a function meets it in eager code."""
    return np.bool_(x) if type(x) is bool else float64(x) if type(x) is float else x


def called(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy's numbers as one of Python's."""

    def call(*args: Any, **kwargs: Any) -> Any:
        y = np.asarray(function(*map(as_numpy, args), **kwargs))[()]
        return bool(y) if isinstance(y, np.bool_) else float(y)

    return call
