"""Subgradients where many smooth pieces of a function meet, and the slopes of two sides do not show all of them.

Take `sort` of three equal numbers. A number that gets smaller moves to the first place, one that gets larger to the
last, so the two sides never show the gradient for the middle place. A nearby point with distinct numbers does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..diagnosis.kinds import UNRESOLVED, WRONG
from ..diagnosis.report import Finding
from ..numeric.extrapolation import Array
from .candidate import Claim
from .comparison import Comparison
from .problem import Subject

NEAR, AROUND = 2.0**-26, 24  # distance of the points around a kink, relative to the size; their number
FAR = 2.0**-16  # distance of farther points, where a smooth gradient differs by much more
BESIDE = 2.0**-12  # distance of the points for slopes: equal entries must get farther apart than short steps
FIRST = 6  # so many gradients show whether there is a kink


def subgradient(claim: Claim, trial: Comparison) -> Comparison | None:
    """Accept a gradient that lies between the gradients at nearby points (a subgradient).

    trial: the comparison with slopes; the gradient must jump at every entry that this comparison calls wrong.

    Returns None if the gradient lies elsewhere, if the gradients nearby do not jump, or if they are wrong. If the
    gradients nearby cannot be decided, the result is unresolved, too.
    """
    subject, point, rng = trial.subject, claim.point, np.random.default_rng(trial.subject.seed)
    v = rng.choice([-1.0, 1.0], point.y.size) * rng.uniform(0.5, 1.5, point.y.size)
    # Random points, and the two that keep and reverse the order of equal entries: a rule may use either order.
    ramp = np.linspace(-1.0, 1.0, point.x.size)
    # The last point, for slopes, separates all equal entries by the same distance.
    moves = [ramp, -ramp, *rng.uniform(-1.0, 1.0, (AROUND, point.x.size)), rng.permutation(ramp)]
    size = np.maximum(np.abs(point.x), 1.0)
    near, far = ([point.x + step * size * move for move in moves] for step in (NEAR, FAR))
    if not _is_mean(claim, v, near, far[:FIRST], _wrong_entries(claim, trial)):
        return None
    found = Comparison(subject, trial.order)
    for move in (moves[-1], -moves[-1]):
        args = point.layout.build(point.x + BESIDE * size * move, claim.promote)
        there = Subject(subject.f, args, subject.chosen, subject.evaluator, subject.seed)
        if there.point is None:
            return None
        nearby = Comparison(there, trial.order)
        nearby.gradients(claim.at(there.point))
        if nearby.report().verdict == "disagree":
            return None
        found.powers += nearby.powers
        found.note([f for f in nearby.findings if f.kind in UNRESOLVED])
    where = claim.locate_kink(size * moves[-1]) if claim.locate_kink else None
    sentence = f"a kink{f' of {where}' if where else ''}; the gradient lies between those nearby: accepted"
    found.note([Finding("kink", sentence=sentence)])
    return found


def _wrong_entries(claim: Claim, trial: Comparison) -> list[int]:
    """The numbers of the entries that the comparison calls wrong."""
    slots = {claim.names(slot.path): slot for slot in claim.point.layout.slots}
    found = []
    for f in trial.findings:
        if f.kind in WRONG and f.index is not None and (slot := slots.get(f.path)):
            index = f.index[len(f.index) - len(slot.shape) :]  # the output's index comes first
            found.append(slot.start + int(np.ravel_multi_index(index, slot.shape)) if index else slot.start)
    return found


def _is_mean(claim: Claim, v: Array, near: list[Any], far: list[Any], named: list[int]) -> bool:
    """Whether the gradient lies between those at nearby points, which jump at its wrong entries."""
    try:
        given, wide = claim.pull(v).row, np.array([claim.pull(v, row).row for row in far])
        around = np.array([claim.pull(v, row).row for row in near[: len(far)]])
        jumps = _jumps(around, wide)
        if not (jumps.any() and jumps[named].all()):
            return False
        around = np.array([*around, *(claim.pull(v, row).row for row in near[len(far) :])])
    except Exception:  # a function that raises on one side has no gradient there
        return False
    low, high, slack = around.min(axis=0), around.max(axis=0), _slack(around)
    return bool(np.all((low - slack <= given) & (given <= high + slack)))


def _jumps(around: Array, wide: Array) -> Array:
    """Which entries differ as much between close points as between distant ones."""
    with np.errstate(invalid="ignore"):
        spread = np.ptp(around, axis=0)
        return (spread > _slack(around)) & (spread > np.ptp(wide, axis=0) / 8)


def _slack(around: Array) -> float:
    """How much a smooth gradient may change so close to the point."""
    return float(64 * NEAR * np.max(np.abs(around), initial=0.0))
