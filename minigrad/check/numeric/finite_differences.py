"""Measure slopes: choose the points at which to evaluate a function, until its derivative along a line is known.

A few long steps come first; if they do not suffice, the whole ladder of steps; near 0, also steps of the point's
size. `extrapolation` turns values into a derivative.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .evaluation import Evaluator, Line, RowFunction
from .extrapolation import Array, Samples, Slope, deviation

# Steps s·2⁻ᵏ. First a dozen, and two short ones that show whether the others miss a feature. A row of nan (of any
# k) separates steps that are not halves of each other.
FIRST = np.array([*range(-2, 11), 17.5, 18, 26.5, 27])
# Then all of them: from far beyond the point's own size down to its rounding.
WHOLE = np.arange(-7.0, 44.0)
NEAR = np.arange(24.0)
ENOUGH_DIGITS = 1e-12  # relative to the slope: more digits are not worth eighty more evaluations
NOISE_STEPS = (2.0**-22, 2.0**-32)
# Points close to each other: at 0 a function such as x⁹ has no scale, and is not smooth over larger ratios.
NOISE_POINTS = 1 + np.arange(7) / 8
QUIET = 2.0**-40  # larger deviations, relative to the values, may be curvature
AWAY, SMALL_SHARE = 2.0**-7, 2.0**-8  # a short distance away; a smaller ratio of sizes counts as "much smaller"
ROUNDINGS = 2.0**10  # a least change of up to so many roundings of the argument comes from rounding
MEMORY = 2**17  # numbers per row in one batch of tables


@dataclass(frozen=True)
class Measurement:
    """The slopes along one line, a column per output (or projection of the outputs).

    central: the slope from values on both sides of the point. samples: those values.
    """

    central: Slope
    samples: tuple[Samples, ...]

    @functools.cached_property
    def right(self) -> Slope:
        """The slope to the right of the point."""
        with np.errstate(all="ignore"):
            return functools.reduce(Slope.better, (s.right() for s in self.samples))

    @functools.cached_property
    def left(self) -> Slope:
        """The slope to the left of the point."""
        with np.errstate(all="ignore"):
            return functools.reduce(Slope.better, (s.left() for s in self.samples))

    @functools.cached_property
    def curvature(self) -> Slope:
        """The second derivative along the line."""
        with np.errstate(all="ignore"):
            return functools.reduce(Slope.better, (s.second() for s in self.samples))

    @functools.cached_property
    def slope(self) -> Slope:
        """The slope: the central one; if the function ends at the point, that of the side where it has values."""
        alone = np.isinf(self.central.error)
        if not alone.any():
            return self.central
        side = self.right.better(self.left)
        return Slope(*(np.where(alone, s, c) for s, c in zip(side, self.central, strict=True)))

    @property
    def value(self) -> Array:
        """The slope."""
        return self.slope.value

    @property
    def error(self) -> Array:
        """Its error bar."""
        return self.slope.error

    @functools.cached_property
    def flat(self) -> Array:
        """Which columns do not change in a single bit."""
        return np.all([s.flat() for s in self.samples], axis=0)

    @functools.cached_property
    def still(self) -> Array:
        """Which columns do not change beyond rounding."""
        return np.all([s.still() for s in self.samples], axis=0)

    @functools.cached_property
    def swing(self) -> Array:
        """The steepest chord nearby."""
        return np.max([s.swing() for s in self.samples], axis=0)

    @functools.cached_property
    def growth(self) -> Array:
        """The factors by which chords to the right and to the left grow per halving (see `Samples.growth`)."""
        return np.array([s.growth(side) for s in self.samples[-1:] for side in (s.plus, s.minus)])

    @functools.cached_property
    def nowhere(self) -> Array:
        """Which columns have no finite value beside the point."""
        return np.all([np.isnan(side).all(axis=0) for s in self.samples for side in (s.plus, s.minus)], axis=0)

    @property
    def tendency(self) -> Array:
        """The signs of the shortest chords to the right and to the left; nan where there is none."""
        last = self.samples[-1]
        with np.errstate(invalid="ignore"):
            return np.sign([last.plus[-1] - last.center, last.center - last.minus[-1]])

    @property
    def infinity(self) -> Array:
        """±∞, by the tendency; nan where the two sides differ."""
        right, left = self.tendency
        return np.where(right * left <= 0, np.nan, np.copysign(np.inf, np.fmax(right, left)))

    @functools.cached_property
    def kinked(self) -> Array:
        """Which columns have slopes that differ between the two sides, beyond their bars."""
        if not any(s.may_have_kink().any() for s in self.samples):  # saves the tables of the two sides
            return np.zeros(len(self.central.value), dtype=bool)
        with np.errstate(invalid="ignore"):
            return np.abs(self.right.value - self.left.value) > 10 * (self.right.error + self.left.error)


_Pair = tuple[Array, Array]


class Slopes:
    """The slopes of one function at one point.

    project: rows of weights; each column is then a weighted sum of the outputs.
    """

    def __init__(
        self,
        f: RowFunction,
        x: Array,
        y: Array,
        evaluator: Evaluator,
        unit: float,
        project: Array | None = None,
    ) -> None:
        self.f, self.x, self.y, self.unit = f, x, y, unit
        self.evaluator, self.project = evaluator, project

    def along(self, lines: Sequence[int | Array]) -> Iterator[Measurement]:
        """The slopes along lines: an axis by its number, or a direction. Raises BudgetSpent."""
        room = max(1, MEMORY // len(WHOLE) // max(1, len(self.y)))
        for start in range(0, len(lines), room):
            yield from self._some(lines[start : start + room])

    def scale(self, i: int) -> float:
        """The unit of the steps along an axis: the size of the point there, at least 1; a power of 2."""
        return float(2.0 ** np.ceil(np.log2(max(1.0, abs(self.x[i])))))

    @functools.cached_property
    def noise(self) -> Array:
        """The deviation of a value from a smooth function, relative to its size at the point, per column.

        Measured once, along one direction: a noisy function is as noisy along any other.
        """
        return self._share(np.zeros(len(self._weighted(self.y)[0])))

    @functools.cached_property
    def noise_of_usual(self) -> Array:
        """The same, relative to the usual size of the function if that is larger.

        A sum that is nearly 0 at the point, as sin(-1) + sin(1), still has the noise of its terms.
        """
        return self._share(self.usual)

    def _share(self, usual: Array) -> Array:
        """Noise relative to the values, or to the usual size of the function if that is larger.

        Each side has its own estimates, since the point may be a kink, at two spacings; the larger side counts. If
        points are too far apart for the function to look smooth, an estimate is too large; so the smaller estimate
        counts. But if both are small the larger one counts, because a few values may have equal rounding errors by
        accident. An estimate of 0 does not count: the function moves in steps, or ends.
        """
        if not self.x.size:
            return np.zeros(len(usual))
        with np.errstate(all="ignore"):
            shares = [np.nan_to_num(noise / np.fmax(size, usual)) for noise, size in self._noise_samples]
        spacings = np.array(shares).reshape(len(NOISE_STEPS), 2, -1).max(axis=1)
        least, most = np.where(spacings > 0, spacings, np.inf).min(axis=0), spacings.max(axis=0)
        return np.where(most < QUIET, most, np.where(np.isfinite(least), least, 0.0))

    @functools.cached_property
    def _noise_samples(self) -> list[_Pair]:
        """Deviations of values close to the point, and the sizes of these values, for each spacing and side."""
        rng = np.random.default_rng(len(self.x))
        size = np.where(self.x == 0, 1.0, np.abs(self.x))
        u = rng.choice([-1.0, 1.0], self.x.size) * rng.uniform(0.5, 1.5, self.x.size) * size
        lines = [Line(u, step * NOISE_POINTS) for size in NOISE_STEPS for step in (size, -size)]
        return self._deviations(lines)

    @property
    def usual(self) -> Array:
        """The size of the function a short distance away, per column, if much smaller at the point; else 0."""
        return self._away[0]

    @property
    def noise_away(self) -> Array:
        """The deviation of values a short distance away, per column, if the function is much smaller at the point.

        Terms that cancel, as in sin(x) - x, may have the same rounding errors all around the point, and look exact.
        Elsewhere the noise at the point suffices, and this is 0.
        """
        return self._away[1]

    @functools.cached_property
    def _away(self) -> _Pair:
        """Sizes and deviations a short distance away, if the function is much smaller at the point."""
        small = self._weighted(self.y)[1]
        if not self.x.size:
            return np.zeros(len(small)), np.zeros(len(small))
        rng = np.random.default_rng(len(self.x))
        u = (
            rng.choice([-1.0, 1.0], self.x.size)
            * rng.uniform(0.5, 1.5, self.x.size)
            * np.maximum(1.0, np.abs(self.x))
        )
        points = AWAY * (1 + np.arange(7) * 2.0**-20)
        sides = self._deviations([Line(u, points), Line(u, -points)])
        with np.errstate(all="ignore"):
            size, noise = np.fmax(sides[0][1], sides[1][1]), np.maximum(sides[0][0], sides[1][0])
        smaller = small < SMALL_SHARE * size
        return np.where(smaller, size, 0.0), np.where(smaller, noise, 0.0)

    def _deviations(self, lines: Sequence[Line]) -> list[_Pair]:
        """Along each line, the deviation of values from a smooth function, and their largest size."""
        found = []
        for values in self.evaluator.run(self.f, self.x, lines, len(self.y)):
            columns, sizes = self._weighted(values)
            with np.errstate(all="ignore"):
                found.append((np.nan_to_num(deviation(columns)), np.nan_to_num(sizes).max(axis=0)))
        return found

    def _some(self, lines: Sequence[int | Array]) -> list[Measurement]:
        scales = [self.scale(u) if isinstance(u, int) else 1.0 for u in lines]
        values = self._values(lines, scales, FIRST)
        samples = self._samples(lines, scales, FIRST, values)
        found, enough = self._measurements(samples), self._has_enough_digits(samples)
        again = [n for n, done in enumerate(enough) if not done]
        for n, longer in zip(again, self._again(lines, scales, values, again), strict=True):
            found[n] = longer
        near = [n for n, u in enumerate(lines) if isinstance(u, int) and self._is_near(u, found[n])]
        grains = [np.max([s.first_jump for s in found[n].samples], axis=0) for n in near]
        for n, closer in zip(near, self._closer([lines[n] for n in near], grains), strict=True):
            found[n] = _reconcile(closer, found[n], self.unit)
        return found

    def _again(
        self, lines: Sequence[int | Array], scales: Sequence[float], first: Sequence[_Pair], which: Sequence[int]
    ) -> list[Measurement]:
        """Measurements over the whole ladder, if the first steps did not suffice."""
        if not which:
            return []
        rest = WHOLE[~np.isin(WHOLE, FIRST)]
        scales = [scales[n] for n in which]
        lines = [lines[n] for n in which]
        more = self._values(lines, scales, rest)
        order = np.argsort(np.concatenate([FIRST, rest]))
        rungs = order[np.isin(np.concatenate([FIRST, rest])[order], WHOLE)]
        whole = [
            tuple(np.concatenate([first[n][k], values[k]])[rungs] for k in range(2))
            for n, values in zip(which, more, strict=True)
        ]
        return self._measurements(self._samples(lines, scales, WHOLE, whole))  # type: ignore[arg-type]

    def _values(self, lines: Sequence[int | Array], scales: Sequence[float], depth: Array) -> list[_Pair]:
        """Values at +h and at -h along each line; nan at depths that are not rungs."""
        if not lines:
            return []
        rungs = depth == np.floor(depth)
        steps = [scale * 2.0 ** -depth[rungs] for scale in scales]
        wanted = [Line(u, np.concatenate([h, -h])) for u, h in zip(lines, steps, strict=True)]
        found = []
        for values in self.evaluator.run(self.f, self.x, wanted, len(self.y)):
            pair = np.full((2, len(depth), len(self.y)), np.nan)
            pair[:, rungs] = values.reshape(2, -1, len(self.y))
            found.append((pair[0], pair[1]))
        return found

    def _weighted(self, values: Array) -> tuple[Array, Array]:
        """Values as columns, and for each the size of the terms of its sum."""
        if self.project is None:
            return np.atleast_1d(values), np.abs(np.atleast_1d(values))
        with np.errstate(all="ignore"):
            # In NumPy's own loops: on some processors some builds of BLAS end the process here.
            weights, product = self.project, "...j,kj->...k"
            return np.einsum(product, values, weights), np.einsum(product, np.abs(values), np.abs(weights))

    def _samples(
        self,
        lines: Sequence[int | Array],
        scales: Sequence[float],
        depth: Array,
        values: Sequence[_Pair],
        grains: Sequence[Array] = (),
    ) -> Samples:
        """The values along all lines, side by side as columns."""
        parts = [[self._weighted(side) for side in pair] for pair in values]
        plus, minus = (np.concatenate([pair[k][0] for pair in parts], axis=1) for k in range(2))
        size = np.concatenate([np.fmax(pair[0][1], pair[1][1]) for pair in parts], axis=1)
        center, size_center = (np.tile(row, len(values)) for row in self._weighted(self.y))
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
            nothing = (size <= slope.error) & (slope.error <= 64 * self.unit * samples.size_center)
            # More steps do not help if the bar is hardly more than the rounding of the values.
            rounded = slope.error <= np.fmin(1024 * self.unit * samples.size_center / samples.scale, 1e-10 * size)
            known = (slope.error <= ENOUGH_DIGITS * size) | nothing | rounded
            return np.all(known.reshape(-1, len(self.noise)), axis=1)

    def _measurements(self, samples: Samples) -> list[Measurement]:
        with np.errstate(all="ignore"):
            central = samples.central()
        width = len(self.noise)
        parts = [slice(start, start + width) for start in range(0, len(samples.center), width)]
        return [Measurement(central.part(p), (samples.part(p),)) for p in parts]

    def _is_near(self, i: int, found: Measurement) -> bool:
        """Whether to try steps of the point's own size: it is close to 0, and the slope is not known well."""
        small = 2.0**-900 < abs(self.x[i]) < 2.0**-12 or self.x[i] == 0
        known = found.central.error <= 1e-10 * np.abs(found.central.value)
        return bool(small and not np.all(known))

    def _closer(self, axes: Sequence[int], grains: Sequence[Array]) -> list[Measurement]:
        """Slopes over steps of the point's own size if it is close to 0, or over tiny steps at 0.

        grains: the least change of the function, from longer steps. If the function does not change at all over the
        short steps, they are too short to decide anything.
        """
        if not axes:
            return []
        sizes = [abs(float(self.x[i])) for i in axes]
        scales = [2.0 ** (np.floor(np.log2(size)) - 1) if size else 2.0**-44 for size in sizes]
        found = self._measurements(self._samples(axes, scales, NEAR, self._values(axes, scales, NEAR), grains))
        return [replace(m, central=m.central.without_bar(m.flat)) for m in found]


