"""Slopes of a function at a kink, and a short way beside it: what they say against a gradient."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ..numeric.derivative import Point
from ..numeric.evaluation import Line, flatten_result
from ..numeric.extrapolation import Array
from ..numeric.finite_differences import Slopes
from ..numeric.measurement import Measurement
from ..numeric.short_ladder import ShortLadder
from ..numeric.short_slope import ShortSlope
from .hull import Membership, towards
from .nearby import ROUNDINGS, ClaimedGradients, point_beside, sizes
from .verdict import BARS, RESOLVED

BESIDE = 2.0**-12  # distance of the points beside: equal entries must get farther apart than the steps of a slope
WITNESSES, CANDIDATES = 2, 16  # gradients nearby that slopes shall confirm; how many are looked at for that
TRIED = 6  # random points beside the kink, if no gradients nearby are known
CLOSE = 1e-2  # a share of what is contradicted that counts as nothing, or as all
STEEP = 1.03  # chords that grow by more per halving of the step: an infinite slope, or a jump


@dataclass(frozen=True)
class Compared:
    """A claimed slope along a direction, and those of the two sides, equal if the point is no kink along it.

    name: of the direction. tolerance: the difference that is no mistake. total: of the terms of the claimed slope.
    """

    name: str
    u: Array
    claimed: float
    sides: tuple[float, float]
    tolerance: float
    total: float

    @property
    def bound(self) -> float:
        """The slope of f nearest to the claimed one."""
        return min(self.sides, key=lambda side: abs(side - self.claimed))

    @property
    def gap(self) -> float:
        """How far beyond it the claimed slope lies, if it contradicts both sides; negative if below."""
        return self.claimed - self.bound

    @property
    def wrong(self) -> bool:
        """Whether the claimed slope lies outside of those of the two sides."""
        return not min(self.sides) - self.tolerance <= self.claimed <= max(self.sides) + self.tolerance

    @property
    def power(self) -> float:
        """The smallest relative error of the claimed slope that would show."""
        hidden = max(self.claimed - min(self.sides), max(self.sides) - self.claimed) + self.tolerance
        size = max(self.total, *map(abs, self.sides))
        return hidden / size if size else 0.0

    def share(self, slope: float) -> float:
        """How far another slope lies beyond those of the two sides: 1 if it is the claimed one.

        At most 1/2 if it lies on the other side: then slopes at the kink are no bounds, but it has not the claim.
        """
        other = sum(self.sides) - self.bound
        return max((slope - self.bound) / self.gap, min((other - slope) / self.gap, 0.5))


@dataclass(frozen=True)
class KinkSlopes:
    """Slopes of <v, f> at a point and beside it."""

    point: Point
    v: Array
    slopes: Slopes

    @functools.cached_property
    def _ladder(self) -> ShortLadder:
        return ShortLadder(self.slopes, {})

    def compare(self, name: str, u: Array, g: Array) -> Compared | None:
        """Compare a gradient along a direction; None if its slopes are not known well enough."""
        (brief,) = self._ladder.along([u], [1.0])
        found = self._compared(brief, name, u, g)
        return self._compare(self.slopes, name, u, g) if found is None or found.wrong else found

    def _compare(self, slopes: Slopes, name: str, u: Array, g: Array) -> Compared | None:
        (measured,) = slopes.along([u])
        return self._compared(measured, name, u, g)

    def _compared(self, measured: Measurement | ShortSlope, name: str, u: Array, g: Array) -> Compared | None:
        left, right, slope = measured.left, measured.right, float(measured.value[0])
        total = float(np.sum(np.abs(g * u)))
        # Rounding errors of equal entries are equal, and add up.
        rounding = ROUNDINGS * self.point.unit * total
        ends, bars = (float(left.value[0]), float(right.value[0])), (float(left.error[0]), float(right.error[0]))
        bar = float(measured.error[0])
        if abs(ends[0] - ends[1]) > 10 * sum(bars):
            bar = max(bars)
        else:
            ends = slope, slope
        tolerance = BARS * bar + rounding
        steep = measured.growth.max(initial=0.0) > STEEP
        if steep or not tolerance <= RESOLVED * max(total, *map(abs, ends)):
            return None
        return Compared(name, u, float(np.sum(g * u)), ends, tolerance, total)

    # A gradient that is contradicted along u may be a subgradient all the same, if f has kinks of both signs. Then
    # gradients nearby reach as far along u. At a kink of one sign they do not reach beyond the slopes of f.

    def reach(
        self, one: Compared, ask: Callable[[Array], Array], g: Array, near: ClaimedGradients, found: Membership
    ) -> float:
        """How far the claim's gradients nearby reach along a direction, where slopes of f confirm them.

        0: to the slopes of f at the point. 1: to the claimed slope. If noise hides the slopes, gradients count.
        ask: the claimed gradient at a point. g: that at the kink.
        """
        which, u, size = near.which, one.u, sizes(self.point.x)
        along = (u / size)[which]
        moves = [*found.moves, *towards(along, found.points, found.moves)]
        points = [*found.points, *map(near, moves[len(found.points) :])]
        rest = float(g @ u) - float((size * g)[which] @ along)
        slopes = {k: float(point @ along) + rest for k, point in enumerate(points) if point is not None}
        shares = {k: one.share(slope) for k, slope in slopes.items()}
        best, witnesses = 0.0, 0
        for k in sorted(shares, key=lambda k: -shares[k])[:CANDIDATES]:
            if shares[k] <= max(CLOSE, best) or witnesses == WITNESSES:
                break
            row = point_beside(self.point, which, moves[k], BESIDE)
            there = ask(row)
            bend = 64 * BESIDE * float(np.abs(there) @ np.abs(u))
            if abs(float(there @ u) - slopes[k]) > CLOSE * abs(one.gap) + bend:
                continue  # another piece of the function
            witnesses += 1
            if self.confirms(row, there, u, abs(one.gap)):
                best = shares[k]
        return best

    def measured_reach(self, one: Compared, which: Array, moves: Iterable[Array]) -> float:
        """The same by slopes of f at points beside the kink, in some directions."""
        best = 0.0
        for move in moves:
            slope, error = self._slope_beside(point_beside(self.point, which, move, BESIDE), one.u)
            best = max(best, one.share(slope) if error <= CLOSE * abs(one.gap) else 1.0)
        return best

    def bends(self, which: Array) -> Array:
        """The sign of the kink in each of some entries: 1 where the slope grows, -1 where it falls."""
        point, h = self.point, np.sqrt(self.point.unit)
        steps = h * sizes(point.x)
        lines = [Line(int(i), steps[i] * np.array([1.0, -1.0])) for i in which]
        values = point.evaluator.run(point.f, point.x, lines, point.y.size)
        with np.errstate(all="ignore"):
            bend = np.array([float(self.v @ (up + down - 2 * point.y)) for up, down in values])
        return np.where(bend < 0, -1.0, 1.0)

    def confirms(self, row: Array, g: Array, u: Array, gap: float) -> bool:
        """Whether f has the slope of a gradient along a direction, at a point beside the kink.

        Noise that hides it counts as yes.
        ."""
        slope, error = self._slope_beside(row, u)
        if error <= CLOSE * gap:
            return abs(float(g @ u) - slope) <= 3 * error
        f, evaluator = self.point.f, self.point.evaluator
        there = Slopes(f, row, flatten_result(evaluator.call(f, row)), evaluator, self.point.unit, self.v[None])
        compared = self._compare(there, "", u, g)
        return compared is None or not compared.wrong

    def _slope_beside(self, row: Array, u: Array) -> tuple[float, float]:
        """The slope of f along a direction at a point beside the kink, over steps too short to reach it; its error.

        The ladder of steps of `finite_differences` would take the nearby kinks for steps of a staircase.
        """
        point = self.point
        h = np.sqrt(point.unit) / np.max(np.abs(u) / sizes(point.x))
        (values,) = point.evaluator.run(point.f, row, [Line(u, np.array([h, -h, 2 * h, -2 * h]))], point.y.size)
        with np.errstate(all="ignore"):
            short, long = (float(self.v @ (values[k] - values[k + 1])) / (2 * h * (1 + k // 2)) for k in (0, 2))
            rounding = 8 * point.unit + 6 * float(self.slopes.noise_of_usual[0])
            error = abs(short - long) + rounding * float(np.abs(self.v) @ np.abs(point.y)) / h
            error += ROUNDINGS * point.unit * abs(short)
        return short, error if np.isfinite(error) else np.inf
