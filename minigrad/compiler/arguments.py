"""The arguments of a call: which of them are inputs, which are static, and in what containers they stand.

Arrays, NumPy's numbers, Python's floats and random generators are inputs. All else - integers, truth values, texts,
None, functions, models - is static: another value traces anew.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, describe
from ..value import Value

NUMBERS = (np.floating, np.integer, np.bool_)
INEXACT = (float, complex, np.inexact)  # equal does not mean the same: 0.0 == -0.0, and nan is not nan


@dataclass(frozen=True, slots=True)
class Hole:
    """Where in the arguments an input stands."""

    k: int


@dataclass
class Described:
    """Arguments taken apart: `key` says all that a trace depends on; `template` has holes for the inputs.

    paths: how each input is reached from ``args`` and ``kwargs``.
    """

    key: Hashable = None
    template: Any = None
    inputs: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)  # Values among the arguments: nothing to compile


class Describer:
    """Takes the arguments of calls of one function apart. static: names or places of arguments fixed by value."""

    def __init__(self, f: Callable[..., Any], static: Any) -> None:
        self.static = (static,) if isinstance(static, (str, int)) else tuple(static)
        self.names = _parameters(f)
        self.check("static", self.static)

    def check(self, option: str, given: Iterable[Any]) -> None:
        """Raise ArgumentError where an option names an argument, or counts to one, that there is not."""
        for which in given if self.names else ():
            if isinstance(which, int):
                known = which >= 0 and (which < len(self.names) or not {"*", "**"}.isdisjoint(self.names))
            else:
                known = which in self.names or "**" in self.names
            if not known:
                raise ArgumentError(
                    f"{option}={which!r}: the function has no such argument, but {', '.join(self.names)}"
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
        return _static(x, f"argument {i}") if self._fixed(i) else _taken_apart(x, f"args[{i}]", found)

    def _named(self, key: str, x: Any, found: Described) -> tuple[Any, Hashable]:
        return _static(x, f"argument {key}") if self._fixed(key) else _taken_apart(x, f"kwargs[{key!r}]", found)

    def varying(self, keys: Sequence[Any]) -> list[str]:
        """The arguments in which keys differ, if they do so in integers alone that nobody called static."""
        if any(_without_integers(key) != _without_integers(keys[0]) for key in keys):
            return []
        places = range(len(keys[0][0]))
        found = [self._told(i) for i in places if len({key[0][i] for key in keys}) > 1 and not self._fixed(i)]
        names = [name for name, _ in keys[0][1] if len({dict(key[1])[name] for key in keys}) > 1]
        return found + [name for name in names if not self._fixed(name)]

    def _told(self, i: int) -> str:
        return self.names[i] if i < len(self.names) else f"number {i}"

    def _fixed(self, which: int | str) -> bool:
        """Whether an argument, by place or by name, was called static."""
        if isinstance(which, str):
            return which in self.static or (which in self.names and self.names.index(which) in self.static)
        return which in self.static or (which < len(self.names) and self.names[which] in self.static)


def _without_integers(key: Any) -> Any:
    """A key in which the values of static integers are left out."""
    if type(key) is not tuple or (len(key) == 2 and key[0] is int):
        return int if type(key) is tuple else key
    return tuple(map(_without_integers, key))


def _parameters(f: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        ("*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else p.name) for p in parameters
    ]


def _taken_apart(x: Any, path: str, found: Described) -> tuple[Any, Hashable]:
    """A nesting with holes for its inputs, and its key."""
    kind = type(x)
    if isinstance(x, dict):
        parts = {key: _taken_apart(item, f"{path}[{key!r}]", found) for key, item in x.items()}
        new = x.copy()
        new.update({key: part for key, (part, _) in parts.items()})
        return new, (kind, tuple((key, k) for key, (_, k) in parts.items()))
    if isinstance(x, (tuple, list)):
        items = [_taken_apart(item, f"{path}[{i}]", found) for i, item in enumerate(x)]
        new_items = [part for part, _ in items]
        return kind(*new_items) if hasattr(x, "_fields") else kind(new_items), (kind, *(k for _, k in items))
    if isinstance(x, Value):
        found.values.append(x)
        return x, None
    if isinstance(x, (np.ndarray, np.generic, float, np.random.Generator)) and not isinstance(x, np.str_):
        key = _input_key(x, path)
        found.inputs.append(x)
        found.paths.append(path)
        return Hole(len(found.inputs) - 1), key
    return _static(x, path)


def _input_key(x: Any, path: str) -> Hashable:
    """What of an input a trace depends on: its type, shape and layout."""
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
            f"{path} is static, so it must be hashable, and this is {describe(x)}\n"
            "  write  an array, a number, or lists, tuples and dicts of them for an input"
        ) from None
    return x, _by_value(x)


def _by_value(x: Any) -> Hashable:
    """A static value as a key: 0.0 is not -0.0 there, and 2 neither 2.0 nor True, inside tuples neither."""
    if isinstance(x, tuple):
        return (type(x), *map(_by_value, x))
    return (type(x), repr(x) if isinstance(x, INEXACT) else x)


def filled(template: Any, values: Any) -> Any:
    """A template with values in its holes."""
    if type(template) is Hole:
        return values[template.k]
    if isinstance(template, dict):
        new = template.copy()
        new.update({key: filled(item, values) for key, item in template.items()})
        return new
    if isinstance(template, (tuple, list)):
        items = [filled(item, values) for item in template]
        return type(template)(*items) if hasattr(template, "_fields") else type(template)(items)
    return template


def names_of(paths: Iterable[str], f: Callable[..., Any]) -> list[str]:
    """A readable name for each input: that of the function's parameter, and the place in it."""
    parameters = _parameters(f)
    names: list[str] = []
    taken: set[str] = set()
    for path in paths:
        text = functools.reduce(lambda t, c: t.replace(c, "_"), "[]'\". -", path)
        parts = [part for part in text.split("_") if part]
        if parts[0] == "args" and int(parts[1]) < len(parameters) and parameters[int(parts[1])][0] != "*":
            parts[:2] = [parameters[int(parts[1])]]
        else:
            parts = parts[1:] if parts[0] == "kwargs" else parts
        name = "_".join("".join(c for c in part if c.isalnum() or c == "_") for part in parts)
        names.append(_unused(name if name.isidentifier() else f"x_{name}", taken))
        taken.add(names[-1])
    return names


def _unused(name: str, names: set[str]) -> str:
    reserved = name in ("np", "ndarray", "make", "step") or (name[:1] in "vmc" and name[1:].isdigit())
    name = f"{name}_" if reserved else name
    return name if name not in names else _unused(f"{name}_", names)
