"""A recorded graph read as formulas: residues for some outputs, from residues for some of its nodes.

The gradient is read in the same way as the value: it is recorded, by running the rules of the table on Values, and
becomes a graph like any other. So no second set of rules for adjoints is needed here, and none can be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import context
from ..node import ARGUMENT, ITEM, Node, placed
from ..value import Value, graph, seed, sweep_from
from .field import LANES, Print, constant, mix, salt, symbols
from .meaning import DIRECT, Unknown, described, meaning, unknown

_constants: dict[Any, Print] = {}


def recorded_gradients(y: Value, xs: Sequence[Value], through: bool = False) -> list[Any]:
    """The gradient of y for each x, as a node of a graph of its own; None where y does not depend on x.

    through: whether the way back goes on beyond an x, so that one may have been computed from another.
    Everything y was computed from is a Value to the rules, masks included: nothing of this point is baked in.
    """
    own = {x.serial for x in xs}
    with context.recording(), context.trace(), np.errstate(all="ignore"):
        alive = {node.serial for node in graph(y)}
        swept = sweep_from([(y, seed(y))], None, alive, () if through else own)
        found = {x.serial: g for x, g in swept if x.serial in own}
    return [found.get(x.serial) for x in xs]


class Formulas:
    """The graph of some outputs, ready to be read again and again with other residues for the `given` nodes."""

    def __init__(self, outputs: Sequence[Any], given: Sequence[Value]) -> None:
        self.outputs = list(outputs)
        own = {x.serial for x in given}
        self.nodes: list[Any] = []
        self.fixed: dict[int, Any] = {}  # what does not depend on a given node is read once
        self.unknown: set[str] = set()  # labels of ops without a meaning
        self.let_go: set[str] = set()
        moving = set(own)
        for node in graph(*(v for v in self.outputs if isinstance(v, Value))):
            if node.serial in own:
                continue
            if any(x.serial in moving for x in node.inputs):
                moving.add(node.serial)
                self.nodes.append(node)
            else:
                self.fixed[node.serial] = self._fixed(node)

    def read(self, given: dict[int, Print]) -> list[Print]:
        """The prints of the outputs."""
        env: dict[int, Any] = {**self.fixed, **given}
        with np.errstate(over="ignore"):
            for node in self.nodes:
                a, b = node._a, node._b
                direct = DIRECT.get(node.op)
                if direct is not None and node._array.dtype.kind != "b":
                    env[node.serial] = direct(
                        env[a.serial] if type(a) is Value else _plain(a),
                        env[b.serial] if type(b) is Value else _plain(b),
                    )
                else:
                    env[node.serial] = self._made(node, env)
        return [env[v.serial] if isinstance(v, Value) else constant(v) for v in self.outputs]

    def _fixed(self, node: Any) -> Any:
        """Data, by value; what was computed from data; what has let go of its inputs."""
        if node.op is None or (node.op is ARGUMENT and not node.inputs):
            return constant(node._array)
        if node.operands:
            with np.errstate(over="ignore"):
                return self._made(node, self.fixed)
        # Recorded outside of a trace, a mask does not know what it was computed from: it equals only itself.
        self.let_go.add(node.op.label)
        return Print(symbols(node._array.size, node.serial).reshape(LANES, *np.shape(node._array)), 1.0, 1.0)

    def _made(self, node: Any, env: dict[int, Any]) -> Any:
        """The print of one node, a list of prints if it has several outputs."""
        if node.op is ITEM:
            return env[node._a.serial][node.params["k"]]
        prints = [env[x.serial] if isinstance(x, Node) else _plain(x) for x in node.operands]
        params = {name: p for name, p in (node.params or {}).items() if name != "saved"}
        try:
            if len(prints) > len(placed(node.op, list(node.operands), node.params)[0]):
                raise Unknown(node.op.label)  # a Value inside a parameter
            # To NumPy, True + True is True: of a boolean result, no op is a sum or a product.
            logical = type(node._array) is not tuple and node._array.dtype.kind == "b"
            found = meaning(node.op, prints, params, logical)
        except Unknown as label:
            self.unknown.add(str(label))
            found = _unknown(node, prints, params)
        return found


def _unknown(node: Any, prints: Sequence[Print], params: dict[str, Any]) -> Any:
    several = type(node._array) is tuple
    parts = [
        unknown(node.op, prints, {**params, "output": k}, np.size(part)).reshape(LANES, *np.shape(part))
        for k, part in enumerate(node._array if several else (node._array,))
    ]
    found = [Print(x, 1.0, 1.0) for x in parts]
    return found if several else found[0]


def _plain(x: Any) -> Print:
    """A plain operand."""
    if type(x) in (float, int, np.float64):
        found = _constants.get(x)
        if found is None:
            if len(_constants) > 100_000:
                _constants.clear()
            found = _constants[x] = constant(x)
        return found
    if not isinstance(x, (np.ndarray, np.generic, bool, int)):  # None, in place of a bound
        zero = np.zeros((LANES,), dtype=np.int64)
        return Print(mix(zero, salt("operand", described({"it": x}))), 1.0, 1.0)
    return constant(x)
