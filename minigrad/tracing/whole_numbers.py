"""Methods of numbers whose result is a number of Python: round(x), math.floor(x), and conjugate() of a float.

On a tape a plain number stands for one of Python's or NumPy's. Where these give a number of Python, which takes the
type of an array beside it, the tape must, too. Whole numbers stay floats there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import modes
from ..engine.value import Value
from .interpreters import current_tape
from .placeholders import WeakFloat
from .tape import call


def _rounded(x: Any, digits: int = 0) -> float:
    """A number as a float of Python, rounded to digits as NumPy does."""
    return float(np.round(x, digits))


def _floor(x: Any) -> float:
    """The whole number below."""
    return float(np.floor(x))


def _ceil(x: Any) -> float:
    """The whole number above."""
    return float(np.ceil(x))


def _trunc(x: Any) -> float:
    """The whole number next to it, on the side of zero."""
    return float(np.trunc(x))


def _in_python(name: str, compute: Callable[..., float]) -> Callable[..., Any]:
    method: Any = getattr(Value, name)

    @functools.wraps(method)
    def number(self: Any, *digits: int) -> Any:
        if modes.active_modes and _is_plain(self) and not (digits and type(self._array) is not WeakFloat):
            return call(Value, compute, name.strip("_"), (self, *digits), {})
        return method(self, *digits)

    return number


def _is_plain(x: Any) -> bool:
    """Whether a Value stands for a number without a gradient, which has a fraction."""
    return current_tape() is not None and not x.ndim and x.dtype.kind == "f" and not x.has_gradient


for _name, _compute in {"__round__": _rounded, "__floor__": _floor, "__ceil__": _ceil, "__trunc__": _trunc}.items():
    setattr(Value, _name, _in_python(_name, _compute))


def _conjugate(self: Any) -> Any:
    return self if type(self._array) is WeakFloat and not self.has_gradient else self.conj()


_conjugate.__qualname__ = "Value.conjugate"
setattr(Value, "conjugate", _conjugate)  # noqa: B010
