"""minigrad's own derivatives of a function, of any order, as claims that are checked like any others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine import tree
from ...transforms.grad import grad, jvp, vjp
from ..numeric.derivative import Point
from ..numeric.extrapolation import Array
from ..numeric.flattening import Layout, concatenate_flat, to_array
from ..numeric.rounding import unit_of
from .answers import Answer, ArgumentNames
from .candidate import Claim
from .problem import Subject


class MinigradClaim(Claim):
    """Both sweeps over the graph of f at the point."""

    any_memory = True

    def __init__(self, f: Callable[..., Any], point: Point, names: ArgumentNames, chosen: tuple[int, ...]) -> None:
        super().__init__("vjp", f, point, names, chosen)

    def pull(self, v: Array, row: Array | None = None) -> Answer:
        """The gradient by the reverse sweep."""
        _, pull = vjp(self._of_leaves, *self._leaves(row))
        results = self.point.results
        return self._answer(pull(results.build(v, self.promote)))

    def push(self, u: Array, row: Array | None = None) -> Answer:
        """The tangent by the forward sweep."""
        layout = self.point.layout
        tangents = layout.leaves(layout.build(u, self.promote))
        _, t = jvp(self._of_leaves, tuple(self._leaves(row)), tuple(tangents))
        return self._answer(self.point.results.leaves(t))

    def args(self, row: Array | None = None) -> Any:
        """The arguments of f, with these numbers in them."""
        return self.point.layout.build(self.point.x if row is None else row, self.promote)

    def _leaves(self, row: Array | None) -> list[Any]:
        return self.point.layout.leaves(self.args(row))

    def _of_leaves(self, *leaves: Any) -> Any:
        return self.function(*self.point.layout.fill(leaves))

    def _answer(self, found: Any) -> Answer:
        arrays = [to_array(part) for part in found]
        return self._judged(Answer(concatenate_flat(arrays), unit_of(Layout(arrays))))


@dataclass(frozen=True)
class GradientCandidate:
    """The gradient of <v, f> for the slots of a layout, as a function of the arguments of f.

    A check of second order measures the slopes of this function, never second differences of f.
    """

    f: Callable[..., Any]
    layout: Layout
    v: tuple[Any, ...]

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        """One array per slot."""
        leaves = self.layout.leaves(args)

        def weighted(*leaves: Any) -> Any:
            results = result_arrays(self.f(*self.layout.fill(leaves, args)))
            return sum((np.sum(v * y) for v, y in zip(self.v, results, strict=True)), start=0.0)

        found: tuple[Any, ...] = grad(weighted, tuple(range(len(leaves))))(*leaves)
        return found


def gradient_candidate(subject: Subject) -> GradientCandidate:
    """The gradient of <v, f> for a random v, so that a check can differentiate it once more."""
    return GradientCandidate(subject.f, subject.layout, gradient_weights(subject))


def gradient_weights(subject: Subject) -> tuple[Array, ...]:
    """A random v, one array per array of the result; 1 if that is one number."""
    assert subject.point is not None
    results, rng = subject.point.results, subject.rng()
    v = rng.integers(512, 1537, results.size) / 1024 * rng.choice([-1.0, 1.0], results.size)
    scalar = results.size == 1
    return tuple(np.ones(slot.shape) if scalar else v[slot.stretch].reshape(slot.shape) for slot in results.slots)


def result_arrays(result: Any) -> list[Any]:
    """The arrays of a result, in order."""
    return tree.leaves(result)
