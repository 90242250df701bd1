"""Turns a program into a graph of Values for drawing, gradients included."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.node import ITEM, new_node
from ..engine.tree import leaves
from ..engine.tree_folds import replace_leaves
from ..engine.value import Value
from ..tracing.program import Program, Ref, substitute
from ..tracing.tape import DETACHED, as_data, lift_values, step_of


def as_values(program: Program, names: dict[Ref, str]) -> tuple[Value, ...]:
    """The outputs of a program as Values: each step becomes a node, each input a named leaf.

    Small arrays keep the numbers of the trace; others hold zeros.
    """
    values: dict[Ref, Any] = {}
    for ref, name in names.items():
        values[ref] = new_node(Value, _plain(program.samples[ref]), DETACHED, (), None)
        values[ref].op, values[ref].name = None, name
    for step in program.steps:
        found: list[Any] = []
        places = lift_values(substitute((step.args, step.kwargs), values), found)
        sample = _plain(program.samples[step.out])
        data = sample if isinstance(sample, tuple) else as_data(sample)
        made_by = ITEM if step.function is ITEM.forward else step_of(step.function, step.label)
        params = step.kwargs if made_by is ITEM else {"call": places}
        values[step.out] = new_node(Value, data, made_by, tuple(found), params)
    outputs = [values.get(x, x) if type(x) is Ref else x for x in leaves(program.outputs)]
    return tuple(y for y in outputs if isinstance(y, Value))


def _plain(x: Any) -> Any:
    """The data of a variable, with a plain array for the outline of one."""
    return replace_leaves(x, lambda leaf: np.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf)
