"""Broadcasting fused: an elementwise step takes the small array, not the large one that was made of it."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..program import Program, Ref, Step

_OPERATORS = {operator.add, operator.sub, operator.mul, operator.truediv}


def fused(program: Program) -> Program:
    """The program in which elementwise steps broadcast by themselves what had been broadcast for them."""
    spread: dict[Ref, Any] = {}
    steps: list[Step] = []
    for step in program.steps:
        if step.function is np.broadcast_to and type(step.args[0]) is Ref:
            spread[step.out] = step.args[0]
        elif step.function in _OPERATORS or getattr(step.function, "signature", ()) is None:  # a matmul has one
            step = _fused(program, step, spread)
        steps.append(step)
    return program.with_steps(steps)


def _fused(program: Program, step: Step, spread: dict[Ref, Any]) -> Step:
    """The step with small operands, if another operand still gives the result its shape and its layout."""
    small = tuple([spread.get(x, x) if type(x) is Ref else _number(x) for x in step.args])
    if all(x is z for x, z in zip(small, step.args, strict=True)):
        return step
    y = program.samples[step.out]
    shapes = [program.sample(x) for x in small]
    full = [x for x in shapes if isinstance(x, np.ndarray) and x.shape == y.shape and x.strides == y.strides]
    if not full or np.result_type(*shapes) != np.result_type(*[program.sample(x) for x in step.args]):
        return step
    return Step(step.out, step.function, small, step.kwargs, step.label, step.backward, step.draws)


def _number(x: Any) -> Any:
    """A constant array whose entries are all one number, as that number; else the constant itself."""
    if not isinstance(x, np.ndarray) or x.size < 2:
        return x
    first = x.flat[0]
    uniform = np.array_equal(x, np.broadcast_to(first, x.shape)) and not np.any(np.signbit(x) != np.signbit(first))
    return first if x.dtype.kind == "f" and uniform else x
