"""Name the op at which a gradient becomes nan, or 0 by rounding, though every rule is right at its operands."""

from __future__ import annotations

from io import StringIO
from typing import Any

import numpy as np

from ..engine.backward import rule_arguments, sweep
from ..engine.modes import ignoring_fp_warnings
from ..engine.node import Node
from ..engine.value import Value


def name_lost_product(y: Value) -> str:
    """A phrase such as ``0·inf at sqrt``, for the op nearest to y; "" if all products on the way back are numbers.

    nan comes before an underflow: a slope that is too small for a float, or a product with it.
    """
    underflow = ""
    with ignoring_fp_warnings(StringIO()):
        for node, g in sweep(y, np.ones_like(y._array)):
            for c in _shares(node, g):
                what = _what_is_lost(node, np.asarray(g), np.asarray(c))
                if what and what != "underflow":
                    return f"{what} at {_label(node)}"
                underflow = underflow or (f"{what} at {_label(node)}" if what else "")
    return underflow


def _label(node: Node) -> str:
    return node.op.label if node.op else ""


def _shares(node: Node, g: Any) -> list[Any]:
    """What the rules of a node pass on, for an op of one output whose rules are one per input."""
    made_by = node.op
    if made_by is None or made_by.variadic or type(node._array) is tuple:
        return []
    output, args, params = rule_arguments(node, ())
    pairs = zip(node.operands, made_by.vjps, strict=False)
    return [rule(g, output, *args, **params) for x, rule in pairs if rule is not None and isinstance(x, Node)]


def _what_is_lost(node: Node, g: Any, c: Any) -> str:
    data = [np.asarray(x._array if isinstance(x, Node) else x) for x in node.operands]
    if np.isnan(c).any() and not np.isnan(g).any():
        if any(x.dtype.kind == "f" and np.isnan(x).any() for x in data):
            return "nan in an operand"
        return "inf·0" if np.isinf(g).any() and not np.equal(g, 0).any() else "0·inf"
    made_by: Any = node.op
    if not made_by.elementwise or made_by.selects or c.shape != g.shape:
        return ""
    ordinary = np.all(np.broadcast_arrays(*[np.isfinite(x) & np.not_equal(x, 0) for x in data]), axis=0)
    return "underflow" if np.any(ordinary & np.equal(c, 0) & np.not_equal(g, 0)) else ""
