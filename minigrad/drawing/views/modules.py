"""The parts of a module, and which of them hands on to which.

That is read off the graph: a value belongs to the part whose parameters made it, or, if none did, to the part it
was made from. What the loss adds is no part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...nn.module import Module, _items
from ...value import Value, graph

INPUT, LOSS = -1, -2  # what is no part of the model


@dataclass(eq=False)
class Part:
    """A module that holds parameters itself. held: by attribute, the parameters in it, in order.

    last: the latest value that is made from this part and no other since; None if there is none.
    """

    path: str
    module: Module
    held: dict[str, list[Value]] = field(default_factory=dict)
    last: Value | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """The value `through`, which comes from one part, is input number `place` of `user`, which another makes."""

    tail: int
    head: int
    through: Value
    user: Value
    place: int


def parts(model: Module) -> list[Part]:
    """The modules within a model that hold parameters themselves, in the order of its attributes; no recursion."""
    found: dict[int, Part] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, str, Any, Part]] = [("", "", model, Part("", model))]
    while waiting:
        path, attribute, thing, owner = waiting.pop()
        if not isinstance(thing, (Value, Module, list, tuple, dict)) or id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, Value):
            if thing.op is None:
                found.setdefault(id(owner.module), owner).held.setdefault(attribute, []).append(thing)
            continue
        inner = isinstance(thing, Module)
        mine = Part(path, thing) if isinstance(thing, Module) else owner
        waiting += reversed(
            [
                (f"{path}.{key}" if path else str(key), str(key) if inner else attribute, item, mine)
                for key, item in _items(thing, path)
            ]
        )
    return list(found.values())


def ways(found: list[Part], result: Value, made_by_model: int) -> list[Way]:
    """How values pass from part to part. made_by_model: the serial up to which values are the model's."""
    owner = {v.serial: k for k, part in enumerate(found) for values in part.held.values() for v in values}
    origin: dict[int, frozenset[int]] = {}
    passed: list[Way] = []
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
            passed += _passed(v, home, origin, owner)
        if len(origin[v.serial]) == 1 and (k := next(iter(origin[v.serial]))) >= 0:
            found[k].last = v
    return passed


def _passed(v: Value, home: int, origin: dict[int, frozenset[int]], owner: dict[int, int]) -> Iterator[Way]:
    """What v, made by a part, takes from others; of the loss, parameters that it looks at itself."""
    for place, x in enumerate(v.inputs):
        given = origin[x.serial] | (
            frozenset({owner[x.serial]}) if home == LOSS and x.serial in owner else frozenset()
        )
        for tail in sorted(given - {home}):
            yield Way(tail, home, x, v, place)
