"""Check many entries at once: random directions show whether any entry is wrong, halving them finds which one.

A single call gives the whole gradient. The slope of the function along one direction always costs the same few
evaluations, however many entries that direction moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..numeric.extrapolation import Array
from ..numeric.measurement import Measurement
from ..numeric.short_slope import GROWS
from .verdict import BARS, DEFAULT_NEED, RESOLVED, STILL, Measured, Need

DIRECTIONS = 3
CLEAR = 1e-4  # error bars of both sides this small, relative to the difference of their slopes: a kink
JITTER = 2.0**7  # noise may hide the slope over a step so much shorter than the longest
SOME = 2**12  # of more entries, a sample shows how large they are
LEAST = 2.0**-12  # a line is never so short that its steps are less than this share of the point


def directions(x: Array, g: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Directions that move every finite entry: by equal amounts, with equal effects, or in proportion to each.

    Entries are random signs times sizes from 1/2 to 3/2: with signs alone, two errors of equal size would cancel
    half of the time. In the second direction, according to the given gradient, every entry changes the function
    equally.
    """
    for lengths in (_equal_steps, _equal_effects, _proportional):
        # A power of two times a number of few bits: x + t·u is then exact for all but the shortest steps.
        with np.errstate(invalid="ignore"):
            length = np.where(np.isfinite(x), lengths(x, g), 1.0)
        coarse = np.exp2(np.round(np.log2(length))) * np.isfinite(x)
        yield rng.integers(512, 1537, x.size) / 1024 * rng.choice([-1.0, 1.0], x.size) * coarse


def _equal_steps(x: Array, _: Array) -> Array:
    return np.maximum(1.0, np.abs(x))


def _equal_effects(x: Array, g: Array) -> Array:
    """Steps as long as the others, but shorter for entries of more than the usual effect."""
    steps = np.maximum(1.0, np.abs(x))
    effects = np.abs(g) * steps
    effects = np.where(np.isfinite(effects), effects, 0.0)
    typical = np.median(effects[effects > 0]) if np.any(effects > 0) else 1.0
    return steps * np.minimum(1.0, typical / np.maximum(effects, typical))


def _proportional(x: Array, _: Array) -> Array:
    """Shares of the entries; an entry of 0 moves as far as the others usually do."""
    sizes = np.abs(x)
    some = sizes[(sizes > 0) & np.isfinite(sizes)]
    return np.where((sizes > 0) & np.isfinite(sizes), sizes, np.median(some) if some.size else 1.0)


