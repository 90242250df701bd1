"""The forward sweep: tangents go forwards through the graph, from inputs to results."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from . import modes
from .backward import N, graph, rule_arguments
from .broadcasting import broadcast_tangent
from .node import Node


def push(ys: Sequence[N], tangents: dict[int, Any], alive: Collection[int] = ()) -> dict[int, Any]:
    """Forward sweep: tangents by serial, of the given nodes and of every node between them and the ys.

    Nodes are visited by ascending serial, in the opposite order of the reverse sweep.
    """
    tangents, debugger = dict(tangents), modes.debugger()
    for y in graph(*ys, since=min(tangents)):
        moved = [isinstance(x, Node) and x.serial in tangents for x in y.operands]
        if y.serial not in tangents and any(moved) and y.op is not None and y.op.jvps:
            tangents[y.serial] = t = _tangent(y, moved, tangents, alive)
            if debugger is not None:
                debugger.compare(y)
                debugger.inspect(t, y)
    return tangents


def _tangent(y: Node, moved: list[bool], tangents: dict[int, Any], alive: Collection[int]) -> Any:
    """The tangent of one node, from those of its operands."""
    made_by: Any = y.op
    interpreter = modes.interpreter()
    call = interpreter.call_rule
    output, args, params = rule_arguments(y, alive, interpreter)
    if made_by.variadic:
        given = [tangents[x.serial] if m else np.zeros(np.shape(x)) for x, m in zip(y.operands, moved, strict=True)]
        moves = [call(made_by, made_by.jvps[0], (given, output, *args), params)]
    else:
        rules = zip(y.operands, made_by.jvps, moved, strict=False)  # inputs inside parameters have no rule
        given = [(rule, (tangents[x.serial], output, *args)) for x, rule, m in rules if m and rule]
        moves = [call(made_by, rule, each, params) for rule, each in given]
    if type(y._array) is tuple:
        return tuple(_total([move[k] for move in moves], part) for k, part in enumerate(y._array))
    return _total(moves, y._array)


def _total(shares: list[Any], data: Any) -> Any:
    """The sum of the inputs' contributions to a tangent, in the shape and type of the data."""
    return broadcast_tangent(sum(shares[1:], start=shares[0]) if shares else np.zeros_like(data), data)
