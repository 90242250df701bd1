"""Finds equal gradients: nodes of one shape whose gradients agree up to rounding.

It compares the current numbers only, and does not show whether they will stay equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# Two gradients are equal if no entry differs by more than this share of the largest entry. Summing in another
# order changes about 1e-16 (float32: 1e-7) per term; different neurons differ by far more.
TOLERANCE = 1e-12
TOLERANCE_SINGLE = 1e-5  # for float32 and coarser types


def equal_groups(gradients: Sequence[Any], tolerance: float | None = None) -> list[list[int]]:
    """Positions of equal gradients, in groups of two or more, sorted within and by the first of each group.

    gradients: one array (or number) per node; None, zeros, empty arrays and arrays with a nan join no group.
    tolerance: a share of the largest entry; by default 1e-12, or 1e-5 for float32.

    Compares neighbours in sorted order and ends a group at a wide gap: rounding to buckets would separate
    equal numbers on either side of an edge.
    """
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for position, g in enumerate(gradients):
        if type(g) is np.float64:  # the fast path: scalar graphs have millions of these
            if g != 0 and g == g:
                by_shape.setdefault((), []).append(position)
        elif g is not None and not is_zero(g) and np.size(g) and not np.isnan(g).any():
            by_shape.setdefault(np.shape(g), []).append(position)
    found = []
    for positions in by_shape.values():
        found += _split(positions, gradients, tolerance)
    return sorted((group for group in found if len(group) > 1), key=lambda group: group[0])


def is_zero(g: Any) -> bool:
    """Whether a gradient is exactly zero in every entry."""
    return g == 0 if type(g) is np.float64 else bool(np.size(g)) and not np.any(g)


def _is_coarse(g: object) -> bool:
    return type(g) is not np.float64 and bool(np.finfo(np.asarray(g).dtype).eps > 1e-15)


def _split(positions: list[int], gradients: Sequence[Any], given: float | None) -> list[list[int]]:
    """Split nodes of one shape wherever neighbours in sorted order differ."""
    rows = np.array([gradients[position] for position in positions], dtype=np.float64)
    rows = rows.reshape(len(positions), -1)
    coarse = [_is_coarse(gradients[position]) for position in positions]
    tolerance = np.where(coarse, TOLERANCE_SINGLE, TOLERANCE) if given is None else np.full(len(rows), given)
    order = np.lexsort(_keys(rows))
    groups = [[positions[order[0]]]]
    for same, place in zip(_equal_neighbours(rows[order], tolerance[order]), order[1:], strict=True):
        if same:
            groups[-1].append(positions[place])
        else:
            groups.append([positions[place]])
    return [sorted(group) for group in groups]


def _keys(rows: Any) -> Any:
    """Two sort keys per row: equal rows get (nearly) equal keys, different rows different ones.

    The key of a single number is that number. The key of an array is a mean with irregular weights, so that a
    permuted array gets another key. One key ignores infinities, which would hide the finite entries.
    """
    size = rows.shape[1]
    weights = np.sin(np.arange(1.0, size + 1) ** 2) / size if size > 1 else np.ones(1)
    clipped = np.clip(rows, -1e300, 1e300)
    return np.where(np.isfinite(rows), clipped, 0) @ weights, clipped @ weights


def _equal_neighbours(rows: Any, tolerance: Any) -> Any:
    """Whether each row after the first equals the one before it."""
    before, after = rows[:-1], rows[1:]
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.abs(after - before).max(axis=1)
        size = np.maximum(np.abs(before).max(axis=1), np.abs(after).max(axis=1))
        close = np.isfinite(size) & (gap <= np.maximum(tolerance[:-1], tolerance[1:]) * size)
    return close | (before == after).all(axis=1)
