"""Cotangents in other memory orders: a gradient function that reads raw memory gives another result for them.

Frameworks pass such cotangents: that of a sum is one number with strides of 0, that of a transposed result lies in
Fortran order. No slope of the function is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...engine import tree
from ..diagnosis.report import Finding
from ..numeric.extrapolation import Array
from ..numeric.memory import broadcast_like, in_other_orders
from .answers import Answer
from .candidate import Claim
from .invariants import NOTICEABLE, SEEN, roundings

CONSTANT = 0.75  # the number that is broadcast


def check_cotangent_memory(claim: Claim, v: Array, answer: Answer) -> tuple[list[Finding], list[str]]:
    """Findings where the answer for v is another one in another memory order, and remarks.

    An error raised there is a finding for tensors: PyTorch passes such cotangents. For other arrays it is a remark.
    """
    for what, numbers, cotangent in _cotangents(claim, v):
        plain = answer if numbers is v else claim.pull(numbers)
        try:
            other = claim.pull_with(cotangent)
        except Exception as error:
            raised = f"raised {type(error).__name__} for a cotangent {what}: {error}"
            if any(hasattr(leaf, "as_strided") for leaf in tree.leaves(cotangent)):
                return [Finding("memory layout", sentence=f"{claim.title} {raised}")], []
            return [], [f"{claim.title} {raised}"]
        if found := _difference(claim, numbers, plain, other, what):
            return [found], []
    return [], []


def _cotangents(claim: Claim, v: Array) -> Iterator[tuple[str, Array, Any]]:
    """What is special about its memory, the numbers, and the cotangent."""
    results, usual = claim.point.results, claim.build_cotangent(v)
    options = [in_other_orders(leaf) for leaf in tree.leaves(usual)]
    for what in dict.fromkeys(name for option in options for name in option):
        yield what, v, _replace(usual, [option.get(what) for option in options])
    spread = [broadcast_like(leaf, CONSTANT) for leaf in tree.leaves(usual)]
    if any(leaf is not None for leaf in spread):
        constant = np.full(results.size, CONSTANT)
        yield "that is one number, broadcast", constant, _replace(claim.build_cotangent(constant), spread)


def _replace(nested: Any, leaves: list[Any]) -> Any:
    """The same nesting with other leaves where there are any."""
    rest = iter(leaves)

    def other(leaf: Any, _: str) -> Any:
        found = next(rest)
        return leaf if found is None else found

    return tree.tree_map(other, nested)


def _difference(claim: Claim, v: Array, plain: Answer, other: Answer, what: str) -> Finding | None:
    """The finding on the largest difference that is no rounding, if there is one."""
    with np.errstate(all="ignore"):
        gap = np.abs(plain.row - other.row)
        gap[(plain.row == other.row) | (np.isnan(plain.row) & np.isnan(other.row))] = 0.0
        gap[np.isnan(gap)] = np.inf
        allowed = np.zeros(gap.shape)
        for slot in claim.point.layout.slots:
            size = np.nan_to_num(np.abs(plain.row[slot.stretch]))
            allowed[slot.stretch] = NOTICEABLE * plain.unit * np.max(size, initial=0.0)
        if not np.any(gap > allowed):
            return None
        allowed = np.maximum(allowed, SEEN * np.nan_to_num(roundings(claim.pull, v)))
        if not np.any(gap > allowed):
            return None
    i = int(np.argmax(gap))
    slot = claim.point.layout.slot_of(i)
    sentence = f"{plain.row[i]:.6g}, but {other.row[i]:.6g} for the same cotangent {what}: it reads raw memory"
    return Finding("memory layout", claim.names(slot.path), slot.index(i), sentence=sentence)
