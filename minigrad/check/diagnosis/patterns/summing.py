"""Patterns of a gradient that keeps one slice of a broadcast axis instead of summing over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import ENOUGH, FROM_LIST, Case
from .constants import broadcast_axes, is_numeric
from .order import pattern

# Derivatives that may weight the cotangent of a result, by name of the function.
_SLOPES: Final[tuple[Callable[[NDArray[Any]], NDArray[Any]], ...]] = (
    lambda y: np.ones_like(y),
    lambda y: (1 - y) * (1 + y),
    lambda y: y * (1 - y),
    lambda y: (y > 0).astype(float),
    lambda y: y,
)


@pattern(110)
def not_summed(case: Case) -> Diagnosis | None:
    """Only the first or the last slice of the result along a broadcast axis is counted.

    If the slices are w·h with the same h, the sum of all slices is Σw/w times one of them.
    """
    for weights in _weights(case):
        axes = broadcast_axes(weights.shape, case.shape)
        for axis in axes:
            for index, words in ((0, "first"), (-1, "last")):
                if _only(case, weights, axes, {axis: index}):
                    sentence = f"only the {words} slice of axis {axis} of the result is counted"
                    return Diagnosis(
                        "not summed", f"the gradient is not summed over the broadcast axis: {sentence}"
                    )
        for index, words in ((0, "first"), (-1, "last")):
            if len(axes) > 1 and _only(case, weights, axes, dict.fromkeys(axes, index)):
                sentence = f"only the {words} slice of the result is counted"
                return Diagnosis("not summed", f"the gradient is not summed over the broadcast axes: {sentence}")
    return None


def _only(case: Case, weights: NDArray[Any], axes: Sequence[int], kept: dict[int, int]) -> bool:
    """Whether the given gradient is the contribution of the kept slices alone."""
    part = weights
    for axis, index in kept.items():
        part = np.take(part, [index], axis)
    summed, size = _sum_over(case, weights, axes), _sum_over(case, np.abs(weights), axes)
    part = _sum_over(case, part, [axis for axis in axes if axis not in kept])
    share = part / summed
    tolerance = case.tolerance * np.maximum(1, np.abs(share)) * size / np.abs(summed)
    predicted = share * case.reference
    known = np.isfinite(share)
    if not known.any() or np.any(np.abs(case.given - predicted)[known] > tolerance[known]):
        return False
    return float(case.digits_within(tolerance)[known].sum()) >= ENOUGH + FROM_LIST


def _sum_over(case: Case, array: NDArray[Any], axes: Sequence[int]) -> NDArray[Any]:
    """The array summed over axes, at the measured entries of x."""
    summed = array.sum(axis=tuple(axes), keepdims=True)
    return np.broadcast_to(summed.reshape(case.shape), case.shape).ravel()[case.at]


def _weights(case: Case) -> Iterator[NDArray[Any]]:
    """Possible weights of the slices of the result: cotangents, times slopes or a factor of x."""
    arrays = [np.asarray(other.x, dtype=np.float64) for other in case.others]
    arrays += [np.asarray(c, dtype=np.float64) for c in case.evidence.constants if is_numeric(c)]
    if case.evidence.cotangent is not None and np.size(case.evidence.cotangent) > 1:
        for shape in _result_shapes(case, arrays):
            cotangent = np.reshape(np.asarray(case.evidence.cotangent, dtype=np.float64), shape)
            y = case.evidence.y if case.evidence.y is not None else cotangent
            result = np.reshape(np.asarray(y, dtype=np.float64), shape)
            yield from (cotangent * slope(result) for slope in _SLOPES)
            for array in arrays:
                if broadcast_axes(shape, array.shape) or array.shape == shape:
                    yield cotangent * array
            # In a + b, the gradient of b is a sum over the gradient of a.
            references = (np.asarray(other.reference, dtype=np.float64) for other in case.others)
            yield from (share for share in references if share.shape == shape and np.isfinite(share).all())
        return
    x = np.asarray(case.evidence.x, dtype=np.float64)
    for array in arrays:
        if broadcast_axes(array.shape, case.shape):
            yield from (array, array + x, array - x)


def _result_shapes(case: Case, arrays: Sequence[NDArray[Any]]) -> list[tuple[int, ...]]:
    """Possible shapes of the result, to which x broadcasts."""
    if case.evidence.y_shape is not None:
        return [case.evidence.y_shape] if broadcast_axes(case.evidence.y_shape, case.shape) else []
    size, own = int(np.size(np.asarray(case.evidence.cotangent))), case.whole.size
    guesses = [array.shape for array in arrays]
    if own and size > own and size % own == 0:
        repeats = size // own
        guesses += [(repeats, *case.shape)]
        guesses += [
            (*case.shape[:k], repeats, *case.shape[k + 1 :]) for k, length in enumerate(case.shape) if length == 1
        ]
    fitting = [shape for shape in guesses if int(np.prod(shape)) == size and broadcast_axes(shape, case.shape)]
    return list(dict.fromkeys(fitting))
