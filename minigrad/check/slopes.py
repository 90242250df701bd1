"""Measuring slopes: which points a function is evaluated at, until its derivative along a line is known.

A few long steps first; where they do not settle it, the whole ladder; where the point is close to 0, steps of its
own size. How values become a derivative stands in `ladder`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .evaluation import Evaluator, Line, RowFunction
from .ladder import Array, Samples, Slope, deviation

# Steps s·2⁻ᵏ. First a dozen, and two short ones, which witness whether those stride over something; a row of nan
# (its k does not matter) stands between rungs that are no halves of each other.
FIRST = np.array([*range(-2, 11), 17.5, 18, 26.5, 27])
# Then all of them: from far beyond the point's own size to what rounding leaves of it.
WHOLE = np.arange(-7.0, 44.0)
NEAR = np.arange(24.0)
SETTLED = 1e-12  # of the slope: more digits are not worth eighty evaluations more
NOISE_STEPS = (2.0**-22, 2.0**-32)
# In proportion, close together: at a point that is 0 a function may have no scale of its own, as x⁹.
NOISE_POINTS = 1 + np.arange(7) / 8
QUIET = 2.0**-40  # a share of the values; above, it may be their curvature that is seen
AWAY, HUSHED = 2.0**-7, 2.0**-8  # how far off it is looked whether the function is so much larger there
ROUNDINGS = 2.0**10  # of the argument: a least change of such a size is one, and no feature of the function
MEMORY = 2**17  # numbers in a row of a table that is made at once


@dataclass(frozen=True)
class Measured:
    """What was measured along one line, a column per output (or projection of the outputs).

    central: the slope by values on both sides of the point. samples: the values it was made of.
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
        """The slope: the central one, or where the function ends at the point, that of the side where it is."""
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
        """The steepest chord thereabouts."""
        return np.max([s.swing() for s in self.samples], axis=0)

    @functools.cached_property
    def growth(self) -> Array:
        """By which factor chords to the right and to the left grow when a step is halved (see `Samples.growth`)."""
        return np.array([s.growth(side) for s in self.samples[-1:] for side in (s.plus, s.minus)])

    @functools.cached_property
    def nowhere(self) -> Array:
        """In which columns no value beside the point is finite."""
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
        """In which columns the slopes of the two sides differ, beyond their bars."""
        if not any(s.bent().any() for s in self.samples):  # no need for tables of both sides
            return np.zeros(len(self.central.value), dtype=bool)
        with np.errstate(invalid="ignore"):
            return np.abs(self.right.value - self.left.value) > 10 * (self.right.error + self.left.error)


_Pair = tuple[Array, Array]


