"""Meanings of picking by an index that is itself computed: a product with a table of zeros and ones.

x[i] = Σ [i = v] x[v], and adding at an index is the transpose. An index of plain numbers only moves entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .axes import dispatches

LONGEST = 1024  # entries along an axis, of which an index picks: more would make the table too large


def one_hot(index: Any, n: int) -> Any:
    """1 where the new last axis, of length n, counts to the entry of the index, else 0."""
    return np.equal(np.expand_dims(np.remainder(index, n), -1), np.arange(n)) * 1.0


def read_computed(x: Any, index: Any) -> Any:
    """x[index], if one part of the index is computed; else NotImplemented."""
    found = _split(index, x.ndim)
    if found is None:
        return NotImplemented
    parts, k, axis = found
    picks, n = parts[k], x.shape[axis]
    if n > LONGEST:
        return NotImplemented
    if _is_whole(parts, k):
        first = np.moveaxis(x, axis, 0)
        y = np.reshape(
            np.reshape(one_hot(picks, n), (-1, n)) @ np.reshape(first, (n, -1)), picks.shape + first.shape[1:]
        )
        return np.moveaxis(y, [*range(picks.ndim)], [*range(axis, axis + picks.ndim)])
    table, which = np.reshape(one_hot(picks, n), (-1, n)), _entry_read(parts, k, axis, x.shape)
    terms = [table[which, v] * x[_with(parts, k, np.full(picks.shape, v))] for v in range(n)]
    return sum(terms[1:], start=terms[0])


def add_computed(scatter: Any, g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """The transpose of `read_computed`: zeros of that shape with g added at the index."""
    found = _split(index, len(shape))
    if found is None:
        return NotImplemented
    parts, k, axis = found
    picks, n = parts[k], shape[axis]
    if n > LONGEST:
        return NotImplemented
    table = np.reshape(one_hot(picks, n), (-1, n))
    if _is_whole(parts, k) and g.shape == (*shape[:axis], *picks.shape, *shape[axis + 1 :]):
        first = np.moveaxis(g, [*range(axis, axis + picks.ndim)], [*range(picks.ndim)])
        rest = first.shape[picks.ndim :]
        y = np.reshape(np.transpose(table) @ np.reshape(first, (picks.size, -1)), (n, *rest))
        return np.moveaxis(y, 0, axis)
    which, place = _entry_read(parts, k, axis, shape), _with(parts, k, np.zeros(picks.shape, dtype=np.int64))
    one = (*shape[:axis], 1, *shape[axis + 1 :])
    return np.concatenate([scatter(table[which, v] * g, place, one) for v in range(n)], axis=axis)


def take_along_computed(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """np.take_along_axis, if the indices are computed; else NotImplemented."""
    if not dispatches(indices):
        return NotImplemented
    if axis is None:
        return np.ravel(x)[indices]
    rows, picks = np.moveaxis(x, axis, -1), np.moveaxis(indices, axis, -1)
    n = rows.shape[-1]
    if n > LONGEST:
        return NotImplemented
    return np.moveaxis(np.sum(one_hot(picks, n) * np.expand_dims(rows, -2), axis=-1), -1, axis)


def _split(index: Any, ndim: int) -> tuple[list[Any], int, int] | None:
    """The parts of an index, with slices for an ellipsis; the place of the computed one; the axis that it reads.

    None if not exactly one part is computed, or if another is a mask.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    plain = [part for part in parts if not dispatches(part)]
    if len(plain) + 1 != len(parts) or any(np.asarray(part).dtype == bool for part in plain):
        return None
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    used = sum(part is not None and part is not Ellipsis for part in parts)
    at = dots[0] if dots else len(parts)
    parts[at : at + len(dots)] = [slice(None)] * (ndim - used)
    k = next(i for i, part in enumerate(parts) if dispatches(part))
    return parts, k, sum(part is not None for part in parts[:k])


def _is_whole(parts: list[Any], k: int) -> bool:
    """Whether all parts but the computed one take a whole axis."""
    return all(isinstance(part, slice) and part == slice(None) for i, part in enumerate(parts) if i != k)


def _with(parts: list[Any], k: int, plain: Any) -> tuple[Any, ...]:
    """The index with plain numbers in place of the computed part."""
    return (*parts[:k], plain, *parts[k + 1 :])


def _entry_read(parts: list[Any], k: int, axis: int, shape: tuple[int, ...]) -> Any:
    """For each entry of x[index], the number of the entry of the computed part that it was picked by."""
    picks = parts[k]
    column = np.expand_dims(np.arange(picks.size), tuple(range(1, len(shape) - axis)))
    counted = np.broadcast_to(column, (*shape[:axis], picks.size, *shape[axis + 1 :]))
    return counted[_with(parts, k, np.reshape(np.arange(picks.size), picks.shape))]
