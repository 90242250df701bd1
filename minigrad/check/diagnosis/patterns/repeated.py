"""The pattern of a gradient that is assigned where an index repeats, and should be added."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import Case
from .formulas import Mistake, first_mistake, result_and_cotangent
from .order import pattern
from .phrases import place


@pattern(105)
def overwritten(case: Case) -> Diagnosis | None:
    """y holds entries of x, some more than once: the gradient keeps one of their cotangents instead of the sum."""
    known = result_and_cotangent(case)
    if known is None or np.shape(case.evidence.x) != case.shape:
        return None
    source = _sources(np.ravel(np.asarray(case.evidence.x, dtype=np.float64)), np.ravel(known[0]))
    if source is None:
        return None
    picked, g = source >= 0, np.ravel(known[1])
    counts = np.bincount(source[picked], minlength=case.whole.size)
    right = np.bincount(source[picked], weights=g[picked], minlength=case.whole.size)
    first, last = (_assigned(source[picked][::way], g[picked][::way], case.whole.size) for way in (1, -1))
    example = place(np.unravel_index(int(np.argmax(counts)), case.shape))
    often = f"entry {example} of {case.evidence.path} occurs {counts.max()} times in the result"
    mistakes = [
        Mistake(
            "overwritten",
            f"where an entry occurs several times in the result, only its {words} cotangent counts: it is "
            f"assigned, and should be added (np.add.at); {often}",
            values.reshape(case.shape),
        )
        for words, values in (("last", last), ("first", first))
    ]
    return first_mistake(case, right.reshape(case.shape), mistakes)


def _assigned(source: NDArray[Any], g: NDArray[Any], size: int) -> NDArray[Any]:
    """For each entry, the first of its cotangents."""
    found, places = np.zeros(size), np.unique(source, return_index=True)
    found[places[0]] = g[places[1]]
    return found


def _sources(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any] | None:
    """For each entry of y, the entry of x that it equals, or -1; None if they do not tell it."""
    values, first, counts = np.unique(x, return_index=True, return_counts=True)
    at = np.minimum(np.searchsorted(values, y), max(len(values) - 1, 0))
    found = values[at] == y if len(values) else np.zeros(len(y), dtype=bool)
    used = at[found]
    if len(used) < 2 or np.any(counts[used] > 1) or len(np.unique(used)) == len(used):
        return None
    return np.where(found, first[at], -1)
