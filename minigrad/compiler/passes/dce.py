"""Removes dead code: unused steps, except random draws, which advance a generator."""

from __future__ import annotations

from ...tracing.program import Program, Step, operands, refs


def eliminate_dead_code(program: Program) -> Program:
    """Remove the steps that no output depends on."""
    needed = set(refs(program.outputs))
    kept: list[Step] = []
    for step in reversed(program.steps):
        if step.draws or step.out in needed:
            needed.update(operands(step))
            kept.append(step)
    return program.with_steps(kept[::-1])
