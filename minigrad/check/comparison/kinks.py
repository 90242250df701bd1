"""Find the origin of a kink: the op of a recorded graph whose own derivative, or truth value, jumps at the point.

Slopes alone cannot tell a kink from a smooth function that bends sharply; the graph can.
"""

from __future__ import annotations

import numpy as np

from ...engine.backward import sweep_from
from ...engine.node import ARGUMENT, ITEM
from ...engine.value import Value
from ..numeric.extrapolation import Array
from .problem import Subject
from .recorded_graph import record_graph

STEPS = (2.0**-30, 2.0**-20)  # to both sides of the point, relative to its size (at least 1)
JUMPS = 1e-4  # relative to the largest entry: a smaller change over such steps is smooth


class KinkLocator:
    """Names the op that has a kink along a line (an axis by its number, or a direction); None if there is none."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._known: dict[object, str | None] = {}

    def __call__(self, line: int | Array) -> str | None:
        """``relu at node 3``, or another difference between the two sides."""
        key = line if isinstance(line, int) else np.asarray(line).tobytes()
        if key not in self._known:
            self._known[key] = self._along(line)
        return self._known[key]

    def _along(self, line: int | Array) -> str | None:
        x = self.subject.layout.row()
        u = np.zeros_like(x)
        if isinstance(line, int):
            u[line] = max(1.0, abs(x[line]))
        else:
            u = np.asarray(line)
        for h in STEPS:
            try:
                sides = [record_graph(self.subject, self.subject.inside(x + t * u)) for t in (-h, h)]
            except Exception:  # the point may be the end of the domain of f
                return "the edge of the function's domain"
            try:
                found = _difference(*sides)
            except Exception:  # a rule that raises does not count as a kink
                return None
            if found:
                return found
        return None


def _difference(left: list[Value], right: list[Value]) -> str | None:
    """The first node whose derivative, or truth value, differs between the two sides."""
    for rank, (a, b) in enumerate(zip(left, right, strict=False)):
        if a.op is not b.op or np.shape(a._array) != np.shape(b._array):
            return f"the branch of the code before node {rank}"
        if a.op is None or a.op is ARGUMENT or isinstance(a._array, tuple):
            continue
        if any(_jumps(p, q) for p, q in zip(_constants(a), _constants(b), strict=True)):
            return f"the branch of the code at node {rank}"
        if any(_jumps(p, q) for p, q in zip(_pattern(a), _pattern(b), strict=True)):
            return f"{_maker(a)} at node {rank}"
    return None if len(left) == len(right) else "the branches of the code"


def _maker(node: Value) -> str:
    """The op of a node; for an item, the op that gave the tuple."""
    made = node.inputs[0] if node.op is ITEM else node
    assert made.op is not None
    return made.op.label


def _constants(node: Value) -> list[Array]:
    return [np.asarray(x) for x in node.operands if not isinstance(x, Value)]


def _pattern(node: Value) -> list[Array]:
    """A node's own derivative, weighted at random; its value if it has none."""
    if not node.has_gradient:
        return [np.asarray(node._array)]
    found = own_slopes(node, np.random.default_rng(0).uniform(0.5, 1.5, np.shape(node._array))[()])
    return [found[x.serial] for x in _inputs(node) if x.serial in found]


def own_slopes(node: Value, g: Array) -> dict[int, Array]:
    """A node's own derivative for a cotangent, by the serials of its inputs."""
    ends = {x.serial for x in _inputs(node)}
    with np.errstate(all="ignore"):
        return {x.serial: np.asarray(c) for x, c in sweep_from([(node, g)], ends=ends) if x.serial in ends}


def _inputs(node: Value) -> tuple[Value, ...]:
    """The inputs of a node; of an item, those of the op that gave the tuple."""
    return node.inputs[0].inputs if node.op is ITEM else node.inputs


def _jumps(a: Array, b: Array) -> bool:
    """Whether two patterns differ by more than a smooth function does over a short step."""
    if a.dtype.kind != "f" or a.shape != b.shape:
        return not np.array_equal(a, b)
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return True
    with np.errstate(invalid="ignore"):
        gap, size = np.abs(a - b), np.fmax(np.abs(a), np.abs(b))
    return bool(np.nanmax(gap, initial=0.0) > JUMPS * np.nanmax(size, initial=0.0))
