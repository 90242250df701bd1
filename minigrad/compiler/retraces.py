"""Warnings that a function is traced again and again, or not compiled at all: each once, with what to write."""

from __future__ import annotations

import functools
import operator
import types
import warnings
from collections.abc import Hashable, Sequence
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from ..tracing.arguments import Describer

# What differs between traces: why each is traced, and what to write. {x}: an argument, {n}: how many to keep.
_TEXTS = {
    "integers": (
        "integers are static, so each value is compiled separately",
        "float({x})   or an array, for an input that changes from call to call",
    ),
    "functions": (
        "functions are static, and each lambda or functools.partial is a new one",
        "{x} = ...   once, before the calls, and pass that function each time",
    ),
    "shapes": (
        "each shape is compiled separately",
        "minigrad.compile(f, cache={n})   to keep more traces\n  or     np.pad({x}, ...)   for fewer shapes",
    ),
    "values": (
        "each is compiled separately",
        "minigrad.compile(f, cache={n})   to keep more traces",
    ),
}
_EMPTY = types.CellType()
_FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial)
_EAGER = (
    "a compiled function that closes over a Value with a gradient runs as it is, not compiled: "
    "else no gradient would flow\n"
    "  write  f(x, w)   to pass the Value as an argument\n"
    "  or     minigrad.compile(minigrad.grad(g))   for the function g around it, gradient included"
)
_REMADE = 10  # compiled functions that are the same: fewer may well be several users of one function


class _Series:
    """Compiled functions of one code: the marks of the latest one, and how many in a row had the same."""

    def __init__(self) -> None:
        self.marks: list[Any] = []
        self.count = 0

    def add(self, marks: list[Any]) -> int:
        """Add a function; the length of the series that it continues."""
        before = self.marks
        same = len(marks) == len(before) and marks[0] == before[0] and all(map(operator.is_, marks[1:], before[1:]))
        self.marks, self.count = marks, self.count + 1 if same else 1
        return self.count


_series: WeakKeyDictionary[types.CodeType, _Series] = WeakKeyDictionary()


def warn_of_remaking(f: Any, key: Hashable, stacklevel: int) -> None:
    """Warn once if compile made the same function again and again, each traced for arguments of the same kind."""
    if not isinstance(f, (types.FunctionType, types.MethodType)):
        return
    series = _series.setdefault(f.__code__, _Series())
    if series.count < _REMADE and series.add([hash(key), *_marks(f)]) == _REMADE:
        warnings.warn(
            f"compiled {f.__qualname__} {_REMADE} times: each minigrad.compile(...) makes a new function, which is "
            "traced at its first call\n"
            "  write  g = minigrad.compile(f)   once, before the loop, and call g in it",
            RuntimeWarning,
            stacklevel=stacklevel + 1,
        )


def _marks(f: Any) -> list[Any]:
    """What tells a function from others of the same code, its own functions included. It keeps none of it alive.

    An object has one weak reference while it lives, so that marks it, and no later object at its address.
    """
    marks: list[Any] = []
    todo, seen = [f], set[int]()
    while todo:
        x = todo.pop()
        if isinstance(x, types.MethodType):
            todo += [x.__func__, x.__self__]
        elif type(x) is tuple:
            todo += x
        elif isinstance(x, types.FunctionType) and id(x) not in seen:
            seen.add(id(x))
            marks.append(ref(x.__code__))
            todo += [cell.cell_contents for cell in x.__closure__ or () if cell != _EMPTY]
            todo += x.__defaults__ or ()
        else:
            marks.append(_mark(x))
    return marks


def _mark(x: Any) -> Any:
    try:
        return ref(x)
    except TypeError:  # of a plain object: no other one is at its address while it is a mark
        return x if x is None or isinstance(x, (bool, str, int)) else object()


class Retraces:
    """What one compiled function has warned of."""

    def __init__(self, describer: Describer) -> None:
        self.describer = describer
        self.told = {"many": False, "eager": False}

    def warn_of_many(self, keys: Sequence[Any], stacklevel: int) -> None:
        """Warn once that the cache is full; keys: those of its traces, and of the next one."""
        if self.told["many"] or not (names := self._varying(keys)):
            return
        self.told["many"] = True
        kinds = set().union(*names.values())
        what = kinds.pop() if len(kinds) == 1 else "shapes" if kinds == {"shapes", "integers"} else "values"
        reason, remedy = _TEXTS[what]
        given = {"x": next(iter(names)), "n": 4 * len(keys)}
        warnings.warn(
            f"traced again for each of {len(keys)} {what} as argument {', '.join(names)}: {reason}\n"
            f"  write  {remedy.format_map(given)}",
            RuntimeWarning,
            stacklevel=stacklevel + 1,
        )

    def warn_of_eager(self, stacklevel: int) -> None:
        """Warn once that the function runs without being compiled."""
        if not self.told["eager"]:
            self.told["eager"] = True
            warnings.warn(_EAGER, RuntimeWarning, stacklevel=stacklevel + 1)

    def _varying(self, keys: Sequence[Any]) -> dict[str, set[str]]:
        """The arguments that differ between keys, each with what differs; those declared static are not counted."""
        found: dict[str, set[str]] = {}
        first, named = keys[0][:2]
        named_first = dict(named)
        for args, kwargs, *_ in keys[1:]:
            if len(args) != len(first) or [name for name, _ in kwargs] != [name for name, _ in named]:
                return {}
            pairs = [(i, a, b) for i, (a, b) in enumerate(zip(first, args, strict=True))]
            for which, a, b in (*pairs, *((name, named_first[name], key) for name, key in kwargs)):
                if (kinds := _differing(a, b)) and not self.describer.is_static(which):
                    found.setdefault(self.describer.name_of(which), set()).update(kinds)
        return found


def _differing(a: Any, b: Any) -> set[str]:
    """How two keys of an argument differ, in the words of `_TEXTS`."""
    if a == b:
        return set()
    if not (isinstance(a, tuple) and isinstance(b, tuple)) or len(a) != len(b) or a[0] != b[0]:
        return {"values"}
    if a[0] is np.ndarray:
        return {"shapes" if a[2] != b[2] else "values"}
    if len(a) == 2 and not isinstance(a[1], tuple):
        return {"integers" if a[0] is int else "functions" if issubclass(a[0], _FUNCTIONS) else "values"}
    return set().union(*map(_differing, a[1:], b[1:]))
