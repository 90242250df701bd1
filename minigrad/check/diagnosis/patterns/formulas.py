"""Compare a case with formulas: that of the derivative, and those of gradients with a mistake in them.

A formula has no free number. If one gives the reference, the function is known; if another gives the given
gradient, so is the mistake. Both must hold for all measured entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import ENOUGH, FROM_LIST, ROUNDING, Case

SUMMED = 16  # the rounding errors of a formula that sums: so many times those of a few operations
SAME = 1e-9  # the relative difference within which a formula gives the result of f


@dataclass(frozen=True)
class Mistake:
    """A mistake, and the gradient that it gives: of the shape of x."""

    kind: str
    sentence: str
    values: NDArray[Any]


def first_mistake(case: Case, right: NDArray[Any], mistakes: Iterable[Mistake]) -> Diagnosis | None:
    """The first mistake that gives the given gradient; None if there is none, or the derivative is another one."""
    if not is_reference(case, right):
        return None
    found = (mistake for mistake in mistakes if is_given(case, mistake.values))
    return next((Diagnosis(mistake.kind, mistake.sentence) for mistake in found), None)


def is_reference(case: Case, right: NDArray[Any]) -> bool:
    """Whether a formula gives the reference."""
    return _agrees(case, case.reference, right)


def is_given(case: Case, values: NDArray[Any]) -> bool:
    """Whether a formula gives the given gradient, in more digits than chance does."""
    if not _agrees(case, case.given, values):
        return False
    return float(case.digits_within(case.tolerance + _rounding(values)).sum()) >= ENOUGH + FROM_LIST


def _agrees(case: Case, target: NDArray[Any], values: NDArray[Any]) -> bool:
    if np.shape(values) != case.shape or not np.isfinite(values).all():
        return False
    return bool(np.all(np.abs(target - np.ravel(values)[case.at]) <= case.tolerance + _rounding(values)))


def _rounding(values: NDArray[Any]) -> float:
    return SUMMED * ROUNDING * float(np.max(np.abs(values), initial=0.0))


def arrays_of(case: Case) -> list[tuple[str, NDArray[Any]]]:
    """The argument, and the other arrays of real numbers that f was called with; each with its name."""
    mine = (case.evidence.path, np.asarray(case.evidence.x, dtype=np.float64))
    others = ((other.path, np.asarray(other.x)) for other in case.others)
    constants = (
        ("a constant", array)
        for constant in case.evidence.constants
        if (array := _array(constant)) is not None and array.ndim > 0
    )
    return [mine, *((name, np.asarray(a)) for name, a in (*others, *constants))]


def _array(constant: object) -> NDArray[Any] | None:
    try:
        array = np.asarray(constant)
    except (TypeError, ValueError):  # a ragged list, or an object of another library that is not an array
        return None
    return array if array.dtype.kind in "iufb" else None


def result_and_cotangent(case: Case) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """The result of f and its cotangent, in the shape of the result; None if one of them is unknown."""
    evidence = case.evidence
    if evidence.y is None or evidence.cotangent is None or np.size(evidence.y) != np.size(evidence.cotangent):
        return None
    shape = evidence.y_shape if evidence.y_shape is not None else np.shape(evidence.y)
    y, g = (np.asarray(a, dtype=np.float64).reshape(shape) for a in (evidence.y, evidence.cotangent))
    return y, g


def is_same(values: NDArray[Any], y: NDArray[Any]) -> bool:
    """Whether a formula gives the result of f."""
    if values.size != y.size:
        return False
    size = float(np.max(np.abs(y), initial=0.0))
    return bool(np.all(np.abs(np.ravel(values) - np.ravel(y)) <= SAME * size))