def step_length(x: Array, u: Array, effects: Array, sizes: Array) -> float:
    """How far to go along a line: until the function changes by its own size, and at most u; a power of two.

    effects: the sum of the sizes of all terms of the claimed slope, a column each. sizes: of the function.
    """
    with np.errstate(all="ignore"):
        ratios = sizes / effects
        ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
        reach = float(np.median(ratios)) if ratios.size else 1.0
        some = slice(None, None, 1 + len(x) // SOME)
        shares = np.abs(x[some] / u[some])
        shares = shares[np.isfinite(shares)]
        least = LEAST * float(np.median(shares)) if shares.size else 0.0
    return float(2.0 ** np.floor(np.log2(min(1.0, max(reach, least, 2.0**-900)))))


@dataclass(frozen=True)
class Terms:
    """What a claimed slope along a direction consists of.

    sizes: the contribution of an entry of average weight, for each argument. total: of all entries together, if
    none cancel; bulk: if they do at random. rounding: the rounding error of the slope.
    """

    sizes: tuple[float, ...]
    total: float
    bulk: float
    rounding: float

    @classmethod
    def of_entries(cls, terms: Array, group: Array, spread: Array) -> Terms:
        """Those of a known gradient. group: the number of the argument of each entry. spread: rounding errors."""
        with np.errstate(all="ignore"):
            counts = np.maximum(np.bincount(group, terms != 0), 1)
            most = float(np.max(np.abs(terms), initial=0.0, where=np.isfinite(terms))) or 1.0  # squares may be 0
            sizes = most * np.sqrt(np.bincount(group, np.square(terms / most)) / counts)
            bulk, rounding = (most * float(np.sqrt(np.sum(np.square(some / most)))) for some in (terms, spread))
            total = float(np.sum(np.abs(terms)))
        return cls(tuple(float(size) for size in sizes), total, bulk, rounding)

    @classmethod
    def of_arguments(cls, slopes: Array, rounding: float) -> Terms:
        """Those of a claim that answers only the slope along each argument's part of the direction."""
        sizes = tuple(float(size) for size in np.abs(slopes))
        return cls(sizes, sum(sizes), max(sizes, default=0.0), rounding)


@dataclass(frozen=True)
class Outcome:
    """The measured and the claimed slope along a direction.

    tolerance: the difference that is no mistake. size: the contribution of an entry of average weight, of the
    argument that contributes most; sizes: of each argument. total: of all entries together, if none cancel; bulk:
    if they do at random, and 0 if single entries must be visible. kinked: the point is a kink along this direction,
    and the claim lies between the slopes of the two sides. hidden: the distance of the claim from the farther of
    the two; an error of that size does not show. still: the function does not change beyond rounding, and the
    claim is 0. swing: the steepest chord nearby. need: the relative error that must be visible. bent: the slopes of
    the two sides differ, and the claim does not lie between them: kinks of several entries that open to different
    sides allow for that. odd: the function jumps here, has no finite slope,
    or is nothing but noise.
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
    need: float = RESOLVED
    total: float = 0.0
    sizes: tuple[float, ...] = ()
    bent: bool = False
    odd: bool = False
    bulk: float = 0.0

    @property
    def gap(self) -> float:
        """The difference, relative to the slope."""
        size = max(abs(self.measured), self.size)
        return abs(self.claimed - self.measured) / size if size and not self.still else 0.0

    @property
    def wrong(self) -> bool:
        """Whether they differ by more than the tolerance."""
        return not self.kinked and not abs(self.claimed - self.measured) <= self.tolerance

    @property
    def resolved(self) -> bool:
        """Whether the bar is narrow enough to decide, or the function does not change at all."""
        return self.resolves(self.need)

    def resolves(self, need: float) -> bool:
        """Whether the bar is narrow enough to see relative errors of this size."""
        most = max(need * self.size, need * self.bulk, STILL * self.swing * (abs(self.claimed) <= self.tolerance))
        return bool(self.still or self.tolerance <= most or self.tolerance == 0)

    @property
    def power(self) -> float:
        """The smallest relative error that this comparison would find in an entry of average weight."""
        if self.kinked:
            return max(self.tolerance, self.hidden) / (self.size or self.hidden)
        size = self.size or self.swing
        if not size or self.still:
            return 0.0 if self.resolved else float("inf")
        return float(self.tolerance / size)


def outcome(
    u: Array, claimed: float, terms: Terms, measured: Measured, column: int, need: Need = DEFAULT_NEED
) -> Outcome:
    """Compare a derivative with the function along one direction."""
    with np.errstate(all="ignore"):
        rounding = terms.rounding + 8 * 2.0**-53 * terms.total
        error, slope = float(measured.error[column]), float(measured.value[column])
        noise = bool(np.isnan(slope))
        if noise and measured.still[column]:  # nothing but noise, all of it rounding
            error, slope = JITTER * _largest_chord(measured, column), 0.0
        size = max(terms.sizes, default=0.0)
        tolerance = max(BARS * error + rounding, need.allowed * size)
        kinked, apart, hidden = False, False, 0.0
        if not abs(claimed - slope) <= tolerance:
            # The kink of one entry among many may bend the line too little for `Measurement.kinked`.
            ends, bars = zip(
                *((m.value[column], m.error[column]) for m in (measured.right, measured.left)), strict=True
            )
            slack = BARS * max(bars) + rounding
            apart = bool(abs(ends[0] - ends[1]) > 10 * sum(bars))
            kinked = bool(apart and min(ends) - slack <= claimed <= max(ends) + slack)
            hidden = float(max(claimed - min(ends), max(ends) - claimed))
        if measured.flat[column] and claimed == 0:
            tolerance = 0.0
        swing = float(measured.swing[column])
        # A claim within a wide bar need not be 0: it may be anything.
        still = bool(measured.still[column] and abs(claimed) <= tolerance and BARS * error <= need.resolved * size)
        still = (still or bool(measured.still[column] and abs(claimed) <= rounding)) and not noise
    numbers = (slope, error, tolerance, column, size, kinked, still, hidden, swing, need.resolved)
    bulk = terms.bulk if need.wanted is None else 0.0
    odd = noise or bool(measured.growth[:, column].max() > GROWS or measured.nowhere[column])
    return Outcome(u, float(claimed), *numbers, terms.total, terms.sizes, apart and not kinked, odd, bulk)


def _largest_chord(measured: Measured, column: int) -> float:
    """The largest change of the values, over the longest step."""
    samples = measured.samples if isinstance(measured, Measurement) else (measured,)
    sides = [side[:, column] - s.center[column] for s in samples for side in (s.plus, s.minus)]
    longest = max(float(np.max(s.h[0])) for s in samples)
    return float(np.max(np.abs(np.nan_to_num(np.concatenate(sides))))) / longest


def bisect_entry(failed: Outcome, share: Callable[[Array, float], float]) -> int:
    """Find a wrong entry behind a direction that failed, by halving; returns its number.

    share: by how much the claim is wrong along another direction, as well as a given error needs it to be known.
    If several entries are wrong, it finds one of them.
    """
    u, error = failed.u, failed.claimed - failed.measured
    while np.count_nonzero(u) > 1:
        first, second = halves(u)
        of_first = share(first, abs(error))
        larger = not abs(of_first) < abs(error - of_first)
        u, error = (first, of_first) if larger else (second, error - of_first)
    return int(np.flatnonzero(u)[0])


def explains(failed: Outcome, i: int, error: Array, tolerance: Array) -> bool:
    """Whether the error of entry i, of shape (1, columns), explains that of a direction."""
    step, column = failed.u[i], failed.column
    allowed = failed.tolerance + tolerance[0, column] * abs(step)
    return bool(abs(failed.claimed - failed.measured - error[0, column] * step) <= allowed)


def suspects(x: Array, u: Array) -> list[Array]:
    """Split a direction along which the point is a kink: zeros and repeated values often have kinks, others do not.

    If all entries are of one sort, the parts are two halves.
    """
    _, back, counts = np.unique(x, return_inverse=True, return_counts=True)
    zero, repeated = x == 0, counts[back] > 1
    sorts = (~zero & ~repeated, repeated & ~zero, zero)
    parts = [part for part in (np.where(which, u, 0.0) for which in sorts) if part.any()]
    return parts if len(parts) > 1 else halves(u)


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
