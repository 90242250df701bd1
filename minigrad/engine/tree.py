"""Pytrees: nested containers of arrays, taken apart into leaves and put together again.

Containers are lists, tuples (named ones too), dicts, dataclasses, None (an empty one), and every class that is
registered (`Module` registers itself). Everything else is a leaf; nothing here looks inside a leaf.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from .errors import ArgumentError, ShapeError

# A container taken apart: the key of each item, the items, and all that is needed to put it together.
Split: TypeAlias = tuple[Sequence[Any], Sequence[Any], Any]


class Kind(NamedTuple):
    """How containers of one class are taken apart and put together.

    path: the text of a step to an item, with %r or %s for its key. inside: the direct contents, to find cycles, if
    they are not the items.
    """

    split: Callable[[Any], Split]
    join: Callable[[Any, Sequence[Any]], Any]
    path: str
    inside: Callable[[Any], Sequence[Any]] | None = None


def _split_sequence(x: Any) -> Split:
    return range(len(x)), x, type(x)


def _join_sequence(cls: Any, items: Sequence[Any]) -> Any:
    return cls(items)


def _join_named_tuple(cls: Any, items: Sequence[Any]) -> Any:
    return cls(*items)


def _split_dict(x: Any) -> Split:
    if type(x) is dict:
        keys = [*x]
        return keys, [*x.values()], keys
    empty = copy.copy(x)  # keeps the kind of dict, and its default for a missing key
    empty.clear()
    return [*x], [*x.values()], (empty, [*x])


def _join_dict(rest: Any, items: Sequence[Any]) -> Any:
    if type(rest) is list:
        return dict(zip(rest, items, strict=True))
    new = copy.copy(rest[0])
    new.update(zip(rest[1], items, strict=True))
    return new


_SEQUENCE = Kind(_split_sequence, _join_sequence, "[%r]")
_NAMED_TUPLE = Kind(_split_sequence, _join_named_tuple, "[%r]")
_DICT = Kind(_split_dict, _join_dict, "[%r]")
_NONE = Kind(lambda _: ((), (), None), lambda _, __: None, "")

_registered: dict[type, Kind | bool] = {list: _SEQUENCE, tuple: _SEQUENCE, dict: _DICT, type(None): _NONE}
# Kinds of classes that have no common base, each with its test (see `dataclass_trees`).
_tested: list[tuple[Callable[[type], bool], Kind]] = []
# The kind of each class seen so far, False for leaves: one look-up per item.
_kinds: dict[type, Kind | bool] = {}


def register(
    cls: type,
    split: Callable[[Any], Split],
    join: Callable[[Any, Sequence[Any]], Any],
    path: str = ".%s",
    inside: Callable[[Any], Sequence[Any]] | None = None,
) -> None:
    """Make a container of a class and its subclasses: ``split(x) -> Split``, ``join(rest, items) -> x``."""
    _registered[cls] = Kind(split, join, path, inside)
    _kinds.clear()


def _find_kind(cls: type) -> Kind | bool:
    found: Kind | bool | None = next((_registered[base] for base in cls.__mro__ if base in _registered), None)
    if found is _SEQUENCE and hasattr(cls, "_fields"):
        found = _NAMED_TUPLE
    if found is None:
        found = next((kind for holds, kind in _tested if holds(cls)), False)
    if len(_kinds) > 10_000:  # so that classes made in a loop are freed
        _kinds.clear()
    _kinds[cls] = found
    return found


def kind_of(x: Any) -> Any:
    """The kind of a container; False for a leaf."""
    kind = _kinds.get(type(x))
    return _find_kind(type(x)) if kind is None else kind


class Structure:
    """A nesting without its leaves; `flatten` returns it beside them."""

    __slots__ = ("kind", "parts", "rest", "size")

    def __init__(self, kind: Any, rest: Any, parts: Sequence[Structure], size: int) -> None:
        self.kind, self.rest, self.parts, self.size = kind, rest, parts, size

    def unflatten(self, leaves: Sequence[Any]) -> Any:
        """New containers with these leaves. Raises ShapeError if their number is wrong."""
        if len(leaves) != self.size:
            raise ShapeError(f"expected {self.size} leaves, got {len(leaves)}")
        return _join(self, iter(leaves))


_LEAF = Structure(False, None, (), 1)


def _join(structure: Structure, leaves: Iterator[Any]) -> Any:
    items = [next(leaves) if part is _LEAF else _join(part, leaves) for part in structure.parts]
    if structure is _LEAF:
        return next(leaves)
    return structure.kind.join(structure.rest, items)


def flatten(x: Any) -> tuple[list[Any], Structure]:
    """The leaves of a nesting, from left to right, and its structure: ``structure.unflatten(leaves)`` rebuilds x.

    Raises ArgumentError where a container contains itself.
    """
    found: list[Any] = []
    try:
        return found, _flatten(x, found)
    except RecursionError:
        _refuse_cycle(x)
        raise


def _flatten(x: Any, found: list[Any]) -> Structure:
    kind = kind_of(x)
    if not kind:
        found.append(x)
        return _LEAF
    before = len(found)
    _, items, rest = kind.split(x)
    parts = []
    for item in items:
        if _kinds.get(type(item)) is False:
            found.append(item)
            parts.append(_LEAF)
        else:
            parts.append(_flatten(item, found))
    return Structure(kind, rest, parts, len(found) - before)


def tree_map(f: Callable[[Any, str], Any], tree: Any, path: str = "") -> Any:
    """The same nesting with f(leaf, path) in place of each leaf; path reads like the access: ``['w'][0].bias``."""
    try:
        return _map(f, tree, path)
    except RecursionError:
        _refuse_cycle(tree)
        raise


def _map(f: Callable[[Any, str], Any], tree: Any, path: str) -> Any:
    kind = kind_of(tree)
    if not kind:
        return f(tree, path)
    keys, items, rest = kind.split(tree)
    mapped = []
    for key, item in zip(keys, items, strict=True):
        here = f"{path}[{key!r}]" if kind.path == "[%r]" else path + kind.path % (key,)
        mapped.append(f(item, here) if _kinds.get(type(item)) is False else _map(f, item, here))
    return kind.join(rest, mapped)


def leaves(tree: Any) -> list[Any]:
    """The leaves of a nesting, from left to right."""
    found: list[Any] = []
    try:
        _gather(tree, found)
    except RecursionError:
        _refuse_cycle(tree)
        raise
    return found


def _gather(x: Any, found: list[Any]) -> None:
    kind = kind_of(x)
    for item in kind.split(x)[1] if kind else (x,):
        if _kinds.get(type(item)) is False:
            found.append(item)
        else:
            _gather(item, found)


def _refuse_cycle(tree: Any) -> None:
    """Raise ArgumentError where a container contains itself; without recursion."""
    above: list[int] = []
    waiting: list[tuple[Any, bool]] = [(tree, True)]
    done: set[int] = set()
    while waiting:
        x, enters = waiting.pop()
        if not enters:
            done.add(above.pop())
            continue
        kind = kind_of(x)
        if id(x) in above:
            raise ArgumentError(f"a {type(x).__name__} contains itself, so its leaves cannot be listed")
        if kind and id(x) not in done:
            above.append(id(x))
            inside = kind.inside(x) if kind.inside else kind.split(x)[1]
            waiting += [(x, False), *((item, True) for item in inside)]
