"""Merges common subexpressions: calls of one function with the same arguments run once."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from ...engine.tree import kind_of
from ...engine.tree_folds import tree_key
from ...tracing.program import Program, Ref, Step, step_with
from .separate_memory import SeparateMemory


def merge_common_subexpressions(program: Program) -> Program:
    """Merge equal calls. Random draws stay as they are."""
    steps: list[Step] = []
    names: dict[Ref, object] = {}
    made: dict[Hashable, Ref] = {}
    memory = SeparateMemory(program)
    for before in program.steps:
        step = step_with(before, names)
        if step.has_effect:
            steps.append(step)
            continue
        args = tuple([x if type(x) is Ref else constant_key(x) for x in step.args])
        key = (step.function, args, tree_key(step.kwargs, constant_key) if step.kwargs else ())
        if key in made and memory.may_be_one(step.out, made[key]):
            names[step.out] = made[key]
            memory.replace(step.out, made[key])
        else:
            made.setdefault(key, step.out)
            steps.append(step)
    return program.with_steps(steps, names)


def constant_key(x: object) -> Hashable:
    """An argument as a key: equal for the same variable, and for constants with the same bits."""
    if type(x) is Ref or x is None:
        return x
    if isinstance(x, (float, np.floating)):
        return (type(x), repr(x))  # 0.0 and -0.0 are equal
    if isinstance(x, slice):
        return (slice, constant_key(x.start), constant_key(x.stop), constant_key(x.step))
    if isinstance(x, np.ndarray):
        small = x.nbytes <= 64
        return (x.dtype.char, x.shape, x.strides, x.tobytes()) if small else id(x)
    if kind_of(x):
        return tree_key(x, constant_key)
    try:
        hash(x)
    except TypeError:
        return id(x)
    return (type(x), x)
