"""Slopes along one line, made of the values at one or several ranges of steps."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from .extrapolation import Array, Samples, Slope

SUDDEN = 2.0**8  # times what a smooth function changes from one step to the next
COARSEST, CLOSE = 2.0**-8, 12.0  # the rounding of bfloat16; halvings of a step that stays close to the point
ROUNDINGS = 2.0**10  # a least change of up to so many roundings of the argument comes from rounding


@dataclass(frozen=True)
class Measurement:
    """The slopes along one line, a column per output (or projection of the outputs).

    central: the slope from values on both sides of the point. samples: those values. one_sided: a bound leaves much
    less room on one side than on the other.
    """

    central: Slope
    samples: tuple[Samples, ...]
    one_sided: bool = False

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
        steep = np.any([s.steep(side) for s in self.samples[-1:] for side in (s.plus, s.minus)], axis=0)
        steep |= (
            self.erratic | (self.stairs > 0) | ((self.central.error == 0) & ~self.flat)
        )  # its bar is too small for a float
        if not (alone.any() or self.one_sided):
            return self.central.without_bar(steep)
        side = self.right.better(self.left)
        if self.one_sided:
            alone = alone | ((side.error < self.central.error) & ~self.kinked)
        return Slope(*(np.where(alone, s, c) for s, c in zip(side, self.central, strict=True))).without_bar(steep)

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
    def stairs(self) -> Array:
        """The height of steps that are too wide to be rounding; else 0 (see `Samples.stairs`)."""
        return np.max([s.stairs for s in self.samples], axis=0)

    @functools.cached_property
    def swing(self) -> Array:
        """The steepest chord nearby."""
        return np.max([s.swing() for s in self.samples], axis=0)

    @functools.cached_property
    def growth(self) -> Array:
        """The factors by which chords to the right and to the left grow per halving (see `Samples.growth`).

        The shortest steps decide; where rounding hides it there, longer ones.
        """
        found = np.zeros((2, len(self.central.value)))
        for s in self.samples:
            latest = np.array([s.growth(side) for side in (s.plus, s.minus)])
            found = np.where(latest > 0, latest, found)
        return found

    @functools.cached_property
    def erratic(self) -> Array:
        """Which columns jump close to the point, by no more than a type of float rounds.

        A sum of rounded numbers and a smooth term is smooth over steps that are too short to change the former.
        """
        found = np.zeros(len(self.central.value), dtype=bool)
        for s in self.samples:
            with np.errstate(all="ignore"):
                rises = (s.plus - s.center, s.center - s.minus)
                off = np.fmax(*(np.abs(rise - self.central.value * s.h) for rise in rises))
                steep = off / s.h > SUDDEN * np.fmax(s.chord(), np.abs(self.central.value))
                sudden = off[:-1] > SUDDEN * np.fmax(off[1:], s.floor[1:])
                small = off < COARSEST * np.fmax(s.size_center, s.usual)
                found |= np.any(sudden & (steep & small)[:-1] & (s.depth >= CLOSE)[:-1, None], axis=0)
        return found

    @functools.cached_property
    def nowhere(self) -> Array:
        """Which columns have no finite value beside the point."""
        return np.all([np.isnan(side).all(axis=0) for s in self.samples for side in (s.plus, s.minus)], axis=0)

    @property
    def tendency(self) -> Array:
        """The signs of the shortest chords to the right and to the left; nan where there is none.

        Where rounding leaves nothing of the shortest ones, those of longer steps.
        """
        found = np.full((2, len(self.central.value)), np.nan)
        for s in self.samples:
            with np.errstate(invalid="ignore"):
                latest = np.sign([s.plus[-1] - s.center, s.center - s.minus[-1]])
            found = np.where((latest == 0) & ~np.isnan(found), found, latest)
        return found

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


def reconcile(closer: Measurement, wider: Measurement, unit: float) -> Measurement:
    """The better of short and long steps, column by column; the bars reach both if they disagree.

    Over short steps near 1e-14, exp(x) - 1 - x looks like -x: its cancelling terms have the same rounding errors at
    all points. Over long steps that cross 0, 1/x² looks flat. But long steps may also cross a kink, as that of |x|
    from -1e-12; it is then enough that one of their sides agrees with the short steps.
    """
    near, far = closer.central, wider.central
    with np.errstate(invalid="ignore"):
        gap = np.abs(near.value - far.value)
        odd = np.isfinite(far.error) & (gap > near.error + far.error) & ~_over_a_kink(near, wider)
        far = far.without_bar(odd & _only_symmetric(near, wider))
        odd = np.where(odd & np.isfinite(far.error), 2 * gap, 0.0)
    chord, (steps,) = np.max([s.chord() for s in wider.samples], axis=0), closer.samples
    hidden, quantum = 2 * unit * chord, steps.quantum()
    # sin(x) - x changes by roundings of x: steps over which it changes less than twice cannot even show slope 0.
    rounded = quantum <= ROUNDINGS * unit * steps.argument * chord
    hidden = hidden + np.where(rounded, 2 * quantum / steps.h[0], 0.0)
    near, far = Slope(near.value, near.error + hidden + odd), Slope(far.value, far.error + odd)
    return Measurement(near.better(far), wider.samples + closer.samples)


def _only_symmetric(near: Slope, wider: Measurement) -> Array:
    """Whether the slope over long steps is known from symmetric differences only, as at a pole beside the point."""
    far, confirmed = wider.central, np.ones(near.value.shape, dtype=bool)
    for side in (wider.right, wider.left):
        confirmed &= np.abs(side.value - far.value) <= side.error + far.error
        confirmed &= side.error < np.abs(near.value - far.value)
    return ~confirmed & (near.error < 1e-3 * np.abs(near.value))


def _over_a_kink(near: Slope, wider: Measurement) -> Array:
    """Whether the long steps have different slopes on the two sides, one of which is that of the short steps."""
    sides = wider.right, wider.left
    apart = np.abs(sides[0].value - sides[1].value) > sides[0].error + sides[1].error
    one = [
        (np.abs(near.value - side.value) <= near.error + side.error) & (side.error < np.abs(near.value))
        for side in sides
    ]
    return apart & (one[0] | one[1])
