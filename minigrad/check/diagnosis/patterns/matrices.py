"""Patterns of a gradient through a matrix product with a matrix that should be transposed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import ENOUGH, FROM_LIST, ROUNDING, Case
from .factor_library import other_arguments
from .order import pattern


@pattern(160)
def untransposed(case: Case) -> Diagnosis | None:
    """A @ g instead of A.T @ g, or the like; 2 A @ x instead of (A + A.T) @ x."""
    for name, matrix in other_arguments(case):
        if np.ndim(matrix) != 2 or np.shape(matrix)[0] != np.shape(matrix)[1]:
            continue
        for wrong, right, given, reference, size in _products(case, np.asarray(matrix, dtype=np.float64)):
            if given.shape == case.shape and _explains(case, given, reference, size):
                sentence = f"given = {wrong}, but the derivative is {right}, where A is {name}"
                return Diagnosis("transposed", f"a matrix is not transposed: {sentence}")
    return None


def _products(case: Case, a: NDArray[Any]) -> Iterator[tuple[str, str, NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """A likely wrong product and the right one: the words for both, their values, and the size of their terms."""
    x, n = np.asarray(case.evidence.x, dtype=np.float64), len(a)
    if case.evidence.cotangent is not None and np.size(case.evidence.cotangent) == x.size:
        g = np.reshape(np.asarray(case.evidence.cotangent, dtype=np.float64), x.shape)
        shape: tuple[int, ...] = tuple(g.shape)
        if len(shape) in (1, 2) and shape[0] == n:
            yield "A @ cotangent", "A.T @ cotangent", a @ g, a.T @ g, np.maximum(abs(a), abs(a.T)) @ abs(g)
            yield "A.T @ cotangent", "A @ cotangent", a.T @ g, a @ g, np.maximum(abs(a), abs(a.T)) @ abs(g)
        if len(shape) == 2 and shape[1] == n:
            yield "cotangent @ A", "cotangent @ A.T", g @ a, g @ a.T, abs(g) @ np.maximum(abs(a), abs(a.T))
            yield "cotangent @ A.T", "cotangent @ A", g @ a.T, g @ a, abs(g) @ np.maximum(abs(a), abs(a.T))
    if x.shape == (n,):
        size = (abs(a) + abs(a.T)) @ abs(x)
        yield "2 A @ x", "(A + A.T) @ x", 2 * a @ x, (a + a.T) @ x, size
        yield "2 A.T @ x", "(A + A.T) @ x", 2 * a.T @ x, (a + a.T) @ x, size


def _explains(case: Case, given: NDArray[Any], reference: NDArray[Any], size: NDArray[Any]) -> bool:
    """Whether the given gradient and its reference are these two products, up to rounding and bars."""
    rounding = ROUNDING * np.ravel(size)[case.at]
    off_given = np.abs(case.given - np.ravel(given)[case.at])
    off = np.abs(case.reference - np.ravel(reference)[case.at])
    tolerance = case.tolerance + rounding
    return bool(
        np.all(off_given <= tolerance)
        and np.all(off <= tolerance)
        and case.digits_within(tolerance).sum() >= ENOUGH + FROM_LIST
    )
