"""A program as a graph of Values, for pictures: what was recorded, gradients included, step by step."""

from __future__ import annotations

from typing import Any

from ..node import ITEM, linked
from ..taped import HELD, as_data, lifted, step_of
from ..tree import leaves
from ..value import Value
from .program import Program, Ref, renamed


def as_values(program: Program, names: dict[Ref, str]) -> tuple[Value, ...]:
    """The outputs of a program as Values: each step is a node, inputs are leaves with their names.

    Their numbers are those of the trace where there are few, and zeros else.
    """
    values: dict[Ref, Any] = {}
    for ref, name in names.items():
        values[ref] = linked(Value, program.samples[ref], HELD, (), None)
        values[ref].op, values[ref].name = None, name
    for step in program.steps:
        found: list[Any] = []
        places = lifted(renamed((step.args, step.kwargs), values), found)
        sample = program.samples[step.out]
        data = sample if isinstance(sample, tuple) else as_data(sample)
        made_by = ITEM if step.function is ITEM.forward else step_of(step.function, step.label)
        params = step.kwargs if made_by is ITEM else {"call": places}
        values[step.out] = linked(Value, data, made_by, tuple(found), params)
    outputs = [values.get(x, x) if type(x) is Ref else x for x in leaves(program.outputs)]
    return tuple(y for y in outputs if isinstance(y, Value))
