"""The probe: which gradients are equal at random points, where a proof is out of reach.

The same refinement as in `proof`, with numbers in place of formulas: random points of the subspace, several draws
of several sizes, and a class is split where the sorted gradients leave a gap that rounding does not explain. For
smooth functions two different gradients differ at nearly every point; with kinks, at points of the other side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .field import by_appearance
from .proof import Partition, start
from .recording import Recording

SIZES = (1.0, 0.1, 0.01)  # of the random numbers: at the large ones neurons may be saturated
ROUNDING = {8: 1e-10, 4: 1e-4}  # of the largest gradient in the class, by bytes per number
LOST = {8: 1e-14, 4: 1e-6}  # of the largest gradient of all: below, only rounding is left


def probe(recording: Recording, draws: int = 2, seed: int = 0) -> Partition:
    """The partition as seen from `draws` points of each size; made anew once nothing changes, to confirm it."""
    rng = np.random.default_rng(seed)
    width = min((p._array.dtype.itemsize for p in recording.params), default=8)
    values = recording.values
    classes, zero, rounds, quiet = start(values), values == 0, 0, 0
    still = np.zeros(values.shape, dtype=bool)
    while quiet < 2:
        rounds += 1
        finer, still = classes, np.ones(values.shape, dtype=bool)
        for size in SIZES * draws:
            g = recording.gradient(_point(rng, classes, zero, size))
            largest = np.abs(g).max(initial=0)
            still &= np.abs(g) <= LOST.get(width, 1e-6) * largest
            finer = split(finer, g, ROUNDING.get(width, 1e-4), LOST.get(width, 1e-6) * largest)
        finer = by_appearance(finer * 2 + (zero & still))[0]
        same = finer.max(initial=-1) == classes.max(initial=-1) and not (zero & ~still).any()
        quiet = quiet + 1 if same else 0
        classes, zero = finer, zero & still
    return Partition(classes, still, rounds)


def _point(rng: np.random.Generator, classes: Any, zero: Any, size: float) -> Any:
    symbols = rng.normal(size=int(classes.max(initial=-1)) + 1) * size
    return np.where(zero, 0.0, symbols[classes])


def split(classes: Any, g: Any, tolerance: float, least: float = 0.0) -> Any:
    """The classes, parted wherever neighbours in sorted order differ by more than rounding.

    Neighbours, and not buckets: an edge between two buckets could fall between two equal numbers.
    """
    order = np.lexsort((g, classes))
    sorted_classes, sorted_g = classes[order], g[order]
    scale = np.zeros(int(classes.max(initial=-1)) + 1)
    np.maximum.at(scale, classes, np.abs(g))
    gap = np.maximum(tolerance * scale[sorted_classes[1:]], least)
    new = (sorted_classes[1:] != sorted_classes[:-1]) | ~(np.abs(np.diff(sorted_g)) <= gap)
    numbers = np.empty(len(classes), dtype=np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(new)]) if len(classes) else []
    return by_appearance(numbers)[0]
