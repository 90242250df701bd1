"""A function around one point: its values as columns, the noise of these values, and the room for steps."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from .bounds import Bounds
from .evaluation import Evaluator, Line, RowFunction
from .extrapolation import Array
from .noise import deviation

NOISE_STEPS = (2.0**-22, 2.0**-32)
# Points close to each other: at 0 a function such as x⁹ has no scale, and is not smooth over larger ratios.
NOISE_POINTS = 1 + np.arange(7) / 8
QUIET = 2.0**-40  # larger deviations, relative to the values, may be curvature
AWAY, SMALL_SHARE = 2.0**-7, 2.0**-8  # a short distance away; a smaller ratio of sizes counts as "much smaller"

_Pair = tuple[Array, Array]


class Surroundings:
    """A function at one point x, with the value y, and what is known of it nearby.

    project: rows of weights; each column is then a weighted sum of the outputs. unit: the unit roundoff of the
    values. bounds: outside of them f is never called.
    """

    def __init__(
        self,
        f: RowFunction,
        x: Array,
        y: Array,
        evaluator: Evaluator,
        unit: float,
        project: Array | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self.f, self.x, self.y, self.unit = f, x, y, unit
        self.evaluator, self.project, self.bounds = evaluator, project, bounds

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.y if self.project is None else self.project)

    def room(self, line: int | Array) -> tuple[float, float]:
        """How far steps may go: the largest t for which x - t·u, and x + t·u, stay in the bounds; else inf.

        line: an axis by its number, or a direction u.
        """
        return (np.inf, np.inf) if self.bounds is None else self.bounds.room(self.x, line)

    def reach(self, line: int | Array) -> float:
        """The largest t for which no number of x ± t·u is larger than 1, and 4 times that of x."""
        size = np.abs(self.x)
        if isinstance(line, int):
            return float(max(3 * size[line], 1 - size[line]))
        with np.errstate(all="ignore"):
            most = np.maximum(3 * size, 1 - size) / np.abs(line)
        return float(np.min(most, where=line != 0, initial=np.inf))

    def inward(self, u: Array, t: float) -> Array:
        """A direction like u, and x + t·u is inside: entries that would lead outside turn, or get smaller."""
        return u if self.bounds is None else self.bounds.inward(self.x, u, t)

    def run(self, lines: Sequence[Line]) -> list[Array]:
        """Values along lines, (points, outputs); nan, without a call, where a point lies outside of the bounds."""
        rooms = [self.room(line.u) for line in lines]
        inside = [(-left <= line.ts) & (line.ts <= right) for line, (left, right) in zip(lines, rooms, strict=True)]
        asked = [Line(line.u, line.ts[known]) for line, known in zip(lines, inside, strict=True)]
        found = []
        for known, values in zip(inside, self.evaluator.run(self.f, self.x, asked, len(self.y)), strict=True):
            found.append(np.full((len(known), len(self.y)), np.nan))
            found[-1][known] = values
        return found

    def weighted(self, values: Array) -> tuple[Array, Array]:
        """Values as columns, and for each the size of the terms of its sum."""
        if self.project is None:
            return np.atleast_1d(values), np.abs(np.atleast_1d(values))
        with np.errstate(all="ignore"):
            # In NumPy's own loops: on some processors some builds of BLAS end the process here.
            weights, product = self.project, "...j,kj->...k"
            return np.einsum(product, values, weights), np.einsum(product, np.abs(values), np.abs(weights))

    @functools.cached_property
    def noise(self) -> Array:
        """The deviation of a value from a smooth function, relative to its size at the point, per column.

        Measured once, along one direction: a noisy function is as noisy along any other.
        """
        return self._share(np.zeros(len(self.weighted(self.y)[0])))

    @functools.cached_property
    def noise_of_usual(self) -> Array:
        """The same, relative to the usual size of the function if that is larger.

        A sum that is nearly 0 at the point, as sin(-1) + sin(1), still has the noise of its terms.
        """
        return self._share(self.usual)

    def _share(self, usual: Array) -> Array:
        """Noise relative to the values, or to the usual size of the function if that is larger.

        Each side has its own estimates, since the point may be a kink, at two spacings; the larger side counts. If
        points are too far apart for the function to look smooth, an estimate is too large; so that of closer points
        counts. But if the other is small the larger one counts, because a few values may have equal rounding errors
        by accident. An estimate of 0 does not count: the function moves in steps, or ends.
        """
        if not self.x.size:
            return np.zeros(len(usual))
        with np.errstate(all="ignore"):
            shares = [np.nan_to_num(noise / np.fmax(size, usual)) for noise, size in self._noise_samples]
        wide, close = np.array(shares).reshape(len(NOISE_STEPS), 2, -1).max(axis=1)
        return np.where((wide < QUIET) | (close == 0), np.fmax(wide, close), close)

    @functools.cached_property
    def _noise_samples(self) -> list[_Pair]:
        """Deviations of values close to the point, and the sizes of these values, for each spacing and side."""
        rng = np.random.default_rng(len(self.x))
        size = np.where(self.x == 0, 1.0, np.abs(self.x))
        u = rng.choice([-1.0, 1.0], self.x.size) * rng.uniform(0.5, 1.5, self.x.size) * size
        u = self.inward(u, 2 * NOISE_STEPS[0])
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
        small = self.weighted(self.y)[1]
        if not self.x.size:
            return np.zeros(len(small)), np.zeros(len(small))
        rng = np.random.default_rng(len(self.x))
        u = (
            rng.choice([-1.0, 1.0], self.x.size)
            * rng.uniform(0.5, 1.5, self.x.size)
            * np.maximum(1.0, np.abs(self.x))
        )
        points = AWAY * (1 + np.arange(7) * 2.0**-20)
        u = self.inward(u, 2 * AWAY)
        sides = self._deviations([Line(u, points), Line(u, -points)])
        with np.errstate(all="ignore"):
            size, noise = np.fmax(sides[0][1], sides[1][1]), np.maximum(sides[0][0], sides[1][0])
        smaller = small < SMALL_SHARE * size
        return np.where(smaller, size, 0.0), np.where(smaller, noise, 0.0)

    def _deviations(self, lines: Sequence[Line]) -> list[_Pair]:
        """Along each line, the deviation of values from a smooth function, and their largest size."""
        found = []
        for values in self.run(lines):
            columns, sizes = self.weighted(values)
            with np.errstate(all="ignore"):
                found.append((np.nan_to_num(deviation(columns)), np.nan_to_num(sizes).max(axis=0)))
        return found
