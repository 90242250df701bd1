"""Describe a set of entries: repeated indices, a row, a column, a block, a diagonal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .case import Case
from .constants import is_numeric
from .phrases import join_with_and, place

_DIAGONAL: Final[dict[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]]] = {
    "the diagonal": np.equal,
    "all off the diagonal": np.not_equal,
    "the triangle above the diagonal": np.less,
    "the triangle below the diagonal": np.greater,
    "the upper triangle": np.less_equal,
    "the lower triangle": np.greater_equal,
}


def region(case: Case, chosen: NDArray[Any]) -> str:
    """The simplest description of the chosen entries among the measured ones; '' if there is none."""
    if not chosen.any():
        return ""
    for find in (_picked_often, _picked_per_row, _equal_inputs, _alone, _slices, _diagonal, _block):
        words = find(case, chosen)
        if words:
            return words
    return ""


def _picked_often(case: Case, chosen: NDArray[Any]) -> str:
    """Entries that an integer array among the arguments picks more than once, or never."""
    for axis, counts in _counts(case):
        picked = counts[case.coordinates[axis]]
        where = f" along axis {axis}" if len(case.shape) > 1 else ""
        if np.any(counts > 1) and np.array_equal(chosen, picked > 1):
            index = f"{place(np.flatnonzero(counts > 1)[:6])}"
            return f"those whose index is repeated in an array of indices{where}: {index}"
        if np.any(counts == 0) and np.array_equal(chosen, picked == 0):
            return f"those that an array of indices does not pick{where}"
    return ""


def _picked_per_row(case: Case, chosen: NDArray[Any]) -> str:
    """One entry of each row, picked by an array of indices (labels)."""
    if len(case.shape) != 2:
        return ""
    row, column = case.coordinates
    for constant in case.evidence.constants:
        labels = np.asarray(constant) if is_numeric(constant) else np.zeros(0)
        if labels.dtype.kind in "iu" and labels.shape == case.shape[:1]:
            picked = column == labels[row] % case.shape[1]
            if np.array_equal(chosen, picked):
                return "in each row, the one that an array of indices picks"
    return ""


def _counts(case: Case) -> Iterator[tuple[int, NDArray[Any]]]:
    """For each array of integers that may index an axis: the axis, and how often it picks each place."""
    for constant in case.evidence.constants:
        for part in constant if isinstance(constant, (list, tuple)) else [constant]:
            indices = np.asarray(part) if is_numeric(part) else np.zeros(0)
            if indices.dtype.kind not in "iu" or indices.size < 2:
                continue
            for axis, length in enumerate(case.shape):
                if -length <= indices.min() and indices.max() < length:
                    yield axis, np.bincount(np.ravel(indices) % length, minlength=length)


def _equal_inputs(case: Case, chosen: NDArray[Any]) -> str:
    """Entries whose x occurs more than once."""
    _, which, counts = np.unique(np.ravel(case.evidence.x), return_inverse=True, return_counts=True)
    if np.array_equal(chosen, counts[which.reshape(-1)][case.at] > 1):
        return "" if chosen.all() else "those whose x occurs more than once (ties)"
    return ""


def _alone(case: Case, chosen: NDArray[Any]) -> str:
    if np.count_nonzero(chosen) > 1:
        return ""
    flat = int(case.at[chosen][0])
    ends = {0: ", the first", case.whole.size - 1: ", the last"} if case.whole.size > 1 else {}
    return f"{place(np.unravel_index(flat, case.shape))}{ends.get(flat, '')}"


def _slices(case: Case, chosen: NDArray[Any]) -> str:
    """Whole slices of one axis: rows, columns."""
    for axis, position in enumerate(case.coordinates):
        hit, every = np.unique(position[chosen]), np.unique(position)
        if len(hit) == len(every) or not np.array_equal(chosen, np.isin(position, hit)):
            continue
        words = _series(hit, case.shape[axis]) if len(case.shape) == 1 else _which(hit, case.shape[axis])
        if words:
            return _slice_words(words, axis, len(case.shape), len(hit))
    return ""


def _slice_words(words: str, axis: int, ndim: int, count: int) -> str:
    if ndim == 1:
        return f"entries {words}"
    what = "row" if ndim == 2 and axis == 0 else "column" if ndim == 2 else f"slice of axis {axis},"
    if count > 1:
        what = what.replace("row", "rows").replace("column", "columns").replace("slice ", "slices ")
    return f"{what} {words}"


def _which(hit: NDArray[Any], length: int) -> str:
    """Places along an axis, listed; the first and the last by name."""
    if len(hit) == 1:
        return f"{int(hit[0])}{', the first' if hit[0] == 0 else ', the last' if hit[0] == length - 1 else ''}"
    return _series(hit, length) or (join_with_and(int(i) for i in hit) if len(hit) <= 6 else "")


def _series(hit: NDArray[Any], length: int) -> str:
    """Places at equal distances, as a slice; '' if they are not."""
    steps = np.diff(hit)
    if len(hit) < 2 or np.any(steps != steps[0]) or (len(hit) == 2 and steps[0] > 1):
        return ""
    step = int(steps[0])
    start, stop = int(hit[0]), int(hit[-1]) + 1
    ends = (
        ", the first ones"
        if start == 0 and step == 1
        else ", the last ones"
        if stop == length and step == 1
        else ""
    )
    return f"{start}:{stop}{f':{step}' if step > 1 else ''}{ends}"


def _diagonal(case: Case, chosen: NDArray[Any]) -> str:
    """The diagonal or a triangle of the last two axes."""
    if len(case.shape) < 2 or np.count_nonzero(chosen) < 2:
        return ""
    row, column = case.coordinates[-2:]
    for words, relation in _DIAGONAL.items():
        if np.array_equal(chosen, relation(row, column)) and not chosen.all():
            return words
    return ""


def _block(case: Case, chosen: NDArray[Any]) -> str:
    """A block: a range of each axis."""
    if len(case.shape) < 2 or np.count_nonzero(chosen) < 2:
        return ""
    inside, parts = np.ones(len(chosen), dtype=bool), []
    for position in case.coordinates:
        start, stop = int(position[chosen].min()), int(position[chosen].max()) + 1
        inside &= (position >= start) & (position < stop)
        parts.append(str(start) if stop == start + 1 else f"{start}:{stop}")
    if chosen.all() or not np.array_equal(chosen, inside):
        return ""
    return f"the block [{', '.join(parts)}]"
