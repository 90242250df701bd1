"""The slope along one line from a few values: a polynomial through them at 0, with an error bar."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from .extrapolation import Array, Slope

# Steps 2⁻ᵏ of the length of a line. The last one only shows whether the others miss a feature.
FIRST = (3, 5, 7, 9, 18)
ENOUGH = 1e-10  # an error bar this small, relative to the slope, needs no more calls
GROWS = 1.03  # the factor by which chords grow per halving of the step where there is no finite slope
SEEN = 16.0  # times the noise: a change that is none
CLOSE = 7  # shorter steps show how the function changes close to the point


@dataclass(frozen=True)
class ShortSlope:
    """The slopes along one line, a column each: what a `Measurement` knows, from a few steps.

    h: the steps, from the longest. plus, minus: values of shape (steps, columns). depth: of each step. floor: the
    error of each value that is assumed, per column.
    """

    h: Array
    depth: Array
    plus: Array
    minus: Array
    center: Array
    floor: Array
    moved: float = 0.0

    @property
    def growth(self) -> Array:
        """The factors by which chords grow per halving: not known."""
        return np.zeros((2, len(self.center)))

    @functools.cached_property
    def _raw(self) -> Array:
        return (self.plus - self.minus) / (2 * self.h[:, None])

    @functools.cached_property
    def _count(self) -> int:
        """The number of steps to extrapolate from: all but one that is much shorter than the others."""
        return len(self.depth) - bool(len(self.depth) > 2 and self.depth[-1] == FIRST[-1])

    @functools.cached_property
    def _rough(self) -> Slope:
        """The slope, and its bar if rounding is all the noise there is."""
        return _extrapolate(self.h**2, self._raw, self._rounding(self.floor), self._count, trusting=True)

    def _rounding(self, floor: Array) -> Array:
        """The errors of the raw slopes by errors of the values, and of the points themselves."""
        return floor / self.h[:, None] + self.moved / self.h[:, None] * np.fmax.reduce(np.abs(self._raw), axis=0)

    @functools.cached_property
    def noise(self) -> Array:
        """The error of a value: the assumed one, or more if the shortest steps contradict the longer ones."""
        with np.errstate(all="ignore"):
            value, error = self._rough
            *_, before, last = np.abs(self._raw - value)
            ratio = (self.h[:-1] / self.h[1:])[:, None] ** 2
            # The steps themselves bend the last slope less than the one before.
            odd = (last * self.h[-1] > 4 * self.floor) & (last > 3 * error) & (last > 4 * before / ratio[-1])
            if odd.any():  # not by a kink, which bends the slopes from both sides together
                odd &= ~_differ(*(self._side(rise, self.floor) for rise in self._rises))
            if not odd.any():
                return self.floor
            bent = self._raw[1:] + (self._raw[1:] - self._raw[:-1]) / (ratio - 1)
            errors = [last * self.h[-1]]
            errors += [np.abs(bent[k - 1] - value) * self.h[k] for k in self._close_steps()]
            spread = np.sqrt(2 * np.mean(np.square(errors), axis=0))
            return np.where(odd, np.fmax(self.floor, 6 * spread), self.floor)

    def _close_steps(self) -> list[int]:
        return [k for k in range(1, len(self.h) - 1) if self.depth[k] >= FIRST[-2]]

    @property
    def noisy(self) -> Array:
        """Which columns have more noise than rounding."""
        return self.noise > self.floor

    @functools.cached_property
    def central(self) -> Slope:
        """The slope from values on both sides."""
        with np.errstate(all="ignore"):
            value, error = _extrapolate(self.h**2, self._raw, self._rounding(self.noise), self._count)
            return Slope(value, np.where(self._cusp, np.inf, error))

    @property
    def _cusp(self) -> Array:
        """Which columns rise, or fall, to both sides, the steeper the shorter the step: their sides cancel."""
        before, last = (np.stack(self._rises)[:, k] / self.h[k] for k in (-2, -1))
        seen = np.abs(last) * self.h[-1] > SEEN * self.noise
        grows = np.abs(last) > np.abs(before) * GROWS ** (self.depth[-1] - self.depth[-2])
        return np.all(seen & grows, axis=0) & (last[0] * last[1] < 0)

    @functools.cached_property
    def right(self) -> Slope:
        """The slope to the right of the point."""
        return self._side(self._rises[0], self.noise)

    @functools.cached_property
    def left(self) -> Slope:
        """The slope to the left of the point."""
        return self._side(self._rises[1], self.noise)

    @property
    def _rises(self) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            return self.plus - self.center, self.center - self.minus

    def _side(self, rise: Array, noise: Array) -> Slope:
        with np.errstate(all="ignore"):
            return _extrapolate(self.h, rise / self.h[:, None], 2 * self._rounding(noise), self._count)

    @property
    def value(self) -> Array:
        """The slope."""
        return self.central.value

    @property
    def error(self) -> Array:
        """Its error bar."""
        return self.central.error

    @functools.cached_property
    def kinked(self) -> Array:
        """Which columns have slopes that differ between the two sides, beyond their bars."""
        return _differ(self.right, self.left)

    @functools.cached_property
    def flat(self) -> Array:
        """Which columns do not change in a single bit."""
        return self._within(0.0)

    @functools.cached_property
    def still(self) -> Array:
        """Which columns do not change beyond rounding."""
        return self._within(4 * self.floor)

    def _within(self, bound: Array | float) -> Array:
        return np.all([np.abs(side - self.center) <= bound for side in (self.plus, self.minus)], axis=(0, 1))

    @property
    def stairs(self) -> Array:
        """The height of steps that are no rounding: not known."""
        return np.zeros(len(self.center))

    @functools.cached_property
    def swing(self) -> Array:
        """The steepest chord over short steps that shows."""
        with np.errstate(all="ignore"):
            moved = np.fmax(np.abs(self.plus - self.center), np.abs(self.minus - self.center))
            seen = (moved > 4 * self.noise) & (self.depth >= CLOSE)[:, None]
            return np.where(seen, moved / self.h[:, None], 0.0).max(axis=0)

    @property
    def nowhere(self) -> Array:
        """Which columns have no finite value beside the point."""
        return np.isnan(self.plus).all(axis=0) & np.isnan(self.minus).all(axis=0)

    @property
    def tendency(self) -> Array:
        """The signs of the shortest chords to the right and to the left."""
        return np.sign([rise[-1] for rise in self._rises])

    @property
    def enough(self) -> Array:
        """Which columns are known as well as shorter steps would show them."""
        with np.errstate(invalid="ignore"):
            return self.error <= np.fmax(ENOUGH * np.abs(self.value), self._rounded)

    @property
    def _rounded(self) -> Array:
        """An error bar that is hardly more than rounding."""
        return 16 * self.floor / self.h[self._count - 1]

    def is_rounded(self, wanted: Array | float) -> bool:
        """Whether rounding makes an error bar wider than wanted."""
        with np.errstate(invalid="ignore"):
            return bool(np.any((self.error > wanted) & (self.error <= self._rounded) & (np.asarray(wanted) > 0)))


def _extrapolate(t: Array, raw: Array, bound: Array, count: int, trusting: bool = False) -> Slope:
    """The limit at t = 0 of polynomials through raw (steps, columns), and its error: the least in Neville's table.

    bound: that of the rounding errors. An entry's error is what its last step changed, with the rounding of all.
    count: so many steps are in the table; the others may contradict it. trusting: even if they do.
    """
    best = Slope(np.full(raw.shape[1], np.nan), np.full(raw.shape[1], np.inf))
    where = np.zeros(raw.shape[1], dtype=int)
    entries, rounding = raw[:count], bound[:count]
    for j in range(1, count):
        factor = (t[: count - j] / t[j:count] - 1)[:, None]
        change = (entries[1:] - entries[:-1]) / factor
        rounding = rounding[1:] + (rounding[1:] + rounding[:-1]) / factor
        entries = entries[1:] + change
        errors = np.abs(change) + rounding
        errors = np.where(np.isfinite(errors), errors, np.inf)
        k = np.argmin(errors, axis=0)
        found = Slope(*(np.take_along_axis(a, k[None], axis=0)[0] for a in (entries, errors)))
        where = np.where(found.error < best.error, k + j, where)
        best = best.better(found)
    return best if trusting else Slope(best.value, best.error + _contradiction(t, raw, bound, best, where))


def _differ(right: Slope, left: Slope) -> Array:
    """Which columns have slopes that differ between the two sides, beyond their bars."""
    with np.errstate(all="ignore"):
        return np.abs(right.value - left.value) > 10 * (right.error + left.error)


def _contradiction(t: Array, raw: Array, bound: Array, best: Slope, where: Array) -> Array:
    """How far shorter steps contradict a slope from the steps up to number `where`, beyond all errors."""
    gap = np.abs(raw - best.value)
    own = np.take_along_axis(gap, where[None], axis=0) * (t[:, None] / t[where])
    excess = gap - 2 * own - bound
    later = np.arange(len(raw))[:, None] > where
    return np.max(np.where(later & (excess > 3 * best.error), excess, 0.0), axis=0, initial=0.0)
