"""What compiled code calls besides NumPy: functions of the table that write into a buffer they are given.

Each gives the bits of the function whose name it has.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules.elementwise import NEARLY_FLAT, sech2
from ..rules.limits import times

_sech2, _times = sech2._implementation, times._implementation  # type: ignore[attr-defined]


def times_into(g: Any, d: Any, out: Any, finite: Any) -> None:
    """out = times(g, d); finite: a buffer of truth values, of the shape of d."""
    np.isfinite(d, out=finite)
    if finite.all():
        np.multiply(g, d, out=out)
    else:
        out[...] = _times(g, d)


def sech2_into(x: Any, y: Any, out: Any) -> None:
    """out = sech2(x, y), where y = tanh(x); y may be out."""
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    if out.size and not out.item(out.argmin()) >= NEARLY_FLAT:
        near = out < NEARLY_FLAT
        e = np.exp(-2 * np.abs(x[near]))
        out[near] = 4 * e / (1 + e) ** 2


def where_into(c: Any, a: Any, b: Any, out: Any) -> None:
    """out = np.where(c, a, b)."""
    np.copyto(out, b)
    np.copyto(out, a, where=c)


def mean_into(x: Any, n: int, out: Any, **axes: Any) -> None:
    """out = np.mean(x, **axes), of n entries each."""
    np.add.reduce(x, out=out, **axes)
    np.divide(out, n, out=out)


def number(x: Any) -> Any:
    """What a function gave for numbers, as the engine keeps it: a number of NumPy's."""
    return np.asarray(x)[()]


def dict_like(empty: dict[Any, Any], items: dict[Any, Any]) -> dict[Any, Any]:
    """A dict of the same kind as an empty one, with these items."""
    new = empty.copy()
    new.update(items)
    return new
