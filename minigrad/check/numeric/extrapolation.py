"""The arithmetic of numerical derivatives: from values along a line to a derivative with a reliable error bar.

Difference quotients over steps h, each half of the last, are extrapolated to h = 0. Every entry of the table has an
estimate of its truncation error (its distance from its neighbours) and a bound of its rounding error (propagated
through the same formulas); the answer is the entry with the least sum of the two. Everything works on columns: a
function with many outputs counts as many functions. Nothing here calls a function.

Source: Ridders 1982 (the table). The bound, the treatment of ties and the comparison
with smaller steps are this project's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Array = Any  # np.ndarray of float64 or bool
ORDER = 9  # columns of the table: more extrapolation gains nothing
U = 2.0**-53
LOGARITHM = 1.1  # the growth of chords that add as much with each halving
STEEP = 1.03  # chords that grow by more per halving lead to a jump, or to an infinite slope
# The rounding of numbers too small to be normal, by the unit roundoff; of bfloat16, too, it is too small to matter.
LEAST = {2.0**-53: 2.0**-1074, 2.0**-24: 2.0**-149, 2.0**-11: 2.0**-24}
# Halvings of the step: a function that does not change over a step this long is flat, not quantised; a quantised
# function changes over a step this long.
FLAT, QUANTISED = 6, 3
CLOSE = 6  # a step this short shows how the function changes close to the point
BLOCK = 2048  # columns per batch of tables: a table takes some hundred times the memory of its values
COARSEST = 8  # significant bits of bfloat16
NARROW = 2.0**-14  # steps that are narrower, relative to the values, are noise, wherever they come from
STEP = 2.0**-4  # larger jumps, relative to the values, belong to the function, as those of floor
MOST_NOISE = 2.0**-7  # more noise, relative to the values, means features shorter than the shortest step
# Factors of the noise bound: for a correctly rounded evaluation, a measured deviation, a tie.
ROUNDING, DEVIATIONS, TIES = 4.0, 6.0, 2.0


class Slope(NamedTuple):
    """A derivative per column, and its error bar."""

    value: Array
    error: Array

    def better(self, other: Slope) -> Slope:
        """Column by column, the slope with the smaller bar."""
        mine = self.error <= other.error
        return Slope(np.where(mine, self.value, other.value), np.where(mine, self.error, other.error))

    def without_bar(self, blind: Array) -> Slope:
        """The slope with an infinite bar in the blind columns."""
        return Slope(self.value, np.where(blind, np.inf, self.error))

    def part(self, columns: slice) -> Slope:
        """Some of the columns."""
        return Slope(self.value[columns], self.error[columns])


@dataclass(frozen=True)
class Samples:
    """Values of functions along lines: plus[k] = φ(h[k]), minus[k] = φ(-h[k]), of shape (rungs, columns).

    A rung is one length of step, h = scale · 2**-depth: depth has a number per rung (growing; a row of nan
    separates rungs whose steps are not halves of each other), scale one per column. Values are nan where the
    function is not finite. size: that of the terms that sum to a value (of the value itself, unless terms cancel).
    usual: that size a short distance away if it is much smaller at the point, else 0. noise: measured deviation,
    relative to the larger of size and usual, one per column. argument: the size of the number at the point. grain:
    absolute changes below it carry no information. shift: how far rounding moved a point from its intended place,
    of shape (rungs, columns). unit: the unit roundoff of the values. whole: all values are integers, as those of
    floor, which moves in steps by definition.
    """

    scale: Array
    depth: Array
    plus: Array
    minus: Array
    center: Array
    size: Array
    size_center: Array
    usual: Array
    noise: Array
    argument: Array
    grain: Array
    shift: Array
    unit: float = U
    whole: bool = False

    @functools.cached_property
    def h(self) -> Array:
        """The steps, per rung and column."""
        return self.scale * 2.0 ** -self.depth[:, None]

    @functools.cached_property
    def floor(self) -> Array:
        """A bound of the error of each value, per rung and column."""
        size = np.fmax(self.size, self.size_center)
        share = np.fmax(DEVIATIONS * self.noise, self.tail_noise)
        share = np.where(share > max(MOST_NOISE, 16 * self.unit), np.inf, share)
        noise = np.fmax(ROUNDING * self.unit * size, share * np.fmax(size, self.usual)) + LEAST.get(self.unit, 0.0)
        return np.fmax(noise, TIES * np.fmax(self.grain, self.first_jump)) + self._shift_error()

    @functools.cached_property
    def drift(self) -> Array:
        """The error of a slope because the function rounds its argument, per rung and column.

        300·x may have the same rounding error at x and at all x ± h. The slope is then that of an argument beside
        the point, and no difference shows this. The error is the curvature times that rounding error.
        """
        bend = np.abs(self.plus - 2 * self.center + self.minus) / self.h
        return np.nan_to_num(self.unit * (self.argument / self.h) * bend, nan=0.0, posinf=0.0)

    def _shift_error(self) -> Array:
        """The error of values at misplaced points: x + h may need more digits than a float has, and is rounded."""
        if not self.shift.any():
            return self.shift
        steepest = np.zeros(self.plus.shape)
        for side in (self.plus, self.minus):
            steepest = np.fmax(steepest, np.abs(side - self.center) / self.h)
            steepest[1:] = np.fmax(steepest[1:], np.abs(side[:-1] - side[1:]) / self.h[1:])
        return self.shift * steepest

    def central(self) -> Slope:
        """The derivative from values on both sides: errors fall with h², h⁴, ..."""
        return self._in_blocks(Samples._central)

    def _central(self) -> Slope:
        raw = (self.plus - self.minus) / (2 * self.h)
        return extrapolate(raw, self.floor / self.h, 4.0, self.depth, self.drift)

    def right(self) -> Slope:
        """The derivative to the right: errors fall with h, h², ..."""
        return self._in_blocks(Samples._right)

    def _right(self) -> Slope:
        return extrapolate((self.plus - self.center) / self.h, 2 * self.floor / self.h, 2.0, self.depth, self.drift)

    def left(self) -> Slope:
        """The derivative to the left."""
        return self._in_blocks(Samples._left)

    def _left(self) -> Slope:
        return extrapolate(
            (self.center - self.minus) / self.h, 2 * self.floor / self.h, 2.0, self.depth, self.drift
        )

    def second(self) -> Slope:
        """The second derivative."""
        raw = (self.plus - 2 * self.center + self.minus) / self.h**2
        return extrapolate(raw, 4 * self.floor / self.h**2, 4.0, self.depth, np.zeros(raw.shape))

    def _in_blocks(self, slope: Callable[[Samples], Slope]) -> Slope:
        """A slope of all columns, a block of them at a time."""
        width = len(self.center)
        if width <= BLOCK:
            return slope(self)
        parts = [slope(self.part(slice(start, start + BLOCK))) for start in range(0, width, BLOCK)]
        return Slope(*(np.concatenate(numbers) for numbers in zip(*parts, strict=True)))

    def part(self, columns: slice | Array) -> Samples:
        """Some of the columns."""
        sides = (self.plus[:, columns], self.minus[:, columns], self.center[columns])
        sizes = (self.size[:, columns], self.size_center[columns], self.usual[columns], self.noise[columns])
        known = (self.argument[columns], self.grain[columns], self.shift[:, columns], self.unit, self.whole)
        return Samples(self.scale[columns], self.depth, *sides, *sizes, *known)

    def may_have_kink(self) -> Array:
        """Which columns may have a kink at the point: their graph is not straight even over short steps."""
        with np.errstate(all="ignore"):
            bend = np.abs(self.plus - 2 * self.center + self.minus) - 4 * self.floor
            rise = np.abs(self.plus - self.minus) + np.abs(bend)
            # Numbers of fewer bits stand still over steps that are so short.
            short = (bend > 1e-3 * rise) & (self.depth[:, None] >= 15 * np.log2(self.unit) / np.log2(U))
            near = (bend > 1e-3 * rise)[-8:]
        return short.any(axis=0) | near.any(axis=0)

    def swing(self) -> Array:
        """The steepest chord over short steps that shows: how fast the function changes close to the point.

        Over longer steps any tail changes, even one whose slope at the point is far below rounding.
        """
        with np.errstate(all="ignore"):
            moved = np.fmax(np.abs(self.plus - self.center), np.abs(self.minus - self.center))
            chords = np.where(moved > 4 * self.floor, moved / self.h, 0.0)
        close = (self.depth >= CLOSE) & (self.depth <= CLOSE + 4)
        return np.where(np.isfinite(chords), chords, 0.0)[close].max(axis=0, initial=0.0)

    def chord(self) -> Array:
        """The steeper of the two chords over a step of the point's own size, or over the next finite step."""
        h = self.h[self.depth >= 0]
        with np.errstate(all="ignore"):
            steep = np.fmax(np.abs(self.plus - self.center), np.abs(self.minus - self.center))[self.depth >= 0] / h
        first = np.argmax(np.isfinite(steep), axis=0)
        return np.nan_to_num(np.take_along_axis(steep, first[None], axis=0)[0])

    def quantum(self) -> Array:
        """The least change of a function that does not change at all over shorter steps; 0 for other functions."""
        moved = self._moved
        least = np.where(moved > 0, moved, np.inf).min(axis=0)
        return np.where((moved[-1] == 0) & np.isfinite(least), least, 0.0)

    def growth(self, side: Array) -> Array:
        """The factor by which chords to one side grow per halving of the step, on the last rungs; 0 if unsteady.

        2 at a jump, between 1 and 2 at an infinite slope, 1 at a finite one. A pole like that of a logarithm adds
        as much with each halving, less and less of what there is: it counts as `LOGARITHM`.
        """
        with np.errstate(all="ignore"):
            chords = np.abs(side - self.center)[-13:] / self.h[-13:]
            ratios = chords[1:] / chords[:-1]
            clear = np.all(chords * self.h[-13:] > 200 * self.unit * self.size_center, axis=0)
            steady = ratios.max(axis=0) < 1.05 * ratios.min(axis=0)
            factor = np.where(clear & steady, ratios.mean(axis=0), 0.0)
            added = np.diff(chords, axis=0)
            even = (added.min(axis=0) > 0) & (added.max(axis=0) < 1.25 * added.min(axis=0))
            seen = np.all(added * self.h[-12:] > 32 * self.unit * self.size_center, axis=0)
            return np.where(clear & even & seen & (factor < LOGARITHM), LOGARITHM, factor)

    def steep(self, side: Array) -> Array:
        """Whether chords to one side still grow by more than STEEP per halving of the step on the last rungs."""
        with np.errstate(all="ignore"):
            moved = np.abs(side - self.center)[-8:]
            clear = np.all(moved > 50 * self.floor[-8:], axis=0)
            return clear & np.all(2 * moved[1:] > STEEP * moved[:-1], axis=0)

    def settles(self) -> Array:
        """Whether the function hardly changes over the shortest step, or has no value there."""
        moved = np.fmax(np.abs(self.plus[-1] - self.center), np.abs(self.minus[-1] - self.center))
        return ~(moved > (2.0**-20 + 4 * DEVIATIONS * self.noise) * np.fmax(self.size_center, self.usual))

    def flat(self) -> Array:
        """Which columns do not change in a single bit on any rung."""
        return self._within(0.0)

    def still(self) -> Array:
        """Which columns do not change beyond rounding on any rung."""
        return self._within(4 * self.floor)

    def _within(self, bound: Array | float) -> Array:
        seen, steady = np.zeros(self.center.shape, dtype=bool), np.ones(self.center.shape, dtype=bool)
        for side in (self.plus, self.minus):
            known = np.isfinite(side)
            seen |= known.any(axis=0)
            steady &= np.all(~known | (np.abs(side - self.center) <= bound), axis=0)
        return seen & steady

    @functools.cached_property
    def tail_noise(self) -> Array:
        """Relative noise over the shortest steps, where differences of slopes are nothing but noise.

        Near a pole only the very shortest steps are short enough; hence the lesser of two estimates.
        """
        if len(self.depth) < 20:  # the first few rungs, and no tail
            return np.zeros(self.center.shape)
        tail = slice(-14, None)
        rise = self.plus[tail] - self.minus[tail]
        turns = (rise[1:] - rise[:-1] / 2) / 2  # changes of the slope, times the step
        wobbles = np.abs(turns)
        wobble = np.fmin(_median(wobbles), np.max(wobbles[-7:], axis=0))
        # Noise goes up and down; a slope that grows steadily, as at a jump or a cusp, is not noise.
        wobble = np.where(np.all(turns > 0, axis=0) | np.all(turns < 0, axis=0), 0.0, wobble)
        size = np.fmax(self.usual, np.fmax(self.size_center, np.nan_to_num(self.size[tail]).max(axis=0)))
        return 8 * np.where(size > 0, wobble / np.where(size > 0, size, 1.0), 0.0)

    @functools.cached_property
    def tail_deviation(self) -> Array:
        """The deviation of a value, from what curvature cannot explain over the shortest steps; or of its steps."""
        turns = np.nan_to_num(np.abs(np.diff((self.plus + self.minus)[-14:], axis=0)))
        largest = np.where(turns.any(axis=0), turns.max(axis=0), 1.0)  # the squares of small numbers are 0
        spread = largest * np.sqrt(np.mean((turns / largest) ** 2, axis=0)) / 2
        return np.fmax(spread, self.first_jump / np.sqrt(12))

    @functools.cached_property
    def first_jump(self) -> Array:
        """The change over the shortest step that is longer than all flat ones: the quantum of a quantised φ.

        A function that is flat around the point (relu, left of 0) is not quantised: at most one of its sides
        changes, even over steps of its argument's own size. Nor is a function that is flat over such steps.
        """
        if self.whole:
            return np.zeros(self.center.shape)
        moved = self._moved
        steady = moved == 0
        longest = np.argmax(steady, axis=0)  # steps fall: the first steady one is the longest
        quantised = steady.any(axis=0) & (longest > 0) & (self.depth[longest] > FLAT)
        wide = self.plus[self.depth == QUANTISED], self.minus[self.depth == QUANTISED]
        for side in wide:
            quantised &= np.all(side != self.center, axis=0)
        before = np.nan_to_num(np.take_along_axis(moved, np.maximum(longest - 1, 0)[None], axis=0)[0])
        # Jumps as large as the values, as those of floor, do not come from a lack of digits.
        quantised &= before < STEP * self.size_center
        return np.where(quantised, before, 0.0)

    @functools.cached_property
    def stairs(self) -> Array:
        """The height of the steps of a staircase; 0 for other functions, and for what a type of float rounds.

        Those of a type of float are powers of 2, and no wider than the spacing of bfloat16; other steps, as those
        of a rounded result, must be much narrower. What wider steps stand for, no differences can know.
        """
        height = np.where(self._moved > 0, self._moved, np.inf).min(axis=0)
        height = np.where((self.first_jump > 0) & np.isfinite(height), height, 0.0)
        mantissa, size = np.frexp(height)[0], np.frexp(self.size_center)[1]
        binary = np.abs(mantissa - np.round(mantissa * 2) / 2) < 1e-6
        narrow = max(NARROW, 4 * self.unit)  # of a weighted sum they are no powers of 2
        most = np.where(binary, np.ldexp(1.0, size - COARSEST), narrow * self.size_center)
        return np.where(height > most * (1 + 1e-6), height, 0.0)

    @functools.cached_property
    def _moved(self) -> Array:
        """The larger of the changes to the two sides."""
        return np.fmax(np.abs(self.plus - self.center), np.abs(self.minus - self.center))


