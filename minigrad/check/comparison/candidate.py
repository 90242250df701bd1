"""The derivative to check: call a given gradient function and read its result.

A claim answers in rows of numbers (see `flattening`): a gradient for a cotangent, a tangent for a direction, a
whole matrix. It finds the mistakes that show without a slope: a wrong shape or type, arguments changed in place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np

from ...engine.tree import tree_map
from ..diagnosis.report import Finding
from ..numeric.derivative import Point
from ..numeric.evaluation import silence_warnings
from ..numeric.extrapolation import Array
from ..numeric.flattening import Layout
from ..numeric.rounding import DOUBLE, grid_unit
from .answers import Answer, ArgumentNames, read, read_like, read_matrix


def _unrecorded(tree: Any) -> Any:
    """Cotangents or tangents: tensors of PyTorch that do not require grad, whatever those beside them do."""
    return tree_map(lambda leaf, _: leaf.detach() if getattr(leaf, "requires_grad", False) else leaf, tree)


class Conventions(Protocol):
    """Names the libraries that return a given slope: see `conventions.ConventionNamer`."""

    def at_kink(self, axis: int, weights: Array, given: float, left: float, right: float) -> str:
        """Those whose convention a slope between those of the two sides follows."""

    def at_axis(self, axis: int, weights: Array, given: float) -> str:
        """The same, without slopes of the two sides."""

    def who_has(self, given: dict[int, float], weights: Array) -> list[str]:
        """Those whose conventions all of these entries follow."""

    def at_infinity(self, given: float) -> str:
        """Those that give this slope where that of an op is infinite."""

    def at_mistake(self, axes: Array, weights: Array, given: Array) -> str:
        """Those that lose the slope of an op as a wrong gradient does."""


class Claim:
    """A derivative to check, and the point at which to check it.

    kind: "grad" and "vjp" pull cotangents back, "jvp" pushes tangents forward, "jac" is a matrix.
    promote: whether to call it with float64, as the function itself is called.
    title: what it is called where it raises an error.
    any_memory: whether it is known to read cotangents of any memory order.
    locate_kink: if the graph of the function is known: names the origin of a kink along a line, None without one.
    conventions: names the libraries that a given derivative agrees with.
    """

    any_memory = False
    locate_kink: Callable[[int | Array], str | None] | None = None
    conventions: Conventions | None = None

    def __init__(
        self, kind: str, call: Callable[..., Any], point: Point, names: ArgumentNames, chosen: tuple[int, ...]
    ) -> None:
        self.kind, self.function, self.point = kind, call, point
        self.title = f"the {kind} function"
        self.names, self.chosen = names, chosen
        self.promote = point.f.promote
        self.mutated: list[Finding] = []

    def at(self, point: Point) -> Self:
        """The same claim at another point, away from kinks."""
        other = copy.copy(self)
        other.point, other.promote, other.mutated, other.locate_kink = point, point.f.promote, [], None
        return other

    def pull(self, v: Array, row: Array | None = None) -> Answer:
        """The gradient for a cotangent of the result."""
        cotangent = self.build_cotangent(v) if self.kind == "vjp" else None
        return self.pull_with(cotangent, row)

    def pull_with(self, cotangent: Any, row: Array | None = None) -> Answer:
        """The gradient for a cotangent that is nested like the result."""
        self._sent = None if cotangent is None else self.point.results.row(cotangent)
        given = self._call_function(lambda args: args if cotangent is None else (cotangent, *args), row)
        return self._judged(read(self.point.layout, given, self.names, self.point.unit, self.chosen))

    def build_cotangent(self, v: Array) -> Any:
        """The numbers, nested like the result."""
        return _unrecorded(self.point.results.build(v, self.promote))

    def push(self, u: Array, row: Array | None = None) -> Answer:
        """The tangent of the result for a direction."""
        layout = self.point.layout
        directed = _unrecorded(layout.build(u, self.promote))
        sent = layout.row(directed)
        tangents = tuple(directed[n] for n in self.chosen)
        given = self._call_function(lambda args: (args, tangents), row)
        if not self.mutated and not np.array_equal(sent, layout.row(directed), equal_nan=True):
            self.mutated.append(Finding("mutated", sentence="the gradient function changed the tangent in place"))
        if isinstance(given, tuple) and len(given) == 2 and not isinstance(self.point.results.tree, tuple):
            given = given[1]  # (y, dy), as in many engines
        return self._judged(read_like(self.point.results, given, self.point.unit))

    def matrix(self, row: Array | None = None) -> Answer:
        """The whole matrix of derivatives, (outputs, inputs), as a row."""
        given = self._call_function(lambda args: args, row)
        return self._judged(read_matrix(self.point.results, self.point.layout, given, self.names, self.chosen))

    def hessian(self, row: Array | None = None) -> Answer:
        """The matrix of second derivatives of a scalar f, (inputs, inputs), as a row."""
        given = self._call_function(lambda args: args, row)
        tree = self.point.layout.tree
        rows = Layout(tree[0]) if len(tree) == 1 else self.point.layout
        return self._judged(read_matrix(rows, self.point.layout, given, self.names, self.chosen))

    def _judged(self, answer: Answer) -> Answer:
        """The answer, with the rounding that its numbers show, if the function shows as much."""
        if self.point.unit > DOUBLE:
            answer.unit = max(answer.unit, grid_unit(answer.row, self.point.unit))
        return answer

    def _call_function(self, arguments: Callable[[Any], Any], row: Array | None) -> Any:
        layout = self.point.layout
        row = self.point.x if row is None else row
        args = layout.build(row, self.promote)
        call = arguments(args)
        before = layout.row(args)
        with silence_warnings():
            given = self.function(*call)
        if not self.mutated:
            self._compare(before, layout.row(args), call)
        return given

    def _compare(self, before: Array, after: Array, call: Any) -> None:
        changed = ~((before == after) | (np.isnan(before) & np.isnan(after)))
        if changed.any():
            slot = self.point.layout.slot_of(int(np.argmax(changed)))
            sentence = f"the gradient function changed {self.names(slot.path)} in place"
            self.mutated.append(Finding("mutated", self.names(slot.path), sentence=sentence))
        if self.kind == "vjp" and self._sent is not None:
            now = self.point.results.row(call[0])
            if not np.array_equal(now, self._sent, equal_nan=True):
                sentence = "the gradient function changed the cotangent in place"
                self.mutated.append(Finding("mutated", sentence=sentence))

    _sent: Array | None = None
