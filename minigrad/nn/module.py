"""Module: the base class of models and their parts; it finds their parameters.

Only finding belongs here; each subclass defines its computation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from ..engine import tree
from ..engine.node import Node
from ..engine.value import Value
from ..tracing.side_effects import watch_attributes

_POSITIONS = (
    "_positions"  # of a module that `_join` made: the number of the leaf in each place, None for other things
)
_Path: TypeAlias = tuple[Any, ...]  # () for the module itself, else (path of its container, key): cheap to make


class Module:
    """A part of a model. Its parameters are the leaf Values among its attributes.

    They are found in attributes, lists, tuples, dicts and dataclasses, and in other modules there, in the order
    in which these were filled; shared weights count once. A computed Value is not a parameter, and neither is a
    plain array or a static field of a dataclass: wrap the arrays that you want to train.

    A module may be an argument of `grad`, `vjp`, `jvp`, `vmap` and the others: its Values are the leaves. The
    gradient is a module of the same class with gradients in place of the Values; shared weights have their
    whole gradient in each of their places. The function gets a copy of the module.
    """

    def __repr__(self) -> str:
        """The class, and the number of parameters."""
        count = sum(getattr(value, "size", 1) for value in self.parameters())
        return f"<{type(self).__name__}, {count:,} parameters>"

    def parameters(self) -> list[Value]:
        """All parameters, each once."""
        return [value for _, value in self._find()]

    def named_parameters(self) -> list[tuple[str, Value]]:
        """All parameters, each once, with its name.

        The name is the Value's own, as in pictures and errors. If it has none, or shares it with another
        parameter, the name is the path to it: ``layers.0.W``.
        """
        found = list(self._find())
        names = [getattr(value, "name", None) for _, value in found]
        bearers = Counter(names)
        pairs = zip(names, found, strict=True)
        return [(name if name and bearers[name] == 1 else _path_text(path), v) for name, (path, v) in pairs]

    def zero_grad(self) -> None:
        """Forget all gradients: every parameter's ``.grad`` becomes None."""
        for value in self.parameters():
            if isinstance(value, Value):  # a module of gradients may hold arrays
                value.grad = None

    def _find(self) -> Iterator[tuple[_Path, Value]]:
        """Path and value of each parameter; no recursion, so that no nesting is too deep or circular."""
        seen: set[int] = set()
        kinds = tree._kinds  # asked here for speed
        waiting: list[tuple[_Path, Any]] = [((), self)]
        # In a copy made by `grad` and others, the leaves are the parameters, of any type.
        marked = {id(leaf) for leaf in _split(self)[1]} if _POSITIONS in vars(self) else ()
        while waiting:
            path, thing = waiting.pop()
            if id(thing) in seen:
                continue
            seen.add(id(thing))
            if isinstance(thing, Node) or (marked and id(thing) in marked):
                if id(thing) in marked or thing.op is None:
                    yield path, thing
                continue
            held = [
                ((path, key), x)
                for key, x in held_items(thing, path)
                if type(x) is Value
                or kinds.get(type(x))
                or (x is not None and may_hold(x))
                or id(x) in marked
                or isinstance(x, Node)
            ]
            held.reverse()  # the last is taken first
            waiting += held


def _path_text(path: Any) -> str:
    """A path as text: ``layers.0.W``."""
    keys = []
    while path:
        path, key = path
        keys.append(str(key))
    return ".".join(reversed(keys))


def held_items(thing: Any, path: str | _Path) -> Iterable[tuple[Any, Any]]:
    """The items of a container or module, in its order, each with its key."""
    if isinstance(thing, Module):  # all attributes: the leaves of its pytree come without their paths
        return vars(thing).items()
    if isinstance(thing, (set, frozenset)):
        if any(isinstance(item, (Value, Module)) for item in thing):
            raise TypeError(
                f"{_path_text(path)} is a {type(thing).__name__}, which has no order\n"
                "  write  [...]   to hold parameters in a list"
            )
        return []
    kind = tree.kind_of(thing)
    if kind is tree._SEQUENCE:
        return enumerate(thing)
    keys, held, _ = kind.split(thing)
    return zip(getattr(thing, "_fields", keys) if isinstance(thing, tuple) else keys, held, strict=True)


def may_hold(x: object) -> bool:
    """Whether x may hold parameters."""
    return (x is not None and bool(tree.kind_of(x))) or isinstance(x, (set, frozenset))


def _split(module: Module) -> tree.Split:
    """A module as a pytree: its leaves are its Values, each once; everything else is copied unchanged."""
    attributes = {name: item for name, item in vars(module).items() if name != _POSITIONS}
    found: list[Any] = []
    structure = tree._flatten(attributes, found)
    positions = vars(module).get(_POSITIONS)
    if positions is None or not _fits(positions, found):
        positions = _positions(found)
    first: dict[int, int] = {}
    for place, k in enumerate(positions):
        if k is not None:
            first.setdefault(k, place)
    paths: list[str] = []
    tree._map(lambda _, path: paths.append(path), attributes, "")
    fixed = [x if k is None else None for x, k in zip(found, positions, strict=True)]
    names, items = (
        [_as_attribute(paths[place]) for place in first.values()],
        [found[place] for place in first.values()],
    )
    return names, items, (type(module), structure, fixed, positions)


def _fits(positions: Sequence[int | None], found: Sequence[object]) -> bool:
    """Whether the positions are still right: a function may have changed its copy."""
    return len(positions) == len(found) and not any(
        k is None and isinstance(x, Value) for k, x in zip(positions, found, strict=True)
    )


def _positions(found: Sequence[object]) -> list[int | None]:
    """For each thing in a module the number of its Value, the same for a shared Value; None for other things."""
    numbers: dict[int, int] = {}
    for thing in found:
        if isinstance(thing, (set, frozenset)):
            held_items(thing, ((), "a module"))
        elif isinstance(thing, Value):
            numbers.setdefault(id(thing), len(numbers))
    return [numbers.get(id(thing)) for thing in found]


def _as_attribute(path: str) -> str:
    """``['W'][0]`` as ``.W[0]``."""
    name, _, rest = path[2:].partition("']")
    return f".{name}{rest}"


def _join(rest: Any, items: Sequence[Any]) -> Module:
    cls, structure, fixed, positions = rest
    new: Module = object.__new__(cls)
    placed = [x if k is None else items[k] for x, k in zip(fixed, positions, strict=True)]
    vars(new).update(structure.unflatten(placed))
    vars(new)[_POSITIONS] = positions
    return new


tree.register(Module, _split, _join, "%s", lambda module: [*vars(module).values()])
watch_attributes(Module)
