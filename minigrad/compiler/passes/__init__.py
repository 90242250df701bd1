"""The passes: each a small function from a program to a program that computes the same bits."""

from __future__ import annotations

from collections.abc import Callable

from ..program import Program
from .algebra import simplified
from .broadcasting import fused
from .dead import without_dead
from .merging import merged
from .opening import opened
from .signs import ordered, without_negations
from .slopes import with_known_tanh
from .updates import prompt

PASSES: tuple[Callable[[Program], Program], ...] = (
    without_dead, merged, opened, simplified, ordered, merged, with_known_tanh, without_negations, fused,
    without_dead, prompt,
)  # fmt: skip


def optimised(program: Program) -> Program:
    """The program after all passes."""
    for each in PASSES:
        program = each(program)
    return program
