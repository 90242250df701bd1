"""The subject of a check: a function at a point, with checks of the function itself before any derivative."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, DTypeError, MinigradError
from ...transforms.grad import holds_arguments
from ..diagnosis.report import Finding
from ..frameworks.framework import parameter_names
from ..numeric.bounds import read_bounds
from ..numeric.derivative import Point
from ..numeric.evaluation import Evaluator, flatten_result, silence_warnings
from ..numeric.extrapolation import Array
from ..numeric.flattening import Layout
from ..numeric.rounding import UNITS, float_name
from ..numeric.short_ladder import Known
from .answers import ArgumentNames

# A function that gives another value at a second call is random; but a difference of up to so many roundings may
# come from another order of summation, as on several threads.
SAME = 256


class Subject:
    """A function of its chosen arguments, at a point.

    point: None if the function has no value there. findings: the reason, and other findings that need no slope.
    remarks: in which type the function computes, if that is coarser than its arguments.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Any,
        argnums: int | Sequence[int] | None,
        evaluator: Evaluator,
        seed: int,
        need: float | None = None,
        bounds: Any = None,
    ) -> None:
        if not callable(f):
            raise ArgumentError(f"there is no function to check, but {type(f).__name__} {f!r:.40}")
        self.f, self.evaluator, self.seed = f, evaluator, seed
        self.need = _checked_need(need)
        self.args: tuple[object, ...] = args if holds_arguments(args) else (args,)
        self.chosen = _chosen(argnums, len(self.args))
        self.layout = Layout(self.args, within=self.chosen)
        if not self.layout.slots:
            raise ArgumentError(
                "nothing to differentiate: no argument contains floats\n"
                "  write  1.0 instead of 1, np.array(..., dtype=float) instead of integers"
            )
        self.bounds = read_bounds(bounds, self.layout, alone=not holds_arguments(args))
        self.names = ArgumentNames(parameter_names(f, len(self.args)))
        self.findings: list[Finding] = []
        self.remarks: list[str] = []
        self.known: Known = {}  # values along lines, for all derivatives of the function
        self.asked: list[Array] = []  # the directions among these lines
        self.point = self._point()

    @property
    def name(self) -> str:
        """The name of the function."""
        return str(getattr(self.f, "__name__", type(self.f).__name__)).replace("<lambda>", "f")

    def inside(self, row: NDArray[Any]) -> NDArray[Any]:
        """A row of numbers near the point, moved into the bounds."""
        return row if self.bounds is None else self.bounds.clip(row)

    def group(self) -> NDArray[Any]:
        """The number of the argument of each entry."""
        found = np.zeros(self.layout.size, dtype=int)
        for slot in self.layout.slots:
            found[slot.stretch] = int(slot.path[1 : slot.path.index("]")])
        return found

    def rng(self) -> np.random.Generator:
        """A random generator for directions, the same each time."""
        return np.random.default_rng(self.seed)

    def constants(self) -> list[object]:
        """The arguments that are not differentiated."""
        return [
            x for n, x in enumerate(self.args) if not any(s.path.startswith(f"[{n}]") for s in self.layout.slots)
        ]

    def _point(self) -> Point | None:
        """The function at the point, if it is finite there and gives the same value twice."""
        before = self.layout.row()
        try:
            point = Point(self.f, self.args, self.layout, self.evaluator, self.bounds)
            again = self._again(point)
        except (MinigradError, KeyboardInterrupt):
            raise
        except Exception as error:
            self._refuse_count(error)
            self._note("not finite", f"the function raised {type(error).__name__} at the point: {error}")
            return None
        if not point.results.slots:
            raise DTypeError(f"{self.name} gave no real numbers, but a {type(point.results.tree).__name__}")
        if not np.array_equal(before, self.layout.row(), equal_nan=True):
            self._note("impure", "the function changed its arguments in place")
            return None
        if not np.isfinite(point.y).all():
            worst = point.y[~np.isfinite(point.y)][0]
            self._note("not finite", f"the function is {worst} at the point")
            return None
        if again.shape != point.y.shape:
            self._note("random", "a second call of the function gave a result of another shape")
            return None
        point.look_closer()
        gap = np.abs(again - point.y)
        if np.any(gap > SAME * point.unit * np.max(np.abs(point.y), initial=0.0)):
            k = int(np.argmax(gap))
            sentence = f"with the same arguments the function gave {point.y[k]:.9g} first, then {again[k]:.9g}"
            self._note("random", f"{sentence}\nfix the random numbers, or make them an argument")
            return None
        self._tell_type(point)
        return point

    def _tell_type(self, point: Point) -> None:
        """Remark that the values have the digits of a coarser type than the arguments."""
        if point.unit > point.own and point.unit in UNITS.values():
            digits = f"the values of the function have the digits of {float_name(point.unit)}"
            own = float_name(point.own)
            self.remarks.append(f"{digits}, its arguments those of {own}: judged by that rounding")

    def _refuse_count(self, error: Exception) -> None:
        """Raises ArgumentError if the function takes another number of arguments: then the caller is at fault."""
        try:
            signature = inspect.signature(self.f)
        except (TypeError, ValueError):
            return
        try:
            signature.bind(*self.args)
        except TypeError as mismatch:
            count = f"{len(self.args)} argument{'s' * (len(self.args) != 1)}"
            remedy = (
                "a tuple args holds the positional arguments, (a, b); anything else, even a list or a named tuple, "
                "is one argument"
            )
            raise ArgumentError(f"{self.name} does not take {count}: {mismatch}\n  {remedy}") from error

    def _again(self, point: Point) -> NDArray[Any]:
        """The values of a second call; adds a finding if it changes its arguments in place."""
        args = self.layout.build(point.x, point.f.promote)
        before = self.layout.row(args)
        self.evaluator.tick(1)
        with silence_warnings():
            values: NDArray[Any] = flatten_result(self.f(*args))
        after = self.layout.row(args)
        changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
        if changed.any():
            path = self.names(self.layout.slot_of(int(np.argmax(changed))).path)
            sentence = f"the function itself changed {path} in place: what is called after it sees another {path}"
            self.findings.append(Finding("impure", path, sentence=sentence))
        return values

    def _note(self, kind: str, sentence: str) -> None:
        self.findings.append(Finding(kind, sentence=sentence))


def _checked_need(need: Any) -> float | None:
    """The relative error that must be visible. Raises ArgumentError if it is none."""
    if need is None or (isinstance(need, (int, float, np.number)) and 0 < need <= 1):
        return None if need is None else float(need)
    raise ArgumentError(
        f"need= is the relative error that must be visible, more than 0 and at most 1, got {need!r}\n"
        "  write  need=0.1   for a noisy simulator, need=1e-6 for a solver stopped early"
    )


def _chosen(argnums: int | Sequence[int] | None, count: int) -> tuple[int, ...]:
    if argnums is None:
        return tuple(range(count))
    if argnums is not None and np.size(argnums) == 0:
        raise ArgumentError(f"argnums={argnums!r} leaves nothing to check")
    numbers = (argnums,) if isinstance(argnums, (int, np.integer)) else tuple(argnums)
    for n in numbers:
        if not isinstance(n, (int, np.integer)) or not -count <= n < count:
            raise ArgumentError(f"argnums={argnums!r} of a function of {count} positional arguments")
    return tuple(int(n) % count for n in numbers)
