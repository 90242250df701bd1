"""Merges common subexpressions: calls of one function with the same arguments run once."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from ...tracing.program import Program, Ref, Step, step_with


def merge_common_subexpressions(program: Program) -> Program:
    """Merge equal calls. Random draws stay as they are."""
    steps: list[Step] = []
    names: dict[Ref, object] = {}
    made: dict[Hashable, Ref] = {}
    for before in program.steps:
        step = step_with(before, names)
        if step.draws:
            steps.append(step)
            continue
        key = (step.function, _key(step.args), _key(step.kwargs) if step.kwargs else ())
        if key in made:
            names[step.out] = made[key]
        else:
            made[key] = step.out
            steps.append(step)
    return program.with_steps(steps, names)


def _key(x: object) -> Hashable:
    """Arguments as a key: equal for the same variables, and for constants with the same bits."""
    if type(x) is Ref or x is None:
        return x
    if isinstance(x, (tuple, list)):
        return (type(x), *map(_key, x))
    if isinstance(x, dict):
        return tuple((key, _key(item)) for key, item in x.items())
    if isinstance(x, (float, np.floating)):
        return (type(x), repr(x))  # 0.0 and -0.0 are equal
    if isinstance(x, slice):
        return (slice, _key(x.start), _key(x.stop), _key(x.step))
    if isinstance(x, np.ndarray):
        small = x.nbytes <= 64
        return (x.dtype.char, x.shape, x.strides, x.tobytes()) if small else id(x)
    try:
        hash(x)
    except TypeError:
        return id(x)
    return (type(x), x)
