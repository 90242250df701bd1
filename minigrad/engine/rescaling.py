"""Derivatives on whose way a product was too small or too large for its type.

The slope of 1/(1 + e^-x) at -600 is 1e-261, but 1e-521 stands on the way to it: that is 0, and 0 · e^600 as well.
NumPy warns of such products. A sweep is linear in what it starts from: started from 2^k times as much, it finds 2^k
times the derivative, to the same bit, and its products are within range for some k.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from typing import Any

import numpy as np

from .backward import graph, sweep_from
from .forward import push
from .modes import EAGER, debugging_by, ignoring_fp_warnings
from .node import Node

SHARES = (0.5, 0.75, 0.97)  # k, as a share of the largest exponent of the type
USERS = ("custom_ops", "checkpoint")  # the pages of ops that run a user's function
WARNING = re.compile(r"(underflow|overflow) encountered in (?:scalar )?(?:multiply|divide)\n")


def out_of_range(noted: str) -> set[str]:
    """Which warnings of NumPy speak of a product or quotient: "underflow", "overflow"."""
    return {*WARNING.findall(noted)}


def rescaled(what: str, found: dict[int, Any], *start: Any) -> dict[int, Any]:
    """The derivatives that a sweep found, with those of scaled sweeps where their products are within range.

    what: "gradients" or "tangents". start: what `sweep_from` or `push` started from.
    """
    ys = [y for y, _ in start[0]] if what == "gradients" else start[0]
    if not found or not _may_be_scaled(graph(*ys)):
        return found
    largest = min(np.finfo(x.dtype).maxexp for x in (*ys, *found.values()))
    with debugging_by(None):
        for share in SHARES:
            scaled, noted = _scaled(what, int(share * largest), *start)
            found = {serial: _either(scaled[serial], x) for serial, x in found.items()}
            if "underflow" not in noted:
                break
        for share in SHARES:
            if all(_is_finite(x).all() for x in found.values()):
                break
            scaled, noted = _scaled(what, -int(share * largest), *start)
            if "underflow" not in noted:
                found = {serial: _either(scaled[serial], x) for serial, x in found.items()}
    return found


def _may_be_scaled(nodes: Sequence[Node]) -> bool:
    """Whether a graph has an op that makes much of little, and no rule of a user, which may not be linear."""
    ops = {x.op for x in nodes if x.op is not None}
    if any(made_by.page in USERS for made_by in ops):
        return False
    return any(not EAGER.tame[made_by] and not made_by.selects for made_by in ops)


def _scaled(what: str, k: int, *start: Any) -> tuple[dict[int, Any], set[str]]:
    """What a sweep finds from 2^k times its start, divided by 2^k; and which of its products were out of range."""
    noted, factor = StringIO(), 2.0**k
    with ignoring_fp_warnings(noted):
        if what == "gradients":
            seeds, *rest = start
            swept = {x.serial: c for x, c in sweep_from([(y, g * factor) for y, g in seeds], *rest)}
        else:
            ys, tangents, alive = start
            swept = push(ys, {serial: t * factor for serial, t in tangents.items()}, alive)
        warnings = out_of_range(noted.getvalue())
        return {serial: c * 2.0**-k for serial, c in swept.items() if type(c) is not tuple}, warnings


def _either(scaled: Any, plain: Any) -> Any:
    """The scaled derivative where it is finite and another number; else the plain one, with its sign of 0.

    Of a node it is the whole or nothing: a choice would hand 0 to the rules behind what it leaves out, which may be
    infinite.
    """
    finite = _is_finite(scaled)
    if isinstance(scaled, Node):
        return scaled if finite.all() else plain
    better = finite & np.not_equal(scaled, plain)
    return np.where(better, scaled, plain)[()] if better.any() else plain


def _is_finite(x: Any) -> Any:
    return np.isfinite(x._array if isinstance(x, Node) else x)
