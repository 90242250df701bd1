"""Points where many smooth pieces of a function meet: more are subgradients there than the slopes of two sides say.

Of three equal numbers, `sort` leaves one in the middle, which goes to the first place when made smaller and to
the last when made larger; the gradient of the middle place lies between neither, but is one of those around.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .claims import Claim
from .compare import Comparison
from .kinds import UNRESOLVED, WRONG
from .ladder import Array
from .report import Finding
from .subject import Subject

NEAR, AROUND = 2.0**-26, 24  # how near the points around a kink are, as a share of the size; how many
FAR = 2.0**-16  # farther ones: between these a gradient that is smooth moves by so much more
BESIDE = 2.0**-12  # how near those where slopes are measured: equals must be apart by more than short steps
FIRST = 6  # gradients that show whether there is a kink at all


def subgradient(claim: Claim, trial: Comparison) -> Comparison | None:
    """What is to be said instead, where a gradient that slopes speak against is a mean of those around the point.

    trial: what they said; entries that it names as wrong must be ones that jump.

    None, where it is not; where those around do not jump; or where they are wrong themselves. Where that cannot be
    told, nor can be whether it is right.
    """
    subject, point, rng = trial.subject, claim.point, np.random.default_rng(trial.subject.seed)
    v = rng.choice([-1.0, 1.0], point.y.size) * rng.uniform(0.5, 1.5, point.y.size)
    # Beside random ones the two that keep and that turn the order of the equal: a rule may go by either.
    ramp = np.linspace(-1.0, 1.0, point.x.size)
    # The last, at which slopes are measured, parts all that are equal by as much as any two.
    moves = [ramp, -ramp, *rng.uniform(-1.0, 1.0, (AROUND, point.x.size)), rng.permutation(ramp)]
    size = np.maximum(np.abs(point.x), 1.0)
    near, far = ([point.x + step * size * move for move in moves] for step in (NEAR, FAR))
    if not _is_mean(claim, v, near, far[:FIRST], _named(claim, trial)):
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
    where = claim.witness(size * moves[-1]) if claim.witness else None
    said = f"a kink{f' of {where}' if where else ''}, and the gradient is a mean of those around it: accepted"
    found.note([Finding("kink", sentence=said)])
    return found


def _named(claim: Claim, trial: Comparison) -> list[int]:
    """The numbers of the entries that are named as wrong."""
    slots = {claim.names(slot.path): slot for slot in claim.point.layout.slots}
    found = []
    for f in trial.findings:
        if f.kind in WRONG and f.index is not None and (slot := slots.get(f.path)):
            index = f.index[len(f.index) - len(slot.shape) :]  # that of an output stands before it
            found.append(slot.start + int(np.ravel_multi_index(index, slot.shape)) if index else slot.start)
    return found


def _is_mean(claim: Claim, v: Array, near: list[Any], far: list[Any], named: list[int]) -> bool:
    """Whether the gradient lies between those at points nearby, which jump where it is named as wrong."""
    try:
        given, wide = claim.pull(v).row, np.array([claim.pull(v, row).row for row in far])
        around = np.array([claim.pull(v, row).row for row in near[: len(far)]])
        jumps = _jumps(around, wide)
        if not (jumps.any() and jumps[named].all()):
            return False
        around = np.array([*around, *(claim.pull(v, row).row for row in near[len(far) :])])
    except Exception:  # what raises on one side gives no gradient there
        return False
    low, high, slack = around.min(axis=0), around.max(axis=0), _slack(around)
    return bool(np.all((low - slack <= given) & (given <= high + slack)))


def _jumps(around: Array, wide: Array) -> Array:
    """Which entries differ by as much between points close together as between points farther apart."""
    with np.errstate(invalid="ignore"):
        spread = np.ptp(around, axis=0)
        return (spread > _slack(around)) & (spread > np.ptp(wide, axis=0) / 8)


def _slack(around: Array) -> float:
    """What a smooth gradient moves by, so close to the point."""
    return float(64 * NEAR * np.max(np.abs(around), initial=0.0))