def extrapolate(raw: Array, bound: Array, ratio: float, depth: Array, drift: Array) -> Slope:
    """The best entry of the extrapolation table, column by column, with its error bar: inf if there is no entry.

    raw: difference quotients (rungs, columns). bound: that of their rounding errors. ratio: 4 if truncation errors
    fall with h², 2 if they fall with h. depth: how often the step of each rung was halved. drift: for each rung, an
    estimate of the error that the differences do not show.
    """
    table, errors = _table(raw, bound, ratio)
    value, error, k = _best(table, errors)
    # Trust a value only if shorter steps do not contradict it by more than their rounding and truncation errors. If
    # they do, the function has features that the longer steps miss, and only entries from shorter steps count.
    excess, first = _contradiction(raw, bound, ratio, value, error, k, depth)
    doubted = np.flatnonzero(excess)
    for _ in range(len(raw)):
        if not len(doubted):
            break
        rungs = np.arange(len(raw))[None, :, None] - np.arange(len(table))[:, None, None]
        shorter = np.where(rungs >= first[doubted], errors[:, :, doubted], np.inf)
        found = _best(table[:, :, doubted], shorter)
        known = np.isfinite(found[1])
        again = doubted[known]
        value[again], error[again], k[again] = (part[known] for part in found)
        some = (raw[:, again], bound[:, again], ratio, value[again], error[again], k[again], depth)
        excess[again], first[again] = _contradiction(*some)
        doubted = again[excess[again] > 0]
    error = error + 2 * excess + np.take_along_axis(drift, k[None], axis=0)[0]
    return Slope(value, np.where(np.isfinite(value), error, np.inf))


