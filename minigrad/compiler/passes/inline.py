"""Inlines composite steps: a rule, or a function written in NumPy, becomes the NumPy functions that it calls.

Then forward and backward passes share work, and each call can get a buffer. A step stays if its function cannot run
on Values (it reads their data), or gives other bits on Values than on arrays.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ...engine.node import ITEM, Node, new_node, serials
from ...engine.op import FORWARDS, TABLE, UNDIFFERENTIATED, UNKNOWN
from ...engine.value import Value
from ...rules.arithmetic import _power_base
from ...tracing import Tape, taping
from ...tracing.lower import Reader
from ...tracing.placeholders import WeakFloat
from ...tracing.program import Program, Ref, Step, operands, same_bits, step_with
from ...tracing.tape import DETACHED
from ..numpy_functions import UFUNCS
from .lowering import lower_step
from .templates import Templates


@np.errstate(all="ignore")
def inline_composites(program: Program) -> Program:
    """Inline composite steps until none is left that can be inlined."""
    steps: list[Step] = []
    names: dict[Ref, Any] = {}
    todo = program.steps[::-1]
    templates = Templates(program, _body)
    item, simple = ITEM.forward, {*UFUNCS}  # nothing is simpler than these
    may_inline = functools.cache(_may_inline)  # in this run alone: a longer memory would keep the functions
    while todo:
        step = todo.pop()
        if step.function is item and type(parts := _renamed(step.args[0], names)) is tuple:
            names[step.out] = _final(parts[step.kwargs["k"]], names)  # without a look at all the other parts
            continue
        renamed = [x for x in operands(step) if x in names]
        if renamed:
            for x in renamed:
                names[x] = _final(names[x], names)
            step = step_with(step, names)
        if step.function in simple or isinstance(step.function, np.ufunc):
            steps.append(step)
            continue
        body = lower_step(program, step)
        if body is None and not step.has_effect and may_inline(step.function, step.label):
            body = templates.body_of(step)
        if body is None:
            steps.append(step)
            continue
        inner, result = body
        names[step.out] = result
        todo += inner[::-1]
    return program.with_steps(steps, {old: _final(new, names) for old, new in names.items()})


def _final(name: Any, names: dict[Ref, Any]) -> Any:
    """The final variable for one that was replaced, perhaps several times."""
    if type(name) is tuple:
        return tuple(_final(part, names) for part in name)
    return _renamed(name, names)


def _renamed(name: Any, names: dict[Ref, Any]) -> Any:
    while type(name) is Ref and name in names:
        name = names[name]
    return name


# Whether the code of a function allows inlining: computed once, by weak keys that keep no function alive.
_allowed: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def _may_inline(function: Any, label: str) -> bool:
    """Whether to try inlining a function: it is written in Python, is not an op, and its code allows it."""
    if isinstance(function, np.ufunc) or function in TABLE:
        return False
    if not (_states_an_op(function) or label.startswith("d ")):  # a rule, of a custom op too
        return False
    if not isinstance(function, FunctionType):
        return True
    if function not in _allowed:
        codes = [*_codes_of(function)]
        names = {name for code in codes for name in code.co_names}
        _allowed[function] = all(map(_is_straight, codes)) and not names >= _CHOOSES
    return _allowed[function]


def _states_an_op(function: Any) -> bool:
    """Whether a function belongs to the statement of an op: its forward function, or a rule."""
    module = getattr(function, "__module__", None) or ""
    return function in FORWARDS or module.startswith(
        ("minigrad.rules.", "minigrad.engine.op", "minigrad.engine.node")
    )


def _codes_of(function: Any) -> Iterator[CodeType]:
    """The code of a function, of the functions inside it, and of those that it calls from its own module.

    Without the code of ops: a Value records a call of an op, as one step.
    """
    waiting, seen = [function], set()
    while waiting:
        one = waiting.pop()
        one = getattr(one, "_implementation", one)
        if not isinstance(one, FunctionType) or one in seen:  # a closure may hold arrays, which have no hash
            continue
        seen.add(one)
        if len(seen) > 1 and one in FORWARDS:
            continue
        codes = [one.__code__]
        while codes:
            code = codes.pop()
            yield code
            codes += [x for x in code.co_consts if isinstance(x, CodeType)]
            waiting += [one.__globals__.get(name) for name in code.co_names]
        waiting += [cell.cell_contents for cell in one.__closure__ or ()]


# A function that handles errors or silences warnings may act differently on other data. Rules of decompositions
# that ask what they got take another way for arrays than for Values, not always to the same bits.
_NOT_INLINED = {"CHECK_EXC_MATCH", "POP_EXCEPT", "BEFORE_WITH", "LOAD_SPECIAL"}
_CHOOSES = {"linalg", "isinstance"}


@functools.cache
def _is_straight(code: CodeType) -> bool:
    """Whether code has neither ``try`` nor ``with``."""
    return _NOT_INLINED.isdisjoint(instruction.opname for instruction in dis.get_instructions(code))


def _body(program: Program, step: Step) -> tuple[list[Step], Any] | None:
    """The steps that a step is composed of, and its result; None if it cannot be inlined."""
    known = {ref: program.samples[ref] for ref in operands(step)}
    sample = program.samples[step.out]
    nested = isinstance(sample, tuple) and any(isinstance(part, tuple) for part in sample)
    if nested or any(_may_branch_on(ref, x, step) for ref, x in known.items()):
        return None
    start = next(serials)
    values = {ref: new_node(Value, _as_traced(x), DETACHED, (), None) for ref, x in known.items()}
    tape = Tape()
    try:
        with taping(tape):
            called = step_with(step, values)
            result = called.function(*called.args, **called.kwargs)
        data = _data(result)
    except Exception:  # a rule may read its data, and a user's rule may raise anything: then the step stays
        return None
    if not same_bits(sample, data):
        return None
    scratch = Program([], [], [], None, program.samples)
    reader = Reader(scratch, start, {value.serial: ref for ref, value in values.items()}, tape)
    reader.backward = step.backward
    parts = result if isinstance(result, (tuple, list)) else (result,)
    reader.read(parts)
    if scratch.leaves or any(UNDIFFERENTIATED.get(inner.function, UNKNOWN).writes for inner in scratch.steps):
        return None
    named = tuple(reader.result_of(x) for x in parts)
    if any(inner.function is step.function for inner in scratch.steps):
        return None
    return scratch.steps, named if isinstance(result, (tuple, list)) else named[0]


def _may_branch_on(ref: Ref, x: Any, step: Step) -> bool:
    """Whether a rule may branch on an operand, which a Value would hide: on a pair, or on an exponent."""
    exponent = step.function is _power_base and step.args[3] is ref
    return type(x) is tuple or (isinstance(x, float) and exponent)


def _as_traced(x: Any) -> Any:
    """The data of a variable as a trace of the function has it."""
    return WeakFloat(x) if type(x) is float else x


def _data(result: Any) -> Any:
    if isinstance(result, (tuple, list)):
        return tuple(map(_data, result))
    return result._array if isinstance(result, Node) else result
