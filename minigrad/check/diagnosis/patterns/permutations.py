"""Patterns of a gradient with the right numbers in the wrong places."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from ..evidence import Diagnosis
from .case import ENOUGH, Case
from .order import pattern
from .phrases import axes_phrase, join_with_and

MOST_AXES = 5  # with more axes, only exchanges of two are tried
MOST_SHIFTS = 64  # how many of the shifts that one entry suggests are tried; more are no evidence


@pattern(60)
def transposed(case: Case) -> Diagnosis | None:
    """Two axes exchanged, or all in another order; axes of different lengths are reshaped back."""
    orders = list(_orders(len(case.shape)))
    for order in orders:
        back = tuple(int(k) for k in np.argsort(order))
        shape = tuple(case.shape[k] for k in order)
        if case.is_derivative(case.whole.reshape(shape).transpose(back), len(orders)) or case.is_derivative(
            case.whole.transpose(order), len(orders)
        ):
            moved = [k for k, old in enumerate(order) if k != old]
            what = f"axes {join_with_and(moved)} exchanged" if len(moved) == 2 else f"its axes in the order {order}"
            memory = "" if shape == case.shape else ", reshaped to the shape of x"
            return Diagnosis("transposed", f"given is the derivative with {what}{memory}")
    return None


@pattern(70)
def flipped(case: Case) -> Diagnosis | None:
    """Reversed along an axis, or along several."""
    if _lone(case):
        return None
    longer = [axis for axis, length in enumerate(case.shape) if length > 1]
    sets = [axes for count in range(1, len(longer) + 1) for axes in combinations(longer, count)]
    for axes in sets:
        if case.is_derivative(np.flip(case.whole, axes), len(sets)):
            return Diagnosis("flipped", f"given is the derivative reversed along {axes_phrase(axes)}")
    return None


@pattern(80)
def rolled(case: Case) -> Diagnosis | None:
    """Shifted cyclically along an axis, or in the order of memory."""
    if _lone(case):
        return None
    for axis in [*range(len(case.shape)), *([None] if len(case.shape) > 1 else [])]:
        length = case.whole.size if axis is None else case.shape[axis]
        for shift in _shifts(case, axis):
            if case.is_derivative(np.roll(case.whole, -shift, axis), length):
                by = shift if 2 * shift <= length else shift - length
                where = "in the order of memory" if axis is None else f"along axis {axis}"
                return Diagnosis("rolled", f"given is the derivative shifted cyclically by {by} {where}")
    return None


@pattern(150)
def permuted(case: Case) -> Diagnosis | None:
    """The right numbers in another order: each measured number occurs somewhere in the given gradient."""
    given = np.sort(np.ravel(case.whole))
    order = np.argsort(case.reference)
    reference, tolerance = case.reference[order], case.tolerance[order]
    if len(given) == len(reference):
        found = given
    else:
        right = np.clip(np.searchsorted(given, reference), 1, len(given) - 1)
        nearer = reference - given[right - 1] < given[right] - reference
        found = given[np.where(nearer, right - 1, right)]
    if np.any(np.abs(found - reference) > tolerance):
        return None
    # Each number agrees with one of n, a choice worth log10(n) digits. The same number twice counts once.
    digits = np.maximum(case.digits[order] - np.log10(len(given)), 0)
    fresh = np.append(True, np.diff(reference) > tolerance[1:])
    if digits[fresh].sum() < ENOUGH or np.count_nonzero(case.wrong) < 2:
        return None
    return Diagnosis("permuted", "given has the entries of the derivative, in another order")


@pattern(40)
def exchanged(case: Case) -> Diagnosis | None:
    """The derivative of another argument, and the other way round."""
    for other in _derivatives_of(case, mutual=True):
        return Diagnosis("swapped", f"given is the derivative of {other}, and the other way round")
    return None


@pattern(90)
def borrowed(case: Case) -> Diagnosis | None:
    """The derivative of another argument."""
    for other in _derivatives_of(case, mutual=False):
        return Diagnosis("swapped", f"given is the derivative of {other}")
    return None


@pattern(95)
def misplaced(case: Case) -> Diagnosis | None:
    """The sum of the derivatives of two arguments, while the other one gets 0: its share stands here."""
    for evidence in case.others:
        if np.shape(evidence.given) != case.shape or np.any(evidence.given):
            continue
        other = Case(evidence)
        both, mine, its = np.intersect1d(case.at, other.at, assume_unique=True, return_indices=True)
        tolerance = case.tolerance[mine] + other.tolerance[its]
        off = np.abs(case.change[mine] - other.reference[its])
        digits = case.digits[mine][np.abs(case.change[mine]) > tolerance]
        if len(both) == len(case.at) and np.all(off <= tolerance) and digits.sum() >= ENOUGH:
            share = f"given is the derivative of {case.evidence.path} plus that of {evidence.path}, whose own is 0"
            return Diagnosis(
                "swapped", f"{share}: an argument, a tangent or a gradient is used in the other's place"
            )
    return None


def _derivatives_of(case: Case, mutual: bool) -> Iterator[str]:
    for evidence in case.others:
        if np.shape(evidence.given) != case.shape:
            continue
        other = Case(evidence)
        if _is_derivative(case, other) and (not mutual or _is_derivative(other, case)):
            yield evidence.path


def _is_derivative(case: Case, other: Case) -> bool:
    """Whether the gradient given for one argument is the derivative of the other."""
    both, mine, its = np.intersect1d(case.at, other.at, assume_unique=True, return_indices=True)
    off = np.abs(case.given[mine] - other.reference[its])
    return len(both) > 0 and bool(np.all(off <= other.tolerance[its])) and case.digits[mine].sum() >= ENOUGH


def _orders(ndim: int) -> Iterator[tuple[int, ...]]:
    """Orders of axes: exchanges of two first."""
    swaps = []
    for a, b in combinations(range(ndim), 2):
        order = [*range(ndim)]
        order[a], order[b] = b, a
        swaps.append(tuple(order))
    yield from swaps
    if ndim <= MOST_AXES:
        yield from (p for p in permutations(range(ndim)) if p not in swaps and p != tuple(range(ndim)))


def _lone(case: Case) -> bool:
    """Whether the wrong entries have at most one nonzero value, which many moves would explain."""
    return len(np.unique(case.reference[case.wrong & (np.abs(case.reference) > case.tolerance)])) < 2


def _shifts(case: Case, axis: int | None) -> Iterator[int]:
    """Shifts along an axis that explain the largest wrong entry."""
    place = int(np.argmax(np.where(case.wrong, np.abs(case.reference), -1)))
    flat = int(case.at[place])
    if axis is None:
        line, start = np.ravel(case.whole), flat
    else:
        index = list(np.unravel_index(flat, case.shape))
        start = int(index[axis])
        line = case.whole[tuple(slice(None) if k == axis else i for k, i in enumerate(index))]
    ends = np.flatnonzero(np.abs(line - case.reference[place]) <= case.tolerance[place])
    shifts = [int(end - start) % len(line) for end in ends]
    yield from sorted(s for s in shifts if s)[:MOST_SHIFTS]
