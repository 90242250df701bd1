"""Runs tests of the backward sweep early, where that frees a large array: the answers take an eighth of it.

The rule of log(1 + exp z) asks where z was positive. Asked as soon as z is there, z is not kept for the sweep.
NumPy's tests neither raise nor warn, of nan either, so they may run before any other step.
"""

from __future__ import annotations

import numpy as np

from ...tracing.program import Program, Ref, Step, operands, refs
from ..buffers import mode_of
from ..numpy_functions import UFUNCS
from ..owners import owners_of

LEAST = 1 << 16  # bytes of the array that is freed


def ask_early(program: Program) -> Program:
    """Move each such test behind the step that makes what it tests."""
    moved = _tests(program)
    if not moved:
        return program
    made = {step.out: i for i, step in enumerate(program.steps)}
    behind: dict[int, list[Step]] = {}
    for step in moved.values():
        at = max(made[x] for x in operands(step) if x in made)
        ahead = Step(step.out, step.function, step.args, step.kwargs, step.label, program.steps[at].backward)
        behind.setdefault(at, []).append(ahead)
    steps: list[Step] = []
    for i, step in enumerate(program.steps):
        if step.out not in moved:
            steps.append(step)
        steps += behind.get(i, ())
    return program.with_steps(steps)


def _tests(program: Program) -> dict[Ref, Step]:
    """The tests in the sweep that alone read a large array there, by their results."""
    candidates = [step for step in program.steps if step.backward and _tests_a_large_array(program, step)]
    if not candidates:
        return {}
    owners = owners_of(program, {step.out: mode_of(program, step) for step in program.steps})
    readers: dict[Ref, set[Ref]] = {}
    for step in program.steps:
        if step.backward:
            for owner in {o for x in operands(step) for o in owners.get(x)}:
                readers.setdefault(owner, set()).add(step.out)
    made = {step.out: step.backward for step in program.steps}
    held = {o for x in refs(program.outputs) for o in owners.get(x)}.union(*owners.kept.values())
    found: dict[Ref, Step] = {}
    for step in candidates:
        frees = {o for x in operands(step) for o in owners.get(x) if made.get(o) is False} - held
        forward = all(made.get(x) is not True for x in operands(step))
        if forward and any(readers[o] == {step.out} for o in frees):
            found[step.out] = step
    return found


def _tests_a_large_array(program: Program, step: Step) -> bool:
    y = program.samples[step.out]
    if not isinstance(UFUNCS.get(step.function, step.function), np.ufunc) or step.kwargs:
        return False
    if not isinstance(y, np.ndarray) or y.dtype != bool:
        return False
    return any(getattr(program.samples[x], "nbytes", 0) >= max(LEAST, 4 * y.nbytes) for x in operands(step))