def _best(table: Array, errors: Array) -> tuple[Array, Array, Array]:
    """Value, error and rung of the entry of least error, column by column; nan and inf if there is none."""
    flat = errors.reshape(-1, errors.shape[-1])
    j, k = np.unravel_index(np.argmin(flat, axis=0), errors.shape[:2])
    columns = np.arange(errors.shape[-1])
    error = errors[j, k, columns]
    return np.where(np.isfinite(error), table[j, k, columns], np.nan), error, np.array(k)


def _table(raw: Array, bound: Array, ratio: float) -> tuple[Array, Array]:
    """All entries (order, rung, column) and their errors; inf where a neighbour is missing."""
    order = min(ORDER, len(raw))
    table, errors = np.full((order, *raw.shape), np.nan), np.full((order, *raw.shape), np.inf)
    entries = table[0] = raw
    rounding = np.array(bound)
    for j in range(order):
        if j:
            factor, (older, newer) = ratio**j, (entries[:-1], entries[1:])
            entries = table[j]
            entries[1:] = newer + (newer - older) / (factor - 1)
            rounding[1:] = (factor * rounding[1:] + rounding[:-1]) / (factor - 1)
        spread = np.maximum(np.abs(entries[2:] - entries[1:-1]), np.abs(entries[2:] - entries[:-2]))
        if j:
            spread = np.maximum(spread, np.abs(entries[2:] - newer[1:]))
            spread = np.maximum(spread, np.abs(entries[2:] - older[1:]))
        total = spread + rounding[2:]
        errors[j, 2:] = np.where(np.isfinite(total), total, np.inf)
    return table, errors


