"""What a function can reach: its models, their attributes, and random generators; and their state, to put back.

The search follows closures, defaults, bound objects, the globals that a function names, and the attributes and
items of what it finds. An object that a function gets in another way (from a registry, say) is not found.
"""

from __future__ import annotations

import functools
import random
import sys
import threading
import types
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ..engine.dataclass_trees import data_kind
from ..engine.node import Node
from ..engine.tree import kind_of
from ..engine.tree_folds import tree_key
from .plain_state import PlainState

MOST = 100_000  # objects: what lies beyond is not looked at
ABSENT: Any = object()
PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None), type(...)})
GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
_SKIPPED = (np.generic, np.dtype, np.ufunc)
_ITEMS = (list, tuple, set, frozenset, deque)
_CONTENTS = (list, dict, set, deque)
_OURS = __name__.partition(".")[0]
_LIBRARIES = sys.stdlib_module_names | {_OURS, "numpy", "scipy", "torch", "jax", "_pytest", "pytest"}


class Found(NamedTuple):
    """An object that a function can reach. place: where (see `path`). in_model: whether a model holds it."""

    thing: Any
    place: Any
    in_model: bool

    @property
    def path(self) -> str:
        """The place as code would write it. It is text, or a place in it, the form of a step and its key."""
        place, text = self.place, ""
        while not isinstance(place, str):
            place, form, key = place
            text = form.format(key if isinstance(key, (str, int)) else "...") + text
        return str(place + text)


def is_model(x: object) -> bool:
    """Whether x is of a class that is registered as a container of Values, such as a `Module`."""
    return x is not None and bool(kind_of(x)) and not data_kind(x) and hasattr(x, "__dict__")


def reachable(roots: dict[str, Any]) -> Iterator[Found]:
    """All objects that can be reached from the roots, each once, but for numbers and texts."""
    seen: set[int] = set()
    waiting = deque(Found(x, name, False) for name, x in roots.items())
    while waiting and len(seen) < MOST:
        found = waiting.popleft()
        x = found.thing
        if id(x) in seen:
            continue
        seen.add(id(x))
        yield found
        inside = found.in_model or is_model(x)
        skipped = _SKIPPED if inside else (np.ndarray, *_SKIPPED)
        for place, item in _parts(x, found.place):
            if type(item) not in PLAIN and not isinstance(item, skipped):
                waiting.append(Found(item, place, inside))


def _parts(x: Any, place: Any) -> Iterator[tuple[Any, Any]]:
    """What an object refers to."""
    if isinstance(x, types.FunctionType):
        yield from _parts_of_function(x)
    elif isinstance(x, (types.MethodType, types.BuiltinMethodType)):
        yield from ((place, x.__self__), (place, getattr(x, "__func__", None)))
    elif isinstance(x, functools.partial):
        yield from ((place, x.func), (place, x.args), (place, x.keywords))
    elif isinstance(x, dict):
        yield from (((place, "[{!r}]", key), item) for key, item in [*islice(x.items(), MOST)])
    elif isinstance(x, _ITEMS):
        yield from (((place, "[{}]", k), item) for k, item in enumerate([*islice(x, MOST)]))
    elif isinstance(x, type):
        yield from ((place, item) for item in _functions_of(x))
    elif not isinstance(x, (np.ndarray, Node, types.ModuleType, *GENERATORS)):
        yield from _parts_of_object(x, place)


def _parts_of_function(f: types.FunctionType) -> Iterator[tuple[Any, Any]]:
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        yield name, _content(cell)
    yield from ((f"a default of {f.__name__}", x) for x in (f.__defaults__ or ()))
    yield from (f.__kwdefaults__ or {}).items()
    yield from ((f.__name__, x) for x in vars(f).values())
    if not _of_library(f.__module__):
        names = names_in(f.__code__)
        for name in sorted(names & f.__globals__.keys()):
            x = f.__globals__[name]
            yield name, x
            if isinstance(x, types.ModuleType) and not _of_library(x.__name__):
                yield from (((name, ".{}", part), vars(x)[part]) for part in sorted(names & vars(x).keys()))


def _parts_of_object(x: Any, place: Any) -> Iterator[tuple[Any, Any]]:
    """The attributes of an object, and the functions of its class; of a library's object what it wraps."""
    attributes: dict[str, Any] = getattr(x, "__dict__", {})
    if _of_library(type(x).__module__) and not is_model(x) and not type(x).__module__.startswith(f"{_OURS}.nn"):
        attributes = {name: item for name, item in attributes.items() if name == "__wrapped__"}
    yield from (((place, ".{}", name), item) for name, item in [*attributes.items()])
    yield from ((place, item) for item in _functions_of(type(x)))
    for cls in type(x).__mro__:
        slots = [name for name, item in vars(cls).items() if isinstance(item, types.MemberDescriptorType)]
        if not _of_library(cls.__module__):
            yield from (((place, ".{}", name), getattr(x, name, None)) for name in slots)


def _functions_of(cls: type) -> Iterator[types.FunctionType]:
    """The methods and properties of a class."""
    for base in cls.__mro__:
        for item in [] if _of_library(base.__module__) else [*vars(base).values()]:
            inner = [getattr(item, name, None) for name in ("fget", "__func__")]
            yield from (x for x in (item, *inner) if isinstance(x, types.FunctionType))


def names_in(code: types.CodeType) -> set[str]:
    """All names that the code of a function reads, as globals or attributes."""
    inner = [names_in(x) for x in code.co_consts if isinstance(x, types.CodeType)]
    return set(code.co_names).union(*inner)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _of_library(module: str | None) -> bool:
    """Whether a module is a library's. Code that is run without a module's name is the user's."""
    return module is not None and module.partition(".")[0] in _LIBRARIES


