"""Long sums as one node: finds the + that are steps of a longer sum, and its terms in order.

In ``((a + b) + c) + d`` the inner sums are hidden: each has one use and no name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.op import TABLE
from ..engine.value import Value
from .graph_data import Survey

ADD = TABLE[np.add]


@dataclass(frozen=True, slots=True)
class Sum:
    """A long sum.

    terms: (position of the value, position of the + that uses it, which input of it). constants: the other terms.
    parts: positions of the inner sums, which are not shown.
    """

    terms: tuple[tuple[int, int, int], ...]
    constants: tuple[Any, ...]
    parts: tuple[int, ...]


def sums(found: Survey) -> dict[int, Sum]:
    """The long sums of a graph, by the position of their last +. No recursion, linear time."""
    times = Counter(tail for tails in found.uses for tail in tails)
    inner = _inner(found, times)
    return {head: _flatten(found, head, inner) for head in _heads(found, inner)}


def _inner(found: Survey, times: Counter[int]) -> set[int]:
    """Unnamed sums whose only use is another sum of the same shape."""
    inside = set()
    for head, tails in enumerate(found.uses):
        if found.values[head].op is not ADD:
            continue
        shape = np.shape(found.values[head]._array)
        for tail in tails:
            x = found.values[tail]
            if (
                x.op is ADD
                and x.inputs
                and times[tail] == 1
                and not found.names[tail]
                and tail not in found.wrong
                and np.shape(x._array) == shape
            ):
                inside.add(tail)
    return inside


def _heads(found: Survey, inner: set[int]) -> list[int]:
    return [
        head
        for head, tails in enumerate(found.uses)
        if head not in inner and found.values[head].op is ADD and any(tail in inner for tail in tails)
    ]


def _flatten(found: Survey, head: int, inner: set[int]) -> Sum:
    """The terms from left to right."""
    terms, constants, parts = [], [], []
    todo: list[tuple[int, int, int] | Any] = [(head, -1, -1)]
    while todo:
        item = todo.pop()
        if not isinstance(item, tuple):
            constants.append(item)
        elif item[0] != head and item[0] not in inner:
            terms.append(item)
        else:
            parts += [item[0]] * (item[0] != head)
            todo += reversed(_operands(found, item[0]))
    return Sum(tuple(terms), tuple(constants), tuple(parts))


def _operands(found: Survey, position: int) -> list[Any]:
    """The terms of a +, in order: (position, user, which input) for a value, or a constant (not the 0 of sum())."""
    places = iter(enumerate(found.uses[position]))
    operands: list[Any] = []
    for x in found.values[position].operands:
        if isinstance(x, Value):
            place, tail = next(places)
            operands.append((tail, position, place))
        elif np.any(x):
            operands.append(x)
    return operands
