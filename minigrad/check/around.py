"""Points where many smooth pieces of a function meet: more are subgradients there than the slopes of two sides say.

Of three equal numbers, `sort` leaves one in the middle, which goes to the first place when it is made smaller and
to the last when it is made larger; the gradient of the middle place lies between neither, but is among those around.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .claims import Claim
from .compare import Comparison
from .kinds import UNRESOLVED
from .ladder import Array
from .report import Finding
from .subject import Subject

NEAR, AROUND = 2.0**-16, 24  # how near the points around a kink are, as a share of the size; how many
BESIDE = 2.0**-12  # how near those where slopes are measured: equals must be apart by more than short steps
FIRST = 6  # gradients that show whether there is a kink at all


def subgradient(claim: Claim, subject: Subject, order: int = 1) -> Comparison | None:
    """What is to be said instead, where a gradient that slopes speak against is a mean of those around the point.

    None, where it is not; where those around do not jump; or where they are wrong themselves. Where that cannot be
    told, nor can be whether it is right.
    """
    rng, point = np.random.default_rng(subject.seed), claim.point
    v = rng.choice([-1.0, 1.0], point.y.size) * rng.uniform(0.5, 1.5, point.y.size)
    # Beside random ones the two that keep and that turn the order of the equal: a rule may go by either.
    ramp = np.linspace(-1.0, 1.0, point.x.size)
    # The last, at which slopes are measured, parts all that are equal by as much as any two.
    moves = [ramp, -ramp, *rng.uniform(-1.0, 1.0, (AROUND, point.x.size)), rng.permutation(ramp)]
    size = NEAR * np.maximum(np.abs(point.x), 1.0)
    if not _is_mean(claim, v, [point.x + size * move for move in moves]):
        return None
    found = Comparison(subject, order)
    for move in (moves[-1], -moves[-1]):
        args = point.layout.build(point.x + BESIDE / NEAR * size * move, claim.promote)
        there = Subject(subject.f, args, subject.chosen, subject.evaluator, subject.seed)
        if there.point is None:
            return None
        nearby = Comparison(there, order)
        nearby.gradients(claim.at(there.point))
        if nearby.report().verdict == "disagree":
            return None
        found.powers += nearby.powers
        found.note([f for f in nearby.findings if f.kind in UNRESOLVED])
    where = claim.witness(size * moves[-1]) if claim.witness else None
    said = f"a kink{f' of {where}' if where else ''}, and the gradient is a mean of those around it: accepted"
    found.note([Finding("kink", sentence=said)])
    return found


def _is_mean(claim: Claim, v: Array, rows: list[Any]) -> bool:
    """Whether the gradient lies between those at other points, and these are not all the same."""
    try:
        given, around = claim.pull(v).row, np.array([claim.pull(v, row).row for row in rows[:FIRST]])
        if not _jumps(around).any():
            return False
        around = np.array([*around, *(claim.pull(v, row).row for row in rows[FIRST:])])
    except Exception:  # what raises on one side gives no gradient there
        return False
    low, high, slack = around.min(axis=0), around.max(axis=0), _slack(around)
    return bool(np.all((low - slack <= given) & (given <= high + slack)))


def _jumps(around: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.ptp(around, axis=0) > _slack(around)


def _slack(around: Array) -> float:
    """What a smooth gradient moves by, so close to the point."""
    return float(64 * NEAR * np.max(np.abs(around), initial=0.0))
