"""Tracing: run a function on Values that stand for all data, twice, and read the graph as a program."""

from __future__ import annotations

from collections.abc import Callable
from types import EllipsisType
from typing import Any

import numpy as np

from .. import context
from ..errors import TracingError
from ..node import linked
from ..scopes import serials
from ..standing import PythonFloat
from ..taped import INPUT
from ..tree import leaves, tree_map
from ..value import Value
from .arguments import Described, filled
from .generators import TracedGenerator
from .program import Program, Ref, Step, same_bits
from .reading import Reader


def traced(f: Callable[..., Any], given: Described) -> Program:
    """The program that a call of f is. Raises TracingError where a second trace gives another one."""
    first, second = _trace(f, given), _trace(f, given)
    _refuse_made(first.outputs, second.outputs)
    if difference := _difference(first, second):
        raise TracingError(
            f"traced twice, the function gave two different programs: {difference}\n"
            "  What is not computed from the arguments must stay the same: random numbers, the time, counters.\n"
            "  write  f(x, rng)   with a numpy.random.Generator as an argument, whose draws are made anew\n"
            "  or     f(x, noise) with the numbers as an argument"
        )
    return first


# Results that are what they are, whoever made them; another object may hide a Value of the trace.
_PLAIN = (Ref, np.ndarray, np.generic, int, float, complex, str, bytes, slice, range, np.dtype, type, EllipsisType)


def _refuse_made(first: Any, second: Any) -> None:
    """Raise TracingError for a result that f made, and that is neither array nor number."""
    for x, y in zip(leaves(first), leaves(second), strict=False):
        if x is not y and not isinstance(x, _PLAIN):
            raise TracingError(
                f"the function returns an object of type {type(x).__name__} that it made: what is computed in it "
                "would be that of the trace\n  write  return a, b   arrays and numbers, in lists, tuples and dicts"
            )


def _stand_in(x: Any) -> Any:
    """What stands for an input while tracing."""
    if isinstance(x, np.random.Generator):
        return TracedGenerator(x)
    data = PythonFloat(x) if type(x) is float else x[()] if isinstance(x, np.ndarray) and not x.ndim else x
    return linked(Value, data, INPUT, (), None)


def _trace(f: Callable[..., Any], given: Described) -> Program:
    tape, start = context.Tape(), next(serials)
    values = [_stand_in(x) for x in given.inputs]
    args, kwargs = filled(given.template, values)
    with context.recording(), context.taping(tape), np.errstate(all="ignore"):
        result = f(*args, **kwargs)
    program = Program([], [], [], None)
    known: dict[int, Any] = {}
    for value in values:
        node = value.node if isinstance(value, TracedGenerator) else value
        ref = program.fresh(node._array)
        program.inputs.append(ref)
        known[node.serial] = ref
    reader = Reader(program, start, known, tape)
    reader.read([*leaves(result), *tape.draws])
    program.outputs = tree_map(lambda x, _: reader.named(x), result)
    return program


def _difference(a: Program, b: Program) -> str:
    """Where two programs differ, in words; nothing if they do not."""
    for n, (s, t) in enumerate(zip(a.steps, b.steps, strict=False)):
        if s.label != t.label or s.draws != t.draws or not _same_function(s.function, t.function):
            return f"step {n} is {s.label} in one and {t.label} in the other"
        if told := _unlike((s.args, s.kwargs), (t.args, t.kwargs)):
            return f"in step {n}, {s.label}{_shape(a, s)}, {told}"
    if len(a.steps) != len(b.steps):
        return f"one has {len(a.steps)} steps, the other {len(b.steps)}"
    if [leaf.serial for _, leaf in a.leaves] != [leaf.serial for _, leaf in b.leaves]:
        return "they read different Values from outside"
    told = _unlike(a.outputs, b.outputs)
    return f"in what is returned, {told}" if told else ""


def _shape(program: Program, step: Step) -> str:
    return f" {np.shape(program.samples[step.out])}" if isinstance(program.samples[step.out], np.ndarray) else ""


def _same_function(f: Any, g: Any) -> bool:
    return f is g or (getattr(f, "__code__", f) is getattr(g, "__code__", g))


def _unlike(x: Any, y: Any) -> str:
    """How two nestings of arguments differ, in words."""
    if type(x) is not type(y):
        return f"there is {type(x).__name__} in one and {type(y).__name__} in the other"
    if type(x) is Ref:
        return "" if x == y else "the operands are others"
    if isinstance(x, (tuple, list)):
        if len(x) != len(y):
            return f"there are {len(x)} things in one and {len(y)} in the other"
        return next(filter(None, (_unlike(p, q) for p, q in zip(x, y, strict=True))), "")
    if isinstance(x, dict):
        if x.keys() != y.keys():
            return "there are other keys"
        return next(filter(None, (_unlike(x[key], y[key]) for key in x)), "")
    if isinstance(x, (np.ndarray, np.generic, float)):
        return "" if same_bits(x, y) else f"a constant is {_short(x)} in one and {_short(y)} in the other"
    if isinstance(x, slice):
        return _unlike((x.start, x.stop, x.step), (y.start, y.stop, y.step))
    if x is y or x == y or _same_function(x, y):
        return ""
    return f"there is {_short(x)} in one and {_short(y)} in the other"


def _short(x: Any) -> str:
    return f"an array of shape {x.shape}" if isinstance(x, np.ndarray) and x.size > 4 else repr(x)
