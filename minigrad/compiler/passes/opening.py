"""Composite steps opened: a rule, or a function written in NumPy, becomes the NumPy functions that it calls.

Then forward and backward share their work, and buffers can be given to each. A step stays closed where its function
cannot be run on Values (it looks at its data), or gives other bits than it does on arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import context
from ...errors import MinigradError
from ...node import ITEM, linked
from ...op import TABLE
from ...rules.arithmetic import _power_base
from ...scopes import serials
from ...standing import PythonFloat
from ...taped import HELD
from ...value import Value
from ..program import Program, Ref, Step, operands, same_bits, step_with
from ..reading import Reader
from .lowering import lowered

# Pages whose functions are a few NumPy calls each; those of the others are long, or decide by what they are given.
PAGES = {
    *("arithmetic", "elementwise", "nn", "activations", "reductions", "linalg", "products", "shaping", "limits"),
    *("indexing", "losses", "layers", "vectors", "norms", "discrete"),
}


_FILLED = {np.empty_like}  # what is filled afterwards


def opened(program: Program) -> Program:
    """The program with composite steps opened, again and again until none can be."""
    steps: list[Step] = []
    names: dict[Ref, Any] = {}
    todo = program.steps[::-1]
    while todo:
        step = todo.pop()
        for x in operands(step):
            if x in names:
                names[x] = _final(names[x], names)
        step = step_with(step, names)
        if step.function is ITEM.forward and isinstance(step.args[0], tuple):
            names[step.out] = step.args[0][step.kwargs["k"]]
            continue
        body = lowered(program, step) or (_body(program, step) if may_open(step) else None)
        if body is None:
            steps.append(step)
            continue
        inner, result = body
        names[step.out] = result
        todo += inner[::-1]
    return program.with_steps(steps, {old: _final(new, names) for old, new in names.items()})


def _final(name: Any, names: dict[Ref, Any]) -> Any:
    """What a variable is called in the end: what a step was opened into may have been opened itself."""
    if type(name) is tuple:
        return tuple(_final(part, names) for part in name)
    while type(name) is Ref and name in names:
        name = names[name]
    return name


def may_open(step: Step) -> bool:
    """Whether a step is worth trying: a function written in Python, on a page of short ones."""
    function = step.function
    if step.draws or isinstance(function, np.ufunc) or function in TABLE:
        return False
    module = getattr(function, "__module__", None) or ""
    return (module.startswith("minigrad.rules.") and module.rpartition(".")[2] in PAGES) or module in (
        "minigrad.op",
        "minigrad.node",
    )


def _body(program: Program, step: Step) -> tuple[list[Step], Any] | None:
    """The steps that a step is made of, and what it gives; None where it cannot be opened."""
    known = {ref: program.samples[ref] for ref in operands(step)}
    if any(_decides(x, step) for x in known.values()):
        return None
    start = next(serials)
    values = {ref: linked(Value, x, HELD, (), None) for ref, x in known.items()}
    tape = context.Tape()
    try:
        with context.taping(tape), np.errstate(all="ignore"):
            called = step_with(step, values)
            result = called.function(*called.args, **called.kwargs)
    except (MinigradError, AttributeError, TypeError, ValueError, IndexError):
        return None
    if not same_bits(program.samples[step.out], _data(result)):
        return None
    scratch = Program([], [], [], None, program.samples)
    reader = Reader(scratch, start, {value.serial: ref for ref, value in values.items()}, tape)
    reader.backward = step.backward
    parts = result if isinstance(result, (tuple, list)) else (result,)
    reader.read(parts)
    if scratch.leaves or any(inner.function in _FILLED for inner in scratch.steps):
        return None
    named = tuple(reader.named(x) for x in parts)
    if any(inner.function is step.function for inner in scratch.steps):
        return None
    return scratch.steps, named if isinstance(result, (tuple, list)) else named[0]


def _decides(x: Any, step: Step) -> bool:
    """Whether a rule may decide by what it is: numbers, which a Value in their place hides."""
    return type(x) in (float, PythonFloat, tuple) or (isinstance(x, float) and step.function is _power_base)


def _data(result: Any) -> Any:
    if isinstance(result, (tuple, list)):
        return tuple(map(_data, result))
    return result._array if isinstance(result, Value) else result
