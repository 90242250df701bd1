"""Algebra that changes no bit, and constants computed once.

Replaces x · 1, x / 1, -(-x) and x - 0 by x (not x + 0, which turns -0 into 0). Removes a reshape to the same shape,
a cast to the same type and a transpose of a transpose. A result that depends on shapes alone becomes a constant.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...engine.op import UNDIFFERENTIATED, UNKNOWN
from ...engine.tree import leaves
from ...tracing.program import Program, Ref, Step, refs, step_with
from ...tracing.tape import copy
from ..numpy_functions import record_of
from .separate_memory import SeparateMemory

Known = dict[Ref, Step]


def simplify_algebra(program: Program) -> Program:
    """Remove steps that return one of their operands, or a constant."""
    steps: list[Step] = []
    names: dict[Ref, object] = {}
    known: Known = {}
    memory = SeparateMemory(program)
    asked = {function for function in {step.function for step in program.steps} if _asks_shape_alone(function)}
    for before in program.steps:
        step = step_with(before, names)
        result = _result(program, step, known, step.function in asked)
        if result is None or not memory.may_be_one(step.out, result[0]):
            known[step.out] = step
            steps.append(step)
        else:
            names[step.out] = result[0]
            memory.replace(step.out, result[0])
    return program.with_steps(steps, names)


def _result(program: Program, step: Step, known: Known, asks_shape: bool) -> tuple[object] | None:
    """The result of a step if it is known without computing; else None."""
    if step.has_effect:
        return None
    sample = program.samples[step.out]
    if asks_shape or not step.reads:
        return None if isinstance(sample, tuple) else (sample,)
    x = _simpler(program, step, known)
    return (x,) if x is not None and _alike(program.sample(x), sample) else None


def _alike(x: Any, y: Any) -> bool:
    """Whether two samples have the same kind, shape, type and layout."""
    if type(x) is not type(y) or np.shape(x) != np.shape(y):
        return False
    if not isinstance(x, np.ndarray):
        return True
    return x.dtype == y.dtype and (x.strides == y.strides or x.size < 2)


def _is(x: object, number: float) -> bool:
    """Whether a constant equals the number, with +0 for 0."""
    if type(x) is Ref or not isinstance(x, (int, float, np.number, np.ndarray)) or np.size(x) == 0:
        return False
    return bool(np.all(np.equal(x, number)) and not np.any(np.signbit(x)))


def _simpler(program: Program, step: Step, known: Known) -> Any:
    """The operand that a step returns, by the properties of its op; None if it returns none of them."""
    if step.function is copy:
        return step.args[0]
    if step.function is operator.pow:
        return step.args[0] if type(step.args[1]) in (int, float) and step.args[1] == 1 else None
    record = record_of(step.function)
    if record is None:
        return None
    if len(step.args) == 2 and record.neutral != (None, None):
        (a, b), (left, right) = step.args, record.neutral
        return a if right is not None and _is(b, right) else b if left is not None and _is(a, left) else None
    if record.involution:
        return _twice(step, known)
    return step.args[0] if record.identity else None


def _twice(step: Step, known: Known) -> Any:
    """The operand of the operand: -(-x), and (xᵀ)ᵀ."""
    inner = known.get(step.args[0])
    plain = all(
        len(s.args) == 1 and all(p is None for p in s.kwargs.values()) for s in (step, inner) if s is not None
    )
    return inner.args[0] if inner is not None and inner.function is step.function and plain else None


def _asks_shape_alone(function: Any) -> bool:
    """Whether the result depends on the shape and the type of the arguments only."""
    record = record_of(function)
    return UNDIFFERENTIATED.get(function, UNKNOWN).asks or (record is not None and record.shape_alone)


def constants(program: Program) -> list[Any]:
    """The constant arrays in a program."""
    some = [step for step in program.steps if step.reads is not step.args]
    nestings = [(step.args, step.kwargs) for step in some]
    found = [x for nesting in (*nestings, program.outputs) for x in leaves(nesting) if isinstance(x, np.ndarray)]
    return [*{id(x): x for x in found}.values()]


__all__ = ["constants", "refs", "simplify_algebra"]