class Change(NamedTuple):
    """Something that a run of the function changed. name: the attribute of the owner, or "" for its contents."""

    path: str
    owner: Any
    name: str
    before: Any
    after: Any


class ModelState:
    """The state of all models and random generators that a function can reach, to compare and to put back."""

    def __init__(self, roots: dict[str, Any]) -> None:
        self.models: dict[int, tuple[Any, str, dict[str, Any]]] = {}
        self._contents: list[tuple[Any, Found, Any]] = []  # arrays and containers in models
        self._generators: list[tuple[Any, str, Any]] = []
        self.sets_errors = False  # whether the function may call np.errstate or np.seterr
        self.catches = False  # whether it may catch an error
        self.names_random = False  # whether its code names the module random or np.random
        self.has_own_code = False  # whether it is more than functions of libraries
        self.plain = PlainState()
        for found in reachable(roots):
            x, in_model = found.thing, found.in_model
            if isinstance(x, types.FunctionType):
                if not _of_library(x.__module__):
                    self.has_own_code = True
                    names = names_in(x.__code__)
                    self.sets_errors |= not names.isdisjoint({"errstate", "seterr"})
                    self.names_random |= "random" in names
                    self.catches |= _catches(x.__code__)
            elif isinstance(x, GENERATORS):
                self._generators.append((x, found.path, _state_of(x)))
            elif is_model(x):
                self.models[id(x)] = (x, found.path, dict(vars(x)))
            elif in_model and isinstance(x, (np.ndarray, *_CONTENTS)):
                self._contents.append((x, found, x.copy()))
            if not is_model(x) and not in_model and _is_plain(x):
                self.plain.note(x, partial(getattr, found, "path"))
        if self.names_random or threading.active_count() == 1:  # else another thread may draw from these
            shared = (("random", random), ("np.random", np.random))
            self._generators += [(x, path, _state_of(x)) for path, x in shared]

    def moved_generators(self) -> list[Change]:
        """The generators whose state is another one now."""
        now = [Change(path, x, "", before, _state_of(x)) for x, path, before in self._generators]
        return [x for x in now if not _same_state(x.before, x.after)]

    def changes(self) -> Iterator[Change]:
        """All that is another object or has another content now."""
        for model, path, before in self.models.values():
            now = vars(model)
            for name in dict.fromkeys([*before, *now]):
                old, new = before.get(name, ABSENT), now.get(name, ABSENT)
                if old is not new and not _alike(old, new):
                    yield Change(f"{path}.{name}", model, name, old, new)
        for x, found, was in self._contents:
            if not _same_contents(x, was):
                yield Change(found.path, x, "", was, x)

    def restore(self) -> None:
        """Put everything back."""
        for model, _, before in self.models.values():
            if _differs(vars(model), before):
                vars(model).clear()
                vars(model).update(before)
        for x, _, was in self._contents:
            if not _same_contents(x, was):
                _refill(x, was)
        for x, _, before_ in self._generators:
            if not _same_state(_state_of(x), before_):
                _set_state(x, before_)


def _is_plain(x: Any) -> bool:
    """Whether x is a container of Python, or a function or an object of the user, that can be changed."""
    if type(x) in _CONTENTS:
        return True
    home = x.__module__ if isinstance(x, types.FunctionType) else type(x).__module__
    return not isinstance(x, type) and isinstance(getattr(x, "__dict__", None), dict) and not _of_library(home)


def may_catch(roots: dict[str, Any]) -> bool:
    """Whether a function that can be reached may catch an error; those of libraries do not count."""
    functions = (x.thing for x in reachable(roots) if isinstance(x.thing, types.FunctionType))
    return any(not _of_library(f.__module__) and _catches(f.__code__) for f in functions)


def _catches(code: types.CodeType) -> bool:
    inner = [x for x in code.co_consts if isinstance(x, types.CodeType)]
    return bool(code.co_exceptiontable) or any(map(_catches, inner))


def _alike(old: Any, new: Any) -> bool:
    """Whether two attributes are the same for all that a function can see."""
    if type(old) is not type(new):
        return False
    if isinstance(old, (np.ndarray, np.generic)):
        return _same_contents(old, new)
    return type(old) in PLAIN and repr(old) == repr(new)


def _same_contents(x: Any, y: Any) -> bool:
    if isinstance(x, (np.ndarray, np.generic)):
        return bool(x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes())
    if isinstance(x, dict):
        return not _differs(x, y)
    if isinstance(x, set):
        return bool(x == y)
    return len(x) == len(y) and all(a is b for a, b in zip(x, y, strict=True))


def _differs(x: dict[Any, Any], y: dict[Any, Any]) -> bool:
    return len(x) != len(y) or any(y.get(key, ABSENT) is not item for key, item in x.items())


def _refill(x: Any, was: Any) -> None:
    if isinstance(x, np.ndarray):
        x[...] = was
    else:
        x.clear()
        getattr(x, "extend" if isinstance(x, (list, deque)) else "update")(was)


def _state_of(x: Any) -> Any:
    """The state of a generator, of `random` or of `np.random`; None for one that has none."""
    try:
        if isinstance(x, np.random.Generator):
            return x.bit_generator.state
        return x.getstate() if hasattr(x, "getstate") else x.get_state(legacy=False)
    except NotImplementedError:  # random.SystemRandom
        return None


def _same_state(x: Any, y: Any) -> bool:
    return bool(x == y) if x is None or isinstance(x, tuple) else tree_key(x) == tree_key(y)


def _set_state(x: Any, state: Any) -> None:
    if isinstance(x, np.random.Generator):
        x.bit_generator.state = state
    else:
        getattr(x, "setstate" if hasattr(x, "setstate") else "set_state")(state)
