"""Slices of a tensor: which of them are alike, and what to call the parts of a tensor: rows, columns, channels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Index = tuple[int | None, ...]  # None: all along this axis; () is the whole tensor
SHOWN = 4  # entries or ranges that are written out


def like_slices(codes: Any, axis: int) -> Any:
    """For each slice along an axis, the number of the first slice with the same codes.

    codes: whole numbers. They are compared by a sum with random weights modulo 2^64, then entry by entry.
    """
    return first_like(rows_of(codes, axis), rows_of(codes, axis))


def rows_of(codes: Any, axis: int) -> Any:
    """The slices along an axis as rows."""
    moved = np.moveaxis(np.asarray(codes, dtype=np.int64), axis, 0)
    return moved.reshape(len(moved), -1)


def first_like(rows: Any, others: Any) -> Any:
    """For each row, the number of the first of the other rows that equals it; -1 if none does."""
    ours, theirs = (_sums(x) for x in (rows, others))
    known, first = np.unique(theirs, return_index=True)
    place = np.minimum(np.searchsorted(known, ours), len(known) - 1)
    found = np.where(known[place] == ours, first[place], -1)
    likely = np.flatnonzero(found >= 0)
    different = (rows[likely] != others[found[likely]]).any(axis=1)
    found[likely[different]] = -1
    return found


def _sums(rows: Any) -> Any:
    weights = np.random.default_rng(0).integers(1, 2**63, size=rows.shape[1], dtype=np.uint64) | np.uint64(1)
    return (rows.astype(np.uint64) * weights).sum(axis=1, dtype=np.uint64)


def parts_of(mask: Any) -> tuple[Index, ...]:
    """The parts of a tensor that a mask holds: all of it, or whole slices along one axis, or entries."""
    if mask.all():
        return ((),)
    for axis in _axes(mask.ndim):
        rows = rows_of(mask, axis) > 0
        if mask.ndim > 1 and (rows.all(axis=1) == rows.any(axis=1)).all():
            return slice_indices(mask.ndim, axis, np.flatnonzero(rows.all(axis=1)).tolist())
    return tuple(map(tuple, np.argwhere(mask).tolist()))


def slice_indices(ndim: int, axis: int, positions: Sequence[int]) -> tuple[Index, ...]:
    """The indices of some slices along an axis."""
    return tuple(tuple(k if a == axis else None for a in range(ndim)) for k in positions)


def parts_text(name: str, indices: Sequence[Index]) -> str:
    """The parts in words: W1, or W1: columns 0 to 3, or W1[0,1] and W1[2,0]."""
    if indices == ((),):
        return name
    if None in indices[0]:
        axis = next(a for a, k in enumerate(indices[0]) if k is not None)
        return f"{name}: {slices_text(len(indices[0]), axis, [i[axis] or 0 for i in indices])}"
    if len(indices[0]) == 1 and len(indices) > 1:
        return f"{name}: entries {ranges_text([i[0] or 0 for i in indices])}"
    return listed([entry_text(name, i) for i in indices[:SHOWN]], len(indices) - SHOWN)


def entry_text(name: str, index: Index) -> str:
    """One entry: W1[0,2]."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


def slices_text(ndim: int, axis: int, positions: Sequence[int]) -> str:
    """Some slices in words: rows 0 to 3; column 2; channels 0, 2 and 5."""
    word = {1: ("entry", "entries"), 2: ("row", "rows")}.get(ndim, ("channel", "channels"))
    if axis and axis == ndim - 1 == 1:
        word = ("column", "columns")
    elif axis:
        word = (f"slice [{':,' * axis}k]", f"slices [{':,' * axis}k], k =")
    return f"{word[len(positions) > 1]} {ranges_text(positions)}"


def ranges_text(positions: Sequence[int]) -> str:
    """Whole numbers in words: 0 to 3, 7 and 9 to 12."""
    starts = [0, *(k + 1 for k, (a, b) in enumerate(pairwise(positions)) if b != a + 1)]
    words = []
    for start, end in zip(starts, [*starts[1:], len(positions)], strict=True):
        run = positions[start:end]
        words += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(k) for k in run]
    return listed(words[: 2 * SHOWN], len(words) - 2 * SHOWN)


def listed(words: Sequence[str], more: int = 0) -> str:
    """a; a and b; a, b and 5 more."""
    items = [*words, *([f"{more:,} more"] if more > 0 else [])]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def tensor_name(path: str) -> str:
    """The name of a parameter as its users write it: conv1.weight for ['conv1']['weight']."""
    return re.sub(r"\['([^']*)'\]", r".\1", path).lstrip(".") or "params"


def _axes(ndim: int) -> Sequence[int]:
    """The axes, in the order in which slices are named: the first, the last, the others."""
    return [*dict.fromkeys([0, ndim - 1, *range(1, ndim)])] if ndim else []
