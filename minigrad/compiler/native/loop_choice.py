"""Chooses the inner loop of an elementwise step: that which NumPy would choose, or one of ours."""

from __future__ import annotations

import functools
import operator
from typing import Any, NamedTuple

import numpy as np

from ...tracing.placeholders import WeakFloat
from ...tracing.program import Program, Step
from ..numpy_functions import BOUNDED, SECH2, TIE_SHARE, UFUNCS, record_of
from ..powers import power_as

# Functions of a program with a loop of our own: see loops.c.
OURS: dict[Any, str] = {SECH2: "sech2", BOUNDED: "bounded", TIE_SHARE: "tie_share", np.where: "where"}


class Choice(NamedTuple):
    """A ufunc, or the name of a loop of ours, with its inputs and the types that it wants, result last."""

    function: Any
    args: list[Any]
    types: str


def type_of(x: Any) -> str:
    """The type character of an array or a number; "p" for a Python float, "i" for an integer, "" for all else."""
    if type(x) in (float, WeakFloat):
        return "p"
    if type(x) is int:
        return "i"
    if isinstance(x, (np.ndarray, np.generic)):
        known = x.dtype.isnative and x.dtype.char in "fd?"
        return x.dtype.char if known else "l" if x.dtype.isnative and x.dtype == np.int64 else ""
    return ""


def choose_loop(program: Program, step: Step) -> Choice | None:
    """The loop of a step; None if there is none."""
    function, args = step.function, list(step.args)
    if step.kwargs:
        return None
    if function is operator.pow:
        found = power_as(program, step) if isinstance(program.samples[step.out], np.ndarray) else None
        if found is None:
            return None
        function, args = found[0], args[: found[1]]
    function = UFUNCS.get(function, function)
    if function in OURS:
        return _own(program, step, OURS[function])
    if not isinstance(function, np.ufunc) or function.signature is not None:
        return None
    if function.nout != 1 or len(args) != function.nin:
        return None
    try:
        types = _types(function, *[_abstract(program.sample(x)) for x in args])
    except TypeError:
        return None
    # This loop alone may raise an error, which C does not see: for integers to negative powers.
    return None if function is np.power and types[-1] not in "fd" else Choice(function, args, types)


@functools.lru_cache(1000)
def _types(function: np.ufunc, *given: Any) -> str:
    """The type characters of the loop that NumPy chooses."""
    return "".join("l" if dtype == np.int64 else dtype.char for dtype in function.resolve_dtypes((*given, None)))


# The types of arrays that a loop of ours converts block by block, and to what: no floating-point error can arise.
_CONVERTED = {"?d", "?f", "ld", "fd"}
# Ufuncs besides arithmetic that IEEE 754 asks to round correctly.
_ROUNDED = {np.sqrt, np.square, np.reciprocal}


def fits_any_layout(found: Choice) -> bool:
    """Whether the bits of a loop do not depend on how its operands lie in memory.

    Arithmetic, selections and tests are exact or rounded once. Others, such as np.arctan2, have several ways to
    compute a function, which differ in the last bit: NumPy chooses by the layout, or copies to buffers first.
    """
    function = found.function
    if isinstance(function, str) or found.types[-1] == "?" or function in _ROUNDED or function in UFUNCS.values():
        return bool(function != "sech2")
    record = record_of(function)
    return record is not None and record.moves


def in_blocks(program: Program, step: Step) -> bool:
    """Whether a step on arrays runs block by block: its loop takes its arrays, or blocks of them, converted."""
    found = choose_loop(program, step)
    if found is None or found.types[-1] != type_of(program.samples[step.out]):
        return False
    for x, t in zip(found.args, found.types, strict=False):
        given = type_of(sample := program.sample(x))
        if isinstance(sample, np.ndarray):
            if given != t and given + t not in _CONVERTED:
                return False
        elif t not in "fd" or given not in ("f", "d", "p", "i"):
            return False
    return True


def _own(program: Program, step: Step, name: str) -> Choice | None:
    """A loop of ours, whose operands all have the type of the result, but for a condition."""
    y, given = type_of(program.samples[step.out]), [type_of(program.sample(x)) for x in step.args]
    types = ("?" if name == "where" else y) + y * len(given)
    fits = all(g == w or g in "pi" for g, w in zip(given, types, strict=False)) and "" not in (y, *given)
    return Choice(name, [*step.args], types) if fits and len(given) > (name == "sech2") else None


def _abstract(x: Any) -> Any:
    """What NumPy's choice of a loop depends on: a type, or float and int for Python's numbers."""
    if type(x) in (float, WeakFloat):
        return float
    if type(x) is int:
        return int
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype
    raise TypeError(type(x))
