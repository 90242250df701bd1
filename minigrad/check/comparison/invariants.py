"""Rules that every gradient function must keep, whatever the derivative: checks without slopes or error bars.

A second call gives the same answer, the answer is linear in the cotangent, and the two modes are transposes of
each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ..diagnosis.report import Finding
from ..numeric.extrapolation import Array
from ..numeric.rounding import DOUBLE
from .answers import Answer
from .candidate import Claim
from .sparse import SparseMatrix

NOTICEABLE = 2.0**10  # roundings of the largest entry: smaller differences do not count
FEW_BITS = 2.0**-10, 4  # a smaller share, and so many roundings, where a thousand of them would hide any mistake
SEEN = 2.0**6  # times the rounding errors that were seen
# Factors close to 1. They have all bits of a float: products with fewer bits may all be exact, and show nothing.
NEAR_ONE = np.array([-7, -5, -3, -2, 2, 3, 5, 7]) * np.pi / 3
STEPS = 2.0**-20, 2.0**-9  # float32 tells factors apart that differ by the first, half precision by the second


def noticeable(unit: float) -> float:
    """A share of the largest entry that counts as a difference without a closer look."""
    return min(NOTICEABLE * unit, max(FEW_BITS[0], FEW_BITS[1] * unit))


def check_repeatable(first: Answer, second: Answer) -> list[Finding]:
    """Check that a second call gives the same answer."""
    with np.errstate(all="ignore"):
        if _near(first.row, second.row, first.unit):
            return []
        size = float(first.row @ first.row)
        share = float(second.row @ first.row) / size if size else 0.0
        if share > 1.01 and _near(share * first.row, second.row, first.unit):
            sentence = f"a second call with the same arguments gives {share:.3g} times as much: it accumulates"
            return [Finding("accumulated", sentence=sentence)]
    return [Finding("unstable", sentence="a second call with the same arguments gives a different result")]


def roundings(ask: Callable[[Array], Answer], v: Array) -> Array:
    """The rounding errors of a linear function at v, per entry: how far L(cv) is from c L(v), for c close to 1.

    Where terms cancel, as in the gradient of sum(softmax(x)), their rounding errors are all that is left. What
    grows in proportion to c - 1 is no rounding error: L is not linear.
    """
    row, lost = ask(v).row, []
    for step in STEPS:
        away = step * NEAR_ONE
        gaps = np.array([ask((1 + c) * v).row - (1 + c) * row for c in away])
        trend = np.tensordot(away, gaps, 1) / (away @ away)
        lost.append(np.max(np.abs(gaps - np.multiply.outer(away, trend)), axis=0))
    return np.fmax(*lost)


@np.errstate(all="ignore")
def check_linearity(ask: Callable[[Array], Answer], v: Array, w: Array, what: str) -> list[Finding]:
    """Check that the answer is linear: L(0) = 0, L(2v) = 2 L(v), -L(-(v + w)) = L(v) + L(w)."""
    # The sum has its sign changed: absolute values, or those cut off at 0, add up where nothing is negative.
    of_v, of_w, of_sum = ask(v), ask(w), ask(-(v + w))
    least = noticeable(max(of_v.unit, of_w.unit))
    one, both = np.abs(of_v.row), np.abs(of_v.row) + np.abs(of_w.row)
    # Each is held against the rounding errors of its own parts: one cotangent may be a million times the other, and
    # zeros have none.
    rules = (
        (f"a {what} of zeros does not give zeros", ask(0 * v).row, 0 * of_v.row, one, ()),
        (f"twice the {what} does not give twice the result", ask(2 * v).row, 2 * of_v.row, one, (v,)),
        (
            f"the sum of two {what}s does not give the sum of their results",
            -of_sum.row,
            of_v.row + of_w.row,
            both,
            (v, w, -(v + w)),
        ),
    )
    for sentence, left, right, sizes, parts in rules:
        gap, size = (float(np.max(x, initial=0.0)) for x in (np.abs(left - right), sizes))
        if not gap > least * size:
            continue
        seen = max((float(np.max(roundings(ask, part), initial=0.0)) for part in parts), default=0.0)
        if gap > SEEN * seen:
            return [Finding("nonlinear", sentence=f"{sentence}: off by {gap:.2g}, compared with {size:.2g}")]
    return []


def check_transpose(reverse: Claim, forward: Claim, v: Array, u: Array) -> list[Finding]:
    """Check that the two modes are transposes of each other: <v, Ju> = <Jᵀv, u>."""
    back, ahead = reverse.pull(v), forward.push(u)
    pulled, pushed = back.row, ahead.row
    with np.errstate(all="ignore"):
        left, right = float(v @ pushed), float(pulled @ u)
        size = float(np.abs(v) @ np.abs(pushed) + np.abs(pulled) @ np.abs(u))
        if not abs(left - right) > NOTICEABLE * DOUBLE * size:
            return []
        seen = float(np.abs(v) @ roundings(forward.push, u) + roundings(reverse.pull, v) @ np.abs(u))
        if abs(left - right) <= max(SEEN * seen, 8 * max(back.unit, ahead.unit) * size):
            return []
    sentence = f"<v, Ju> = {left:.9g} by forward mode and <Jᵀv, u> = {right:.9g} by reverse mode should be equal"
    return [Finding("adjoint", sentence=sentence)]


def check_symmetry(matrix: Array, unit: float, nearby: Iterable[Array] = ()) -> list[Finding]:
    """Check that a matrix of second derivatives equals its transpose.

    nearby: the matrix a few roundings beside the point, several times. The least of its changes is rounding: a
    kink shows at some of these points only.
    """
    if matrix.shape[0] != matrix.shape[1]:
        return []
    with np.errstate(all="ignore"):
        gap = np.abs(matrix - matrix.T)
        most = float(np.max(gap, initial=0.0))
        if not most > noticeable(unit) * np.max(np.abs(matrix), initial=0.0):
            return []
        if most <= SEEN * min((float(np.max(np.abs(there - matrix))) for there in nearby), default=0.0):
            return []
    i, j = (int(k) for k in np.unravel_index(int(np.nanargmax(gap)), gap.shape))
    sentence = (
        f"entry ({i}, {j}) is {matrix[i, j]:.6g} and entry ({j}, {i}) is {matrix[j, i]:.6g}: a Hessian is symmetric"
    )
    return [Finding("asymmetric", index=(i, j), sentence=sentence)]


def check_sparse_symmetry(matrix: SparseMatrix) -> list[Finding]:
    """Check that a sparse matrix of second derivatives equals its transpose."""
    gaps = matrix.minus(matrix.transpose())
    most = float(np.max(np.abs(gaps.values), initial=0.0))
    if not most > NOTICEABLE * 2.0**-53 * np.max(np.abs(matrix.values), initial=0.0):
        return []
    k = int(np.argmax(np.abs(gaps.values)))
    i, j = int(gaps.rows[k]), int(gaps.columns[k])
    sentence = f"entries ({i}, {j}) and ({j}, {i}) differ by {abs(gaps.values[k]):.6g}: a Hessian is symmetric"
    return [Finding("asymmetric", index=(i, j), sentence=sentence)]


def _near(a: Array, b: Array, unit: float) -> bool:
    """Whether two arrays agree to a few roundings of the largest entry, with nan in the same places."""
    if np.array_equal(a, b, equal_nan=True):
        return True
    size = float(np.max(np.abs(a), initial=0.0))
    return bool(np.all((np.abs(a - b) <= 64 * unit * size) | (np.isnan(a) & np.isnan(b))))
