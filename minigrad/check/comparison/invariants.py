"""Rules that every gradient function must keep, whatever the derivative: checks without slopes or error bars.

It gives the same answer twice, is linear in the cotangent, and each mode is the transpose of the other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..diagnosis.report import Finding
from ..numeric.extrapolation import Array
from .candidate import Answer, Claim

NOTICED = 2.0**10  # roundings of the largest entry: smaller differences do not count


def repeated(first: Answer, second: Answer) -> list[Finding]:
    """A second call gives the same answer."""
    with np.errstate(all="ignore"):
        if _near(first.row, second.row, first.unit):
            return []
        size = float(first.row @ first.row)
        share = float(second.row @ first.row) / size if size else 0.0
        if share > 1.01 and _near(share * first.row, second.row, first.unit):
            said = f"a second call with the same arguments gives {share:.3g} times as much: it accumulates"
            return [Finding("accumulated", sentence=said)]
    return [Finding("unstable", sentence="a second call with the same arguments gives a different result")]


def check_linearity(ask: Callable[[Array], Answer], v: Array, w: Array, what: str) -> list[Finding]:
    """It is linear in its argument: L(0) = 0, L(2v) = 2 L(v), L(v + w) = L(v) + L(w)."""
    of_v, of_w = ask(v), ask(w)
    unit = max(of_v.unit, of_w.unit)
    size = float(np.max(np.abs(of_v.row) + np.abs(of_w.row), initial=0.0))
    with np.errstate(all="ignore"):
        for said, left, right in (
            (f"for a {what} of zeros it does not give zeros", ask(0 * v).row, 0 * of_v.row),
            (f"for twice the {what} it does not give twice as much", ask(2 * v).row, 2 * of_v.row),
            (f"for the sum of two {what}s it does not give the sum", ask(v + w).row, of_v.row + of_w.row),
        ):
            gap = float(np.max(np.abs(left - right), initial=0.0))
            if gap > NOTICED * unit * size:
                return [Finding("nonlinear", sentence=f"{said}: off by {gap:.2g}, compared with {size:.2g}")]
    return []


def check_transpose(reverse: Claim, forward: Claim, v: Array, u: Array) -> list[Finding]:
    """The two modes are transposes of each other: <v, Ju> = <Jᵀv, u>."""
    pulled, pushed = reverse.pull(v).row, forward.push(u).row
    with np.errstate(all="ignore"):
        left, right = float(v @ pushed), float(pulled @ u)
        size = float(np.abs(v) @ np.abs(pushed) + np.abs(pulled) @ np.abs(u))
        if not abs(left - right) > NOTICED * 2.0**-53 * size:
            return []
    said = f"<v, Ju> = {left:.9g} by forward mode, <Jᵀv, u> = {right:.9g} by reverse mode"
    return [Finding("adjoint", sentence=said)]


def check_symmetry(matrix: Array, unit: float) -> list[Finding]:
    """A matrix of second derivatives equals its transpose."""
    if matrix.shape[0] != matrix.shape[1]:
        return []
    with np.errstate(all="ignore"):
        gap = np.abs(matrix - matrix.T)
        if not np.max(gap, initial=0.0) > NOTICED * unit * np.max(np.abs(matrix), initial=0.0):
            return []
    i, j = (int(k) for k in np.unravel_index(int(np.nanargmax(gap)), gap.shape))
    said = (
        f"entry ({i}, {j}) is {matrix[i, j]:.6g} and entry ({j}, {i}) is {matrix[j, i]:.6g}: a Hessian is symmetric"
    )
    return [Finding("asymmetric", index=(i, j), sentence=said)]


def _near(a: Array, b: Array, unit: float) -> bool:
    """Whether two arrays agree to a few roundings of the largest entry, with nan in the same places."""
    if np.array_equal(a, b, equal_nan=True):
        return True
    size = float(np.max(np.abs(a), initial=0.0))
    return bool(np.all((np.abs(a - b) <= 64 * unit * size) | (np.isnan(a) & np.isnan(b))))
