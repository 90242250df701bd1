"""The probe: finds gradients that are equal at many points, for losses that a proof cannot handle.

It refines classes and signs as `proof` does, with numbers instead of formulas: at points that keep the classes, it
splits a class where its sorted gradients, times signs, leave a gap larger than rounding. The points are the start,
points near it, which are likely in the domain of the loss, and random points of several sizes; a point at which the
gradient is not finite is left out. Two different gradients of a smooth function differ at nearly every point; with
kinks, perhaps only beyond a kink.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .classes import renumber
from .loss_graph import Recording
from .proof import Partition, start
from .zero_gradients import zero_to_rounding

SIZES = (1.0, 0.1, 0.01)  # of the random numbers: large ones may saturate neurons
NEAR = (0.1, 0.01)  # of the noise at points near the start, relative to its numbers
ROUNDING = {8: 1e-10, 4: 1e-4}  # share of the largest gradient in the class, by bytes per number
LOST = {8: 1e-11, 4: 1e-6}  # share of the largest gradient of all: below is rounding (layer_norm enlarges it)
PATIENCE = 24  # extra points to try if some entry seems never to move
FAR = (10.0, 100.0)  # and sizes of more: a relu may open far from 0


def probe(recording: Recording, at_start: Any = None, draws: int = 1, seed: int = 0) -> Partition:
    """The partition; each round draws `draws` points of each size, until two rounds in a row change nothing.

    at_start: the gradient at the start, if it is known.
    """
    rng = np.random.default_rng(seed)
    width = min((p._array.dtype.itemsize for p in recording.params), default=8)
    refinement = _Refinement(recording, rng, ROUNDING.get(width, 1e-4), LOST.get(width, 1e-6))
    refinement.look_at_start(at_start)
    quiet, rounds = 0, 0
    while quiet < 2:
        rounds += 1
        quiet = quiet + 1 if refinement.refine(draws, NEAR[rounds % len(NEAR)]) else 0
    return refinement.partition(rounds)


@dataclass
class _Refinement:
    """The refinement: its classes and signs, and the entries that had no gradient at any point.

    lost: those that had none, or one that is small beside others. frozen: those whose gradient was 0 to rounding.
    A point that keeps the classes also keeps the finer classes of later rounds.
    """

    recording: Recording
    rng: np.random.Generator
    rounding: float
    least: float
    points: int = 0  # looked at, other than the start
    values: Any = field(init=False)
    classes: Any = field(init=False)
    signs: Any = field(init=False)
    lost: Any = field(init=False)
    frozen: Any = field(init=False)

    def __post_init__(self) -> None:
        self.values = self.recording.values
        self.classes, self.signs = start(self.values)
        self.lost = np.ones(self.values.shape, dtype=bool)
        self.frozen = self.lost.copy()

    def partition(self, rounds: int) -> Partition:
        """What was found: nothing if no point but the start has a finite gradient.

        What had small gradients only is tied to nothing: beside rounding, they cannot be compared.
        """
        count = self.values.size
        if not self.points:
            return Partition.of_equal(np.arange(count), np.zeros(self.values.shape, dtype=bool), rounds)
        classes = np.where(self.lost & ~self.frozen, count + np.arange(count), self.classes)
        return Partition.of_signed(renumber(classes)[0], self.signs, self.frozen, rounds)

    def look_at_start(self, g: Any = None) -> None:
        """Compare the gradients at the start, where they may all be rounding: the points near it give the scale."""
        largest = max(self._look(self._near(size)) for size in NEAR)
        g = self.recording.gradient(self.values) if g is None else g
        self._compare(self.values, g, max(largest, np.abs(g).max(initial=0, where=np.isfinite(g))))

    def refine(self, draws: int, near: float) -> bool:
        """One round. Returns whether it changed nothing."""
        count, signs = self.classes.max(initial=-1), self.signs
        self._look(self._near(near))
        for size in SIZES * draws:
            self._look_both_ways(size)
        for k in range(PATIENCE):  # a relu may be closed at one point and open at the next
            if not self.frozen.any():
                break
            self._look_both_ways(SIZES[k % len(SIZES)])
        for size in FAR:
            self._look_far(size)
        return bool(self.classes.max(initial=-1) == count and (self.signs == signs).all())

    def _near(self, size: float) -> Any:
        """The start with noise, relative to each number; for zeros that move, relative to the other numbers."""
        numbers = np.zeros(int(self.classes.max(initial=-1)) + 1)
        numbers[self.classes] = np.abs(self.values)
        usual = numbers[numbers > 0].mean() if numbers.any() else 1.0
        numbers += size * np.where(numbers > 0, numbers, usual) * self.rng.normal(size=numbers.shape)
        return numbers[self.classes] * self.signs

    def _look_both_ways(self, size: float) -> None:
        """Look at a random point and at its opposite, where closed relus are open."""
        numbers = self.rng.normal(size=int(self.classes.max(initial=-1)) + 1) * size
        point = numbers[self.classes] * self.signs
        self._look(point)
        self._look(-point)

    def _look_far(self, size: float) -> None:
        """Whether what seems to be frozen moves far from 0, where rounding is too large to compare gradients."""
        numbers = self.rng.normal(size=int(self.classes.max(initial=-1)) + 1) * size
        for point in (numbers[self.classes] * self.signs, -numbers[self.classes] * self.signs):
            if self.frozen.any():
                g = self.recording.gradient(point)
                if np.isfinite(g).all():
                    self.frozen &= zero_to_rounding(self.recording, point, g)

    def _look(self, point: Any) -> float:
        """Compare the gradients at a point if they are finite. Returns the largest of them, or 0."""
        g = self.recording.gradient(point)
        if not np.isfinite(g).all():
            return 0.0
        self.points += 1
        largest = float(np.abs(g).max(initial=0))
        self._compare(point, g, largest)
        return largest

    def _compare(self, point: Any, g: Any, largest: float) -> None:
        """Split the classes by gradients times signs. A zero with a gradient moves, with the sign of that."""
        still = np.abs(g) <= self.least * largest
        self.lost &= still
        self.frozen &= self.lost
        if (self.frozen & (g != 0)).any():
            self.frozen &= zero_to_rounding(self.recording, point, g)
        woken = np.flatnonzero(~still & (self.signs == 0))
        if len(woken):
            self.signs = self.signs.copy()
            self.signs[woken] = np.where(g[woken] < 0, -1, 1)
            self.classes = renumber(self.classes * 2 + (self.signs == 0))[0]
        self.classes = split(self.classes, g * self.signs, self.rounding, self.least * largest)


def split(classes: Any, g: Any, tolerance: float, least: float = 0.0) -> Any:
    """Split classes wherever neighbours in sorted order differ by more than rounding.

    tolerance: a share of the largest entry in the class. least: smaller differences always count as rounding.
    (Rounding to buckets would separate equal numbers on either side of an edge.)
    """
    count = int(classes.max(initial=-1)) + 1
    if count == len(classes):
        return classes
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    with np.errstate(invalid="ignore"):
        np.minimum.at(low, classes, g)
        np.maximum.at(high, classes, g)
        gap = np.maximum(tolerance * np.maximum(np.abs(low), np.abs(high)), least)
        gap[~np.isfinite(gap)] = 0  # nan and inf are equal to nothing
        torn = ~(high - low <= gap)
    apart = np.flatnonzero(torn[classes])  # most classes hold together: sort only the rest
    if not len(apart):
        return classes
    order = apart[np.lexsort((g[apart], classes[apart]))]
    own, numbers = classes[order], classes.copy()
    with np.errstate(invalid="ignore"):
        new = (own[1:] == own[:-1]) & ~(np.abs(np.diff(g[order])) <= gap[own[1:]])
    numbers[order] = np.where(np.cumsum(np.append(False, new)) > 0, count + np.cumsum(np.append(False, new)), own)
    return renumber(_pair_numbers(classes, numbers))[0]


def _pair_numbers(classes: Any, parts: Any) -> Any:
    """A number for each pair of numbers."""
    return classes * (int(parts.max()) + 1) + parts