def _reconcile(closer: Measurement, wider: Measurement, unit: float) -> Measurement:
    """The better of short and long steps, column by column; the bars reach both if they disagree.

    Over short steps near 1e-14, exp(x) - 1 - x looks like -x: its cancelling terms have the same rounding errors at
    all points. Over long steps that cross 0, 1/x² looks flat. But long steps may also cross a kink, as that of |x|
    from -1e-12; it is then enough that one of their sides agrees with the short steps.
    """
    near, far = closer.central, wider.central
    with np.errstate(invalid="ignore"):
        gap = np.abs(near.value - far.value)
        odd = np.isfinite(far.error) & (gap > near.error + far.error) & ~_over_a_kink(near, wider)
        odd = np.where(odd, 2 * gap, 0.0)
    chord, (steps,) = np.max([s.chord() for s in wider.samples], axis=0), closer.samples
    hidden, quantum = 2 * unit * chord, steps.quantum()
    # sin(x) - x changes by roundings of x: steps over which it changes less than twice cannot even show slope 0.
    rounded = quantum <= ROUNDINGS * unit * steps.argument * chord
    hidden = hidden + np.where(rounded, 2 * quantum / steps.h[0], 0.0)
    near, far = Slope(near.value, near.error + hidden + odd), Slope(far.value, far.error + odd)
    return Measurement(near.better(far), wider.samples + closer.samples)


def _over_a_kink(near: Slope, wider: Measurement) -> Array:
    """Whether the long steps have different slopes on the two sides, one of which is that of the short steps."""
    sides = wider.right, wider.left
    apart = np.abs(sides[0].value - sides[1].value) > sides[0].error + sides[1].error
    one = [np.abs(near.value - side.value) <= near.error + side.error for side in sides]
    return apart & (one[0] | one[1])
