"""The pattern of a mask that the function has, and the gradient has not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import Case
from .factor_library import broadcast_candidates
from .formulas import arrays_of
from .order import pattern
from .phrases import several


@pattern(165)
def mask_forgotten(case: Case) -> Diagnosis | None:
    """Where a mask excludes entries, the derivative is 0 and given is not; it is right everywhere else."""
    unused = np.abs(case.reference) <= case.tolerance
    if case.wrong.all() or not case.wrong.any() or not np.all(unused[case.wrong]):
        return None
    for words, kept in _masks(case):
        if np.any(kept) and np.all(unused[~kept]) and not np.any(case.wrong & kept) and np.any(~unused & kept):
            seen = several(int(case.wrong.sum()), len(case.wrong))
            sentence = f"given is not 0 where {words} excludes the entry, in {seen}; the derivative is 0 there"
            return Diagnosis("mask", f"a mask is forgotten: {sentence}")
    return None


def _masks(case: Case) -> Iterator[tuple[str, NDArray[Any]]]:
    """The masks that may be meant: those among the arrays, and the causal one; true where an entry counts."""
    for name, array in arrays_of(case)[1:]:
        numbers = array.astype(float)
        if set(np.unique(numbers)) in ({0.0, 1.0}, {-np.inf, 0.0}):
            for values in broadcast_candidates(case, numbers, np.shape(array)):
                yield f"a mask ({name}, shape {np.shape(array)})", values == values.max()
                yield f"a mask ({name}, shape {np.shape(array)}, true where excluded)", values == values.min()
    if len(case.shape) >= 2 and case.shape[-1] == case.shape[-2] > 2:
        row, column = case.coordinates[-2:]
        yield "a causal mask", column <= row
