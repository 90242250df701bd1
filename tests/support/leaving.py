"""Values of each kind, and plain arrays to put them into, for tests of the ways out of the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import Value

Make = Callable[[Value], Any]


def number() -> Value:
    return Value(2.0, name="v")


def vector() -> Value:
    return Value([1.0, 2.0, 3.0], name="v")


def plain() -> np.ndarray:
    return np.zeros(3)


def assign(target: np.ndarray, index: Any, v: Any) -> np.ndarray:
    target[index] = v
    return target
