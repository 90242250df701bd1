"""The passes: each is a small function from a program to one that computes the same bits."""

from __future__ import annotations

from collections.abc import Callable

from ...tracing.program import Program
from .algebra import simplify_algebra
from .cse import merge_common_subexpressions
from .dce import eliminate_dead_code
from .early_tests import ask_early
from .fuse_broadcasts import fuse_broadcasts
from .inline import inline_composites
from .negation import absorb_negations, sort_operands
from .recompute import recompute_small
from .schedule import schedule_updates
from .tanh_slope import reuse_tanh

PASSES: tuple[Callable[[Program], Program], ...] = (
    eliminate_dead_code, merge_common_subexpressions, inline_composites, simplify_algebra,
    sort_operands, merge_common_subexpressions, reuse_tanh, absorb_negations,
    fuse_broadcasts, eliminate_dead_code, ask_early, recompute_small,
    schedule_updates,
)  # fmt: skip


def optimise(program: Program) -> Program:
    """Run all passes."""
    for each in PASSES:
        program = each(program)
    return program
