"""The gradient at the start, beside what is known for ever: which entries do not move now, and where both disagree.

An entry whose gradient is 0 now may move later: a ReLU that is closed here opens at other numbers. And a proof
holds in exact arithmetic, while at a kink one rounding decides.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from .loss_graph import WIDE, Recording, with_any_data
from .zero_gradients import zero_to_rounding

# A gradient vanishes if it is not 0, but at most this share of the largest one, and of the entry or of 1: a step
# changes no digit.
TINY = 1e-14
OTHER_DATA, MOST_DATA = (
    8,
    64,
)  # other data, or draws of random numbers, that are tried: a mask drops a neuron in half
CLEAR = 64  # a gradient of more than this many roundings of the largest one moves, at other data
# Gradients of a tie differ by more than rounding if they differ by this share of the largest one of the tie, and by
# this share of the largest one of all; by bytes per number.
APART = {8: (1e-6, 1e-9), 4: (1e-2, 1e-4)}


@dataclass(frozen=True, eq=False)
class Now:
    """The start of training, entry by entry.

    values, gradient: the numbers, as they were when the ties were found.
    """

    recording: Recording
    values: Any
    gradient: Any

    @functools.cached_property
    def zero_here(self) -> Any:
        """Where the gradient is 0 to rounding, for the data given."""
        return zero_to_rounding(self.recording, self.values, self.gradient)

    @functools.cached_property
    def zero(self) -> Any:
        """Where the gradient is 0 to rounding, and not only for the data given where ties are for any."""
        zero = self.zero_here
        if not self.recording.symbolic_data:
            return zero
        others = with_any_data(self.recording, WIDE)
        for _ in range(np.clip(others.draws_of_all_indices, OTHER_DATA, MOST_DATA)):
            if not zero.any():
                break
            zero = zero & ~clearly_moves(self.recording, others.gradient(self.values))
        return zero

    @functools.cached_property
    def vanishing(self) -> Any:
        """Where the gradient is not 0, but so small that a step changes no digit."""
        beside = np.minimum(_largest(self.gradient), np.maximum(1.0, np.abs(self.values)))
        return ~self.zero_here & (np.abs(self.gradient) <= TINY * beside)


def look(recording: Recording) -> Now:
    """The gradient at the start."""
    return Now(recording, recording.values, recording.gradient_now())


def clearly_moves(recording: Recording, gradient: Any) -> Any:
    """Which entries of a gradient are more than rounding, be it of terms much larger than their sums."""
    least = max(APART.get(recording.width, (1e-1, 1e-2))[1], CLEAR * recording.eps)
    return np.isfinite(gradient) & (np.abs(gradient) > least * _largest(gradient))


def _largest(gradient: Any) -> float:
    return float(np.abs(gradient[np.isfinite(gradient)]).max(initial=0))


def parted(now: Now, never: Any, numbers: Any, width: int) -> dict[int, tuple[float, float]]:
    """The groups whose gradients differ now by more than rounding: the smallest and the largest of each.

    never: which entries never move; in their group, a gradient that is not 0 differs.
    """
    g = np.where(now.zero, 0.0, np.where(never, np.abs(now.gradient), now.gradient))
    count = int(numbers.max(initial=-1)) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    with np.errstate(invalid="ignore"):
        np.fmin.at(low, numbers, g)
        np.fmax.at(high, numbers, g)
        low[numbers[never]] = 0.0
        size = np.maximum(np.abs(low), np.abs(high))
        share, least = APART.get(width, (1e-1, 1e-2))
        largest = np.abs(g[np.isfinite(g)]).max(initial=0)
        apart = (high - low > share * size) & (high - low > least * largest)
    return {int(k): (float(low[k]), float(high[k])) for k in np.flatnonzero(apart)}
