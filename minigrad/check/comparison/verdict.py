"""The verdict on entries of a derivative: compare each with its own error bar; there is no tolerance to choose.

Arrays of numbers in, a state per entry out; nothing here knows the points or the origin of the derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..numeric.extrapolation import Array, Slope
from ..numeric.measurement import Measurement
from ..numeric.short_slope import ShortSlope

Measured = Measurement | ShortSlope  # what is measured along a line, by many calls or by few

BARS = 3.0  # a difference of more than so many error bars is a mistake
RESOLVED = 1e-3  # a bar wider than this, relative to the largest entry of its argument, decides nothing
STILL = 1e-6  # the same limit relative to the chords of the function, for entries that are all 0

DOUBLE = 2.0**-53  # the unit roundoff of float64
AIM = 1e-6  # relative errors that are to be visible in float64, if nobody says what is needed

AGREE, WRONG, KINK, BELOW_RESOLUTION, UNRESOLVED, JUMP, INFINITE, NOWHERE = range(8)


@dataclass(frozen=True)
class Need:
    """The relative error that must be visible; None: what float64 shows, or less where the function is noisy."""

    wanted: float | None = None

    @property
    def resolved(self) -> float:
        """A bar wider than this, relative to the largest entry, decides nothing."""
        return RESOLVED if self.wanted is None else self.wanted

    @property
    def aim(self) -> float:
        """A bar wider than this calls for more evaluations."""
        return AIM if self.wanted is None else self.wanted

    @property
    def allowed(self) -> float:
        """A relative difference that is no mistake: an error of the size that is needed is twice as large."""
        return 0.0 if self.wanted is None else self.wanted / 2


DEFAULT_NEED = Need()


@dataclass(frozen=True)
class Entries:
    """The measured entries of a derivative: arrays of shape (entries, columns)."""

    measured: Sequence[Measured]

    def stack(self, name: str) -> Array:
        """One property of all entries."""
        return np.stack([getattr(m, name) for m in self.measured])

    @property
    def value(self) -> Array:
        """The slopes."""
        return self.stack("value")

    @property
    def error(self) -> Array:
        """Their error bars."""
        return self.stack("error")


@dataclass(frozen=True)
class EntryVerdicts:
    """A state per entry, and the numbers that decided it; arrays of shape (entries, columns).

    tolerance: the allowed difference. power: the smallest relative error that the comparison would find.
    """

    state: Array
    reference: Array
    error: Array
    tolerance: Array
    power: Array
    measured: Sequence[Measured]

    @property
    def wrong(self) -> Array:
        """Which entries are wrong."""
        return self.state == WRONG

    def sides(self, i: int, j: int) -> tuple[float, float] | None:
        """The slopes to the left and to the right; None if they do not differ, or their bars are too wide."""
        measured = self.measured[i]
        if not measured.kinked[j]:
            return None
        left, right = (float(side.value[j]) for side in (measured.left, measured.right))
        bar = BARS * max(measured.left.error[j], measured.right.error[j])
        return (left, right) if bar <= RESOLVED * abs(right - left) else None


@dataclass(frozen=True)
class Allowance:
    """The rounding errors of a given derivative, of its shape.

    seen: as they show in its answers, measured when asked for. They count where the function has no slope and no
    kink: what is given there may be rounding alone.
    """

    usual: Array
    seen: Callable[[], Array]

    def of(self, which: Array) -> Allowance:
        """Those of some entries."""
        return Allowance(self.usual[which], lambda: self.seen()[which])

    def where(self, which: Array) -> Allowance:
        """Those of some entries, and 0 of the others."""
        return Allowance(np.where(which, self.usual, 0.0), lambda: np.where(which, self.seen(), 0.0))


def level(measured: Measured) -> Array:
    """Which columns have a slope that nothing tells from 0, and no kink."""
    with np.errstate(all="ignore"):
        return measured.still | ((np.abs(measured.value) <= BARS * measured.error) & ~measured.kinked)


def judge(
    given: Array, entries: Entries, allowed: Allowance, group: Array, need: Need = DEFAULT_NEED
) -> EntryVerdicts:
    """A state per entry of a given derivative, of shape (entries, columns); group: the argument of each entry."""
    value, error, allowance = entries.value, entries.error, allowed.usual
    with np.errstate(all="ignore"):
        off = ~(np.abs(given - value) <= BARS * error + allowance)
        if off.any() and np.any(off := off & np.stack([level(m) for m in entries.measured])):
            allowance = np.where(off, allowed.seen(), allowance)
        bar = BARS * error + allowance
        size = np.fmax(np.abs(given), np.abs(value))
        tolerance = np.fmax(bar, need.allowed * np.abs(value)) if need.allowed else bar
        close = (np.abs(given - value) <= tolerance) & np.isfinite(given)
        nothing = entries.stack("flat") & (given == 0)
        top = largest_of_group(np.where(np.isfinite(size), size, 0.0), group)
        swing = largest_of_group(entries.stack("swing"), group)
        still = entries.stack("still") & (np.abs(given) <= tolerance)
        seen = nothing | still | (bar <= need.resolved * top) | ((np.abs(given) <= bar) & (bar <= STILL * swing))
        clear = nothing | (bar <= need.resolved * size)
        state = np.where(seen, np.where(clear, AGREE, BELOW_RESOLUTION), UNRESOLVED)
        state = np.where(close | nothing, state, WRONG)
        power = np.where(nothing | still, 0.0, tolerance / np.where(clear, size, np.fmax(top, swing)))
    tolerance = np.where(np.isfinite(tolerance), tolerance, 0.0)
    verdicts = EntryVerdicts(state, value, error, tolerance, power, entries.measured)
    # As at the foot of |x|, where both sides differ and 0 is right.
    for i, j in np.argwhere(state == BELOW_RESOLUTION):
        if entries.measured[i].kinked[j]:
            state[i, j] = KINK
    for i, j in np.argwhere((state == WRONG) | (state == UNRESOLVED) | ~np.isfinite(error)):
        state[i, j] = _second_look(given[i, j], entries.measured[i], j, allowance[i, j], state[i, j])
    return verdicts


def _second_look(given: float, measured: Measured, j: int, allowance: float, state: int) -> int:
    """The state of an entry outside its bar or without one: wrong, or without a derivative."""
    if measured.stairs[j]:
        return UNRESOLVED
    growth = max(measured.growth[:, j])
    if growth > 1.9:
        return JUMP
    if growth > 1.03:
        right, left = measured.tendency[:, j]
        return KINK if given == np.inf * (left if np.isnan(right) else right) else INFINITE
    if np.isnan(measured.value[j]):
        return NOWHERE if measured.nowhere[j] else UNRESOLVED
    if not np.isfinite(given):
        return WRONG
    return KINK if _between(given, measured.right, measured.left, j, allowance, measured.kinked[j]) else state


def _between(given: float, right: Slope, left: Slope, j: int, allowance: float, kinked: bool) -> bool:
    """Whether a subgradient lies between the slopes of the two sides."""
    ends, bars = (right.value[j], left.value[j]), BARS * max(right.error[j], left.error[j]) + allowance
    return bool(kinked and min(ends) - bars <= given <= max(ends) + bars)


def largest_of_group(a: Array, group: Array) -> Array:
    """For every number, the largest of its group and column."""
    found = np.zeros((int(group.max(initial=-1)) + 1, a.shape[1]))
    np.maximum.at(found, group, a)
    return found[group]
