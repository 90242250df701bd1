"""What there is to draw: the values of a graph, their gradients, their uses, their names.

Numbers and positions only, no text and no looks, so that a graph of a million values can be surveyed before it is
decided what of it is shown. A position is a value's place in serial order. Nothing is written to any Value.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ..nn.module import Module
from ..node import MANY as MANY_OPERANDS
from ..value import Value, graph, sweep

LISTED = 10_000  # entries of a list, tuple or dict in `names` that are looked at


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a view chooses from.

    values     in serial order: inputs before what is made of them
    gradients  one for each value; None where none comes, or for the hidden node of an op with several outputs
    uses       of each value, the positions of its inputs in the order of its operands, with repeats
    sweep      positions in the order in which the backward sweep visits them
    names      "" where there is none
    result     the position of what is drawn
    wrong      positions of what was made by an op whose rule is wrong
    remark     why there are no gradients, or of what they are, where that is not plain
    """

    values: Sequence[Value]
    gradients: Sequence[Any]
    uses: Sequence[tuple[int, ...]]
    sweep: Sequence[int]
    names: Sequence[str]
    result: int
    wrong: frozenset[int]
    remark: str


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the search for circular garbage, which goes through all objects again and again as many are made."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def survey(y: Value, names: Mapping[str, Any] | None = None, wrong: Collection[int] = ()) -> Survey:
    """Look over the graph of y; linear in its size.

    The gradients are those of y itself if it has one element, else those of the cotangent in `y.grad`; if there
    is none, there are none, and the remark says so. names: for values that have no name of their own; modules,
    lists, tuples and dicts give theirs to what they hold. wrong: serials.
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
    )


def _positions(v: Any, place: Mapping[int, int]) -> tuple[int, ...]:
    """Those of its inputs, asked of its slots: a property would take three times as long, for a million values."""
    a, b = v._a, v._b
    if b is MANY_OPERANDS:
        return tuple([place[x.serial] for x in a if type(x) is Value])
    if type(a) is Value:
        return (place[a.serial], place[b.serial]) if type(b) is Value else (place[a.serial],)
    return (place[b.serial],) if type(b) is Value else ()


def _gradients(y: Value) -> tuple[list[tuple[Value, Any]], str]:
    """Every node with its gradient, in the order of the sweep, and a remark if there is something to explain."""
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
        return list(sweep(y, seed)), remark


def _names(given: Mapping[str, Any]) -> dict[int, str]:
    """Names by serial, the first one that is found for each; what begins with _ is a notebook's own."""
    found: dict[int, str] = {}
    for name, thing in given.items():
        if str(name).startswith("_"):
            continue
        if isinstance(thing, Value):
            found.setdefault(thing.serial, str(name))
        elif isinstance(thing, Module):
            for path, value in thing.named_parameters():
                found.setdefault(value.serial, f"{name}.{path}")
        elif isinstance(thing, (list, tuple, dict)):
            for key, value in _held(thing):
                if isinstance(value, Value):
                    found.setdefault(value.serial, f"{name}[{key}]")
    return found


def _held(thing: list[Any] | tuple[Any, ...] | dict[Any, Any]) -> list[tuple[str, Any]]:
    pairs = thing.items() if isinstance(thing, dict) else enumerate(thing)
    return [(repr(key), value) for key, value in islice(pairs, LISTED)]
