"""Many entries at once: random directions tell whether any is wrong, halving them tells which.

A gradient is one row of numbers that a single call gives; each question put to the function itself, its slope along
one direction, costs one ladder, however many entries that direction moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .judgement import BARS, RESOLVED, STILL
from .ladder import Array
from .slopes import Measured

DIRECTIONS = 3


def directions(x: Array, g: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Directions that move every entry: by as much as each other, for as much gain as each other, in proportion.

    Signs at random, times sizes from 1/2 to 3/2: of plain signs, two errors of one size cancel every other time.
    The first moves entries alike; the second so that each changes the function by as much as any other, by the
    given gradient; the third in proportion to the entries themselves.
    """
    for lengths in (_alike, _gained, _near):
        # Powers of two times few bits: x + t·u is then exact for all but the shortest steps.
        coarse = np.exp2(np.round(np.log2(lengths(x, g))))
        yield rng.integers(512, 1537, x.size) / 1024 * rng.choice([-1.0, 1.0], x.size) * coarse


def _alike(x: Array, _: Array) -> Array:
    return np.maximum(1.0, np.abs(x))


def _gained(x: Array, g: Array) -> Array:
    gain = np.abs(g)
    typical = np.median(gain[gain > 0]) if np.any(gain > 0) else 1.0
    return np.clip(typical / np.maximum(gain, 1e-9 * typical), 1e-3, 1e3) * np.maximum(1.0, np.abs(x))


def _near(x: Array, _: Array) -> Array:
    largest = max(float(np.max(np.abs(x), initial=0.0)), np.finfo(float).tiny)
    return np.maximum(np.abs(x) / largest, 1e-6) * np.maximum(1.0, np.abs(x))


@dataclass(frozen=True)
class Outcome:
    """A direction's slope beside what the given derivative says it is.

    size: what an entry of average weight contributes. kinked: the point is a kink along this direction, and what
    is claimed lies between the slopes of the two sides; hidden: how far it is from the farther of them, as an error
    of that size would not show. still: nothing moves beyond rounding, nothing is claimed. swing: the steepest chord
    thereabouts.
    """

    u: Array
    claimed: float
    measured: float
    error: float
    tolerance: float
    column: int
    size: float
    kinked: bool
    still: bool = False
    hidden: float = 0.0
    swing: float = 0.0

    @property
    def gap(self) -> float:
        """The difference, as a share of the slope."""
        size = max(abs(self.measured), self.size)
        return abs(self.claimed - self.measured) / size if size else 0.0

    @property
    def wrong(self) -> bool:
        """Whether they differ by more than they may."""
        return not self.kinked and not abs(self.claimed - self.measured) <= self.tolerance

    @property
    def resolved(self) -> bool:
        """Whether the bar is narrow enough to say anything; where nothing moves, there is nothing to be said."""
        most = max(RESOLVED * self.size, RESOLVED * abs(self.measured), STILL * self.swing)
        return bool(self.still or self.tolerance <= most or self.tolerance == 0)

    @property
    def power(self) -> float:
        """The smallest relative error of an entry of average weight that would have been seen."""
        if self.kinked:
            return max(self.tolerance, self.hidden) / (self.size or self.hidden)
        size = self.size or self.swing
        return self.tolerance / size if size else 0.0


def outcome(
    u: Array,
    claimed: float,
    g: Array | None,
    allowance: Array | float,
    measured: Measured,
    column: int,
) -> Outcome:
    """What one direction says about a derivative.

    g: the gradient, where it is known whole. allowance: rounding errors of its entries, or of what is claimed.
    """
    with np.errstate(all="ignore"):
        terms = np.array([claimed]) if g is None else g * u
        spread = allowance if g is None else allowance * u
        rounding = float(np.sqrt(np.sum(np.square(spread)))) + 8 * 2.0**-53 * float(np.sum(np.abs(terms)))
        error, slope = float(measured.error[column]), float(measured.value[column])
        tolerance = BARS * error + rounding
        size = float(np.sqrt(np.mean(terms**2))) if terms.size else 0.0
        kinked, hidden = False, 0.0
        if not abs(claimed - slope) <= tolerance:
            # The kink of one entry among many may be too slight a bend for `Measured.kinked` to be asked about it.
            ends, bars = zip(
                *((m.value[column], m.error[column]) for m in (measured.right, measured.left)), strict=True
            )
            slack = BARS * max(bars) + rounding
            apart = abs(ends[0] - ends[1]) > 10 * sum(bars)
            kinked = bool(apart and min(ends) - slack <= claimed <= max(ends) + slack)
            hidden = float(max(claimed - min(ends), max(ends) - claimed))
        if measured.flat[column] and claimed == 0:
            tolerance = 0.0
        swing = float(measured.swing[column])
        still = bool(measured.still[column] and abs(claimed) <= tolerance)
    return Outcome(u, float(claimed), slope, error, tolerance, column, size, kinked, still, hidden, swing)


def culprit(failed: Outcome, ask: Callable[[Array], Outcome]) -> int:
    """The entry behind a direction that failed, by halving: the number of one that is wrong.

    ask: the outcome for another direction. Where several entries are wrong, one of them.
    """
    u = failed.u
    while np.count_nonzero(u) > 1:
        first, second = halves(u)
        u = first if ask(first).wrong else second
    return int(np.flatnonzero(u)[0])


def suspects(x: Array, u: Array) -> list[Array]:
    """A direction along which the point is a kink, in two: entries at which kinks often lie, and the others.

    Those are zeros, and values that occur more than once. Where all are of one sort, two halves.
    """
    _, back, counts = np.unique(x, return_inverse=True, return_counts=True)
    suspected = (x == 0) | (counts[back] > 1)
    parts = [np.where(suspected, 0.0, u), np.where(suspected, u, 0.0)]
    return parts if all(part.any() for part in parts) else halves(u)


def halves(u: Array) -> list[Array]:
    """A direction in two: each has half of the entries that it moves."""
    where = np.flatnonzero(u)
    parts = []
    for half in (where[: len(where) // 2], where[len(where) // 2 :]):
        parts.append(np.zeros_like(u))
        parts[-1][half] = u[half]
    return parts


def sample(size: int, first: int, rng: np.random.Generator, count: int = 48) -> Array:
    """Numbers of entries to look at one by one: the culprit, its neighbours, and others at random."""
    near = np.arange(first - 4, first + 5)
    others = rng.choice(size, min(count, size), replace=False)
    return np.unique(np.concatenate([near[(near >= 0) & (near < size)], others]))
