"""The pattern of a normalisation whose gradient takes the mean and the variance for constants."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .axis_lines import axis_sets, line_numbers, most_lines_wrong
from .case import ENOUGH, FROM_LIST, Case
from .order import pattern
from .phrases import axes_phrase
from .softmax import sums_to_zero

SLACK = 2.0  # least squares miss the best fit by less than this factor of its bars


@pattern(135)
def statistics_held_fixed(case: Case) -> Diagnosis | None:
    """given - reference is a + b (x - mean), with two numbers a and b for each line.

    These are the terms of a mean and of a variance along the line, as in batch norm and layer norm. f does not
    change when x is shifted along it, so the derivative sums to 0 there.
    """
    for axes in axis_sets(case, whole=True):
        groups = line_numbers(case, axes)
        if len(axes) < len(case.shape) and not most_lines_wrong(case, groups):
            continue
        found = _lines(case, groups)
        if found is None or found < ENOUGH + FROM_LIST:
            continue
        where = axes_phrase(axes)
        mean = sums_to_zero(case, axes)
        terms = "a mean and a variance" if mean else "a variance"
        seen = (
            f"given - reference is {'a + b' if mean else 'b'} (x - mean of x), with numbers constant along {where}"
        )
        why = f"the terms of {terms} along {where} are missing, which depend on x (as in batch norm, layer norm)"
        return Diagnosis("missing term", f"{why}: {seen}")
    return None


def _lines(case: Case, groups: NDArray[Any]) -> float | None:
    """How many digits a + b (x - mean) explains beyond those of its two numbers per line; None if it fails."""
    spare = 0.0
    for line in range(int(groups.max(initial=-1)) + 1):
        mine = groups == line
        x, change, tolerance = case.x[mine], case.change[mine], case.tolerance[mine]
        centred = x - x.mean()
        base = np.stack([np.ones(len(x)), centred / max(float(np.max(np.abs(centred))), 1e-300)], axis=1)
        weight = 1 / np.maximum(tolerance, 1e-300)
        numbers = np.linalg.lstsq(base * weight[:, None], change * weight, rcond=None)[0]
        if not np.all(np.abs(base @ numbers - change) <= SLACK * tolerance):
            return None
        spare += float(np.sort(case.digits_within(SLACK * case.tolerance)[mine])[:-2].sum())
    return spare
