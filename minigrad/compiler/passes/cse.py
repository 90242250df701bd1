"""Merges common subexpressions: calls of one function with the same arguments run once."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from ...engine.tree import kind_of
from ...engine.tree_folds import tree_key
from ...tracing.program import Program, Ref, Step, step_with


def merge_common_subexpressions(program: Program) -> Program:
    """Merge equal calls. Random draws stay as they are."""
    steps: list[Step] = []
    names: dict[Ref, object] = {}
    made: dict[Hashable, Ref] = {}
    for before in program.steps:
        step = step_with(before, names)
        if step.has_effect:
            steps.append(step)
            continue
        key = (step.function, tuple(map(_key, step.args)), tree_key(step.kwargs, _key) if step.kwargs else ())
        if key in made:
            names[step.out] = made[key]
        else:
            made[key] = step.out
            steps.append(step)
    return program.with_steps(steps, names)


def _key(x: object) -> Hashable:
    """An argument as a key: equal for the same variable, and for constants with the same bits."""
    if type(x) is Ref or x is None:
        return x
    if isinstance(x, (float, np.floating)):
        return (type(x), repr(x))  # 0.0 and -0.0 are equal
    if isinstance(x, slice):
        return (slice, _key(x.start), _key(x.stop), _key(x.step))
    if isinstance(x, np.ndarray):
        small = x.nbytes <= 64
        return (x.dtype.char, x.shape, x.strides, x.tobytes()) if small else id(x)
    if kind_of(x):
        return tree_key(x, _key)
    try:
        hash(x)
    except TypeError:
        return id(x)
    return (type(x), x)
