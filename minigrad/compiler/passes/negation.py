"""Moves negations into the sums that read them, a + (-b) = a - b, through products if necessary.

Keeps all bits, signs of zeros included, so it skips (-a) + (-b), which is -(a + b) only if a + b is not 0. Also
sorts the operands of sums and products, so that b + a and a + b become equal calls.
"""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

import numpy as np

from ...tracing.program import Program, Ref, Step, operands, refs
from ..numpy_functions import UFUNCS

_PRODUCTS = (np.multiply, np.divide)
_SORTED = {np.add, np.multiply, operator.add, operator.mul}
_OTHER = {np.add: np.subtract, np.subtract: np.add, operator.add: operator.sub, operator.sub: operator.add}


def sort_operands(program: Program) -> Program:
    """Sort the operands of sums and products in order of computation."""
    return program.with_steps(
        [_sort(program, step) if step.function in _SORTED else step for step in program.steps]
    )


def _sort(program: Program, step: Step) -> Step:
    if len(step.args) != 2 or step.kwargs:
        return step
    a, b = step.args
    swapped = type(b) is Ref and (type(a) is not Ref or b < a) and _alike(program.sample(a), program.sample(b))
    return Step(step.out, step.function, (b, a), {}, step.label, step.backward) if swapped else step


def _alike(x: Any, y: Any) -> bool:
    """Whether swapping the two keeps the layout of the result."""
    arrays = [z for z in (x, y) if isinstance(z, np.ndarray) and z.ndim]
    return len(arrays) < 2 or (x.shape == y.shape and x.strides == y.strides)


def absorb_negations(program: Program) -> Program:
    """Remove negations where sums can absorb them."""
    return _Signs(program).program()


class _Signs:
    """Goes through the steps. under: the operands of negations that are not computed yet."""

    def __init__(self, program: Program) -> None:
        self.before, self.steps = program, list[Step]()
        self.under: dict[Ref, Ref] = {}
        self.waiting: dict[Ref, Step] = {}
        self.reads = Counter(x for step in program.steps for x in operands(step))

    def program(self) -> Program:
        """The new program."""
        for step in self.before.steps:
            self._add(step)
        self._compute(refs(self.before.outputs))
        return self.before.with_steps(self.steps)

    def _add(self, step: Step) -> None:
        function = UFUNCS.get(step.function, step.function)
        if function is not np.negative and self.under.keys().isdisjoint(operands(step)):  # mostly
            self.steps.append(step)
        elif function is np.negative and self._keeps(step, step.args[0]):
            self._compute(operands(step))
            self.under[step.out], self.waiting[step.out] = step.args[0], step
        elif function in _PRODUCTS and len(step.args) == 2 and any(self._keeps(step, x) for x in step.args):
            self._product(step)
        elif function in (np.add, np.subtract) and len(step.args) == 2 and not step.kwargs:
            self._sum(step, function is np.add)
        else:
            self._compute(operands(step))
            self.steps.append(step)

    def _keeps(self, step: Step, x: object) -> bool:
        """Whether an operand is real and laid out like the result, so that either can carry the sign."""
        if type(x) is not Ref:
            return False
        a, y = self.before.samples[x], self.before.samples[step.out]
        if not isinstance(a, np.ndarray) or not isinstance(y, np.ndarray):
            return isinstance(a, float) and isinstance(y, float)
        return (a.dtype, a.shape, a.strides) == (y.dtype, y.shape, y.strides) and a.dtype.kind == "f"

    def _is_negated(self, step: Step, x: object) -> bool:
        """Whether an operand is a negation that can be removed."""
        return type(x) is Ref and x in self.under and self._keeps(step, x)

    def _product(self, step: Step) -> None:
        # A negation that several products read would multiply.
        here = operands(step)
        flipped = {x for x in here if self._is_negated(step, x) and self.reads[x] == here.count(x)}
        self._compute(x for x in here if x not in flipped)
        if not flipped:
            self.steps.append(step)
            return
        count = sum(x in flipped for x in here)
        args = tuple(self.under[x] if type(x) is Ref and x in flipped else x for x in step.args)
        out = self.before.fresh(-self.before.samples[step.out]) if count == 1 else step.out
        self.steps.append(Step(out, step.function, args, step.kwargs, step.label, step.backward))
        if count == 1:
            self.under[step.out] = out
            self.waiting[step.out] = Step(step.out, np.negative, (out,), {}, "neg", step.backward)

    def _sum(self, step: Step, added: bool) -> None:
        (a, b), other = step.args, _OTHER[step.function]
        left, right = self._is_negated(step, a), self._is_negated(step, b)
        if right and left and not added:  # (-a) - (-b) = b - a
            self._step(step, step.function, self.under[b], self.under[a])
        elif right:  # a + (-b) = a - b
            self._step(step, other, a, self.under[b])
        elif left and added:  # (-a) + b = b - a
            self._step(step, other, b, self.under[a])
        else:
            self._step(step, step.function, a, b)

    def _step(self, step: Step, function: Any, *args: Any) -> None:
        self._compute(x for x in args if type(x) is Ref)
        self.steps.append(Step(step.out, function, args, {}, step.label, step.backward))

    def _compute(self, variables: Any) -> None:
        """Compute the waiting negations among some variables."""
        for x in variables:
            if x in self.waiting:
                self.steps.append(self.waiting.pop(x))
                del self.under[x]
