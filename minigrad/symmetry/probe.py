"""The probe: finds gradients that are equal at random points, for losses that a proof cannot handle.

It refines classes as `proof` does, with numbers instead of formulas. It draws random points that are constant on
the classes, in several sizes, and splits a class where its sorted gradients leave a gap larger than rounding. Two
different gradients of a smooth function differ at nearly every point; with kinks, perhaps only beyond a kink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .loss_graph import Recording
from .modular import renumber
from .proof import Partition, start

SIZES = (1.0, 0.1, 0.01)  # of the random numbers: large ones may saturate neurons
ROUNDING = {8: 1e-10, 4: 1e-4}  # share of the largest gradient in the class, by bytes per number
LOST = {8: 1e-11, 4: 1e-6}  # share of the largest gradient of all: below is rounding (layer_norm enlarges it)
PATIENCE = 24  # extra points to try if some entry seems never to move


def probe(recording: Recording, draws: int = 1, seed: int = 0) -> Partition:
    """The partition; each round draws `draws` points of each size, until two rounds in a row change nothing."""
    rng = np.random.default_rng(seed)
    width = min((p._array.dtype.itemsize for p in recording.params), default=8)
    values = recording.values
    refinement = _Refinement(
        recording, rng, start(values), values == 0, ROUNDING.get(width, 1e-4), LOST.get(width, 1e-6)
    )
    quiet, rounds = 0, 0
    while quiet < 2:
        rounds += 1
        quiet = quiet + 1 if refinement.refine(draws) else 0
    return Partition(refinement.classes, refinement.frozen, rounds)


@dataclass
class _Refinement:
    """The refinement: its classes, the entries that stay zero, the entries that did not move in this round."""

    recording: Recording
    rng: np.random.Generator
    classes: Any
    zero: Any
    rounding: float
    lost: float
    frozen: Any = None

    def refine(self, draws: int) -> bool:
        """One round. Returns whether it changed nothing."""
        finer, self.frozen = self.classes, np.ones(self.classes.shape, dtype=bool)
        for size in SIZES * draws:
            finer = self._split_at_random_point(size, finer)
        for k in range(PATIENCE):  # a relu may be closed at one point and open at the next
            if not self.frozen.any():
                break
            finer = self._split_at_random_point(SIZES[k % len(SIZES)], finer)
        finer = renumber(finer * 2 + (self.zero & self.frozen))[0]
        same = finer.max(initial=-1) == self.classes.max(initial=-1) and not (self.zero & ~self.frozen).any()
        self.classes, self.zero = finer, self.zero & self.frozen
        return bool(same)

    def _split_at_random_point(self, size: float, finer: Any) -> Any:
        """Split the classes at one random point and at its opposite, where closed relus are open."""
        symbols = self.rng.normal(size=int(self.classes.max(initial=-1)) + 1) * size
        point = np.where(self.zero, 0.0, symbols[self.classes])
        for at in (point, -point):
            g = self.recording.gradient(at)
            largest = np.abs(g).max(initial=0)
            self.frozen &= np.abs(g) <= self.lost * largest
            finer = split(finer, g, self.rounding, self.lost * largest)
        return finer


def split(classes: Any, g: Any, tolerance: float, least: float = 0.0) -> Any:
    """Split classes wherever neighbours in sorted order differ by more than rounding.

    tolerance: a share of the largest entry in the class. least: smaller differences always count as rounding.
    (Rounding to buckets would separate equal numbers on either side of an edge.)
    """
    if not len(classes):
        return classes
    count = int(classes.max()) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    with np.errstate(invalid="ignore"):
        np.minimum.at(low, classes, g)
        np.maximum.at(high, classes, g)
    gap = np.maximum(tolerance * np.maximum(np.abs(low), np.abs(high)), least)
    apart = np.flatnonzero((~(high - low <= gap))[classes])  # most classes hold together: sort only the rest
    if not len(apart):
        return classes
    order = apart[np.lexsort((g[apart], classes[apart]))]
    own, numbers = classes[order], classes.copy()
    new = (own[1:] == own[:-1]) & ~(np.abs(np.diff(g[order])) <= gap[own[1:]])
    numbers[order] = np.where(np.cumsum(np.append(False, new)) > 0, count + np.cumsum(np.append(False, new)), own)
    return renumber(_pair_numbers(classes, numbers))[0]


def _pair_numbers(classes: Any, parts: Any) -> Any:
    """A number for each pair of numbers."""
    return classes * (int(parts.max()) + 1) + parts