def _contradiction(
    raw: Array, bound: Array, ratio: float, value: Array, error: Array, k: Array, depth: Array
) -> tuple[Array, Array]:
    """How far quotients over steps shorter than that of rung k contradict a value, beyond their own errors.

    Returns the largest such excess, 0 if none is more than three error bars, and the first rung that contradicts.
    """
    gap = np.abs(raw - value)
    at_k = np.take_along_axis(gap, k[None], axis=0)[0]
    below = depth[:, None] - depth[k][None]  # number of halvings between the two
    excess = gap - 2 * bound - 2 * at_k * ratio ** -np.maximum(below, 0.0)
    contradicts = (below > 0) & np.isfinite(excess) & (excess > 3 * error)
    return np.max(np.where(contradicts, excess, 0.0), axis=0), np.argmax(contradicts, axis=0)


def _median(a: Array) -> Array:
    """The median of the finite numbers in each column; 0 if there are none."""
    with np.errstate(all="ignore"):
        filled = np.sort(np.where(np.isfinite(a), a, np.inf), axis=0)
        count = np.isfinite(a).sum(axis=0)
        middle = np.take_along_axis(filled, np.maximum(count // 2, 0)[None].clip(max=len(a) - 1), axis=0)[0]
    return np.where(count > 0, np.where(np.isfinite(middle), middle, 0.0), 0.0)
