"""The parts of a module, and the edges between them.

The graph shows the edges: a value belongs to the part whose parameters made it or, if none did, to the part whose
values made it. Values that the loss computes belong to no part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ...engine.value import Value, graph
from ...nn.module import Module, held_items, may_hold

INPUT, LOSS = -1, -2  # the owner of values outside of the model


@dataclass(eq=False)
class ModulePart:
    """A module with parameters among its own attributes. held: by attribute, its parameters in order.

    last: the latest value made from this part and no later one; None if there is none.
    """

    path: str
    module: Module
    held: dict[str, list[Value]] = field(default_factory=dict)
    last: Value | None = None


@dataclass(frozen=True, slots=True)
class PartEdge:
    """An edge between parts: `through`, made by one part, is input number `place` of `user`, made by the other."""

    tail: int
    head: int
    through: Value
    user: Value
    place: int


def module_parts(model: Module) -> list[ModulePart]:
    """The modules within a model that have parameters of their own, in the order of attributes; no recursion."""
    found: dict[int, ModulePart] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, str, object, ModulePart]] = [("", "", model, ModulePart("", model))]
    while waiting:
        path, attribute, thing, owner = waiting.pop()
        if id(thing) in seen or not (isinstance(thing, Value) or may_hold(thing)):
            continue
        seen.add(id(thing))
        if isinstance(thing, Value):
            if thing.op is None:
                found.setdefault(id(owner.module), owner).held.setdefault(attribute, []).append(thing)
            continue
        inner = isinstance(thing, Module)
        mine = ModulePart(path, thing) if isinstance(thing, Module) else owner
        waiting += reversed(
            [
                (f"{path}.{key}" if path else str(key), str(key) if inner else attribute, item, mine)
                for key, item in held_items(thing, ((), path))
            ]
        )
    return list(found.values())


def part_edges(found: list[ModulePart], result: Value, made_by_model: int) -> list[PartEdge]:
    """The edges between parts. made_by_model: the serial of the model's last value; the loss makes later ones."""
    owner = {v.serial: k for k, part in enumerate(found) for values in part.held.values() for v in values}
    origin: dict[int, frozenset[int]] = {}
    edges: list[PartEdge] = []
    for v in graph(result):
        if v.op is None:
            origin[v.serial] = frozenset() if v.serial in owner else frozenset({INPUT})
            continue
        home = (
            LOSS
            if v.serial > made_by_model
            else max((owner[x.serial] for x in v.inputs if x.serial in owner), default=None)
        )
        if home is None:
            origin[v.serial] = frozenset().union(*(origin[x.serial] for x in v.inputs))
        else:
            origin[v.serial] = frozenset({home})
            edges += _edges_into(v, home, origin, owner)
        if len(origin[v.serial]) == 1 and (k := next(iter(origin[v.serial]))) >= 0:
            found[k].last = v
    return edges


def _edges_into(
    v: Value, home: int, origin: dict[int, frozenset[int]], owner: dict[int, int]
) -> Iterator[PartEdge]:
    """The inputs of v from other parts; for the loss, also parameters it uses itself."""
    for place, x in enumerate(v.inputs):
        given = origin[x.serial] | (
            frozenset({owner[x.serial]}) if home == LOSS and x.serial in owner else frozenset()
        )
        for tail in sorted(given - {home}):
            yield PartEdge(tail, home, x, v, place)
