"""What a function may change besides models: lists, dicts and sets, attributes of plain objects, and variables.

Such a change is an effect like printing, and stays. But a Value of the trace must not stay in it, and a refused
function must leave no mark.
"""

from __future__ import annotations

import dis
import types
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..engine.node import Node
from ..engine.tree import leaves

_CONTAINERS = (list, dict, set, deque)
_STORE_DEREF, _STORE_GLOBAL = dis.opmap["STORE_DEREF"], dis.opmap["STORE_GLOBAL"]


class _Place(NamedTuple):
    """Something that a function can change. path: as code would write it. counts: whether it may be a counter."""

    path: Callable[[], str]
    get: Callable[[], Any]
    put: Callable[[Any], None]
    before: Any
    counts: bool


class PlainState:
    """The contents of all that was noted, to compare and to put back."""

    def __init__(self) -> None:
        self._places: list[_Place] = []

    def note(self, x: Any, path: Callable[[], str]) -> None:
        """Remember the items of a container, the attributes of an object, or the variables that a function sets."""
        if isinstance(x, types.FunctionType):
            self._places += _variables(x)
        counts = not isinstance(x, _CONTAINERS)
        held = vars(x) if counts else x
        self._places.append(_Place(path, lambda: held, lambda was: _refill(held, was), held.copy(), counts))

    def kept(self, start: int) -> str | None:
        """The path to a Value that was computed since this serial; None if there is none."""
        return next((x.path() for x in self._changed() if _holds_new(x.get(), start)), None)

    def restore(self, start: int) -> None:
        """Put back what holds a Value of the trace, and attributes and variables."""
        for x in [*self._changed()]:
            if x.counts or _holds_new(x.get(), start):
                x.put(x.before)

    def _changed(self) -> Iterator[_Place]:
        return (x for x in self._places if not _same(x.get(), x.before))


def _variables(f: types.FunctionType) -> Iterator[_Place]:
    """The variables from outside that a function may assign."""
    code = f.__code__
    stores = {*code.co_code[::2]}
    if _STORE_DEREF in stores:
        yield from map(_cell, code.co_freevars, f.__closure__ or ())
    if _STORE_GLOBAL in stores:
        yield from (_global(name, f.__globals__) for name in code.co_names if name in f.__globals__)


def _cell(name: str, cell: Any) -> _Place:
    def get() -> Any:
        try:
            return cell.cell_contents
        except ValueError:  # not assigned
            return None

    def put(before: Any) -> None:
        cell.cell_contents = before

    return _Place(lambda: name, get, put, get(), True)


def _global(name: str, space: dict[str, Any]) -> _Place:
    return _Place(
        lambda: name, lambda: space.get(name), lambda x: space.__setitem__(name, x), space.get(name), True
    )


def _same(x: Any, y: Any) -> bool:
    """Whether two contents are the same objects in the same places."""
    if type(x) not in _CONTAINERS or type(x) is not type(y):
        return x is y
    if isinstance(x, set):
        return {*map(id, x)} == {*map(id, y)}
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(x[key] is y[key] for key in x)
    return len(x) == len(y) and all(a is b for a, b in zip(x, y, strict=True))


def _holds_new(x: Any, start: int) -> bool:
    found = leaves([*x] if isinstance(x, (set, deque)) else x)
    return any(isinstance(v, Node) and v.serial >= start and v.op is not None for v in found)


def _refill(x: Any, was: Any) -> None:
    x.clear()
    getattr(x, "extend" if isinstance(x, (list, deque)) else "update")(was)


__all__ = ["PlainState"]
