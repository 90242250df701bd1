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
from ..numeric.derivative import Point
from ..numeric.evaluation import Evaluator, flatten_result
from ..numeric.flattening import Layout
from .candidate import ArgumentNames

# A function that gives another value at a second call is random; but a difference of up to so many roundings may
# come from another order of summation, as on several threads.
SAME = 256


class Subject:
    """A function of its chosen arguments, at a point.

    point: None if the function has no value there. findings: the reason, and other findings that need no slope.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Any,
        argnums: int | Sequence[int] | None,
        evaluator: Evaluator,
        seed: int,
    ) -> None:
        self.f, self.evaluator, self.seed = f, evaluator, seed
        self.args: tuple[object, ...] = args if holds_arguments(args) else (args,)
        self.chosen = _chosen(argnums, len(self.args))
        self.layout = Layout(self.args, within=self.chosen)
        if not self.layout.slots:
            raise ArgumentError(
                "nothing to differentiate: no argument contains floats\n"
                "  write  1.0 instead of 1, np.array(..., dtype=float) instead of integers"
            )
        self.names = ArgumentNames(_parameters(f, len(self.args)))
        self.findings: list[Finding] = []
        self.point = self._point()

    @property
    def name(self) -> str:
        """The name of the function."""
        return str(getattr(self.f, "__name__", type(self.f).__name__)).replace("<lambda>", "f")

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
            point = Point(self.f, self.args, self.layout, self.evaluator)
            again = flatten_result(self.evaluator.call(point.f, point.x))
        except (MinigradError, KeyboardInterrupt):
            raise
        except Exception as error:
            self._refuse_count(error)
            self._note("not finite", f"the function raised {type(error).__name__} at the point: {error}")
            return None
        if not point.results.slots:
            raise DTypeError(f"{self.name} gave no real numbers, but a {type(point.results.tree).__name__}")
        if not np.array_equal(before, self.layout.row(), equal_nan=True):
            self._note("mutated", "the function changed its arguments in place")
            return None
        self._changes(point)
        if not np.isfinite(point.y).all():
            worst = point.y[~np.isfinite(point.y)][0]
            self._note("not finite", f"the function is {worst} at the point")
            return None
        if again.shape != point.y.shape:
            self._note("random", "a second call of the function gave a result of another shape")
            return None
        gap = np.abs(again - point.y)
        if np.any(gap > SAME * point.unit * np.max(np.abs(point.y), initial=0.0)):
            k = int(np.argmax(gap))
            sentence = f"with the same arguments the function gave {point.y[k]:.9g} first, then {again[k]:.9g}"
            self._note("random", f"{sentence}\nfix the random numbers, or make them an argument")
            return None
        return point

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

    def _changes(self, point: Point) -> None:
        """Add a finding if the function changes its arguments in place."""
        args = self.layout.build(point.x, point.f.promote)
        before = self.layout.row(args)
        with np.errstate(all="ignore"):
            self.f(*args)
        self.evaluator.tick(1)
        after = self.layout.row(args)
        changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
        if changed.any():
            path = self.names(self.layout.slot_of(int(np.argmax(changed))).path)
            self.findings.append(Finding("mutated", path, sentence=f"the function itself changed {path} in place"))

    def _note(self, kind: str, sentence: str) -> None:
        self.findings.append(Finding(kind, sentence=sentence))


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


def _parameters(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the positional parameters; args[k] for arguments without a name."""
    try:
        parameters = [
            p
            for p in inspect.signature(f).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters][:count]
    return names + [f"args[{k}]" for k in range(len(names), count)]
