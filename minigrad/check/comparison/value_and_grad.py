"""Objectives that return value and gradient together, as those of SciPy's `minimize(f, x, jac=True)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ArgumentError, describe
from ..diagnosis.report import Finding
from .problem import SAME, Subject


@dataclass(frozen=True)
class ItemOf:
    """One item of the pair that a function returns. A class, so that a worker process can have it."""

    pair: Callable[..., Any]
    item: int

    def __call__(self, *args: Any) -> Any:
        """The value (item 0) or the gradient (item 1). Raises ArgumentError if the result is no pair."""
        found = self.pair(*args)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise ArgumentError(
                f"{self.__name__} returned {describe(found)}, not a value and its gradient\n"
                "  write  return value, gradient   or give the gradient alone as grad="
            )
        return found[self.item]

    @property
    def __name__(self) -> str:
        """That of the objective."""
        return str(getattr(self.pair, "__name__", type(self.pair).__name__))

    @property
    def __signature__(self) -> Any:
        import inspect

        return inspect.signature(self.pair)


def check_value(subject: Subject, pair: Callable[..., Any]) -> list[Finding]:
    """Check that the value beside a gradient is that of the function."""
    point = subject.point
    assert point is not None
    with np.errstate(all="ignore"):
        try:
            value = float(np.asarray(ItemOf(pair, 0)(*point.layout.build(point.x, point.f.promote))).reshape(()))
        except Exception as error:
            return [Finding("raised", sentence=f"value_and_grad raised {type(error).__name__}: {error}")]
        y = float(point.y[0])
        if abs(value - y) <= SAME * point.unit * max(abs(value), abs(y)):
            return []
    return [Finding("value", sentence=f"the value beside the gradient is {value:.9g}, the function gives {y:.9g}")]
