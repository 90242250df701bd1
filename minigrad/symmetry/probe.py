"""The probe: which gradients are equal at random points, where a proof is out of reach.

The same refinement as in `proof`, with numbers in place of formulas: random points of the subspace, several draws
of several sizes, and a class is split where the sorted gradients leave a gap that rounding does not explain. For
smooth functions two different gradients differ at nearly every point; with kinks, at points of the other side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .field import by_appearance
from .proof import Partition, start
from .recording import Recording

SIZES = (1.0, 0.1, 0.01)  # of the random numbers: at the large ones neurons may be saturated
ROUNDING = {8: 1e-10, 4: 1e-4}  # of the largest gradient in the class, by bytes per number
LOST = {8: 1e-11, 4: 1e-6}  # of the largest gradient of all: below, only rounding is left (layer_norm enlarges it)
PATIENCE = 24  # more points, where something seems never to move


def probe(recording: Recording, draws: int = 1, seed: int = 0) -> Partition:
    """The partition as seen from `draws` points of each size; made anew once nothing changes, to confirm it."""
    rng = np.random.default_rng(seed)
    width = min((p._array.dtype.itemsize for p in recording.params), default=8)
    values = recording.values
    look = _Look(recording, rng, start(values), values == 0, ROUNDING.get(width, 1e-4), LOST.get(width, 1e-6))
    quiet, rounds = 0, 0
    while quiet < 2:
        rounds += 1
        quiet = quiet + 1 if look.refine(draws) else 0
    return Partition(look.classes, look.still, rounds)


@dataclass
class _Look:
    """Where the refinement stands: classes, which entries stay zero, which never moved in this round."""

    recording: Recording
    rng: np.random.Generator
    classes: Any
    zero: Any
    rounding: float
    lost: float
    still: Any = None

    def refine(self, draws: int) -> bool:
        """One round of draws; whether it changed nothing."""
        finer, self.still = self.classes, np.ones(self.classes.shape, dtype=bool)
        for size in SIZES * draws:
            finer = self._seen(size, finer)
        for k in range(PATIENCE):  # a relu may be shut at one point and open at the next
            if not self.still.any():
                break
            finer = self._seen(SIZES[k % len(SIZES)], finer)
        finer = by_appearance(finer * 2 + (self.zero & self.still))[0]
        same = finer.max(initial=-1) == self.classes.max(initial=-1) and not (self.zero & ~self.still).any()
        self.classes, self.zero = finer, self.zero & self.still
        return bool(same)

    def _seen(self, size: float, finer: Any) -> Any:
        """The classes as one random point parts them, and its opposite: what is shut there is open here."""
        symbols = self.rng.normal(size=int(self.classes.max(initial=-1)) + 1) * size
        point = np.where(self.zero, 0.0, symbols[self.classes])
        for at in (point, -point):
            g = self.recording.gradient(at)
            largest = np.abs(g).max(initial=0)
            self.still &= np.abs(g) <= self.lost * largest
            finer = split(finer, g, self.rounding, self.lost * largest)
        return finer


def split(classes: Any, g: Any, tolerance: float, least: float = 0.0) -> Any:
    """The classes, parted wherever neighbours in sorted order differ by more than rounding.

    tolerance: of the largest entry in the class. least: a difference that is always rounding. Neighbours, and not
    buckets: an edge between two buckets could fall between two equal numbers.
    """
    if not len(classes):
        return classes
    count = int(classes.max()) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    with np.errstate(invalid="ignore"):
        np.minimum.at(low, classes, g)
        np.maximum.at(high, classes, g)
    gap = np.maximum(tolerance * np.maximum(np.abs(low), np.abs(high)), least)
    apart = np.flatnonzero((~(high - low <= gap))[classes])  # most classes hold together: only the rest is sorted
    if not len(apart):
        return classes
    order = apart[np.lexsort((g[apart], classes[apart]))]
    own, numbers = classes[order], classes.copy()
    new = (own[1:] == own[:-1]) & ~(np.abs(np.diff(g[order])) <= gap[own[1:]])
    numbers[order] = np.where(np.cumsum(np.append(False, new)) > 0, count + np.cumsum(np.append(False, new)), own)
    return by_appearance(_refined(classes, numbers))[0]


def _refined(classes: Any, parts: Any) -> Any:
    """One number for each pair of numbers."""
    return classes * (int(parts.max()) + 1) + parts
