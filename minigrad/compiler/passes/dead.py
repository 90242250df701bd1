"""Dead code: what nobody uses is not computed, except for random draws, which move a generator on."""

from __future__ import annotations

from ..program import Program, Step, operands, refs


def without_dead(program: Program) -> Program:
    """The program without steps of which no output depends."""
    needed = set(refs(program.outputs))
    kept: list[Step] = []
    for step in reversed(program.steps):
        if step.draws or step.out in needed:
            needed.update(operands(step))
            kept.append(step)
    return program.with_steps(kept[::-1])
