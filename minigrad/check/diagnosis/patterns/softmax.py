"""The pattern of a softmax whose gradient lacks the sum that its normalisation adds.

With p the softmax of x along an axis and h the gradient that flows back to it, the derivative is p (h - Σ p h);
that of log-softmax is h - p Σ h. h is unknown, and the sum is one number for each line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .axis_lines import axis_sets, line_numbers, most_lines_wrong
from .case import ENOUGH, FROM_LIST, Case, fit
from .order import pattern
from .phrases import axes_phrase, same

LEAST = 1e-8  # of a softmax: rounding hides the term of smaller entries


@pattern(125)
def softmax_sum_missing(case: Case) -> Diagnosis | None:
    """The sum over the line is missing: given = p h, or h for log-softmax; or only the diagonal is there."""
    x = np.asarray(case.evidence.x, dtype=np.float64)
    if x.shape != case.shape or not np.isfinite(x).all():
        return None
    for axes in axis_sets(case, whole=True):
        groups, p = line_numbers(case, axes), softmax_along(x, axes)
        if p.min() < LEAST or p.max() > 1 - LEAST or same(np.ravel(p)) or not sums_to_zero(case, axes):
            continue
        if len(axes) < len(case.shape) and not most_lines_wrong(case, groups):
            continue
        for seen, target, scale in _equations(case, np.ravel(p)[case.at]):
            found = fit(target, case.tolerance * scale, np.ravel(p)[case.at], case.digits, groups)
            if found is not None and found.spare >= ENOUGH + FROM_LIST:
                where = axes_phrase(axes)
                what = f"the sum along {where} that a softmax subtracts is missing, or another one is subtracted"
                of = f"p is the softmax of {case.evidence.path} along {where}"
                return Diagnosis("missing term", f"{what}: {seen}, where {of}")
    return None


def sums_to_zero(case: Case, axes: tuple[int, ...]) -> bool:
    """Whether the derivative sums to 0 along axes, as where f does not change when x is shifted along them.

    All entries must be measured, and the sums of the given gradient must not all be 0.
    """
    if len(case.at) < case.whole.size:
        return False
    given, reference, tolerance = (
        a.reshape(case.shape).sum(axis=axes) for a in (case.given, case.reference, case.tolerance)
    )
    return bool(np.all(np.abs(reference) <= tolerance) and np.any(np.abs(given) > tolerance))


def _equations(case: Case, p: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    """What is seen, the array that must be p times a number for each line, and the growth of its error."""
    yield "given - reference is p times a number for each line", case.change, np.ones(len(p))
    if case.wrong.all():
        diagonal = "given has only the diagonal of the Jacobian, p (1 - p), or 1 - p for log-softmax"
        yield diagonal, case.given / (1 - p) - case.reference, 1 + 1 / (1 - p)


def softmax_along(x: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    """The softmax of x along axes."""
    e = np.exp(x - x.max(axis=axes, keepdims=True))
    p: NDArray[Any] = e / e.sum(axis=axes, keepdims=True)
    return p
