"""The data of a graph: its values, their gradients, their uses, their names.

It has numbers and positions but no text, so that a graph of a million values can be surveyed before a view chooses
the values to show. A position is a value's place in serial order. Nothing is written to any Value.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from ..engine.derivative_limits import all_gradients
from ..engine.node import MANY as MANY_OPERANDS
from ..engine.node import Superseded, live
from ..engine.tree import kind_of
from ..engine.tree_folds import is_nested_list
from ..engine.value import Value, graph
from ..nn.module import Module

LISTED = 10_000  # the first entries of a list, tuple or dict in `names` that are read


@dataclass(frozen=True, slots=True)
class Survey:
    """The data that views choose from.

    values     in serial order: inputs before the values computed from them
    gradients  one per value; None if it gets none, or for the hidden node of an op with several outputs
    uses       for each value, the positions of its inputs in the order of its operands, with repeats
    sweep      positions in the order of the backward sweep
    names      "" for a value without one
    result     the position of the drawn value
    wrong      positions of values made by an op whose rule is wrong
    remark     why there are no gradients, or of which function they are, if that is not obvious
    parameters positions of the model's parameters; None if no model is drawn: then every leaf may be one
    arrays     the names of arrays that are no Values, by id, or by `content_of`
    """

    values: Sequence[Value]
    gradients: Sequence[Any]
    uses: Sequence[tuple[int, ...]]
    sweep: Sequence[int]
    names: Sequence[str]
    result: int
    wrong: frozenset[int]
    remark: str
    parameters: frozenset[int] | None = None
    arrays: Mapping[object, str] = field(default_factory=dict)

    def is_parameter(self, k: int) -> bool:
        """Whether a position is that of a parameter, with a gradient."""
        known = self.values[k].op is None if self.parameters is None else k in self.parameters
        return known and self.gradients[k] is not None


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Switch off the garbage collector, which would scan all objects again and again while many are made."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def survey(
    y: Value,
    names: Mapping[str, object] | None = None,
    wrong: Collection[int] = (),
    parameters: Collection[int] | None = None,
) -> Survey:
    """Survey the graph of y, in time linear in its size.

    The gradients are those of y itself if it has one element, else those of the cotangent in `y.grad`; without
    one there are no gradients, and the remark says so. names: for values without a name of their own; modules,
    lists, tuples and dicts pass their names on to their contents. wrong, parameters: serials.
    """
    values = graph(y)
    place = {v.serial: position for position, v in enumerate(values)}
    swept, remark = _gradients(y)
    gradients: list[Any] = [None] * len(values)
    order = []
    for v, g in swept:
        position = place[v.serial]
        order.append(position)
        gradients[position] = g
    given = _names(names or {})
    return Survey(
        values=values,
        gradients=gradients,
        uses=[_positions(v, place) for v in values],
        sweep=order,
        names=[str(v.name) if v.name not in (None, "") else given.get(v.serial, "") for v in values],
        result=place[y.serial],
        wrong=frozenset(place[serial] for serial in wrong if serial in place),
        remark=remark,
        parameters=None if parameters is None else frozenset(place[s] for s in parameters if s in place),
        arrays=_array_names(names or {}),
    )


def _positions(v: Any, place: Mapping[int, int]) -> tuple[int, ...]:
    """The positions of its inputs. It reads slots: a property takes three times as long for a million values."""
    a, b = v._a, v._b
    if b is MANY_OPERANDS:
        return tuple([place[x.serial] for x in v.operands if type(x) is Value])
    if type(a) is Superseded or type(b) is Superseded:
        a, b = live(a), live(b)
    if type(a) is Value:
        return (place[a.serial], place[b.serial]) if type(b) is Value else (place[a.serial],)
    return (place[b.serial],) if type(b) is Value else ()


def _gradients(y: Value) -> tuple[list[tuple[Value, Any]], str]:
    """Every node with its gradient, the latest first, and a remark if one is needed."""
    data = np.asarray(y.data)
    if data.dtype.kind != "f":
        return [], f"No gradients: the result is {data.dtype.name}."
    if data.size == 1:
        seed, remark = np.ones_like(y.data), ""
    elif y.grad is not None:
        seed, remark = y.grad, "Gradients of sum(y * g), with g from y.grad."
    else:
        return [], f"No gradients: the result has shape {data.shape}. Draw its sum, or set its .grad first."
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a picture shows inf and nan as such
        return sorted(all_gradients(y, seed), key=lambda pair: -pair[0].serial), remark


def _names(given: Mapping[str, object]) -> dict[int, str]:
    """The first name found for each serial; names that begin with _ belong to the notebook and are skipped."""
    found: dict[int, str] = {}
    for name, thing in given.items():
        if str(name).startswith("_"):
            continue
        if isinstance(thing, Value):
            found.setdefault(thing.serial, str(name))
        elif isinstance(thing, Module):
            for path, value in thing.named_parameters():
                found.setdefault(value.serial, f"{name}.{path}")
        elif kind_of(thing):
            for step, value in _contents(thing):
                if isinstance(value, Value):
                    found.setdefault(value.serial, f"{name}{step}")
    return found


def content_of(array: Any) -> tuple[object, ...]:
    """What tells an array that was made of a list: a model makes a new one at each call."""
    return array.shape, array.tobytes()


def _array_names(given: Mapping[str, object]) -> dict[object, str]:
    """The first name found for each array, by id; for a list of numbers by content. Names with _ are skipped."""
    found: dict[object, str] = {}
    for name, thing in given.items():
        if isinstance(thing, (list, tuple)) and is_nested_list(thing, lambda x: isinstance(x, (int, float))):
            with suppress(ValueError):  # lists of several lengths
                found.setdefault(content_of(np.asarray(thing, dtype=np.float64)), str(name))
        parts = [("", thing)] if isinstance(thing, np.ndarray) else _contents(thing) if kind_of(thing) else []
        for step, x in parts:
            if isinstance(x, np.ndarray) and not str(name).startswith("_"):
                found.setdefault(id(x), f"{name}{step}")
    return found


def _contents(thing: Any) -> list[tuple[str, Any]]:
    kind = kind_of(thing)
    keys, items, _ = kind.split(thing)
    return [(kind.path % (key,), item) for key, item in islice(zip(keys, items, strict=True), LISTED)]
