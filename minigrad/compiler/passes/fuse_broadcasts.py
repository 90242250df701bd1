"""Fuses broadcasting: an elementwise step takes the small array instead of its broadcast copy."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...tracing.program import Program, Ref, Step
from ..numpy_functions import AS_OPERATORS, UFUNCS

_OPERATORS = {operator.add, operator.sub, operator.mul, operator.truediv}


def fuse_broadcasts(program: Program) -> Program:
    """Let elementwise steps broadcast their own operands."""
    spread: dict[Ref, object] = {}
    steps: list[Step] = []
    for step in program.steps:
        if step.function is np.broadcast_to and type(step.args[0]) is Ref:
            spread[step.out] = step.args[0]
        elif (spread or step.reads is not step.args) and _broadcasts(step.function):
            step = _fuse(program, step, spread)
        steps.append(step)
    return program.with_steps(steps)


def _broadcasts(function: Any) -> bool:
    return function in _OPERATORS or getattr(function, "signature", ()) is None  # a matmul has one


def _fuse(program: Program, step: Step, spread: dict[Ref, Any]) -> Step:
    """The step with small operands, if another operand keeps the shape and layout of the result."""
    # np.power has ways of its own for one exponent, and a vector library other ones for arrays; arithmetic has not.
    exact = UFUNCS.get(step.function, step.function) in AS_OPERATORS
    small = tuple([spread.get(x, x) if type(x) is Ref else _number(x) if exact else x for x in step.args])
    if all(x is z for x, z in zip(small, step.args, strict=True)):
        return step
    y = program.samples[step.out]
    if not isinstance(y, np.ndarray):  # a ufunc with several results
        return step
    shapes = [program.sample(x) for x in small]
    full = [x for x in shapes if isinstance(x, np.ndarray) and x.shape == y.shape and x.strides == y.strides]
    if not full or np.result_type(*shapes) != np.result_type(*[program.sample(x) for x in step.args]):
        return step
    return Step(step.out, step.function, small, step.kwargs, step.label, step.backward, step.draws, step.checks)


def _number(x: Any) -> Any:
    """A constant array of equal entries as one number; any other constant as it is."""
    if not isinstance(x, np.ndarray) or x.size < 2:
        return x
    first = x.flat[0]
    uniform = np.array_equal(x, np.broadcast_to(first, x.shape)) and not np.any(np.signbit(x) != np.signbit(first))
    return first if x.dtype.kind == "f" and uniform else x
