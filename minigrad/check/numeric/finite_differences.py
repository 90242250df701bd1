"""Measure slopes: choose the points at which to evaluate a function, until its derivative along a line is known.

A few long steps come first; if they do not suffice, the whole ladder; near 0, steps of the point's own size.
`ladder` turns values into a derivative.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .evaluation import Evaluator, Line, RowFunction
from .extrapolation import Array, Samples, Slope, deviation

# Steps s·2⁻ᵏ. First a dozen, and two short ones that show whether those stride over a feature; a row of nan (of any
# k) separates rungs that are not halves of each other.
FIRST = np.array([*range(-2, 11), 17.5, 18, 26.5, 27])
# Then all of them: from far beyond the point's own size down to its rounding.
WHOLE = np.arange(-7.0, 44.0)
NEAR = np.arange(24.0)
SETTLED = 1e-12  # relative to the slope: more digits are not worth eighty more evaluations
NOISE_STEPS = (2.0**-22, 2.0**-32)
# Close ratios: at the point 0 a function may have no scale of its own, as x⁹.
NOISE_POINTS = 1 + np.arange(7) / 8
QUIET = 2.0**-40  # relative to the values; larger deviations may be curvature
AWAY, HUSHED = 2.0**-7, 2.0**-8  # a short distance away; ratio of sizes that counts as much smaller
ROUNDINGS = 2.0**10  # of the argument: a least change of this size comes from rounding, not from the function
MEMORY = 2**17  # numbers per row in one batch of tables


@dataclass(frozen=True)
class Measured:
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
        """The slope: the central one, or if the function ends at the point, that of the defined side."""
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
        """The sign of the slope over the shortest step."""
        last = self.samples[-1]
        with np.errstate(invalid="ignore"):
            return np.sign(
                np.where(np.isnan(last.plus[-1]), last.center - last.minus[-1], last.plus[-1] - last.center)
            )

    @functools.cached_property
    def kinked(self) -> Array:
        """Which columns have slopes that differ between the two sides, beyond their bars."""
        if not any(s.bent().any() for s in self.samples):  # then the tables of both sides are not needed
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

    def along(self, lines: Sequence[int | Array]) -> Iterator[Measured]:
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

        Measured once, along one direction: a noisy function is as noisy in any other.
        """
        return self._share(np.zeros(len(self._weighted(self.y)[0])))

    @functools.cached_property
    def noise_of_usual(self) -> Array:
        """The same, relative to the function's usual size if that is larger: near 0 its own size means nothing.

        A sum of nearly 0 at the point, as sin(-1) + sin(1), still has the noise of its terms.
        """
        return self._share(self.usual)

    def _share(self, usual: Array) -> Array:
        """Noise relative to the values, or to the usual size of the function if that is larger.

        It is estimated on each side separately, since the point may be a kink, and at two spacings. If points are
        too far apart for the function to look smooth, the estimate is too large, and the lesser spacing counts. If
        the estimates are small anyway, the larger one counts, and the larger side: a few values may be rounded
        alike by accident. An estimate of 0 comes from a function that moves in steps, or from its end.
        """
        if not self.x.size:
            return np.zeros(len(usual))
        with np.errstate(all="ignore"):
            shares = [np.nan_to_num(noise / np.fmax(size, usual)) for noise, size in self._heard]
        spacings = np.array(shares).reshape(len(NOISE_STEPS), 2, -1).max(axis=1)
        least, most = np.where(spacings > 0, spacings, np.inf).min(axis=0), spacings.max(axis=0)
        return np.where(most < QUIET, most, np.where(np.isfinite(least), least, 0.0))

    @functools.cached_property
    def _heard(self) -> list[_Pair]:
        """Deviations of values close to the point, and their sizes, for each spacing and side."""
        rng = np.random.default_rng(len(self.x))
        size = np.where(self.x == 0, 1.0, np.abs(self.x))
        u = rng.choice([-1.0, 1.0], self.x.size) * rng.uniform(0.5, 1.5, self.x.size) * size
        lines = [Line(u, step * NOISE_POINTS) for size in NOISE_STEPS for step in (size, -size)]
        return self._deviations(lines)

    @property
    def usual(self) -> Array:
        """The size of the function a short distance away, per column, if it is much smaller at the point; or 0."""
        return self._away[0]

    @property
    def murmur(self) -> Array:
        """The deviation of values a short distance away, per column, if the function is much smaller at the point.

        Terms that cancel, as in sin(x) - x, may be rounded alike all around the point, and look exact. If the
        function has its usual size at the point, its noise there suffices: 0.
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
        hushed = small < HUSHED * size
        return np.where(hushed, size, 0.0), np.where(hushed, noise, 0.0)

    def _deviations(self, lines: Sequence[Line]) -> list[_Pair]:
        """Along each line, the deviation of values from a smooth function, and their largest size."""
        found = []
        for values in self.evaluator.run(self.f, self.x, lines, len(self.y)):
            columns, sizes = self._weighted(values)
            with np.errstate(all="ignore"):
                found.append((np.nan_to_num(deviation(columns)), np.nan_to_num(sizes).max(axis=0)))
        return found

    def _some(self, lines: Sequence[int | Array]) -> list[Measured]:
        scales = [self.scale(u) if isinstance(u, int) else 1.0 for u in lines]
        values = self._values(lines, scales, FIRST)
        samples = self._samples(lines, scales, FIRST, values)
        found, settled = self._measured(samples), self._settled(samples)
        again = [n for n, done in enumerate(settled) if not done]
        for n, longer in zip(again, self._again(lines, scales, values, again), strict=True):
            found[n] = longer
        near = [n for n, u in enumerate(lines) if isinstance(u, int) and self._is_near(u, found[n])]
        grains = [np.max([s.first_jump for s in found[n].samples], axis=0) for n in near]
        for n, closer in zip(near, self._closer([lines[n] for n in near], grains), strict=True):
            found[n] = _reconciled(closer, found[n], self.unit)
        return found

    def _again(
        self, lines: Sequence[Any], scales: Sequence[float], first: Sequence[_Pair], which: Sequence[int]
    ) -> list[Measured]:
        """The whole ladder, if the first steps did not suffice."""
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
        return self._measured(self._samples(lines, scales, WHOLE, whole))  # type: ignore[arg-type]

    def _values(self, lines: Sequence[Any], scales: Sequence[float], depth: Array) -> list[_Pair]:
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
        """Values as columns, and the size of the terms that sum to them."""
        if self.project is None:
            return np.atleast_1d(values), np.abs(np.atleast_1d(values))
        with np.errstate(all="ignore"):
            # In NumPy's own loops: on some processors some builds of BLAS end the process here.
            weights, product = self.project, "...j,kj->...k"
            return np.einsum(product, values, weights), np.einsum(product, np.abs(values), np.abs(weights))

    def _samples(
        self,
        lines: Sequence[Any],
        scales: Sequence[float],
        depth: Array,
        values: Sequence[_Pair],
        grains: Sequence[Array] = (),
    ) -> Samples:
        """The values along all lines, beside each other as columns."""
        parts = [[self._weighted(side) for side in pair] for pair in values]
        plus, minus = (np.concatenate([pair[k][0] for pair in parts], axis=1) for k in range(2))
        size = np.concatenate([np.fmax(pair[0][1], pair[1][1]) for pair in parts], axis=1)
        center, size_center = (np.tile(row, len(values)) for row in self._weighted(self.y))
        scale = np.repeat(scales, len(center) // len(values))
        # Steps of the size of a point close to 0 stay where the function is small: they have its noise there.
        close = bool(grains)
        noise = np.tile(self.noise if close else self.noise_of_usual, len(values))
        usual = np.zeros(len(noise)) if close else np.tile(self.usual, len(values))
        # Points along a direction are rounded individually, and that shows in the values.
        sizes = [abs(self.x[u]) if isinstance(u, int) else 0.0 for u in lines]
        argument = np.repeat(sizes, len(center) // len(values))
        grain = np.concatenate(grains) if grains else np.tile(self.murmur, len(values))
        misplaced = np.stack([self._shift(u, s * 2.0**-depth) for u, s in zip(lines, scales, strict=True)], axis=1)
        shift = np.repeat(misplaced, len(center) // len(values), axis=1)
        sizes_of = (size, size_center, usual, noise, argument, grain, shift)
        known = (side[np.isfinite(side)] for pair in values for side in pair)
        whole = all(np.array_equal(side, np.round(side)) for side in known)
        return Samples(scale, depth, plus, minus, center, *sizes_of, self.unit, whole)

    def _shift(self, line: Any, h: Array) -> Array:
        """How far the evaluated points are from x ± h."""
        if not isinstance(line, int):
            return np.zeros(len(h))
        x = self.x[line]
        with np.errstate(invalid="ignore"):  # x may be nan, or inf
            return np.nan_to_num(np.maximum(np.abs(((x + h) - x) - h), np.abs((x - (x - h)) - h)))

    def _settled(self, samples: Samples) -> Array:
        """For which lines the first few steps give the slope to all worthwhile digits."""
        with np.errstate(all="ignore"):
            slope = samples.central()
            size = np.abs(slope.value)
            # A slope of 0 has no digits: then the rounding of the values is the limit.
            nothing = (size <= slope.error) & (slope.error <= 64 * self.unit * samples.size_center)
            # More steps do not help if the bar is little more than the rounding of the values.
            rounded = slope.error <= np.fmin(1024 * self.unit * samples.size_center / samples.scale, 1e-10 * size)
            known = (slope.error <= SETTLED * size) | nothing | rounded
            return np.all(known.reshape(-1, len(self.noise)), axis=1)

    def _measured(self, samples: Samples) -> list[Measured]:
        with np.errstate(all="ignore"):
            central = samples.central()
        width = len(self.noise)
        parts = [slice(start, start + width) for start in range(0, len(samples.center), width)]
        return [Measured(central.part(p), (samples.part(p),)) for p in parts]

    def _is_near(self, i: int, found: Measured) -> bool:
        """Whether steps of the point's own size are needed: it is close to 0, and the slope is not known well."""
        small = 2.0**-900 < abs(self.x[i]) < 2.0**-12 or self.x[i] == 0
        known = found.central.error <= 1e-10 * np.abs(found.central.value)
        return bool(small and not np.all(known))

    def _closer(self, axes: Sequence[Any], grains: Sequence[Array]) -> list[Measured]:
        """Slopes over steps of the size of a point that is close to 0, or over tiny steps at 0.

        grains: the least change of the function, from longer steps. If the function does not change at all, these
        steps are too short to decide anything.
        """
        if not axes:
            return []
        sizes = [abs(float(self.x[i])) for i in axes]
        scales = [2.0 ** (np.floor(np.log2(size)) - 1) if size else 2.0**-44 for size in sizes]
        found = self._measured(self._samples(axes, scales, NEAR, self._values(axes, scales, NEAR), grains))
        return [replace(m, central=m.central.unless(m.flat)) for m in found]