class Slopes:
    """The slopes of one function at one point.

    project: rows of weights; a column of what is measured is then a weighted sum of the outputs.
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
        """The unit of the steps along an axis: the size of the point there, 1 at least; a power of 2."""
        return float(2.0 ** np.ceil(np.log2(max(1.0, abs(self.x[i])))))

    @functools.cached_property
    def noise(self) -> Array:
        """The deviation of a value from a smooth function, as a share of its size at the point, per column.

        Measured once, along one direction: a noisy function is as noisy in any other.
        """
        return self._share(np.zeros(len(self._weighted(self.y)[0])))

    @functools.cached_property
    def noise_of_usual(self) -> Array:
        """The same, as a share of the function's usual size where that is larger: near 0 no share of it tells.

        What sums to nearly 0 at the point, as sin(-1) + sin(1), still has the noise of what was summed.
        """
        return self._share(self.usual)

    def _share(self, usual: Array) -> Array:
        """Noise as a share of the values, or of the usual size of the function, if that is larger.

        Each time on one side of the point alone, which may be a kink, and at two spacings: where points are too
        far apart for the function to look smooth, the estimate is too large, and the lesser spacing counts; but
        where it is small anyway the larger does, and the larger side, since a few values may by accident be rounded
        alike. An estimate of 0 saw a function that moves in steps, or its end, and nothing else.
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
        """The size of the function a short way off, per column, where it is much smaller at the point; else 0."""
        return self._away[0]

    @property
    def murmur(self) -> Array:
        """The deviation of values a short way off, per column, where the function is much smaller at the point.

        What cancels inside it, as in sin(x) - x, may be rounded alike all about the point, and look exact. Where
        the function is of its usual size, its noise at the point says it all: 0.
        """
        return self._away[1]

    @functools.cached_property
    def _away(self) -> _Pair:
        """Sizes and deviations a short way off, where the function is much smaller at the point."""
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
        """Along each line, how far values are from a smooth function, and the largest of their sizes."""
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
        """The whole ladder, where the first steps did not settle it."""
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
        """Values at +h and at -h, along each line; nan at the depths that are no rungs."""
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
        """Values as columns, and the size of what was summed up to give them."""
        if self.project is None:
            return np.atleast_1d(values), np.abs(np.atleast_1d(values))
        with np.errstate(all="ignore"):
            return values @ self.project.T, np.abs(values) @ np.abs(self.project.T)

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
        # Steps of the size of a point close to 0 stay where the function is small: its noise there is theirs.
        close = bool(grains)
        noise = np.tile(self.noise if close else self.noise_of_usual, len(values))
        usual = np.zeros(len(noise)) if close else np.tile(self.usual, len(values))
        # Points along a direction are rounded each in its own way, and that shows in the values.
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
        """How far from x ± h the points beside x are."""
        if not isinstance(line, int):
            return np.zeros(len(h))
        x = self.x[line]
        with np.errstate(invalid="ignore"):  # x may be nan, or inf
            return np.nan_to_num(np.maximum(np.abs(((x + h) - x) - h), np.abs((x - (x - h)) - h)))

    def _settled(self, samples: Samples) -> Array:
        """Of which lines the first few steps tell the slope to all the digits that are worth having."""
        with np.errstate(all="ignore"):
            slope = samples.central()
            size = np.abs(slope.value)
            # A slope of 0 has no digits: then what the values' own rounding leaves is all there is to know.
            nothing = (size <= slope.error) & (slope.error <= 64 * self.unit * samples.size_center)
            # Nor is more to be had where the bar is the values' rounding and little else.
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
        """Whether steps of the point's own size are called for: it is close to 0, and the slope not known well."""
        small = 2.0**-900 < abs(self.x[i]) < 2.0**-12 or self.x[i] == 0
        known = found.central.error <= 1e-10 * np.abs(found.central.value)
        return bool(small and not np.all(known))

    def _closer(self, axes: Sequence[Any], grains: Sequence[Array]) -> list[Measured]:
        """Slopes by steps of the size of a point that is close to 0, or close to nothing where it is 0.

        grains: what longer steps have shown to be the least change of the function. Where it does not change at
        all, these steps are too short to tell anything.
        """
        if not axes:
            return []
        sizes = [abs(float(self.x[i])) for i in axes]
        scales = [2.0 ** (np.floor(np.log2(size)) - 1) if size else 2.0**-44 for size in sizes]
        found = self._measured(self._samples(axes, scales, NEAR, self._values(axes, scales, NEAR), grains))
        return [replace(m, central=m.central.unless(m.flat)) for m in found]


def _reconciled(closer: Measured, wider: Measured, unit: float) -> Measured:
    """What short steps and long ones show, column by column the better; bars that reach both where they disagree.

    exp(x) - 1 - x is -x, as far as steps beside 1e-14 can see: what cancels has been rounded alike in all of them.
    And 1/x² is flat, as far as steps that stride over 0 can. But where long steps stride over a kink, as |x| has
    one beside -1e-12, they agree with short ones if one of their sides does.
    """
    near, far = closer.central, wider.central
    with np.errstate(invalid="ignore"):
        gap = np.abs(near.value - far.value)
        odd = np.isfinite(far.error) & (gap > near.error + far.error) & ~_over_a_kink(near, wider)
        odd = np.where(odd, 2 * gap, 0.0)
    chord, (steps,) = np.max([s.chord() for s in wider.samples], axis=0), closer.samples
    hidden, quantum = 2 * unit * chord, steps.quantum()
    # sin(x) - x moves by roundings of x: over steps that do not move it twice, its slope is not even known to be 0.
    rounded = quantum <= ROUNDINGS * unit * steps.argument * chord
    hidden = hidden + np.where(rounded, 2 * quantum / steps.h[0], 0.0)
    near, far = Slope(near.value, near.error + hidden + odd), Slope(far.value, far.error + odd)
    return Measured(near.better(far), wider.samples + closer.samples)


def _over_a_kink(near: Slope, wider: Measured) -> Array:
    """Whether long steps to the two sides show two slopes, of which one is that of the short steps."""
    sides = wider.right, wider.left
    apart = np.abs(sides[0].value - sides[1].value) > sides[0].error + sides[1].error
    one = [np.abs(near.value - side.value) <= near.error + side.error for side in sides]
    return apart & (one[0] | one[1])
