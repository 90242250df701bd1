"""Takes the arguments of a call apart: inputs, static arguments, and the containers that hold them.

Arrays, NumPy numbers, Python floats and random generators are inputs. All else (integers, booleans, texts, None,
functions, models) is static: another value triggers a new trace.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
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


class Describer:
    """Takes apart the arguments of one function's calls. static: names or positions of static arguments."""

    def __init__(self, f: Callable[..., Any], static: Any) -> None:
        self.static = (static,) if isinstance(static, (str, int)) else tuple(static)
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
        return _static(x, f"argument {i}") if self._fixed(i) else _take_apart(x, f"args[{i}]", found)

    def _named(self, key: str, x: Any, found: Described) -> tuple[Any, Hashable]:
        return _static(x, f"argument {key}") if self._fixed(key) else _take_apart(x, f"kwargs[{key!r}]", found)

    def varying(self, keys: Sequence[Any]) -> list[str]:
        """The arguments that differ between keys, if only integers differ that are not declared static."""
        if any(_without_integers(key) != _without_integers(keys[0]) for key in keys):
            return []
        places = range(len(keys[0][0]))
        found = [self._name(i) for i in places if len({key[0][i] for key in keys}) > 1 and not self._fixed(i)]
        names = [name for name, _ in keys[0][1] if len({dict(key[1])[name] for key in keys}) > 1]
        return found + [name for name in names if not self._fixed(name)]

    def _name(self, i: int) -> str:
        return self.names[i] if i < len(self.names) else f"number {i}"

    def _fixed(self, which: int | str) -> bool:
        """Whether an argument, by position or name, is declared static."""
        if isinstance(which, str):
            return which in self.static or (which in self.names and self.names.index(which) in self.static)
        return which in self.static or (which < len(self.names) and self.names[which] in self.static)


def _without_integers(key: Any) -> Any:
    """A key without the values of static integers."""
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


def _take_apart(x: Any, path: str, found: Described) -> tuple[Any, Hashable]:
    """A nesting with holes for its inputs, and its key."""
    if kind := data_kind(x):  # a registered class (a Module) is static: its Values are read at every call
        keys, items, rest = kind.split(x)
        parts = [_take_apart(item, path + kind.path % (k,), found) for k, item in zip(keys, items, strict=True)]
        static = [(name, _static(item, f"{path}.{name}")[1]) for name, item in (static_fields(x) or {}).items()]
        template = kind.join(rest, [part for part, _ in parts])
        cls: Any = type(x)
        return template, (cls, tuple(keys), *(key for _, key in parts), *static)
    if isinstance(x, Value):
        found.values.append(x)
        return x, None
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
    return x, tree_key(x, _by_value)


def _by_value(x: object) -> Hashable:
    """A static leaf as a key that separates 0.0 from -0.0, and 2 from 2.0 and True."""
    hashable = type(x).__hash__ is not None  # else it is part of a dataclass that hashes by identity
    return (type(x), repr(x) if isinstance(x, INEXACT) else x if hashable else id(x))


def fill_holes(template: Any, values: Any) -> Any:
    """A template with values in its holes."""
    return tree_fold(
        template,
        lambda leaf: values[leaf.k] if type(leaf) is Hole else leaf,
        lambda x, split, parts: data_kind(x).join(split[2], parts),
        data_kind,
    )


def names_of(paths: Iterable[str], f: Callable[..., Any], taken: set[str]) -> list[str]:
    """A readable name for each input: the function's parameter and the place inside it. See `unused_name`."""
    parameters = _parameters(f)
    names: list[str] = []
    for path in paths:
        text = functools.reduce(lambda t, c: t.replace(c, "_"), "[]'\". -", path)
        parts = [part for part in text.split("_") if part]
        if parts[0] == "args" and int(parts[1]) < len(parameters) and parameters[int(parts[1])][0] != "*":
            parts[:2] = [parameters[int(parts[1])]]
        else:
            parts = parts[1:] if parts[0] == "kwargs" else parts
        names.append(unused_name(identifier("_".join(parts), "x_"), taken))
    return names


def unused_name(name: str, taken: set[str]) -> str:
    """The name, with _ behind it while the text of a program gives it another meaning. Adds it to the taken names.

    Blocks of the variable x are named x_ or x_flat_, so these are taken with it.
    """
    while iskeyword(name) or _WORDS.fullmatch(name) or not taken.isdisjoint(_block_names(name)):
        name = f"{name}_"
    taken |= _block_names(name)
    return name


# Words that the text of a program uses itself: its functions, Python's, its loops and its variables.
_WORDS = re.compile(
    r"np|ndarray|make|step|min|range|slice|float|bool|abs|i|j|([vmc]\d+|c_\d+)(_|_flat|_flat_|_finite|_finite_)?"
)


def _block_names(name: str) -> set[str]:
    """A variable, and the names of it in a loop over blocks."""
    return {name, f"{name}_", f"{name}_flat", f"{name}_flat_"}


@functools.lru_cache(maxsize=1000)
def identifier(text: str, prefix: str = "f_") -> str:
    """A name for Python made of any text: _ for characters that no name may have, the rest as Python spells it."""
    if not text.isascii():
        from unicodedata import normalize

        text = normalize("NFKC", text)
    kept = "".join(c if f"_{c}".isidentifier() else "_" for c in text).strip("_")
    return kept if kept.isidentifier() else f"{prefix}{kept}"
