"""Put numbers, axes and indices into words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, SupportsInt

import numpy as np
from numpy.typing import NDArray


def number_phrase(value: float, slack: float = 0.0) -> str:
    """Four significant digits, and more of a number that would look rounder than it is: 2, but 2.0001.

    A number close to 1 by its distance: 1 + 1e-06. slack: how far the number may be from the one meant.
    """
    near = abs(abs(value) - 1)
    slack = max(slack, 1e-12 * abs(value))
    if slack < near < 1e-3 + slack:
        phrase = f"1 {'+' if abs(value) > 1 else '-'} {near:.3g}"
        return phrase if value > 0 else f"-({phrase})"
    texts = [f"{value + 0:.{digits}g}" for digits in range(4, 10)]
    honest = (t for n, t in enumerate(texts, 4) if abs(float(t) - value) <= slack or _digits_of(t) == n)
    return next(honest, texts[-1])


def factor_phrase(value: float, slack: float = 0.0) -> str:
    """A number that something is multiplied by: 20, (1 + 0.001)."""
    phrase = number_phrase(value, slack)
    return f"({phrase})" if phrase.startswith("1 ") else phrase


def _digits_of(text: str) -> int:
    """The number of significant digits of a number in decimals."""
    return len(text.partition("e")[0].replace(".", "").lstrip("-0"))


def axis_noun(axes: tuple[int, ...], ndim: int) -> str:
    """The name of a line along axes: row, column; '' for the whole array."""
    if len(axes) == ndim:
        return ""
    if ndim == 2:
        return "column" if axes == (0,) else "row"
    return axes_phrase(axes)


def axes_phrase(axes: tuple[int, ...]) -> str:
    """Axes in words: axis 1; axes 0 and 2."""
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {join_with_and(axes)}"


def aggregate(what: str, axes: tuple[int, ...], ndim: int) -> str:
    """The mean, or the sum: of all entries, of a row, along an axis."""
    where = axis_noun(axes, ndim)
    if where in ("row", "column"):
        return f"the {where} {what}"
    return f"the {what}" if not where else f"the {what} along {where}"


def join_with_and(items: Iterable[object]) -> str:
    """Items in a list: 1, 2 and 5."""
    *most, last = map(str, items)
    return f"{', '.join(most)} and {last}" if most else last


def place(index: Iterable[SupportsInt]) -> str:
    """An index in brackets."""
    return f"[{', '.join(str(int(i)) for i in index)}]"


def between(low: float, high: float) -> float:
    """A number of few digits between two others; 0 if it lies between them."""
    if low < 0 < high or low == 0 or high == 0:
        return 0.0
    middle = low / 2 + high / 2
    for digits in range(1, 17):
        rounded = float(f"{middle:.{digits - 1}e}")
        if low <= rounded <= high:
            return rounded
    return middle


def several(count: int, total: int) -> str:
    """A share in words: 2 of 6 entries."""
    return f"{count:,} of {total:,} {'entries' if total > 1 else 'entry'}"


def same(values: NDArray[Any]) -> bool:
    """Whether there are values, and all are the same."""
    return len(values) > 0 and bool(np.all(values == values[0]))
