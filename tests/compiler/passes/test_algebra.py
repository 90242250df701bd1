"""Algebra: what a pass knows of a program besides its numbers."""

from __future__ import annotations

import numpy as np

from minigrad.compiler.passes.algebra import constants
from minigrad.tracing.program import Program, Ref, Step


def test_the_constants_of_a_program_are_found_beside_nested_variables() -> None:
    a, b, out = Ref(0), Ref(1), Ref(2)
    nested, named = np.ones(2), np.ones(3)
    steps = [Step(out, len, ((a, b), nested), {}, "f"), Step(out, len, (a,), {"x": [named]}, "f")]
    program = Program([a, b], [], steps, out)
    first, second = constants(program)
    assert first is nested and second is named
