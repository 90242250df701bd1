"""Replay: compute a recorded graph again, with another meaning of its ops.

Only this file knows the ops without a computation (an item of several outputs, the start of a level, a constant
copy, a result that an op saved for its rule); an `Evaluate` object computes the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..engine.node import ARGUMENT, ITEM, Node, restore_parameters
from .tape import DETACHED, SAVED, is_call, put_back, values_alone


class Evaluate:
    """The meaning of nodes during a replay. Subclasses define `apply`, and change the others where they differ."""

    def leaf(self, node: Any) -> Any:
        """The result for a node whose operands do not matter; NotImplemented for all others."""
        return NotImplemented

    def plain(self, x: Any) -> Any:
        """The result for an operand that is not a node."""
        return x

    def constant(self, node: Any, operands: list[Any]) -> Any:
        """The result for a node that needs no computation for these operands; else NotImplemented."""
        return NotImplemented

    def alias(self, node: Any, operands: list[Any]) -> Any:
        """The result for a node with the same numbers as its operand."""
        return operands[0]

    def item(self, node: Any, operands: list[Any]) -> Any:
        """The result for one of several outputs."""
        return operands[0][node.params["k"]]

    def saved(self, node: Any) -> Any:
        """The data that the op of the operand saved for its rule."""
        raise NotImplementedError(node.op.label)

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """The result for any other node."""
        raise NotImplementedError(node.op.label)


def replay(nodes: Iterable[Any], env: dict[int, Any], evaluate: Evaluate) -> dict[int, Any]:
    """Add the result for each node to env, by serial; results that env already holds stay.

    nodes: in serial order, as `graph` gives them.
    """
    for node in nodes:
        if node.serial not in env:
            env[node.serial] = compute(node, env, evaluate)
    return env


def compute(node: Any, env: dict[int, Any], evaluate: Evaluate) -> Any:
    """The result for one node, from those for its operands."""
    known = evaluate.leaf(node)
    if known is not NotImplemented:
        return known
    operands = [env[x.serial] if isinstance(x, Node) else evaluate.plain(x) for x in node.operands]
    known = evaluate.constant(node, operands)
    if known is not NotImplemented:
        return known
    made_by = node.op
    if made_by is ITEM:
        return evaluate.item(node, operands)
    if made_by is ARGUMENT or made_by is DETACHED:
        return evaluate.alias(node, operands)
    return evaluate.saved(node) if made_by is SAVED else evaluate.apply(node, operands)


def own_params(node: Any) -> dict[str, Any]:
    """The parameters of a node, without the data that its op saved for its rule."""
    return {name: p for name, p in (node.params or {}).items() if name != "saved"}


def arguments(made_by: Any, operands: list[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments for the function of an op, with the operands in their places."""
    if is_call(made_by):
        if params is values_alone(len(operands)):
            return operands, {}
        args, kwargs = put_back(params["call"], operands)
        return [*args], kwargs
    return restore_parameters(made_by, operands, params)
