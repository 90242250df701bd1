"""Diagnose a wrong gradient: compare it with its reference, find the pattern of the mistake, and describe it.

Arrays in, a kind and a sentence out; nothing here calls a function or knows the engine. A pattern must hold within
the error bar of every measured entry; there is no other tolerance. It must also explain more digits than its free
numbers take. `patterns` lists the patterns in order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .evidence import Diagnosis, Evidence
from .patterns import ORDER, SINGLE_ENTRY_ORDER
from .patterns.case import Case

__all__ = ["Diagnosis", "Evidence", "cotangent_ignored", "diagnose"]

UNKNOWN = Diagnosis("wrong", "")


def diagnose(evidence: Evidence, others: Sequence[Evidence] = (), single: bool = False) -> Diagnosis:
    """Diagnose one argument's gradient; others: the evidence on the other arguments.

    single: one entry is wrong, and all others are right.

    Returns the diagnosis of the first pattern that holds. If none does, or no measured entry is wrong, its kind is
    "wrong", without a sentence.
    """
    if np.shape(evidence.given) != np.shape(evidence.reference):
        shapes = f"given has shape {np.shape(evidence.given)}, the argument {np.shape(evidence.x)}"
        return Diagnosis("shape", shapes)
    case = Case(evidence, others)
    if not case.wrong.any():
        return UNKNOWN
    patterns = (*SINGLE_ENTRY_ORDER * single, *ORDER)
    with np.errstate(all="ignore"):
        return next((found for pattern in patterns if (found := pattern(case))), UNKNOWN)


def cotangent_ignored(evidence: Evidence, ones: Evidence) -> Diagnosis | None:
    """Diagnose a gradient that is right only for a cotangent of ones.

    evidence: for any cotangent. ones: of the same argument, for a cotangent of ones.
    """
    if not np.any(evidence.wrong) or np.any(ones.wrong) or not np.any(np.isfinite(ones.reference)):
        return None
    if np.array_equal(evidence.given, ones.given):
        return Diagnosis("cotangent ignored", "given is right for a cotangent of ones, and the same for any other")
    return Diagnosis("cotangent ignored", "given is right for a cotangent of ones, and wrong for others")
