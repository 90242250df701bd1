"""Attributes of a model that each step changes: running means, and random generators.

A compiled step takes them as arguments and returns what they become. Only arrays, numbers and generators are
carried; a model that changes anything else steps eagerly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from ..engine.value import Value, graph
from ..errors import MinigradError, TracingError
from ..tracing import current_tape
from ..tracing.side_effects import ModelChanged
from ..tracing.state import ABSENT, Change, reachable
from .module import Module

Place: TypeAlias = tuple[Module, str]  # a part of a model, and the name of an attribute


class Carried:
    """The attributes of one model that a compiled step takes and returns."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._arrays: list[Place] = []
        self._generators: list[list[Place]] = []  # the places of each generator: layers may share it
        self._settling = 3  # how many steps may still give an attribute its first array

    def extend(self, changes: Sequence[Change]) -> bool:
        """Add what a trace found to change; False if there is nothing new that can be carried."""
        count = len(self._arrays) + len(self._generators)
        for change in changes:
            if isinstance(change.owner, np.random.Generator):
                places = self._places_of(change.owner)
                self._generators += [places] if places and places not in self._generators else []
            elif isinstance(change.owner, Module) and _is_carried(change.before, change.after):
                place = (change.owner, change.name)
                self._arrays += [place] if place not in self._arrays else []
        return len(self._arrays) + len(self._generators) > count

    def will_settle(self, error: MinigradError) -> bool:
        """Whether a step failed because an attribute gets its first array: the next step may compile."""
        changes = error.changes if isinstance(error, ModelChanged) else ()
        first = any(isinstance(x.owner, Module) and _is_first_array(x.before, x.after) for x in changes)
        self._settling -= first
        return first and self._settling >= 0

    def values(self) -> list[Any]:
        """The arrays and numbers now, then the generators."""
        if not self._arrays and not self._generators:  # as is usual
            return []
        arrays = [_data_of(vars(part)[name]) for part, name in self._arrays]
        return arrays + [vars(part)[name] for (part, name), *_ in self._generators]

    @contextmanager
    def holding(self, values: Sequence[Any]) -> Iterator[None]:
        """Let the model hold these values, and after the block what it held before."""
        places = [*([place] for place in self._arrays), *self._generators]
        before = [(vars(part), name, vars(part)[name]) for each in places for part, name in each]
        for each, value in zip(places, values, strict=True):
            for part, name in each:
                vars(part)[name] = value
        try:
            yield
        finally:
            for attributes, name, x in before:
                attributes[name] = x

    def changed(self, values: Sequence[Any], loss: Any) -> list[Any]:
        """What the arrays have become inside `holding`. Refuses what eager code differentiates across steps."""
        after = [vars(part)[name] for part, name in self._arrays]
        used = {id(x) for x in graph(loss)} if current_tape() is not None and after else set()
        for (part, name), old, new in zip(self._arrays, values, after, strict=False):
            if id(old) in used and isinstance(new, Value) and new.has_gradient:
                raise TracingError(
                    f"the loss depends on {type(part).__name__}.{name}, which the step before computed from "
                    "parameters: a gradient would flow into earlier steps\n"
                    f"  write  self.{name} = minigrad.stop_gradient(...)   to keep the numbers alone"
                )
        return after

    def store(self, after: Sequence[Any]) -> None:
        """Let the model hold the results of a step: arrays, and Python's numbers where it held one."""
        for (part, name), new in zip(self._arrays, after, strict=True):
            held = vars(part)[name]
            vars(part)[name] = float(_data_of(new)) if type(held) is float else _data_of(new)

    def _places_of(self, generator: np.random.Generator) -> list[Place]:
        parts = [found.thing for found in reachable({"model": self.model}) if isinstance(found.thing, Module)]
        return [(part, name) for part in parts for name, x in vars(part).items() if x is generator]


def _is_carried(before: Any, after: Any) -> bool:
    """Whether an attribute is an array or a number that stays of its kind; not a parameter."""
    if type(before) is float:
        return type(after) is float
    if isinstance(before, Value) and before.op is None:
        return False
    return _is_array(before) and _is_array(after) and np.shape(before) == np.shape(after)


def _is_first_array(before: Any, after: Any) -> bool:
    """Whether an attribute was None, missing or a number, and becomes an array or a number of NumPy."""
    empty = before is None or before is ABSENT or isinstance(before, (int, float, np.number))
    return empty and _is_array(after)


def _is_array(x: Any) -> bool:
    data = _data_of(x)
    return isinstance(data, (np.ndarray, np.number)) and data.dtype.kind in "fiu"


def _data_of(x: Any) -> Any:
    return x._array if isinstance(x, Value) else x


__all__ = ["Carried"]
