"""Directions of the entries at a kink: those to begin a search with, and pairs of entries that tie."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from ..numeric.extrapolation import Array
from ..numeric.flattening import Layout

GROUPS = 4  # of entries that tie
RANDOM = 8  # pairs of random directions
TURNED, DOMINATES = 8, 6  # directions in which arrays turn around alone; halvings between one array and the next


LONGEST, PERIODS = 12, (2, 3, 4, 6)  # rows that are rotated as a whole; windows in longer ones


def random_move(count: int, rng: np.random.Generator) -> Array:
    """A direction that moves every entry, by similar amounts."""
    return rng.choice([-1.0, 1.0], count) * rng.uniform(0.5, 1.5, count)


def first_moves(layout: Layout, which: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Directions of some entries: random ones, and those that keep and reverse the order of equal entries.

    Each comes with its negative. If several arrays are at a kink, as the layers of a network, one may dominate
    the others, and each may turn around alone.
    """
    count = len(which)
    ramp = np.linspace(-1.0, 1.0, count) if count > 1 else np.ones(1)
    for move in (ramp, *rng.uniform(-1.0, 1.0, (RANDOM, count)), np.ones(count)):
        yield move
        yield -move
    array = _arrays(layout, which)
    arrays = int(array.max(initial=0)) + 1
    signs = rng.choice([-1.0, 1.0], (TURNED, arrays))
    if 2**arrays <= TURNED:
        signs = np.array([*itertools.product([-1.0, 1.0], repeat=arrays)])
    for move in (np.ones(count), random_move(count, rng)):
        for weights in dominance(layout, which):
            yield from (weights * move * turned[array] for turned in signs)


def rotations(layout: Layout, which: Array) -> Iterator[Array]:
    """Directions in which the entries of a row, a column or a window are the largest in turn, and the smallest.

    The mean of their gradients shares a tie evenly, in every row or window at once.
    """
    for slot in layout.slots:
        mine = (which >= slot.start) & (which < slot.stop)
        places = np.unravel_index(which[mine] - slot.start, slot.shape) if slot.shape and mine.any() else ()
        for length, place in zip(slot.shape, places, strict=False):
            for period in (length,) if length <= LONGEST else PERIODS:
                for turn in range(period):
                    move = np.zeros(len(which))
                    move[mine] = (place + turn) % period / period + 1 / (2 * period)
                    yield move
                    yield -move


def dominance(layout: Layout, which: Array) -> list[Array]:
    """Weights by which later arrays dominate earlier ones, and the reverse; none for a single array."""
    array = _arrays(layout, which)
    last = int(array.max(initial=0))
    return [2.0 ** (DOMINATES * order) for order in (array - last, -array)] if last else []


def _arrays(layout: Layout, which: Array) -> Array:
    """For each entry, the number of its array, among the arrays of these entries."""
    starts = [slot.start for slot in layout.slots]
    return np.unique(np.searchsorted(starts, which, side="right"), return_inverse=True)[1]


def tied_groups(x: Array) -> Iterator[Array]:
    """Which entries are equal, for each of the largest groups of them: moved together, they stay tied."""
    values, counts = np.unique(x, return_counts=True)
    if len(values) > 1:
        for k in np.argsort(-counts, kind="stable")[:GROUPS]:
            if counts[k] > 1:
                yield x == values[k]


def tied_pairs(x: Array, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Two pairs of entries, equal ones if there are any."""
    if len(x) < 2:
        return
    order = np.argsort(x, kind="stable")
    equal = np.flatnonzero(np.diff(x[order]) == 0)
    pool = equal if len(equal) else np.arange(len(x) - 1)
    for k in rng.choice(pool, min(2, len(pool)), replace=False):
        yield int(order[k]), int(order[k + 1])
