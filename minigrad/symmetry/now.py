"""The gradient at the start, beside what is known for ever: which entries do not move now, and where both disagree.

An entry whose gradient is 0 now may move later: a ReLU that is closed here opens at other numbers. And a proof
holds in exact arithmetic, while at a kink one rounding decides.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.node import record
from ..engine.op import TABLE, op
from ..engine.sampling import REAL
from ..engine.value import Value
from .loss_graph import RecordAgain, Recording, flat_gradient, with_any_data
from .proof import Partition

# A gradient is 0 up to this share of the largest one, and of the entry or of 1: a step does not change a digit.
TINY = 1e-14
# And where paths cancel, up to this many roundings of what they add up to. Only gradients up to this many roundings
# of the largest one are looked at, or all of them if the largest one is this small beside the loss.
ROUNDINGS, CANDIDATES, SMALL = 64, 4096, 1e-10
OTHER_DATA = 8  # other data, or draws of random numbers, that are tried: a mask drops a neuron in half of them
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
    def zero(self) -> Any:
        """Where the gradient is 0 to rounding."""
        beside = np.minimum(_largest(self.gradient), np.maximum(1.0, np.abs(self.values)))
        zero = np.abs(self.gradient) <= TINY * beside
        zero |= _cancels(self.recording, self.values, self.gradient)
        others = with_any_data(self.recording)
        for _ in range(OTHER_DATA if self.recording.symbolic_data else 0):  # 0 at these data alone is no fact
            if zero.any():
                zero &= ~clearly_moves(self.recording, others.gradient(self.values))
        return zero


def look(recording: Recording) -> Now:
    """The gradient at the start."""
    return Now(recording, recording.values, recording.gradient_now())


def clearly_moves(recording: Recording, gradient: Any) -> Any:
    """Which entries of a gradient are more than rounding, be it of terms much larger than their sums."""
    least = max(APART.get(recording.width, (1e-1, 1e-2))[1], ROUNDINGS * recording.eps)
    return np.isfinite(gradient) & (np.abs(gradient) > least * _largest(gradient))


def _cancels(recording: Recording, values: Any, gradient: Any) -> Any:
    """Which entries are sums that cancel, but for rounding."""
    small, largest = CANDIDATES * recording.eps * _largest(gradient), _largest(gradient)
    if largest > SMALL * max(1.0, abs(float(np.asarray(recording.y._array).ravel()[0]))):
        candidates = (np.abs(gradient) <= small) & (gradient != 0)
    else:
        candidates = gradient != 0
    if recording.is_detached or not candidates.any():
        return np.zeros(len(gradient), dtype=bool)
    scaled = np.abs(scaled_gradient(recording, values))
    return candidates & (np.abs(gradient) <= ROUNDINGS * recording.eps * scaled)


def _largest(gradient: Any) -> float:
    return float(np.abs(gradient[np.isfinite(gradient)]).max(initial=0))


def _scale(x: Any, by: Any) -> Any:
    return x


op(_scale, "scale", "y = x", domain=(REAL,), vjp=(lambda g, y, x, by: g * by,), jvp=(lambda t, y, x, by: t,))
SCALE = TABLE.pop(_scale)  # users never call it


class _Scaled(RecordAgain):
    """Records each node again; the cotangent of each entry is multiplied by a random number."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """The node, and another one that scales its cotangent."""
        y = super().apply(node, operands)
        if type(y) is not Value or y._array.dtype.kind != "f":
            return y
        return record(Value, SCALE, (y,), {"by": self.rng.uniform(0.5, 2.0, np.shape(y._array))})

    alias = apply


def scaled_gradient(recording: Recording, values: Any) -> Any:
    """The gradient with each cotangent on the way times a random number.

    Sums that cancel become other numbers, as large as their terms; products with a factor 0 stay 0.
    """
    env = recording.record(values, _Scaled())
    return flat_gradient(env[recording.y.serial], [env[p.serial] for p in recording.params])


def parted(now: Now, partition: Partition, numbers: Any, width: int) -> dict[int, tuple[float, float]]:
    """The groups whose gradients differ now by more than rounding: the smallest and the largest of each.

    In the group that never moves, a gradient that is not 0 differs.
    """
    g = np.where(now.zero, 0.0, np.where(partition.frozen, np.abs(now.gradient), now.gradient))
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
