"""Convex hulls of gradients: does a gradient lie in the hull of others, and if not, which direction parts them?

A subdifferential (Clarke's) is the convex hull of the limits of gradients at nearby points. Its points are not
known in advance; `search` asks for the gradient in a direction, and so finds those that matter. Arrays in, arrays
out: nothing here knows functions or claims.

Sources: Wolfe 1976 and Frank-Wolfe with full correction (the search); Lawson and Hanson 1974 (the projection).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..numeric.extrapolation import Array

STEPS = 60  # directions tried after the first gradients
ROUNDED = 1e-14
GAINED = 0.1  # a new gradient that covers less of the distance to the target does not bring the hull nearer
FEWEST = 1e-3  # entries that jump little count at least so much, relative to those that jump most


@dataclass(frozen=True)
class Membership:
    """Whether a target lies in a hull.

    inside: None if neither is sure. nearest: the nearest point of the hull. away: a direction along which the
    target lies beyond the hull. points: the gradients found. moves: the directions in which they were found.
    share_outside: for each entry, the distance from the nearest point, relative to the jumps of the entry.
    """

    inside: bool | None
    nearest: Array
    away: Array
    points: Array
    moves: Array
    share_outside: Array


class Hull:
    """The convex hull of a growing number of points, and the point of it that is nearest to a target."""

    def __init__(self, target: Array) -> None:
        self.target = target
        self._points, self._count = np.zeros((16, len(target))), 0
        self._gram, self._weights = np.zeros((0, 0)), np.zeros(0)

    @property
    def points(self) -> Array:
        """The points so far, as rows."""
        return self._points[: self._count]

    def add(self, point: Array) -> None:
        """Add a point."""
        if self._count == len(self._points):
            self._points = np.concatenate([self._points, np.zeros_like(self._points)])
        self._points[self._count], self._count = point, self._count + 1
        away = point - self.target
        # In NumPy's own loops: threads of BLAS wait for each other longer than such products take.
        row = np.einsum("kn,n->k", self.points, away) - np.einsum("n,n", self.target, away)
        self._gram = np.block([[self._gram, row[:-1, None]], [row[None, :]]])
        self._weights = np.append(self._weights, 0.0)

    @property
    def is_finite(self) -> bool:
        """Whether no product of the points overflows."""
        return bool(np.isfinite(self._gram).all())

    def nearest(self) -> Array:
        """The point of the hull nearest to the target."""
        size = float(np.max(np.diag(self._gram), initial=0.0))
        self._weights = nearest_weights(self._gram / size if size else self._gram, self._weights)
        return np.einsum("k,kn->n", self._weights, self.points)


def nearest_weights(gram: Array, start: Array | None = None) -> Array:
    """The weights of the point of a hull that is nearest to 0; gram: the inner products of the points.

    They minimise |Σ wₖ pₖ|² + (1 - Σ wₖ)² over wₖ ≥ 0: the least squares of Lawson and Hanson. Scaled to a sum of
    1, they also minimise the first term alone. start: weights to begin with.
    """
    gram = gram + 1.0
    weights = np.zeros(len(gram)) if start is None else start
    free = weights > 0
    if free.any():
        weights, free = _without_negative(gram, weights, free)
    for _ in range(3 * len(gram)):
        pull = np.where(free, -np.inf, 1.0 - gram @ weights)
        new = int(np.argmax(pull))
        if not pull[new] > ROUNDED:
            break
        free[new] = True
        weights, free = _without_negative(gram, weights, free)
        if not free[new]:  # by rounding alone it was pulled in
            break
    return weights / weights.sum() if weights.any() else np.full(len(gram), 1 / len(gram))


def _without_negative(gram: Array, weights: Array, free: Array) -> tuple[Array, Array]:
    """The best weights of the free points, and which are free: those that would be negative become 0."""
    while True:
        best = np.zeros(len(weights))
        best[free] = np.linalg.solve(gram[np.ix_(free, free)] + ROUNDED * np.eye(free.sum()), np.ones(free.sum()))
        low = free & (best <= 0)
        if not low.any():
            return best, free
        with np.errstate(all="ignore"):
            shares = np.where(low, weights / (weights - best), np.inf)
        weights = np.where(free, weights + shares.min() * (best - weights), 0.0)
        free = free & (shares > shares.min())
        weights = np.where(free, weights, 0.0)


def search(
    given: Array,
    tolerance: Array,
    ask: Callable[[Array], Array | None],
    first: Iterable[Array],
    scales: Sequence[Array] = (),
    steps: int = STEPS,
) -> Membership | None:
    """Whether a gradient lies in the hull of those that `ask` finds in some direction; None if it finds too few.

    tolerance: of each entry. ask: the gradient a short way along a direction, None where there is none. first:
    directions to begin with. scales: which entries may dominate others, as weights of the directions. Further ones
    point from the hull to the given gradient: where f is convex, the gradient in that direction is the one that
    lies farthest along it.
    """
    moves = [move for move in first if move.any()]
    found = [(move, point) for move in moves if (point := ask(move)) is not None]
    if len(found) < 2:
        return None
    moves, points = [move for move, _ in found], np.array([point for _, point in found])
    jumps = np.ptp(points, axis=0)
    weight = 1 / np.maximum(jumps, FEWEST * jumps.max()) if jumps.any() else np.ones(len(given))
    hull = Hull(weight * given)
    with np.errstate(all="ignore"):
        for point in points:
            hull.add(weight * point)
    if not hull.is_finite:
        return None
    for step in range(steps + 1):
        nearest = hull.nearest()
        away = hull.target - nearest
        if np.all(np.abs(away) <= weight * tolerance):
            return _membership(True, hull, weight, nearest, moves)
        gained = -np.inf
        known = hull.points, np.array(moves)
        for move in towards(weight * away, *known) if step else _sides(hull.target, given, scales, *known):
            if (fresh := ask(move)) is not None:
                moves.append(move)
                hull.add(weight * fresh)
                gained = max(gained, float((hull.points[-1] - nearest) @ away))
        if step and gained <= GAINED * float(away @ away):
            break
    outside = gained < float(away @ away)
    return _membership(False if outside else None, hull, weight, nearest, moves)


def _membership(inside: bool | None, hull: Hull, weight: Array, nearest: Array, moves: list[Array]) -> Membership:
    away, points = hull.target - nearest, hull.points
    with np.errstate(all="ignore"):
        share = np.nan_to_num(np.abs(away) / np.ptp(points, axis=0), posinf=0.0)
    return Membership(inside, nearest / weight, weight * away, points / weight, np.array(moves), share)


def _sides(target: Array, given: Array, scales: Sequence[Array], points: Array, moves: Array) -> Iterator[Array]:
    """For each entry, the side whose gradient is nearest to the given one; and the given gradient, both ways.

    The first finds the gradient at once where each entry has a kink of its own: as that of many units, all off.
    """
    up, down = _means_by_side(points, moves)
    nearer = np.where(np.abs(up - target) < np.abs(down - target), 1.0, -1.0)
    yield nearer
    yield from (scale * nearer for scale in scales)
    yield nearer * np.abs(moves[0])
    if given.any():
        yield given
        yield -given


def towards(away: Array, points: Array, moves: Array) -> Iterator[Array]:
    """Moves whose gradient may lie far along a direction: the same (f convex), its negative (f concave), a mixture.

    points, moves: gradients, and where they were found.
    """
    up, down = _means_by_side(points, moves)
    bends = np.where(up < down, -1.0, 1.0)
    yield away
    yield -away
    if (bends > 0).any() and (bends < 0).any():
        yield bends * away


def _means_by_side(points: Array, moves: Array) -> tuple[Array, Array]:
    """For each entry, its mean gradient where it moves up, and where it moves down."""
    means = [
        np.sum(np.where(side, points, 0.0), axis=0) / np.maximum(np.count_nonzero(side, axis=0), 1)
        for side in (moves > 0, moves < 0)
    ]
    return means[0], means[1]
