"""The gradient at the start, beside what is known for ever: which entries do not move now, and where both disagree.

An entry whose gradient is 0 now may move later: a ReLU that is closed here opens at other numbers. And a proof
holds in exact arithmetic, while at a kink one rounding decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .loss_graph import Recording, with_any_data
from .proof import Partition

# A gradient is 0 to rounding up to this many roundings of the largest one.
ROUNDINGS = 64
# Gradients of a tie differ by more than rounding if they differ by this share of the largest one of the tie, and by
# this share of the largest one of all; by bytes per number.
APART = {8: (1e-6, 1e-9), 4: (1e-2, 1e-4)}


@dataclass(frozen=True, eq=False)
class Now:
    """The start of training, entry by entry.

    values, gradient: the numbers. zero: the gradient is 0 to rounding. parted: groups (by number) whose gradients
    differ now by more than rounding, each with the smallest and the largest. nan: the gradient is no number.
    """

    values: Any
    gradient: Any
    zero: Any
    nan: Any


def look(recording: Recording) -> Now:
    """The gradient at the start."""
    values, gradient = recording.values, recording.gradient_now()
    zero = is_zero_to_rounding(recording, gradient)
    if recording.symbolic_data:  # what is 0 at these data alone is no fact about all data
        zero &= is_zero_to_rounding(recording, with_any_data(recording).gradient(values))
    return Now(values, gradient, zero, np.isnan(gradient))


def is_zero_to_rounding(recording: Recording, gradient: Any) -> Any:
    """Which entries of a gradient are 0, but for rounding."""
    eps = max((float(np.finfo(p._array.dtype).eps) for p in recording.params), default=0.0)
    return np.abs(gradient) <= ROUNDINGS * eps * np.abs(gradient[np.isfinite(gradient)]).max(initial=0)


def parted(now: Now, partition: Partition, numbers: Any, width: int) -> dict[int, tuple[float, float]]:
    """The groups whose gradients differ now by more than rounding: the smallest and the largest of each.

    In the group that never moves, a gradient that is not 0 differs.
    """
    g = np.where(partition.frozen, np.abs(now.gradient), now.gradient)
    count = int(numbers.max(initial=-1)) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    with np.errstate(invalid="ignore"):
        np.fmin.at(low, numbers, g)
        np.fmax.at(high, numbers, g)
        low[numbers[partition.frozen]] = 0.0
        size = np.maximum(np.abs(low), np.abs(high))
        share, least = APART.get(width, (1e-1, 1e-2))
        largest = np.abs(g[np.isfinite(g)]).max(initial=0)
        apart = (high - low > share * size) & (high - low > least * largest)
    return {int(k): (float(low[k]), float(high[k])) for k in np.flatnonzero(apart)}
