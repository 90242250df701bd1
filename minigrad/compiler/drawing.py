"""A program as a graph of Values, for pictures: what was recorded, gradients included, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import context
from ..node import linked
from ..taped import HELD, call
from ..tree import leaves
from ..value import Value
from .program import Program, Ref, step_with


def as_values(program: Program, names: dict[Ref, str]) -> tuple[Value, ...]:
    """The outputs of a program as Values: each step is a node, inputs are leaves with their names."""
    values: dict[Ref, Any] = {}
    for ref, name in names.items():
        values[ref] = linked(Value, program.samples[ref], HELD, (), None)
        values[ref].op, values[ref].name = None, name
    with context.taping(context.Tape()), np.errstate(all="ignore"):
        for step in program.steps:
            named = step_with(step, values)
            values[step.out] = call(Value, named.function, step.label, named.args, named.kwargs)
    outputs = [values.get(x, x) if type(x) is Ref else x for x in leaves(program.outputs)]
    return tuple(y for y in outputs if isinstance(y, Value))
