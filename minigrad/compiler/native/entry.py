"""Builds the entry of a program that runs natively: what `guards` writes as Python, as patterns for `entry.c`.

A pattern says what an argument, or a part of it, must be; a part says how a container of the result is made. Both
are flat lists: those of a container's items follow it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...engine.dataclass_trees import static_fields
from ...engine.modes import active_modes
from ...engine.tree import kind_of
from ...engine.value import Value
from ...tracing.arguments import COMPARED, INEXACT, Described, Hole, same_static
from ...tracing.program import Kept, Ref, refs
from ..model_settings import Setting
from . import extension

# As in entry.c.
ARRAY, OBJECT, SEQUENCE, DICT, ATTRIBUTES, CONSTANT, TEXT, STATIC = range(8)
FLAT, SAME, TUPLE, LIST, MAKE_DICT, CALL = range(6)
PLAIN: dict[type, int] = {tuple: TUPLE, list: LIST, dict: MAKE_DICT}
Pattern = tuple[int, int, Any, Any, tuple[int, ...], tuple[int, ...], bool, bool]
Part = tuple[int, int, Any]


class NotPlain(Exception):
    """A container that only Python can read: its class."""


class Expected(NamedTuple):
    """What a trace asks of each call: see `Guard`.

    written: the places, in inputs and leaves, of arrays that the program writes into. refuse: called with all
    inputs if such an array may share memory with another, or with one of the constants that the program reads.
    settings: attributes of models, and what they must be.
    """

    template: Any
    inputs: Sequence[Any]
    leaves: Sequence[Value] = ()
    written: Sequence[int] = ()
    refuse: Callable[[list[Any]], object] = list
    constants: Sequence[Any] = ()
    settings: Sequence[Setting] = ()


def why_not_read(given: Described) -> str:
    """Why C cannot read such arguments; "" if it can."""
    template: Any = given.template
    args, kwargs = template
    try:
        for x in (*args, *kwargs.values()):
            for _ in _patterns(x, given.inputs, ()):
                pass
    except NotPlain as error:
        return f"arguments of the class {error} are read by Python"
    return ""


def make_entry(runner: Any, call: Expected, outputs: Any, python: Callable[..., Any], miss: object) -> Any:
    """An entry for a runner of flat inputs, those of the leaves last.

    ``entry(args, kwargs)`` gives the nested result, or `miss` if something does not fit. python: called with args
    and kwargs if native code cannot use the memory of an array: it is not aligned, or to be written but read-only.
    """
    args, kwargs = call.template
    patterns = [_unchanged(x) for _, _, x in call.settings]
    patterns += [p for x in (*args, *kwargs.values()) for p in _patterns(x, call.inputs, call.written)]
    for k, leaf in enumerate(call.leaves, len(call.inputs)):
        patterns.append(_input(k, leaf._array, k in call.written, leaf=True))
    parts = [*_parts(outputs, iter(range(len(refs(outputs)))))]
    assert extension is not None  # or there is no runner
    return extension.Entry(
        runner, len(args), (*kwargs,), patterns, (*[(model, name) for model, name, _ in call.settings],),
        (*call.leaves,), parts, call.refuse, (*call.constants,), python, miss, active_modes,
    )  # fmt: skip


def _pattern(kind: int, n: int, cls: Any, x: Any = None) -> Pattern:
    return kind, n, cls, x, (), (), False, False


def _input(k: int, x: Any, written: bool, leaf: bool = False) -> Pattern:
    if not isinstance(x, np.ndarray):
        return _pattern(OBJECT, k, type(x))
    as_number = not x.ndim and not leaf  # as the trace took it
    return ARRAY, k, None, x.dtype, x.shape, x.strides if x.ndim else (), as_number, written


def _patterns(x: Any, inputs: Sequence[Any], written: Sequence[int]) -> Iterator[Pattern]:
    """What x, a part of a template, asks of an argument: the checks of `Guard`."""
    cls = type(x)
    items: Sequence[Any] = ()
    if cls is Hole:
        yield _input(x.k, inputs[x.k], x.k in written)
    elif isinstance(x, dict):
        _check_methods(cls, dict, "__iter__", "__getitem__")
        if not all(type(key) in COMPARED for key in x):
            raise NotPlain(f"{cls.__name__} with keys that are neither texts nor integers")
        yield _pattern(DICT, len(x), cls, (*x,))
        items = [*x.values()]
    elif isinstance(x, (tuple, list)):
        _check_methods(cls, tuple if isinstance(x, tuple) else list, "__iter__", "__len__")
        yield _pattern(SEQUENCE, len(x), cls)
        items = x
    elif (fixed := static_fields(x)) is not None:
        names, values, _ = kind_of(x).split(x)
        yield _pattern(ATTRIBUTES, len(names) + len(fixed), cls, (*names, *fixed))
        items = [*values, *fixed.values()]
    elif isinstance(x, INEXACT):
        yield _pattern(TEXT, 0, cls, repr(x))
    else:
        yield _pattern(CONSTANT, 0, cls, x) if cls in COMPARED else _unchanged(x)
    for item in items:
        yield from _patterns(item, inputs, written)


def _unchanged(x: Any) -> Pattern:
    """What is this very object, or one that a function cannot tell from it."""
    return _pattern(STATIC, 0, type(x), (x, same_static))


def _check_methods(cls: type, plain: type, *names: str) -> None:
    """Raise NotPlain if a class reads its items in a way of its own: C looks into the memory of the plain type."""
    if any(getattr(cls, name) is not getattr(plain, name) for name in names):
        raise NotPlain(cls.__name__)


def _parts(x: Any, numbers: Iterator[int]) -> Iterator[Part]:
    """How a result is made. numbers: the places of flat results, in turn. Containers are new at each call."""
    cls = type(x)
    items: Sequence[Any] = ()
    if cls is Ref:
        yield FLAT, next(numbers), None
    elif isinstance(x, np.ndarray):
        yield CALL, 0, functools.partial(np.array, x)
    elif x is None or not (kind := kind_of(x)):
        yield SAME, 0, x.model if cls is Kept else x
    else:
        keys, items, rest = kind.split(x)
        plain = PLAIN.get(cls, CALL)
        join = functools.partial(_join, kind.join, rest) if plain == CALL else None
        yield plain, len(items), (*keys,) if plain == MAKE_DICT else join
    for item in items:
        yield from _parts(item, numbers)


def _join(join: Callable[[Any, Sequence[Any]], Any], rest: Any, *items: Any) -> Any:
    return join(rest, items)
