"""Removes dead code: unused steps, except those with an effect of their own, such as random draws."""

from __future__ import annotations

from ...tracing.program import Program, Step, operands, refs


def eliminate_dead_code(program: Program) -> Program:
    """Remove the steps that no output depends on."""
    needed = set(refs(program.outputs))
    kept: list[Step] = []
    for step in reversed(program.steps):
        if step.has_effect or step.out in needed:
            needed.update(operands(step))
            kept.append(step)
    return program.with_steps(kept[::-1])
