"""Measure slopes: choose the points at which to evaluate a function, until its derivative along a line is known.

A few long steps come first; if they do not suffice, the whole ladder of steps; near 0, also steps of the point's
size. `extrapolation` turns values into a derivative.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from .evaluation import BudgetSpent, Line
from .extrapolation import STEEP, Array, Samples, Slope
from .measurement import Measurement, reconcile
from .noise import NODES, PAIRS, RUNGS, slope_of_noisy, smooth_length
from .surroundings import QUIET, Surroundings

# Steps s·2⁻ᵏ. First a dozen, and two short ones that show whether the others miss a feature. A row of nan (of any
# k) separates steps that are not halves of each other.
FIRST = np.array([*range(-1, 12), 17.5, 18, 26.5, 27])
# Then all of them, down to the rounding of the point. Last, if that does not suffice, steps beyond its own size.
WHOLE = np.arange(-1.0, 44.0)
BEYOND = [np.arange(longest, 44.0) for longest in (-3.0, -5.0, -7.0)]
TRIED = np.array([1.0, 1 / 2, 1 / 4])  # if no polynomial fits up to a distance, a part of it may do
ERRATIC = 2.0**-3  # larger noise, relative to the values, may be features finer than the steps
KNOWN, LEVEL = 2e-4, 2e-7  # a bar as narrow as that, relative to the slope, or to chords nearby, needs no more
NEAR = np.arange(24.0)
TINIEST = 2.0**-1000  # steps of the size of smaller points are not normal floats
ENOUGH_DIGITS = 1e-12  # relative to the slope: more digits are not worth eighty more evaluations
DEPTHS = np.arange(-7.0, 44.0)
ONE_SIDED = 2.0**-5  # much less room on one side than on the other, or than a step of 1
MEMORY = 2**17  # numbers per row in one batch of tables


class Ladder:
    """The values along one line, at steps h = scale·2**-depth to both sides; nan where there is none.

    line: an axis by its number, or a direction. reach: how far the first steps may go.
    """

    def __init__(self, line: int | Array, scale: float, reach: float, width: int) -> None:
        self.line, self.scale, self.reach = line, scale, reach
        self.values, self.asked = np.full((2, len(DEPTHS), width), np.nan), np.zeros((2, len(DEPTHS)), dtype=bool)

    def wanted(self, depth: Array, far: bool) -> Array:
        """Steps to evaluate, (2, len(DEPTHS)): unknown, and not beyond one that failed; far: beyond reach, too."""
        failed = self.asked & np.isnan(self.values).all(axis=-1)
        beyond = np.maximum.accumulate(failed[:, ::-1], axis=1)[:, ::-1]
        return ~self.asked & ~beyond & np.isin(DEPTHS, depth) & (far | (self.scale * 2.0**-DEPTHS <= self.reach))

    def line_of(self, wanted: Array) -> Line:
        """The points at these steps."""
        h = self.scale * 2.0**-DEPTHS
        return Line(self.line, np.concatenate([h[wanted[0]], -h[wanted[1]]]))

    def at(self, depth: Array) -> Array:
        """The values at these depths, (2, len(depth), outputs); nan at a depth that is not whole."""
        found = np.full((2, len(depth), self.values.shape[-1]), np.nan)
        rungs = depth == np.floor(depth)
        found[:, rungs] = self.values[:, (depth[rungs] - DEPTHS[0]).astype(int)]
        return found


class Slopes(Surroundings):
    """The slopes of one function at one point, from values within its bounds."""

    def along(self, lines: Sequence[int | Array]) -> Iterator[Measurement]:
        """The slopes along lines: an axis by its number, or a direction. Raises BudgetSpent."""
        room = max(1, MEMORY // len(WHOLE) // max(1, len(self.y)))
        for start in range(0, len(lines), room):
            yield from self._some(lines[start : start + room])

    def scale(self, line: int | Array) -> float:
        """The unit of the steps along a line: the size of the point, at least 1; a power of 2 within reach."""
        size = max(1.0, abs(self.x[line])) if isinstance(line, int) else 1.0
        most = min(self.reach(line), max(self.room(line)) or np.inf)
        return float(2.0 ** min(np.ceil(np.log2(size)), np.floor(np.log2(most))))

    def _some(self, lines: Sequence[int | Array]) -> list[Measurement]:
        ladders = [Ladder(u, self.scale(u), self.reach(u), len(self.y)) for u in lines]
        self._extend(ladders, FIRST)
        samples = self._samples(ladders, FIRST)
        found, enough = self._measurements(samples), self._has_enough_digits(samples)
        again = [n for n, done in enumerate(enough) if not done]
        for n, longer in zip(again, self._again([ladders[n] for n in again]), strict=True):
            found[n] = longer
        near = [n for n, u in enumerate(lines) if isinstance(u, int) and self._is_near(u, found[n])]
        grains = [np.max([s.first_jump for s in found[n].samples], axis=0) for n in near]
        for n, closer in zip(near, self._closer([ladders[n].line for n in near], grains), strict=True):
            found[n] = reconcile(closer, found[n], self.unit)
        return [replace(m, one_sided=self._one_sided(u)) for u, m in zip(lines, found, strict=True)]

    def _one_sided(self, line: int | Array) -> bool:
        """Whether a bound is so near on one side that the other side alone may tell more."""
        room = self.room(line)
        return min(room) < min(ONE_SIDED * max(room), ONE_SIDED)

    def _again(self, ladders: Sequence[Ladder]) -> list[Measurement]:
        """Measurements over the whole ladder, if the first steps did not suffice."""
        if not ladders:
            return []
        self._extend(ladders, WHOLE)
        found = self._measurements(self._samples(ladders, WHOLE))
        found = [self._under_noise(ladder, m) for ladder, m in zip(ladders, found, strict=True)]
        blurred = [n for n, m in enumerate(found) if not self._suffices(m)]
        for depth in BEYOND if blurred else []:
            tried = [ladders[n] for n in blurred]
            self._extend(tried, depth, far=True)
            longer = dict(zip(blurred, self._measurements(self._samples(tried, depth)), strict=True))
            # Once more where that helps: a function that is smooth only nearby gains nothing.
            gained = [n for n, m in longer.items() if np.any(m.error < found[n].error / 2)]
            blurred = [n for n in gained if not self._suffices(longer[n])]
            found = [longer[n] if n in gained else m for n, m in enumerate(found)]
            if not blurred:
                break
        return found

    def _under_noise(self, ladder: Ladder, found: Measurement) -> Measurement:
        """The slope by a polynomial through many more values, if the function is noisy."""
        (plus, up), (minus, down) = (self.weighted(side) for side in ladder.values)
        both = np.isfinite(plus).all(axis=1) & np.isfinite(minus).all(axis=1)
        if np.count_nonzero(both) <= RUNGS or (found.stairs > 0).any():
            return found
        size = np.fmax(self.weighted(self.y)[1], self.usual)
        noise = np.fmax(self.noise_of_usual * size, found.samples[-1].tail_deviation)
        most = ERRATIC * np.median(np.fmax(up, down)[both][:RUNGS], axis=0)
        noisy = (noise > QUIET * size) & (noise < most)
        h = ladder.scale * 2.0 ** -DEPTHS[both]
        length = smooth_length(h, plus[both][:, noisy], minus[both][:, noisy], noise[noisy]) if noisy.any() else 0.0
        if not length:
            return found
        for reach in length * TRIED:
            try:
                fit, left = self._fitted(ladder.line, reach)
            except BudgetSpent:
                break
            with np.errstate(invalid="ignore"):
                apart = np.abs(fit.value - found.central.value) > fit.error + found.central.error
            useless = ~noisy | apart | (left > np.fmin(4 * noise, most)) | found.kinked
            found = replace(found, central=fit.without_bar(useless).better(found.central))
            if np.isfinite(fit.error[noisy]).all():
                break
        return found

    def _fitted(self, line: int | Array, length: float) -> tuple[Slope, Array]:
        """The slope by a polynomial through values up to a distance, and the noise that it leaves over."""
        (values,) = self.run([Line(line, np.concatenate([length * NODES, -length * NODES]))])
        columns, _ = self.weighted(values)
        return slope_of_noisy(length * NODES, columns[:PAIRS], columns[PAIRS:])

    def _extend(self, ladders: Sequence[Ladder], depth: Array, far: bool = False) -> None:
        """Evaluate what these ladders have not at some depths."""
        steps = [ladder.wanted(depth, far) for ladder in ladders]
        lines = [ladder.line_of(wanted) for ladder, wanted in zip(ladders, steps, strict=True)]
        for ladder, wanted, values in zip(ladders, steps, self.run(lines), strict=True):
            ladder.values[wanted], ladder.asked = values, ladder.asked | wanted

    def _samples(self, ladders: Sequence[Ladder], depth: Array, grains: Sequence[Array] = ()) -> Samples:
        """The values along all lines, side by side as columns."""
        lines, scales = [ladder.line for ladder in ladders], [ladder.scale for ladder in ladders]
        values = [ladder.at(depth) for ladder in ladders]
        parts = [[self.weighted(side) for side in pair] for pair in values]
        plus, minus = (np.concatenate([pair[k][0] for pair in parts], axis=1) for k in range(2))
        size = np.concatenate([np.fmax(pair[0][1], pair[1][1]) for pair in parts], axis=1)
        center, size_center = (np.tile(row, len(values)) for row in self.weighted(self.y))
        scale = np.repeat(scales, len(center) // len(values))
        # Steps as short as a point close to 0 stay where the function is small, and have the noise that it has
        # there.
        close = bool(grains)
        noise = np.tile(self.noise if close else self.noise_of_usual, len(values))
        usual = np.zeros(len(noise)) if close else np.tile(self.usual, len(values))
        # The points along a direction are rounded in different ways, and that shows in the values.
        sizes = [abs(self.x[u]) if isinstance(u, int) else 0.0 for u in lines]
        argument = np.repeat(sizes, len(center) // len(values))
        grain = np.concatenate(grains) if grains else np.tile(self.noise_away, len(values))
        misplaced = np.stack([self._shift(u, s * 2.0**-depth) for u, s in zip(lines, scales, strict=True)], axis=1)
        shift = np.repeat(misplaced, len(center) // len(values), axis=1)
        sizes_of = (size, size_center, usual, noise, argument, grain, shift)
        known = (side[np.isfinite(side)] for pair in values for side in pair)
        whole = all(np.array_equal(side, np.round(side)) for side in known)
        return Samples(scale, depth, plus, minus, center, *sizes_of, self.unit, whole)

    def _shift(self, line: int | Array, h: Array) -> Array:
        """How far the evaluated points are from x ± h."""
        if not isinstance(line, int):
            return np.zeros(len(h))
        x = self.x[line]
        with np.errstate(invalid="ignore"):  # x may be nan, or inf
            return np.nan_to_num(np.maximum(np.abs(((x + h) - x) - h), np.abs((x - (x - h)) - h)))

    def _has_enough_digits(self, samples: Samples) -> Array:
        """For which lines the first few steps give enough digits of the slope."""
        with np.errstate(all="ignore"):
            slope = samples.central()
            size = np.abs(slope.value)
            # A slope of 0 has no digits: there the rounding of the values is the limit.
            nothing = (size <= slope.error) & (slope.error <= 256 * self.unit * samples.size_center / samples.scale)
            # More steps do not help if the bar is hardly more than the rounding of the values.
            rounded = slope.error <= np.fmin(2048 * self.unit * samples.size_center / samples.scale, 1e-10 * size)
            known = (slope.error <= ENOUGH_DIGITS * size) | nothing | rounded
            known &= (size > 0) | samples.settles()  # far from 0, all steps may be longer than a period
            return np.all(known.reshape(-1, len(self.noise)), axis=1)

    @staticmethod
    def _suffices(measured: Measurement) -> bool:
        """Whether wider steps are of no use: all slopes are known as well as a verdict needs, or infinite."""
        error = measured.error
        with np.errstate(all="ignore"):
            known = (error <= KNOWN * np.abs(measured.value)) | (error <= LEVEL * measured.swing)
        return bool(np.all(known | measured.flat | (measured.growth > STEEP).any(axis=0)))

    def _measurements(self, samples: Samples) -> list[Measurement]:
        with np.errstate(all="ignore"):
            central = samples.central()
        width = len(self.noise)
        parts = [slice(start, start + width) for start in range(0, len(samples.center), width)]
        return [Measurement(central.part(p), (samples.part(p),)) for p in parts]

    def _is_near(self, i: int, found: Measurement) -> bool:
        """Whether to try steps of the point's own size: it is close to 0, and the slope is not known well."""
        small = TINIEST < abs(self.x[i]) < 2.0**-12 or self.x[i] == 0
        known = found.central.error <= 1e-10 * np.abs(found.central.value)
        # The two sides of a pole at 0 may look like a smooth function to differences that are symmetric.
        return bool(small and not (np.all(known) and not found.samples[0].may_have_kink().any()))

    def _closer(self, axes: Sequence[int], grains: Sequence[Array]) -> list[Measurement]:
        """Slopes over steps of the point's own size if it is close to 0, or over tiny steps at 0.

        grains: the least change of the function, from longer steps. If the function does not change at all over the
        short steps, they are too short to decide anything.
        """
        if not axes:
            return []
        sizes = [abs(float(self.x[i])) for i in axes]
        scales = [2.0 ** (np.floor(np.log2(size)) - 1) if size else 2.0**-44 for size in sizes]
        ladders = [Ladder(i, scale, np.inf, len(self.y)) for i, scale in zip(axes, scales, strict=True)]
        self._extend(ladders, NEAR)
        found = self._measurements(self._samples(ladders, NEAR, grains))
        return [replace(m, central=m.central.without_bar(m.flat)) for m in found]