def _reconciled(closer: Measured, wider: Measured, unit: float) -> Measured:
    """The better of short and long steps, column by column; the bars reach both if they disagree.

    To short steps near 1e-14, exp(x) - 1 - x looks like -x: its cancelling terms are rounded alike in all of them.
    To steps that stride over 0, 1/x² looks flat. But long steps may stride over a kink, as of |x| beside -1e-12;
    then they agree with short ones if one of their sides does.
    """
    near, far = closer.central, wider.central
    with np.errstate(invalid="ignore"):
        gap = np.abs(near.value - far.value)
        odd = np.isfinite(far.error) & (gap > near.error + far.error) & ~_over_a_kink(near, wider)
        odd = np.where(odd, 2 * gap, 0.0)
    chord, (steps,) = np.max([s.chord() for s in wider.samples], axis=0), closer.samples
    hidden, quantum = 2 * unit * chord, steps.quantum()
    # sin(x) - x changes by roundings of x: steps over which it changes less than twice do not even show slope 0.
    rounded = quantum <= ROUNDINGS * unit * steps.argument * chord
    hidden = hidden + np.where(rounded, 2 * quantum / steps.h[0], 0.0)
    near, far = Slope(near.value, near.error + hidden + odd), Slope(far.value, far.error + odd)
    return Measured(near.better(far), wider.samples + closer.samples)


def _over_a_kink(near: Slope, wider: Measured) -> Array:
    """Whether long steps show two one-sided slopes, one of which is the slope of the short steps."""
    sides = wider.right, wider.left
    apart = np.abs(sides[0].value - sides[1].value) > sides[0].error + sides[1].error
    one = [np.abs(near.value - side.value) <= near.error + side.error for side in sides]
    return apart & (one[0] | one[1])
