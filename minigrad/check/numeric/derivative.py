"""Numerical derivatives with reliable error bars, of any function of numbers; there is no step to choose.

These are the public functions; `finite_differences` chooses the points, `extrapolation` does the arithmetic.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from ...engine.tree import tree_map
from ...errors import ArgumentError, ShapeError
from ...transforms.grad import holds_arguments
from .bounds import Bounds, read_bounds
from .evaluation import Evaluator, RowFunction, flatten_result
from .extrapolation import STEEP, Array
from .finite_differences import Slopes
from .flattening import Layout, is_number, to_array
from .measurement import Measurement
from .rounding import DOUBLE, shown_unit, unit_of

if TYPE_CHECKING:
    from concurrent.futures import Executor


class Calls(TypedDict, total=False):
    """How f is called, by keyword.

    evaluations, seconds: stop after so many calls of f, or so long. executor: makes the calls.
    """

    evaluations: int | None
    seconds: float | None
    executor: Executor | None


class Effort(Calls, total=False):
    """Options of the numerical derivatives, all by keyword.

    bounds: (low, high), outside of which f is never called; each is a number, or one number or array per argument.
    """

    bounds: Any


@dataclass(frozen=True)
class Estimate:
    """A numerical derivative.

    value, error: the derivative and its bar, which contains the true value; where the slope grows without bound, an
    infinity and 0. evaluations: number of calls of f. note: why there is no bar, if the function moves in steps.
    """

    value: Any
    error: Any
    evaluations: int
    note: str = ""

    def __str__(self) -> str:
        """The value and its bar; what an infinite one means."""
        where = "" if np.ndim(self.value) == 0 else " where it is inf"
        infinite = is_number(self.value) and np.any(np.isinf(np.asarray(self.value, dtype=np.float64)))
        text = f"{self.value} ± {self.error}" + (f" ({self.note})" if self.note else "")
        return text + (f": the slope grows without bound{where}" if infinite else "")


class Point:
    """A function at a point: its arguments x and its result y as rows of numbers.

    unit: the unit roundoff of the values of f. own: that of the arguments, as f receives them. given: the point in
    the types that were given, if f runs in float64 although an argument is coarser; else None.
    """

    given: Point | None = None

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        layout: Layout,
        evaluator: Evaluator,
        bounds: Bounds | None = None,
    ) -> None:
        self.layout, self.evaluator, self.bounds = layout, evaluator, bounds
        self.x = layout.row()
        as_given = RowFunction(f, layout, bounds=bounds)
        result = evaluator.call(as_given, self.x)
        self.results = Layout(result, takes=is_number)
        # Numbers of few digits are rounded on their way in as well as on their way out.
        self.own = unit_of(layout)
        self.f, self.y, self.unit = as_given, flatten_result(result), max(unit_of(self.results), self.own)
        if any(slot.dtype != np.float64 for slot in layout.slots):
            self._promote(f)

    def _promote(self, f: Callable[..., Any]) -> None:
        """Switch to float64 if the function accepts it."""
        wide = RowFunction(f, self.layout, promote=True, bounds=self.bounds)
        try:
            result = self.evaluator.call(wide, self.x)
            layout = Layout(result, takes=is_number)
        except Exception:
            return
        finer = unit_of(layout) < self.unit or unit_of(layout) == DOUBLE
        if finer and layout.size == self.results.size:
            self.given = copy.copy(self)
            self.f, self.y, self.unit = wide, flatten_result(result), unit_of(layout)
            # JAX has nothing wider than float32 unless it is told so.
            self.own = unit_of(Layout(self.layout.leaves(wide.layout.build(self.x, promote=True))))

    def look_closer(self) -> None:
        """Set the unit to the rounding that f shows around the point: see `rounding`."""

        def values(row: Array) -> Array:
            return flatten_result(self.evaluator.call(self.f, self.inside(row)))

        self.unit = shown_unit(values, self.x, self.y, self.unit, self.own)

    def inside(self, row: Array) -> Array:
        """A row of numbers near the point, moved into the bounds."""
        return row if self.bounds is None else self.bounds.clip(row)

    def mirrored(self, row: Array) -> Array:
        """A row of numbers close to the point: those outside of the bounds, on the other side of the point."""
        return row if self.bounds is None else self.bounds.mirror(self.x, row)

    def slopes(self, project: NDArray[Any] | None = None) -> Slopes:
        """The slopes at this point."""
        return Slopes(self.f, self.x, self.y, self.evaluator, self.unit, project, self.bounds)


def derivative(f: Callable[[Any], Any], x: Any, **effort: Unpack[Effort]) -> Estimate:
    """The derivative of f at a number x; if f returns an array, the derivative of each entry.

    At a kink: the mean of the slopes of the two sides, with a bar that reaches both. At the edge of the domain
    of f: the slope on the side where f has values. Where the slope grows without bound, as that of √x at 0: an
    infinity, and its bar is 0; nan, if the other side differs. Raises ShapeError if x is not one number.
    """
    if np.size(to_array(x)) != 1:
        raise ShapeError(f"derivative takes one number, got shape {np.shape(x)}\n  write  numeric_gradient(f, x)")
    return _along(f, x, 0, effort)


def directional(f: Callable[..., Any], x: Any, u: Any, **effort: Unpack[Effort]) -> Estimate:
    """The derivative of f at x along u: d/dt f(x + t·u) at t = 0, nested and shaped like the result of f.

    x: an argument, or a tuple of all arguments; each is an array or a nesting of arrays. u: a direction, nested and
    shaped like x.
    """
    row = Layout(u if holds_arguments(x) else (u,), takes=is_number)
    layout = _layout(x)
    if row.size != layout.size:
        raise ShapeError(f"the direction has {row.size} entries, the point {layout.size}")
    return _along(f, x, row.row(), effort)


def numeric_gradient(f: Callable[..., Any], x: Any, **effort: Unpack[Effort]) -> Estimate:
    """The gradient of a function that returns one number, nested and shaped like x (a tuple: all arguments)."""
    point = _point(f, x, **effort)
    if point.y.size != 1:
        raise ShapeError(
            f"a gradient needs a function that returns one number, and f returned {point.y.size}\n"
            "  write  numeric_jacobian(f, x)"
        )
    rows = _columns(point)
    values, errors = (_unwrap(x, point.layout.build(row[0], promote=True)) for row in rows)
    return Estimate(values, errors, point.evaluator.count)


def numeric_jacobian(f: Callable[..., Any], x: Any, **effort: Unpack[Effort]) -> Estimate:
    """All derivatives of f: J[i, j] = ∂f[i]/∂x[j].

    For one array in and one array out: an array of shape (*out, *in). Otherwise nested as by `minigrad.jacobian`:
    like the result, with each leaf nested like x.
    """
    point = _point(f, x, **effort)
    value, error = _columns(point)
    return Estimate(_blocks(point, x, value), _blocks(point, x, error), point.evaluator.count)


def _columns(point: Point) -> tuple[Array, Array]:
    """All derivatives and their bars, (outputs, inputs), without the samples behind them."""
    value, error = np.empty((2, point.y.size, point.x.size))
    for i, measured in enumerate(point.slopes().along(range(point.x.size))):
        value[:, i], error[:, i] = measured.value, bar(measured)
    return value, error


def bar(measured: Measurement) -> Array:
    """The error bar of a slope; it reaches both one-sided slopes if they differ."""
    if not measured.kinked.any():
        return measured.error
    gap = np.abs(measured.right.value - measured.left.value)
    return np.where(measured.kinked, np.fmax(measured.error, gap / 2), measured.error)


def _is_infinite(measured: Measurement) -> Array:
    """Which slopes grow without bound. A jump is none: its chords double as the step is halved."""
    growth = measured.growth
    return np.all((growth < 1.9) | np.isnan(growth), axis=0) & np.any(growth > STEEP, axis=0)


def _along(f: Callable[..., Any], x: Any, line: int | NDArray[Any], effort: Effort) -> Estimate:
    point = _point(f, x, **effort)
    (found,) = point.slopes().along([line])
    results = point.results
    infinite = [found.infinity, np.where(np.isnan(found.infinity), np.inf, 0.0)]
    rows = np.where(_is_infinite(found), infinite, [found.value, bar(found)])
    value, error = (results.build(row, promote=True) for row in rows)
    steps = float(np.max(found.stairs, initial=0.0))
    return Estimate(value, error, point.evaluator.count, f"steps of {steps:.1g} found" if steps else "")


def _layout(x: object) -> Layout:
    layout = Layout(tuple(map(_floating, x)) if holds_arguments(x) else (_floating(x),))
    if not layout.slots:
        raise ArgumentError("nothing to differentiate: no argument contains floats\n  write  1.0 instead of 1")
    return layout


def _floating(x: Any) -> Any:
    """An argument; a single integer becomes a float."""
    return float(x) if isinstance(x, (int, np.integer)) and not isinstance(x, bool) else x


def _point(f: Callable[..., Any], x: Any, bounds: Any = None, **calls: Unpack[Calls]) -> Point:
    layout = _layout(x)
    inside = read_bounds(bounds, layout, alone=not holds_arguments(x))
    return Point(f, layout.tree, layout, Evaluator(**calls), inside)


def _unwrap(x: Any, tree: Any) -> Any:
    return tree if holds_arguments(x) else tree[0]


def _blocks(point: Point, x: Any, matrix: NDArray[Any]) -> Any:
    """A matrix of all derivatives, split into the nesting of the result and of the arguments."""
    rows = iter(point.results.slots)

    def of_output(_: Any, __: str) -> Any:
        out = next(rows)
        columns = iter(point.layout.slots)

        def of_input(leaf: Any, where: str) -> Any:
            if where not in paths:
                return None
            slot = next(columns)
            return matrix[out.stretch, slot.stretch].reshape(out.shape + slot.shape)[()]

        paths: Sequence[str] = [slot.path for slot in point.layout.slots]
        return _unwrap(x, tree_map(of_input, point.layout.tree))

    return tree_map(of_output, point.results.tree)
