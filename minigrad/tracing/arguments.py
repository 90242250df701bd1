"""Takes the arguments of a call apart: inputs, static arguments, and the containers that hold them.

Arrays, NumPy numbers, Python floats and random generators are inputs. All else (integers, booleans, texts, None,
functions, models) is static: another value triggers a new trace.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.dataclass_trees import data_kind, leaf_class, static_fields
from ..engine.tree_folds import tree_fold, tree_key
from ..engine.value import Value
from ..errors import ArgumentError, DTypeError, describe

NUMBERS = (np.floating, np.integer, np.bool_)
INEXACT = (float, complex, np.inexact)  # == is not enough: 0.0 == -0.0, and nan != nan


@leaf_class
@dataclass(frozen=True, slots=True)
class Hole:
    """The place of an input in the arguments."""

    k: int


@dataclass
class Described:
    """Arguments taken apart: `key` holds all that a trace depends on; `template` has holes for the inputs.

    paths: the path to each input from ``args`` and ``kwargs``.
    """

    key: Hashable = None
    template: object = None
    inputs: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)  # Values among the arguments: nothing to compile
    mapped: bool = False  # whether an input is a np.memmap: `inputs` has it as a plain array


class Describer:
    """Takes apart the arguments of one function's calls. static: names or positions of static arguments."""

    def __init__(self, f: Callable[..., Any], static: Iterable[str | int]) -> None:
        self.static = tuple(static)
        self.names = _parameters(f)
        self.check("static", self.static)

    def check(self, option: str, given: Iterable[object]) -> None:
        """Raise ArgumentError if an option names an argument that the function does not have."""
        for which in given if self.names else ():
            if isinstance(which, int):
                known = which >= 0 and (which < len(self.names) or not {"*", "**"}.isdisjoint(self.names))
            else:
                known = which in self.names or "**" in self.names
            if not known:
                raise ArgumentError(
                    f"{option}={which!r}: the function has no such argument, only {', '.join(self.names)}"
                )

    def describe(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
        """The arguments of one call, taken apart."""
        found = Described()
        parts = [self._argument(i, x, found) for i, x in enumerate(args)]
        named = {key: self._named(key, x, found) for key, x in kwargs.items()}
        found.template = (tuple(x for x, _ in parts), {key: x for key, (x, _) in named.items()})
        found.key = (tuple(k for _, k in parts), tuple((key, k) for key, (_, k) in named.items()))
        return found

    def _argument(self, i: int, x: Any, found: Described) -> tuple[Any, Hashable]:
        return _static(x, f"argument {i}") if self.is_static(i) else _take_apart(x, f"args[{i}]", found)

    def _named(self, key: str, x: Any, found: Described) -> tuple[Any, Hashable]:
        return _static(x, f"argument {key}") if self.is_static(key) else _take_apart(x, f"kwargs[{key!r}]", found)

    def name_of(self, which: int | str) -> str:
        """An argument, given by position or name, as messages call it."""
        if isinstance(which, str):
            return which
        return self.names[which] if which < len(self.names) else f"number {which}"

    def is_static(self, which: int | str) -> bool:
        """Whether an argument, by position or name, is declared static."""
        if isinstance(which, str):
            return which in self.static or (which in self.names and self.names.index(which) in self.static)
        return which in self.static or (which < len(self.names) and self.names[which] in self.static)


def _parameters(f: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        ("*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else p.name) for p in parameters
    ]


def _take_apart(x: Any, path: str, found: Described) -> tuple[Any, Hashable]:
    """A nesting with holes for its inputs, and its key."""
    if kind := data_kind(x):  # a registered class (a Module) is static: its Values are read at every call
        keys, items, rest = kind.split(x)
        parts = [_take_apart(item, path + kind.path % (k,), found) for k, item in zip(keys, items, strict=True)]
        static = [(name, _static(item, f"{path}.{name}")[1]) for name, item in (static_fields(x) or {}).items()]
        template = kind.join(rest, [part for part, _ in parts])
        cls: Any = type(x)
        return template, (cls, *map(static_key, keys), *(key for _, key in parts), *static)
    if isinstance(x, Value):
        found.values.append(x)
        return x, None
    if type(x) is np.memmap:
        found.mapped, x = True, np.asarray(x)
    if isinstance(x, (np.ndarray, np.generic, float, np.random.Generator)) and not isinstance(x, np.str_):
        key = _input_key(x, path)
        found.inputs.append(x)
        found.paths.append(path)
        return Hole(len(found.inputs) - 1), key
    return _static(x, path)


def _input_key(x: object, path: str) -> Hashable:
    """The properties of an input that a trace depends on: its type, shape and layout."""
    if isinstance(x, np.ndarray):
        if type(x) is not np.ndarray or x.dtype.kind not in "fiub":
            raise DTypeError(f"{path} cannot be compiled: {describe(x)}\n  write  np.asarray(x, dtype=float)")
        return (np.ndarray, x.dtype, x.shape, x.strides)
    if isinstance(x, np.generic) and not isinstance(x, NUMBERS):
        raise DTypeError(f"{path} cannot be compiled: {describe(x)}")
    return type(x).__name__


def _static(x: Any, path: str) -> tuple[Any, Hashable]:
    if isinstance(x, slice):  # hashable from Python 3.12 on
        return x, (slice, x.start, x.stop, x.step)
    try:
        hash(x)
    except TypeError:
        raise ArgumentError(
            f"{path} is static, so it must be hashable, got {describe(x)}\n"
            "  write  an array, a number, or lists, tuples and dicts of them for an input"
        ) from None
    return x, static_key(x)


class _Itself:
    """A key that equals only itself: for an object whose own ``==`` may compare less than a function reads."""

    __slots__ = ("x",)

    def __init__(self, x: object) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.x is self.x

    def __hash__(self) -> int:
        return id(self.x)


# Values of these very types are the same if they are equal; of other types only if they are one object.
COMPARED = frozenset({bool, int, str, bytes, type(None), type(...), types.MethodType, types.BuiltinMethodType})


def static_key(x: object) -> Hashable:
    """The key of a static argument: equal for what a function cannot tell apart. It parts 2 from 2.0 and True."""
    return tree_key(x, _key_of_leaf)


def same_static(x: object, y: object) -> bool:
    """Whether a function cannot tell two static arguments apart."""
    return type(x) is type(y) and static_key(x) == static_key(y)


def _key_of_leaf(x: Any) -> Hashable:
    cls: Any = type(x)
    if isinstance(x, INEXACT):  # 0.0 == -0.0
        return cls, repr(x)
    if cls in COMPARED or isinstance(x, (np.generic, np.dtype)):
        return cls, x
    if cls is frozenset:  # frozenset({1}) == frozenset({1.0})
        return cls, frozenset(map(static_key, x))
    return (cls, x.start, x.stop, x.step) if cls is range else (cls, _Itself(x))


def fill_holes(template: Any, values: Any) -> Any:
    """A template with values in its holes."""
    return tree_fold(
        template,
        lambda leaf: values[leaf.k] if type(leaf) is Hole else leaf,
        lambda x, split, parts: data_kind(x).join(split[2], parts),
        data_kind,
    )
