"""Find out whether a derivative takes its arguments in another order than it is called with.

jvp is called with (arguments, tangents) and vjp with (cotangent, *arguments). A function that takes them the other
way round is linear in the wrong ones; called in its own order, it is right.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..diagnosis.report import Finding
from ..numeric.extrapolation import Array
from .candidate import Claim
from .invariants import check_linearity
from .verdict import BARS

# For each kind: the order in which its function is called, and the other one.
ORDERS = {
    "jvp": ("(arguments, tangents)", "(tangents, arguments)"),
    "vjp": ("(cotangent, *arguments)", "(*arguments, cotangent)"),
}
ROUNDINGS = 2.0**10  # of a right answer


def check_exchanged(claim: Claim, v: Array, u: Array) -> list[Finding]:
    """A finding if the derivative is right with its arguments exchanged; else none.

    v: a cotangent. u: a direction.
    """
    other = copy.copy(claim)
    other.function = _exchanged(claim)
    other.mutated = []
    try:
        ask, of = (other.push, u) if claim.kind == "jvp" else (other.pull, v)
        if check_linearity(ask, of, of[::-1], ""):
            return []
        found = ask(of)
        given = found.row if claim.kind == "jvp" else np.array([found.row @ u])
        (measured,) = claim.point.slopes(None if claim.kind == "jvp" else v[None]).along([u])
    except Exception:  # it takes no other order
        return []
    allowed = BARS * measured.error + ROUNDINGS * found.unit * float(np.max(np.abs(given), initial=0.0))
    if given.shape != measured.value.shape or not given.any():
        return []
    if not np.all(np.abs(given - measured.value) <= allowed):
        return []
    ours, its = ORDERS[claim.kind]
    sentence = f"the {claim.kind} function is right when called with {its}: it must take {ours}"
    return [Finding("swapped", sentence=sentence)]


def _exchanged(claim: Claim) -> Any:
    """The function, called with its last argument first (jvp), or its first one last (vjp)."""

    def call(first: Any, *rest: Any) -> Any:
        return claim.function(*rest, first)

    return call
