"""equal_gradients: which gradients are equal or opposite now, for whole nodes and within arrays.

Gradients that are equal now may differ after the next step; `ties` finds those that must stay equal.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ..engine.derivative_limits import all_gradients
from ..engine.value import Value, graph, seed
from ..errors import ArgumentError, describe
from .clustering import TOLERANCE, TOLERANCE_SINGLE, equal_groups, is_zero

PLACES, LINES = 12, 60  # maximum printed: places per group, and groups
KINDS = ("nodes", "columns", "rows", "entries", "opposite", "zero")


@dataclass(frozen=True, eq=False)
class EntryPlace:
    """A node or part of it. Index () means the whole node, (None, 2) column 2, (0, None) row 0, (0, 2) an entry."""

    node: Value
    index: tuple[int | None, ...]
    name: str

    def __repr__(self) -> str:
        """As an index expression: W1[:, 2]."""
        inside = ", ".join(":" if i is None else str(i) for i in self.index)
        return f"{self.name}[{inside}]" if self.index else self.name


@dataclass(frozen=True, eq=False)
class EqualGroup:
    """Places with equal gradients; for "opposite", the first gradient is minus the second."""

    kind: str
    places: tuple[EntryPlace, ...]
    gradient: Any

    def __repr__(self) -> str:
        """The places, and the gradient where it is one number."""
        sign = " = -" if self.kind == "opposite" else " = "
        value = f" = {float(self.gradient):.4g}" if np.size(self.gradient) == 1 else ""
        more = len(self.places) - PLACES
        return (
            sign.join(map(str, self.places[:PLACES]))
            + value
            + (f", and at {more:,} more places" if more > 0 else "")
        )


@dataclass(frozen=True, eq=False)
class EqualGradients:
    """Groups by kind (nodes, columns, rows, entries, opposite, zero), and the tolerance used."""

    groups: tuple[EqualGroup, ...]
    tolerance: float

    def of(self, kind: str) -> tuple[EqualGroup, ...]:
        """The groups of one kind."""
        if kind not in KINDS:
            raise ValueError(f"no kind is called {kind!r}\n  expected one of {', '.join(KINDS)}")
        return tuple(group for group in self.groups if group.kind == kind)

    def __repr__(self) -> str:
        """One group per line; if there are many, the first ones and how many more there are of each kind."""
        head = f"equal gradients, to {self.tolerance:g} of the largest entry"
        more = Counter(group.kind for group in self.groups[LINES:])
        rest = [f"  and {count:,} more groups of {kind}" for kind, count in more.items()]
        return "\n".join([head, *(f"  {group.kind:8}  {group}" for group in self.groups[:LINES]), *rest])


def equal_gradients(y: Value, tolerance: float | None = None) -> EqualGradients:
    """Find the nodes, and parts of arrays, that have equal gradients of y now.

    y: a Value of one element. tolerance: two gradients are equal if no entry differs by more than this share of the
    largest; by default 1e-12, or 1e-5 if any gradient is float32.

    Kinds: "nodes" as a whole; "columns" and "rows" of one matrix; "entries" of any arrays;
    "opposite" pairs of any of these, one minus the other; "zero" for a gradient of exactly 0.
    Writes no `.grad`. ValueError for a tolerance below 0, ShapeError if y is more than one number.
    """
    if not isinstance(y, Value):
        raise ArgumentError(f"equal_gradients takes a Value, got {describe(y)}")
    if tolerance is not None and not (isinstance(tolerance, Real) and 0 <= tolerance < math.inf):
        raise ValueError(f"the tolerance is a share of the largest entry, 0 or more, got {tolerance!r}")
    with np.errstate(all="ignore"):
        found = {v.serial: g for v, g in all_gradients(y, seed(y))}
    nodes = [(v, found[v.serial], _name(k, v)) for k, v in enumerate(graph(y)) if v.serial in found]
    whole = [(EntryPlace(v, (), name), g) for v, g, name in nodes]
    groups = [*_groups("nodes", whole, tolerance), *_opposite(whole, tolerance)]
    for v, g, name in nodes:
        if np.ndim(g) == 2:
            columns = [(EntryPlace(v, (None, j), name), g[:, j]) for j in range(g.shape[1]) if len(g) > 1]
            rows = [(EntryPlace(v, (i, None), name), g[i]) for i in range(len(g)) if g.shape[1] > 1]
            for kind, places in (("columns", columns), ("rows", rows)):
                groups += [*_groups(kind, places, tolerance), *_opposite(places, tolerance)]
    entries = [
        (EntryPlace(v, index, name), g[index]) for v, g, name in nodes for index in np.ndindex(np.shape(g)) if index
    ]
    groups += [*_groups("entries", entries, tolerance), *_opposite(entries, tolerance)]
    zeros = [(place, g) for place, g in [*whole, *entries] if is_zero(g)]
    if len(zeros) > 1:
        groups.append(EqualGroup("zero", tuple(place for place, _ in zeros), np.float64(0)))
    groups.sort(key=lambda group: KINDS.index(group.kind))
    single = any(np.asarray(g).dtype.itemsize < 8 for _, g, _ in nodes)
    default = TOLERANCE_SINGLE if single else TOLERANCE
    return EqualGradients(tuple(groups), default if tolerance is None else tolerance)


def _name(k: int, v: Value) -> str:
    return v.name or f"#{k}({v.op.label if v.op is not None else 'leaf'})"  # -#3 would read as minus #3


def _groups(kind: str, places: Sequence[tuple[EntryPlace, Any]], tolerance: float | None) -> list[EqualGroup]:
    found = equal_groups([g for _, g in places], tolerance)
    return [EqualGroup(kind, tuple(places[k][0] for k in group), places[group[0]][1]) for group in found]


def _opposite(places: Sequence[tuple[EntryPlace, Any]], tolerance: float | None) -> list[EqualGroup]:
    """One pair for every two groups (or single places) with opposite gradients."""
    n = len(places)
    gradients = [g for _, g in places]
    found, seen = [], set()
    for group in equal_groups([*gradients, *(-g for g in gradients)], tolerance):
        plus, minus = [k for k in group if k < n], [k - n for k in group if k >= n]
        if plus and minus and frozenset((plus[0], minus[0])) not in seen:
            seen.add(frozenset((plus[0], minus[0])))
            first, second = sorted((plus[0], minus[0]))
            found.append(EqualGroup("opposite", (places[first][0], places[second][0]), gradients[first]))
    return found
