"""Tracing: runs a function twice on Values that stand for all data, and reads the graph as a program."""

from __future__ import annotations

from collections.abc import Callable
from types import EllipsisType
from typing import Any

import numpy as np

from ..engine import modes
from ..engine.dataclass_trees import static_fields
from ..engine.node import live, new_node, serials
from ..engine.tree import Split, kind_of, leaves
from ..engine.tree_folds import tree_fold
from ..engine.value import Value
from ..errors import TracingError
from . import Tape, taping
from .arguments import Described, fill_holes
from .lower import Reader
from .placeholders import WeakFloat
from .program import Kept, Program, Ref, Step, same_bits
from .rng import TracedGenerator
from .tape import INPUT


def trace_function(f: Callable[..., Any], given: Described) -> Program:
    """Trace a call of f into a program. Raises TracingError if a second trace gives another program."""
    (first, reader, result), (second, other, again) = _trace(f, given), _trace(f, given)
    kept = _models(result) & _models(again)  # both traces return them, so f did not make them
    first.outputs, second.outputs = _outputs(result, kept, reader), _outputs(again, kept, other)
    _refuse_made(first.outputs, second.outputs)
    if difference := _difference(first, second):
        raise TracingError(
            f"traced twice, the function gave two different programs: {difference}\n"
            "  All that does not depend on the arguments must stay the same: no random numbers, time or counters.\n"
            "  write  f(x, rng)   with a numpy.random.Generator as an argument: each call draws again\n"
            "  or     f(x, noise) with the numbers as an argument"
        )
    return first


# Results that are safe to return; any other object may hide a Value of the trace.
_NUMBERS = (np.ndarray, np.generic, int, float, complex)
_PLAIN = (Ref, Kept, *_NUMBERS, str, bytes, slice, range, np.dtype, type, EllipsisType)


def _refuse_made(first: Any, second: Any) -> None:
    """Raise TracingError for a result that f created and that is neither array nor number."""
    for x, y in zip(leaves(first), leaves(second), strict=False):
        if x is not y and not isinstance(x, _PLAIN):
            raise TracingError(
                f"a compiled function may return arrays and numbers (in lists, tuples, dicts), not a new "
                f"{type(x).__name__}\n  write  return a, b   for the arrays and numbers in it"
            )


def _stand_in(x: Any) -> Any:
    """The placeholder of an input while tracing."""
    if isinstance(x, np.random.Generator):
        return TracedGenerator(x)
    data = WeakFloat(x) if type(x) is float else x[()] if isinstance(x, np.ndarray) and not x.ndim else x
    return new_node(Value, data, INPUT, (), None)


def _trace(f: Callable[..., Any], given: Described) -> tuple[Program, Reader, Any]:
    """The program of one call without its outputs, the reader that knows its variables, and the result of f."""
    tape, start = Tape(), next(serials)
    values = [_stand_in(x) for x in given.inputs]
    args, kwargs = fill_holes(given.template, values)
    with modes.recording(), taping(tape), np.errstate(all="ignore"):
        result = f(*args, **kwargs)
    program = Program([], [], [], None)
    known: dict[int, Any] = {}
    for value in values:
        node = value.node if isinstance(value, TracedGenerator) else value
        ref = program.fresh(node._array)
        program.inputs.append(ref)
        known[node.serial] = ref
    reader = Reader(program, start, known, tape)
    reader.read([*leaves(result), *map(live, tape.draws), *tape.checks])
    return program, reader, result


def _models(x: object) -> set[int]:
    """The identities of the containers in a result, but for lists, tuples and dicts."""
    plain = (list, tuple, dict, type(None))
    return tree_fold(  # type: ignore[no-any-return]
        x,
        lambda _: set(),
        lambda part, _, inside: set().union(*inside, () if type(part) in plain else {id(part)}),
    )


def _outputs(result: object, kept: set[int], reader: Reader) -> Any:
    """The result of f with variables in it. kept: models that it holds and that f did not make; they stay."""

    def of_leaf(x: object) -> object:
        return Kept(x) if id(x) in kept else reader.result_of(x)

    def join(part: object, split: Split, items: list[Any]) -> Any:
        return kind_of(part).join(split[2], items)

    return tree_fold(result, of_leaf, join, lambda x: id(x) not in kept and kind_of(x))


def _difference(a: Program, b: Program) -> str:
    """A sentence on where two programs differ; empty if they do not."""
    for n, (s, t) in enumerate(zip(a.steps, b.steps, strict=False)):
        if s.label != t.label or s.draws != t.draws or not _same_function(s.function, t.function):
            return f"step {n} is {s.label} in one and {t.label} in the other"
        if reason := _unlike(s.args, t.args) or (_unlike(s.kwargs, t.kwargs) if s.kwargs or t.kwargs else ""):
            return f"in step {n}, {s.label}{_shape(a, s)}, {reason}"
    if len(a.steps) != len(b.steps):
        return f"one has {len(a.steps)} steps, the other {len(b.steps)}"
    if [leaf.serial for _, leaf in a.leaves] != [leaf.serial for _, leaf in b.leaves]:
        return "they read different Values from outside"
    reason = _unlike(a.outputs, b.outputs)
    return f"in the result, {reason}" if reason else ""


def _shape(program: Program, step: Step) -> str:
    return f" {np.shape(program.samples[step.out])}" if isinstance(program.samples[step.out], np.ndarray) else ""


def _same_function(f: Any, g: Any) -> bool:
    return f is g or (getattr(f, "__code__", f) is getattr(g, "__code__", g))


def _unlike(x: Any, y: Any) -> str:
    """A phrase on how two nested arguments differ; empty if they do not."""
    if x is y:
        return ""
    if type(x) is not type(y):
        return f"there is {type(x).__name__} in one and {type(y).__name__} in the other"
    if type(x) is Ref:
        return "" if x == y else "the operands differ"
    if kind := kind_of(x):
        (keys, items, _), (others, beside, _) = kind.split(x), kind.split(y)
        if keys != others:  # a dict may have them in another order
            if len(keys) != len(others):
                return f"there are {len(keys)} items in one and {len(others)} in the other"
            if dict.fromkeys(keys) != dict.fromkeys(others):
                return "the keys differ"
            there = dict(zip(others, beside, strict=True))
            beside = [there[key] for key in keys]
        return next(filter(None, map(_unlike, items, beside)), "") or _unlike_static(x, y)
    if isinstance(x, (np.ndarray, np.generic, float)):
        return "" if same_bits(x, y) else f"a constant is {_short(x)} in one and {_short(y)} in the other"
    if isinstance(x, slice):
        return _unlike((x.start, x.stop, x.step), (y.start, y.stop, y.step))
    if x is y or x == y or _same_function(x, y):
        return ""
    return f"there is {_short(x)} in one and {_short(y)} in the other"


def _unlike_static(x: Any, y: Any) -> str:
    """A phrase on how the fields of two containers differ that are no items."""
    fixed, other = static_fields(x), static_fields(y)
    return "" if fixed is None or fixed is other or other is None else _unlike(fixed, other)


def _short(x: Any) -> str:
    return f"an array of shape {x.shape}" if isinstance(x, np.ndarray) and x.size > 4 else repr(x)
