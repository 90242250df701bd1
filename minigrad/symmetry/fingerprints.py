"""Reads a recorded graph as formulas: computes fingerprints of outputs from fingerprints of some of its nodes.

The gradient is read in the same way as the value: run on Values, the rules of the table record it as a graph like
any other. So there is no second set of rules for adjoints that could be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import modes
from ..engine.node import ARGUMENT, live, restore_parameters
from ..engine.value import Value, argument, graph, seed, sweep_from
from ..tracing import trace
from ..tracing.replay import Evaluate, compute, own_params
from .modular import Fingerprint, from_constant, random_function, salt, symbols
from .poles import without_value
from .residues import LANES
from .semantics import DIRECT, Formula, Unknown, describe_params, meaning, unknown

_constants: dict[Any, Fingerprint] = {}


def recorded_gradients(y: Value, xs: Sequence[Value], through: bool = False) -> list[Any]:
    """The gradient of y for each x, as a node of a recorded graph; None if y does not depend on x.

    through: whether the sweep continues past an x, for the case that one x was computed from another.
    The rules see only Values, even for masks and for the seed, so the graph does not depend on the numbers at this
    point, nor on their rounding to the parameters' type.
    """
    own = {x.serial for x in xs}
    with modes.recording(), trace(), np.errstate(all="ignore"):
        alive = {node.serial for node in graph(y)}
        swept = sweep_from([(y, argument(seed(y)))], None, alive, () if through else own)
        found = {x.serial: g for x, g in swept if x.serial in own}
    return [found.get(x.serial) for x in xs]


class Formulas(Evaluate):
    """The graph of some outputs, which can be read many times with other fingerprints for the `given` nodes."""

    def __init__(self, outputs: Sequence[Any], given: Sequence[Value]) -> None:
        self.outputs = list(outputs)
        own = {x.serial for x in given}
        self.nodes: list[Any] = []
        self.fixed: dict[int, Any] = {}  # nodes that do not depend on a given node: read once
        self.unknown: set[str] = set()  # labels of ops without a meaning
        self.detached: set[str] = set()
        moving = set(own)
        for node in graph(*(v for v in self.outputs if isinstance(v, Value))):
            if node.serial in own:
                continue
            if any(x.serial in moving for x in node.inputs):
                moving.add(node.serial)
                self.nodes.append(node)
            else:
                self.fixed[node.serial] = self._fixed(node)

    def read(self, given: dict[int, Fingerprint]) -> list[Fingerprint]:
        """The fingerprints of the outputs."""
        env: dict[int, Any] = {**self.fixed, **given}
        with np.errstate(over="ignore"):
            for node in self.nodes:
                env[node.serial] = self.read_node(node, env)
        return [self.output(k, env) for k in range(len(self.outputs))]

    def output(self, k: int, env: dict[int, Any]) -> Fingerprint:
        """The fingerprint of an output; its entries that have no value each get a symbol of their own."""
        v = self.outputs[k]
        found = env[v.serial] if isinstance(v, Value) else from_constant(v)
        return found if found.poles is None else without_value(found, k)

    def read_node(self, node: Any, env: dict[int, Any]) -> Any:
        """The fingerprint of a node: `compute`, with a shortcut for the commonest ops."""
        a, b = live(node._a), live(node._b)
        direct = DIRECT.get(node.op)
        if direct is None or node._array.dtype.kind == "b":
            return compute(node, env, self)
        return direct(
            env[a.serial] if type(a) is Value else _plain(a), env[b.serial] if type(b) is Value else _plain(b)
        )

    def _fixed(self, node: Any) -> Any:
        """The fingerprint of a node that depends only on data, or that does not record its inputs."""
        if node.op is None or (node.op is ARGUMENT and not node.inputs):
            return from_constant(node._array)
        if node.operands:
            with np.errstate(over="ignore"):
                return compute(node, self.fixed, self)
        # A mask recorded outside of a trace does not keep its inputs: it equals only itself.
        self.detached.add(node.op.label)
        return Fingerprint(symbols(node._array.size, node.serial).reshape(LANES, *np.shape(node._array)), 1.0, 1.0)

    def plain(self, x: object) -> Fingerprint:
        """The fingerprint of a plain operand."""
        return _plain(x)

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """The fingerprint of a node, or a list of them if it has several outputs."""
        params = own_params(node)
        try:
            inputs, given = _with_inner_values(node, operands, params)
            # In NumPy True + True is True, so an op with a boolean result is no sum or product.
            logical = type(node._array) is not tuple and node._array.dtype.kind == "b"
            found = meaning(node.op, inputs, given, logical)
        except Unknown as label:
            self.unknown.add(str(label))
            found = _unknown(node, operands, params)
        return found

    alias = apply  # a copy or a view has the meaning of its op, as any node


def _with_inner_values(node: Any, operands: list[Any], params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The inputs, and the parameters with a formula for each Value in them, such as an index."""
    if len(operands) <= len(node.op.domain) or node.op.variadic:
        return operands, params
    inner = node.operands[len(node.op.domain) :]
    if any(x._array.dtype.kind == "b" for x in inner):  # the numbers in a mask decide the shape of the result
        raise Unknown(node.op.label)
    return restore_parameters(node.op, [*operands[: -len(inner)], *map(Formula, operands[-len(inner) :])], params)


def _unknown(node: Any, operands: Sequence[Fingerprint], params: dict[str, Any]) -> Any:
    several = type(node._array) is tuple
    parts = [
        unknown(node.op, operands, {**params, "output": k}, np.size(part)).reshape(LANES, *np.shape(part))
        for k, part in enumerate(node._array if several else (node._array,))
    ]
    found = [Fingerprint(x, 1.0, 1.0) for x in parts]
    return found if several else found[0]


def _plain(x: object) -> Fingerprint:
    """The fingerprint of a plain operand."""
    if type(x) in (float, int, np.float64):
        found = _constants.get(x)
        if found is None:
            if len(_constants) > 100_000:
                _constants.clear()
            found = _constants[x] = from_constant(x)
        return found
    if not isinstance(x, (np.ndarray, np.generic, bool, int)):  # such as None for a missing bound
        zero = np.zeros((LANES,), dtype=np.int64)
        return Fingerprint(random_function(zero, salt("operand", describe_params({"it": x}))), 1.0, 1.0)
    return from_constant(x)
