"""One use of a value by an op: the local derivative, and the gradient this use passes back.

Both come from calling the op's own rule again: with ones, and with the gradient that arrived. Arrays only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.backward import rule_arguments
from ..engine.broadcasting import reduce_to_shape
from ..engine.node import ITEM, Node
from ..engine.value import Value


@dataclass(frozen=True, slots=True)
class Use:
    """One input of a node.

    derivative    of the node by this input: one number, or for an elementwise op one per entry; None otherwise
    contribution  the gradient this use passes back, in the shape of the input; None if none is needed
    """

    derivative: Any = None
    contribution: Any = None


NONE = Use()


def uses_of(y: Value, g: Any) -> list[Use]:
    """The uses of y's inputs, in their order. g: the gradient of y, a tuple for several outputs."""
    if y.op is None or not y.op.vjps or not y.inputs:
        return [NONE] * len(y.inputs)
    absent: list[Any] = [None] * len(y.operands)
    with np.errstate(all="ignore"):
        local = _call_rules(y, np.ones_like(y._array)) if _has_derivative(y) else absent
        back = absent if g is None else _call_rules(y, _complete(y, g) if isinstance(y._array, tuple) else g)
        return [
            Use(d, c if c is None or isinstance(x._array, tuple) else reduce_to_shape(c, x._array, y.op.label))
            for x, d, c in zip(y.operands, local, back, strict=True)
            if isinstance(x, Value)
        ]


def _complete(y: Any, g: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(np.zeros_like(part) if c is None else c for c, part in zip(g, y._array, strict=True))


def _has_derivative(y: Any) -> bool:
    """Whether the derivative by an input is one array, not a matrix."""
    return not isinstance(y._array, tuple) and (y.op is ITEM or y._array.size == 1 or y.op.elementwise)


def _call_rules(y: Any, g: Any) -> list[Any]:
    """The unchanged result of the rule for each operand; None if the operand needs no gradient."""
    rules = y.op.vjps
    if y.op is ITEM:
        return [g]
    output, args, params = rule_arguments(y, ())
    if y.op.variadic:
        found = rules[0](g, output, *args, **params)
        return [
            (c() if callable(c) else c) if _needs_gradient(x) else None
            for x, c in zip(y.operands, found, strict=True)
        ]
    found = [None] * len(y.operands)  # inputs within parameters have no rule
    for k, (x, rule) in enumerate(zip(y.operands, rules, strict=False)):
        if rule is not None and _needs_gradient(x):
            found[k] = rule(g, output, *args, **params)
    return found


def _needs_gradient(x: object) -> bool:
    return isinstance(x, Node) and not isinstance(x._array, tuple) and x._array.dtype.kind == "f"
