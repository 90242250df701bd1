"""JAX's primitives that move, join, reduce and multiply entries: one row for each, as a function of
arrays or Values, and of its parameters.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....rules.indexing import put, scatter
from ....rules.layers import embedding
from ....rules.running import cummax, cummin, logcumsumexp
from ....rules.windows import max_pool, windows
from ..convolution import convolve, with_gaps


def _broadcast_in_dim(x: Any, *_: Any, shape: Sequence[int], broadcast_dimensions: Sequence[int], **__: Any) -> Any:
    sides = [1] * len(shape)
    for axis, n in zip(broadcast_dimensions, np.shape(x), strict=True):
        sides[axis] = n
    x = x if np.shape(x) == tuple(sides) else np.reshape(x, tuple(sides))
    return x if sides == [*shape] else np.broadcast_to(x, tuple(shape))


def _reshape(x: Any, new_sizes: Sequence[int], dimensions: Any = None, **_: Any) -> Any:
    return np.reshape(x if dimensions is None else np.transpose(x, dimensions), tuple(new_sizes))


def _slice(x: Any, start_indices: Any, limit_indices: Any, strides: Any = None) -> Any:
    return x[tuple(map(slice, start_indices, limit_indices, strides or [1] * len(start_indices)))]


def _split(x: Any, sizes: Sequence[int], axis: int) -> list[Any]:
    ends = np.cumsum(sizes).tolist()
    return [x[(*[slice(None)] * axis, slice(b - n, b))] for b, n in zip(ends, sizes, strict=True)]


def _pad(x: Any, value: Any, padding_config: Sequence[tuple[int, int, int]]) -> Any:
    """x with entries of that value around it, and between its own; negative widths cut."""
    steps = tuple(slice(None, None, gap + 1) for *_, gap in padding_config)
    sides = [max((n - 1) * (gap + 1) + 1, 0) for n, (*_, gap) in zip(np.shape(x), padding_config, strict=True)]

    def place(x: Any) -> Any:
        wide = scatter(x, steps, tuple(sides)) if any(gap for *_, gap in padding_config) else x
        cuts = [slice(max(-a, 0), n - max(-b, 0)) for n, (a, b, _) in zip(sides, padding_config, strict=True)]
        return np.pad(wide[tuple(cuts)], [(max(a, 0), max(b, 0)) for a, b, _ in padding_config])

    if not hasattr(value, "has_gradient") and value == 0:
        return place(x)
    return np.where(place(np.ones(np.shape(x), dtype=bool)), place(x), value)


def _places(starts: Sequence[Any], sizes: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
    """The slices of these sizes that begin at given places, moved inside of an array as JAX does."""
    if any(hasattr(start, "has_gradient") for start in starts):
        raise ArgumentError("the place of a slice depends on the parameters")
    firsts = [min(max(int(s), 0), n - k) for s, k, n in zip(starts, sizes, shape, strict=True)]
    return tuple(slice(first, first + k) for first, k in zip(firsts, sizes, strict=True))


def _dynamic_slice(x: Any, *starts: Any, slice_sizes: Sequence[int], **_: Any) -> Any:
    return x[_places(starts, slice_sizes, np.shape(x))]


def _dynamic_update_slice(x: Any, part: Any, *starts: Any, **_: Any) -> Any:
    return put(x, _places(starts, np.shape(part), np.shape(x)), part)


def _sort(*xs: Any, dimension: int, num_keys: int, **_: Any) -> list[Any]:
    """The first array sorted, and the others in the order of its entries."""
    if num_keys != 1:
        raise ArgumentError("sorting by several keys has no counterpart")
    first, *others = xs
    if not others:
        return [np.sort(first, axis=dimension)]
    shape = np.shape(first)
    step = math.prod(shape[dimension + 1 :])
    here = np.arange(math.prod(shape)).reshape(shape) - np.indices(shape)[dimension] * step
    places = np.argsort(first, axis=dimension, kind="stable") * step + here
    return [np.sort(first, axis=dimension), *(embedding(np.reshape(x, (-1, 1)), places)[..., 0] for x in others)]


def _top_k(x: Any, k: int, axis: int = -1, **_: Any) -> list[Any]:
    largest = (*[slice(None)] * (axis % np.ndim(x)), slice(0, k))
    return [np.flip(np.sort(x, axis=axis), axis)[largest], np.argsort(-x, axis=axis, kind="stable")[largest]]


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axes, **_: function(x, axis=tuple(axes))


def _running(function: Callable[..., Any]) -> Callable[..., Any]:
    """A running sum, or the like; reverse: from the end."""

    def run(x: Any, axis: int, reverse: bool = False) -> Any:
        return np.flip(function(np.flip(x, axis), axis=axis), axis) if reverse else function(x, axis=axis)

    return run


def _best(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axes, **_: function(x, axis=axes[0])


# Windows.


def _pooling(function: Callable[..., Any], empty: float) -> Callable[..., Any]:
    """A reduction of windows over the last axes; empty: what a border counts as."""

    def pool(
        x: Any, window_dimensions: Any, window_strides: Any, padding: Any, base_dilation: Any, window_dilation: Any
    ) -> Any:
        if {*base_dilation, *window_dilation} - {1}:
            raise ArgumentError("windows with gaps have no counterpart")
        if any(a or b for a, b in padding):
            x = np.pad(x, tuple(map(tuple, padding)), constant_values=empty)
        first = next((k for k, n in enumerate(window_dimensions) if n > 1 or window_strides[k] > 1), np.ndim(x))
        return (
            function(x, tuple(window_dimensions[first:]), tuple(window_strides[first:]))
            if first < np.ndim(x)
            else x
        )

    return pool


def _sum_of_windows(x: Any, window: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    return np.sum(windows(x, window, stride), axis=tuple(range(-len(window), 0)))


# Products.


def _dot_general(a: Any, b: Any, dimension_numbers: Any, **_: Any) -> Any:
    (of_a, of_b), (batch_a, batch_b) = dimension_numbers
    if not batch_a and np.ndim(a) == 2 and np.ndim(b) == 2 and (*of_a, *of_b) == (1, 0):
        return a @ b
    letters = iter(string.ascii_letters)
    left, right = ([""] * np.ndim(x) for x in (a, b))
    for i, j in [*zip(batch_a, batch_b, strict=True), *zip(of_a, of_b, strict=True)]:
        left[i] = right[j] = next(letters)
    for names in (left, right):
        names[:] = [name or next(letters) for name in names]
    shared = [left[i] for i in batch_a]
    summed = {left[i] for i in of_a} | {*shared}
    out = "".join([*shared, *(n for n in left if n not in summed), *(n for n in right if n not in summed)])
    return np.einsum(f"{''.join(left)},{''.join(right)}->{out}", a, b)


def _convolution(
    x: Any, kernel: Any, *, window_strides: Any, padding: Any, lhs_dilation: Any, rhs_dilation: Any,
    dimension_numbers: Any, feature_group_count: int, batch_group_count: int, **_: Any,
) -> Any:  # fmt: skip
    if batch_group_count != 1:
        raise ArgumentError("a convolution with groups of the batch has no counterpart")
    x = np.transpose(x, dimension_numbers.lhs_spec)
    kernel = with_gaps(np.transpose(kernel, dimension_numbers.rhs_spec), rhs_dilation)
    border = [(0, 0, 0)] * 2 + [(a, b, gap - 1) for (a, b), gap in zip(padding, lhs_dilation, strict=True)]
    y = convolve(_pad(x, 0.0, border), kernel, tuple(window_strides), (0,) * len(padding), feature_group_count)
    return np.transpose(y, np.argsort(dimension_numbers.out_spec).tolist())


# fmt: off
SHAPES: dict[str, Callable[..., Any]] = {
    "broadcast_in_dim": _broadcast_in_dim,
    "reshape": _reshape,
    "squeeze": lambda x, dimensions: np.squeeze(x, axis=tuple(dimensions)),
    "transpose": lambda x, permutation: np.transpose(x, tuple(permutation)),
    "rev": lambda x, dimensions: np.flip(x, tuple(dimensions)),
    "slice": _slice,
    "split": _split,
    "stack": lambda *xs, axis: np.stack(xs, axis=axis),
    "unstack": lambda x, axis: [np.take(x, k, axis=axis) for k in range(np.shape(x)[axis])],
    "tile": lambda x, reps: np.tile(x, tuple(reps)),
    "concatenate": lambda *xs, dimension: np.concatenate(xs, axis=dimension),
    "pad": _pad,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "sort": _sort,
    "top_k": _top_k,
    "reduce_sum": _reduction(np.sum),
    "reduce_max": _reduction(np.max),
    "reduce_min": _reduction(np.min),
    "reduce_prod": _reduction(np.prod),
    "reduce_and": _reduction(np.all),
    "reduce_or": _reduction(np.any),
    "argmax": _best(np.argmax),
    "argmin": _best(np.argmin),
    "cumsum": _running(np.cumsum),
    "cumprod": _running(np.cumprod),
    "cummax": _running(cummax),
    "cummin": _running(cummin),
    "cumlogsumexp": _running(logcumsumexp),
    "reduce_window_max": _pooling(max_pool, -np.inf),
    "reduce_window_min": _pooling(lambda x, *how: -max_pool(-x, *how), np.inf),
    "reduce_window_sum": _pooling(_sum_of_windows, 0.0),
    "dot_general": _dot_general,
    "conv_general_dilated": _convolution,
}
