"""Which arrays must keep memory of their own: a product reads both, and BLAS sees whether they are one.

For  y @ y.T  BLAS runs another routine than for two matrices with the same numbers, and some bits differ. So where
eager code multiplies a matrix with a copy, or tanh(x) with another tanh(x), no pass makes one array of the two.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from ...tracing.program import Program, Ref, Step, operands
from ..numpy_functions import gives_new, is_elementwise

_GIVEN = Ref(-1)  # arguments, and Values from outside: a caller may pass one array for two of them


class SeparateMemory:
    """The pairs of arrays that share no memory, and that a step reads together which may be a product."""

    def __init__(self, program: Program) -> None:
        self.roots: dict[Ref, Ref] = {}  # of arrays that do not own their memory
        self.apart: dict[Ref, set[Ref]] = {}
        functions = {step.function for step in program.steps}
        single = {function for function in functions if is_elementwise(function)}
        several = [step for step in program.steps if step.function not in single]
        together = [pair for step in several for pair in _factors(program, step)]
        if together:
            self.roots = dict.fromkeys((*program.inputs, *(ref for ref, _ in program.leaves)), _GIVEN)
            for step in program.steps:
                self._look_at(program, step)
        for x, z in together:
            self._part(self._root(x), self._root(z))

    def may_be_one(self, x: Ref, z: object) -> bool:
        """Whether z may take the place of x. Call `replace` when it does."""
        return not self.apart or type(z) is not Ref or self._root(z) not in self.apart.get(self._root(x), ())

    def replace(self, x: Ref, z: object) -> None:
        """Note that z takes the place of x."""
        if not self.apart or type(z) is not Ref:
            return
        old, new = self._root(x), self._root(z)
        for other in [*self.apart.get(old, ())]:
            self._part(new, other)
        if old == x != new:
            self.roots[x] = new

    def _look_at(self, program: Program, step: Step) -> None:
        """Find the operand whose memory the result of a step uses, if there is one."""
        y = program.samples[step.out]
        if isinstance(y, np.ndarray) and not gives_new(step.function):
            for x in operands(step):
                if isinstance(program.samples[x], np.ndarray) and np.may_share_memory(program.samples[x], y):
                    self.roots[step.out] = x
                    return

    def _root(self, x: Ref) -> Ref:
        while x in self.roots:
            x = self.roots[x]
        return x

    def _part(self, x: Ref, z: Ref) -> None:
        if x != z:
            self.apart.setdefault(x, set()).add(z)
            self.apart.setdefault(z, set()).add(x)


def _factors(program: Program, step: Step) -> list[tuple[Ref, Ref]]:
    """The pairs of operands that a step may multiply as a matrix and its transpose."""
    samples = program.samples
    matrices = {x for x in operands(step) if isinstance(samples[x], np.ndarray) and samples[x].ndim > 1}
    if len(matrices) < 2:  # nearly always
        return []
    real = [x for x in sorted(matrices) if samples[x].dtype.kind == "f"]
    return [(x, z) for x, z in combinations(real, 2) if _alike(samples[x], samples[z])]


def _alike(x: Any, z: Any) -> bool:
    return bool(x.size == z.size and x.dtype == z.dtype)
