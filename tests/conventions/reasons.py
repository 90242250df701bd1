"""Why minigrad answers as it does at a point: the kink that its row of the table states."""

from __future__ import annotations

import numpy as np

from minigrad import Value
from minigrad.engine.op import Op
from minigrad.engine.value import graph

from .libraries import LIBRARIES
from .points import SECTIONS, SMOOTH, Point


def ops(point: Point) -> list[Op]:
    """The ops of minigrad's graph of a point, each once."""
    leaves = [Value(np.asarray(x)) for x in point.inputs]
    with np.errstate(all="ignore"):
        y = LIBRARIES["minigrad"].function(point)(*leaves)
    found = (node.op for node in graph(y)) if isinstance(y, Value) else ()
    return [*dict.fromkeys(op for op in found if op is not None)]


def reason(point: Point) -> str:
    """In a few words."""
    if point in SECTIONS[SMOOTH]:
        return "the derivative"
    made = ops(point)
    stated = {op.label: op.kink for op in made if op.kink}
    if point.why or len(stated) > 1:
        return point.why or "; ".join(f"{label}: {kink}" for label, kink in stated.items())
    if stated:
        return next(iter(stated.values()))
    assert any(not op.vjps for op in made), f"no row of the table says why: {point.key}"
    return "0 wherever it exists"
