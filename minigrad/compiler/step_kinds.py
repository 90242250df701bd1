"""Kinds of steps: what is decided by types, shapes and layouts alone is decided once for all steps of a kind."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np

from ..engine.tree import kind_of
from ..tracing.program import Program, Ref, Step
from .powers import power_as

T = TypeVar("T")
_UNKNOWN: Any = object()


class Layouts(dict[Ref, int]):
    """A number for each variable: one for all arrays of a type, shape and strides, and one for each other class."""

    def __init__(self, samples: dict[Ref, Any]) -> None:
        super().__init__()
        self.samples = samples
        self._numbers: dict[Hashable, int] = {}

    def __missing__(self, ref: Ref) -> int:
        self[ref] = found = self.of_data(self.samples[ref])
        return found

    def of_data(self, x: Any) -> int:
        """The number for some data."""
        layout: Any = (x.dtype, x.shape, x.strides) if isinstance(x, np.ndarray) else type(x)
        return self._numbers.setdefault(layout, len(self._numbers))


class Kinds:
    """The kinds of the steps of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.layouts = Layouts(program.samples)
        self.known: dict[Ref, int] = {}
        self._numbers: dict[Hashable, int] = {}

    def of(self, step: Step) -> int | None:
        """The kind of a step; None for one with an effect, with named arguments, or with containers."""
        if step.kwargs or step.has_effect:
            return None
        found = self.known.get(step.out)
        if found is None:
            layouts = self.layouts
            if step.reads is not step.args and any(map(kind_of, step.args)):
                return None
            args = [layouts[x] if type(x) is Ref else ~layouts.of_data(x) for x in step.args]
            power = power_as(self.program, step) if step.function is operator.pow else None
            kind = (step.function, step.backward, power, layouts[step.out], *args)
            self.known[step.out] = found = self._numbers.setdefault(kind, len(self._numbers))
        return found

    def forget(self) -> None:
        """Free the memory, once all is decided."""
        self.known.clear()
        self.layouts.clear()
        self._numbers.clear()

    def decided_once(self, decide: Callable[[Program, Step], T]) -> Callable[[Step], T]:
        """A decision about a step, from a function that sees nothing but its kind."""
        known: dict[int | None, T] = {}

        def decided(step: Step) -> T:
            kind = self.of(step)
            found: T = known.get(kind, _UNKNOWN)
            if found is _UNKNOWN:
                found = decide(self.program, step)
                if kind is not None:
                    known[kind] = found
            return found

        return decided
