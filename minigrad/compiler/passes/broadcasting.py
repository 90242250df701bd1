"""Broadcasting fused: an elementwise step takes the small array, not the large view that was made of it."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..program import Program, Ref, Step, operands

_OPERATORS = {operator.add, operator.sub, operator.mul, operator.truediv}


def fused(program: Program) -> Program:
    """The program in which elementwise steps broadcast by themselves what had been broadcast for them."""
    spread: dict[Ref, Any] = {}
    steps: list[Step] = []
    for step in program.steps:
        if step.function is np.broadcast_to and type(step.args[0]) is Ref:
            spread[step.out] = step.args[0]
        elif isinstance(step.function, np.ufunc) or step.function in _OPERATORS:
            step = _fused(program, step, spread)
        steps.append(step)
    return program.with_steps(steps)


def _fused(program: Program, step: Step, spread: dict[Ref, Any]) -> Step:
    """The step with small operands, if another operand still gives the result its shape and its layout."""
    if not any(x in spread for x in operands(step)):
        return step
    y = program.samples[step.out]
    small = tuple([spread.get(x, x) if type(x) is Ref else x for x in step.args])
    shapes = [program.sample(x) for x in small]
    full = [x for x in shapes if isinstance(x, np.ndarray) and x.shape == y.shape and x.strides == y.strides]
    if not full or np.result_type(*shapes) != np.result_type(*[program.sample(x) for x in step.args]):
        return step
    return Step(step.out, step.function, small, step.kwargs, step.label, step.backward, step.draws)
