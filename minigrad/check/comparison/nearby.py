"""Gradients at points beside a kink: those that a claim gives there, and those that slopes of the function give.

Each source is called with a direction, and returns the gradient a short way along it, at the entries that matter,
times the size of each entry (so that all entries move by comparable steps).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..numeric.derivative import Point
from ..numeric.evaluation import Line
from ..numeric.extrapolation import Array
from ..numeric.flattening import Layout
from .candidate import Claim
from .problem import Subject

FIRST = 6  # so many gradients show whether there is a kink
WIDER = 2.0**-12  # a distance at which functions that round to float32 inside show their kinks
# Beside a gradient's own rounding: so much of a gradient, times the distance, is no jump; and so many roundings.
SMOOTH, ROUNDINGS = 64.0, 2.0**11
RELATIVE = 2.0**-20  # of a jump: what lies so close to a hull lies in it
MANY, MEMORY = 60, 2**23  # steps of a search; numbers in all gradients together
MEASURED_AT, MEASURED_STEP = 2.0**-20, 2.0**-28  # distance, and step of the slopes, relative to the size
ROUGH = 1e-3  # of the largest entry: gradients measured worse than that do not count
# How far the points lie beside a direction, relative to its length, so that they keep no tie: there is no gradient.
ASIDE, OFF_ZERO = 2.0**-10, 2.0**-12


def sizes(x: Array) -> Array:
    """The size of each entry, at least 1: the unit of all steps."""
    return np.maximum(np.abs(x), 1.0)


def tied_with(x: Array, which: Array, layout: Layout) -> Array:
    """These entries, and those of the same array that are equal to one of them, or its negative."""
    found = np.zeros(len(x), dtype=bool)
    found[which] = True
    for slot in layout.slots:
        size, mine = np.abs(x[slot.stretch]), found[slot.stretch]
        mine |= np.isin(size, size[mine])
    return np.flatnonzero(found)


def point_beside(point: Point, which: Array, move: Array, distance: float) -> Array:
    """The point a short way along a direction of some entries, and a little beside it, so that it is no kink."""
    rng, x = np.random.default_rng(len(which)), point.x
    aside = max(OFF_ZERO, 2.0**-40 / distance) * rng.uniform(0.5, 1.0, len(x)) * rng.choice([-1.0, 1.0], len(x))
    aside[which] += move / np.max(np.abs(move)) * (1 + ASIDE * rng.uniform(-1.0, 1.0, len(which)))
    return point.mirrored(x + distance * sizes(x) * aside)


def gradient_of(claim: Claim, v: Array, which: Array | None = None) -> Callable[[Array | None], Array]:
    """The claimed gradient of <v, f> as a function of the point; which: the entries wanted (a jvp needs it)."""

    def ask(row: Array | None) -> Array:
        shape = (claim.point.y.size, claim.point.x.size)
        if claim.kind == "jac":
            whole = claim.matrix(row)
            return whole.sparse.from_left(v)[0] if whole.sparse is not None else v @ whole.row.reshape(shape)
        if claim.kind != "jvp":
            return claim.pull(v, row).row
        found = np.zeros(shape[1])
        for i in range(shape[1]) if which is None else which:
            found[i] = v @ claim.push(np.eye(1, shape[1], int(i))[0], row).row
        return found

    return ask


@dataclass(frozen=True)
class ClaimedGradients:
    """A claim's gradients close to a point.

    which: the entries that jump there. distance: of the points. tolerance: how far a smooth gradient changes, and
    is rounded, over that distance, per entry.
    """

    ask: Callable[[Array | None], Array]
    point: Point
    which: Array
    distance: float
    tolerance: Array

    def __call__(self, move: Array) -> Array | None:
        """The gradient in a direction, which has a number for each entry that jumps."""
        try:
            with np.errstate(all="ignore"):
                row = point_beside(self.point, self.which, move, self.distance)
                found = (sizes(self.point.x) * self.ask(row))[self.which]
        except Exception:  # a function that raises on one side has no gradient there
            return None
        return found if np.isfinite(found).all() else None

    @property
    def many(self) -> int:
        """How many gradients fit into memory, to begin with."""
        return max(8, 2 * MEMORY // max(1, len(self.which)))

    @property
    def most(self) -> int:
        """How many steps of a search are worth it: in many dimensions they hardly get nearer, and take memory."""
        count = len(self.which)
        return MANY if count <= MANY else int(np.clip(MEMORY // count, 4, MANY // 3))


def claimed_gradients(claim: Claim, v: Array, kinks: Array, rng: np.random.Generator) -> ClaimedGradients | None:
    """The claim's gradients near the point; None if they cannot be had, or do not jump.

    kinks: entries known to be at a kink. A jvp is only asked for these.
    """
    ask, x, unit = gradient_of(claim, v, kinks), claim.point.x, claim.point.unit
    moves = rng.choice([-1.0, 1.0], (FIRST // 2, x.size)) * rng.uniform(0.5, 1.5, (FIRST // 2, x.size))
    moves = np.concatenate([moves, -moves])
    near = 2.0 ** np.round(np.log2(unit) / 2)
    for distance in (near, WIDER) if len(kinks) and near < WIDER else (near,):
        far = distance**0.6
        try:
            with np.errstate(all="ignore"):
                around, wide, again = (
                    np.array([sizes(x) * ask(claim.point.mirrored(x + step * sizes(x) * move)) for move in moves])
                    for step in (distance, far, distance * (1 + 2.0**-10))
                )
        except Exception:
            return None
        if not (np.isfinite(around).all() and np.isfinite(wide).all()):
            return None
        spread, largest = np.ptp(around, axis=0), np.max(np.abs(around), axis=0)
        slack = SMOOTH * distance * largest + ROUNDINGS * unit * np.max(largest, initial=0.0)
        # A little farther on the same way nothing jumps: what changes there is rounding.
        slack = slack + 8 * np.max(np.abs(again - around), axis=0)
        # Which entries differ as much between close points as between distant ones.
        jumps = np.flatnonzero((spread > slack) & (spread > np.ptp(wide, axis=0) / 8))
        if len(jumps):
            bend = 8 * distance / far * np.median(np.abs(wide - around), axis=0)
            tolerance, which = slack + bend + RELATIVE * spread, tied_with(x, jumps, claim.point.layout)
            # A smooth entry that is next to 0 here still changes with the others.
            tolerance[np.setdiff1d(which, jumps)] = np.max(tolerance[jumps])
            return ClaimedGradients(ask, claim.point, which, distance, tolerance[which])
    return None


@dataclass(frozen=True)
class MeasuredGradients:
    """Gradients of <v, f> close to a point, measured: two calls of f per entry. All other entries stay put."""

    subject: Subject
    v: Array
    which: Array
    tolerance: Array

    def __call__(self, move: Array) -> Array | None:
        """The gradient in a direction, which has a number for each of the entries."""
        point = self.subject.point
        assert point is not None
        there = point_beside(point, self.which, move, MEASURED_AT)
        steps = MEASURED_STEP * sizes(point.x)[self.which]
        lines = [Line(int(i), np.array([h, -h])) for i, h in zip(self.which, steps, strict=True)]
        values = point.evaluator.run(point.f, there, lines, point.y.size)
        with np.errstate(all="ignore"):
            found = np.array([float(self.v @ (up - down)) for up, down in values]) / (2 * MEASURED_STEP)
        return found if np.isfinite(found).all() else None


def measured_gradients(subject: Subject, v: Array, which: Array, given: Array) -> MeasuredGradients | None:
    """The function's own gradients near the point; None if they cannot be measured, or do not jump there."""
    point = subject.point
    assert point is not None
    noise = float(point.slopes(v[None]).noise_of_usual[0])
    with np.errstate(all="ignore"):
        values = float(np.abs(v) @ np.abs(point.y))
    rounding = (8 * point.unit + 6 * noise) * values / MEASURED_STEP
    source = MeasuredGradients(subject, v, which, np.zeros(len(which)))
    found = list[Array]()
    for move in (np.ones(len(which)), -np.ones(len(which)), *np.eye(len(which)), *-np.eye(len(which))):
        if (fresh := source(move)) is None:
            return None
        found.append(fresh)
        around = np.array(found)
        largest = max(float(np.max(np.abs(around))), float(np.max(np.abs(given))))
        slack, spread = rounding + SMOOTH * MEASURED_AT * largest, np.ptp(around, axis=0)
        if rounding > ROUGH * largest:
            return None
        if (spread > 8 * slack).any():
            return MeasuredGradients(subject, v, which, slack + RELATIVE * spread)
    return None
