"""Lines of an array: groups of measured entries along axes."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .case import Case


def axis_sets(case: Case, whole: bool = False) -> list[tuple[int, ...]]:
    """Sets of axes along which something may be constant, the largest first; whole: also the set of all axes."""
    longer = [axis for axis, length in enumerate(case.shape) if length > 1]
    sets = [axes for size in range(len(longer) - 1, 0, -1) for axes in combinations(longer, size)]
    return [tuple(range(len(case.shape))), *sets] if whole else sets


def line_numbers(case: Case, axes: tuple[int, ...]) -> NDArray[Any]:
    """For each measured entry, the number of its line along the axes."""
    rest = [axis for axis in range(len(case.shape)) if axis not in axes]
    if not rest or not len(case.at):
        return np.zeros(len(case.at), dtype=int)
    coordinates = case.coordinates
    flat = np.ravel_multi_index([coordinates[a] for a in rest], [case.shape[a] for a in rest])
    return np.unique(flat, return_inverse=True)[1].reshape(-1)


def most_lines_wrong(case: Case, groups: NDArray[Any]) -> bool:
    """Whether more than half of the lines, and at least two, hold a wrong entry."""
    count = int(groups.max()) + 1
    hit = len(np.unique(groups[case.wrong]))
    return hit >= 2 and 2 * hit > count
