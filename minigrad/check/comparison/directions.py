"""Check many entries at once: random directions show whether any entry is wrong, halving them finds which one.

A single call gives the whole gradient. The slope of the function along one direction always costs the same few
evaluations, however many entries that direction moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..numeric.extrapolation import Array
from ..numeric.finite_differences import Measurement
from .verdict import BARS, RESOLVED, STILL

DIRECTIONS = 3


def directions(x: Array, g: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Directions that move every entry: by equal amounts, with equal effects, or in proportion to the entries.

    Entries are random signs times sizes from 1/2 to 3/2: with signs alone, two errors of equal size would cancel
    half of the time. In the second direction, according to the given gradient, every entry changes the function
    equally.
    """
    for lengths in (_equal_steps, _equal_effects, _proportional):
        # A power of two times a number of few bits: x + t·u is then exact for all but the shortest steps.
        coarse = np.exp2(np.round(np.log2(lengths(x, g))))
        yield rng.integers(512, 1537, x.size) / 1024 * rng.choice([-1.0, 1.0], x.size) * coarse


def _equal_steps(x: Array, _: Array) -> Array:
    return np.maximum(1.0, np.abs(x))


def _equal_effects(x: Array, g: Array) -> Array:
    gain = np.abs(g)
    typical = np.median(gain[gain > 0]) if np.any(gain > 0) else 1.0
    return np.clip(typical / np.maximum(gain, 1e-9 * typical), 1e-3, 1e3) * np.maximum(1.0, np.abs(x))


def _proportional(x: Array, _: Array) -> Array:
    largest = max(float(np.max(np.abs(x), initial=0.0)), np.finfo(float).tiny)
    return np.maximum(np.abs(x) / largest, 1e-6) * np.maximum(1.0, np.abs(x))


@dataclass(frozen=True)
class Outcome:
    """The measured and the claimed slope along a direction.

    size: the contribution of an entry of average weight. kinked: the point is a kink along this direction, and the
    claim lies between the slopes of the two sides. hidden: the distance of the claim from the farther of the two;
    an error of that size does not show. still: the function does not change beyond rounding, and the claim is 0.
    swing: the steepest chord nearby.
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
        """The difference, relative to the slope."""
        size = max(abs(self.measured), self.size)
        return abs(self.claimed - self.measured) / size if size else 0.0

    @property
    def wrong(self) -> bool:
        """Whether they differ by more than the tolerance."""
        return not self.kinked and not abs(self.claimed - self.measured) <= self.tolerance

    @property
    def resolved(self) -> bool:
        """Whether the bar is narrow enough to decide, or the function does not change at all."""
        most = max(RESOLVED * self.size, RESOLVED * abs(self.measured), STILL * self.swing)
        return bool(self.still or self.tolerance <= most or self.tolerance == 0)

    @property
    def power(self) -> float:
        """The smallest relative error that this comparison would find in an entry of average weight."""
        if self.kinked:
            return max(self.tolerance, self.hidden) / (self.size or self.hidden)
        size = self.size or self.swing
        return self.tolerance / size if size else 0.0


def outcome(
    u: Array,
    claimed: float,
    g: Array | None,
    allowance: Array | float,
    measured: Measurement,
    column: int,
) -> Outcome:
    """Compare a derivative with the function along one direction.

    g: the whole gradient, if known. allowance: rounding errors of its entries, or of the claimed slope.
    """
    with np.errstate(all="ignore"):
        terms = np.array([claimed]) if g is None else g * u
        spread = allowance if g is None else allowance * u
        rounding = float(np.sqrt(np.sum(np.square(spread)))) + 8 * 2.0**-53 * float(np.sum(np.abs(terms)))
        error, slope = float(measured.error[column]), float(measured.value[column])
        if np.isnan(slope) and measured.still[column]:  # nothing but noise, all of it rounding
            error, slope = 0.0, 0.0
        tolerance = BARS * error + rounding
        size = float(np.sqrt(np.mean(terms**2))) if terms.size else 0.0
        kinked, hidden = False, 0.0
        if not abs(claimed - slope) <= tolerance:
            # The kink of one entry among many may bend the line too little for `Measurement.kinked`.
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


def bisect_entry(failed: Outcome, ask: Callable[[Array], Outcome]) -> int:
    """Find a wrong entry behind a direction that failed, by halving; returns its number.

    ask: the outcome for another direction. If several entries are wrong, it finds one of them.
    """
    u = failed.u
    while np.count_nonzero(u) > 1:
        first, second = halves(u)
        u = first if ask(first).wrong else second
    return int(np.flatnonzero(u)[0])


def suspects(x: Array, u: Array) -> list[Array]:
    """Split a direction along which the point is a kink: entries that often have kinks, and the others.

    Zeros and repeated values often have kinks. If all entries are of one sort, the parts are two halves.
    """
    _, back, counts = np.unique(x, return_inverse=True, return_counts=True)
    suspected = (x == 0) | (counts[back] > 1)
    parts = [np.where(suspected, 0.0, u), np.where(suspected, u, 0.0)]
    return parts if all(part.any() for part in parts) else halves(u)


def halves(u: Array) -> list[Array]:
    """Split a direction in two; each part has half of the entries that it moves."""
    where = np.flatnonzero(u)
    parts = []
    for half in (where[: len(where) // 2], where[len(where) // 2 :]):
        parts.append(np.zeros_like(u))
        parts[-1][half] = u[half]
    return parts


def sample(size: int, first: int, rng: np.random.Generator, count: int = 48) -> Array:
    """Numbers of entries to check one by one: the culprit, its neighbours, and random others."""
    near = np.arange(first - 4, first + 5)
    others = rng.choice(size, min(count, size), replace=False)
    return np.unique(np.concatenate([near[(near >= 0) & (near < size)], others]))
