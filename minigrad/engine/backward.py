"""The reverse sweep: gradients go backwards through the graph.

A rule handles the cotangent of one op. This file does the work that all ops share: it visits nodes in order,
sums out broadcasting, accumulates, and calls rules on arrays or on nodes. `forward` carries tangents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from heapq import heappop, heappush
from typing import Any, TypeVar

import numpy as np

from . import modes
from .errors import ArgumentError, DTypeError, ShapeError, describe
from .modes import EAGER, Interpreter
from .node import ITEM, MANY, Node, Superseded, live, record, restore_parameters

N = TypeVar("N", bound=Node)
ndarray, float64 = np.ndarray, np.float64


def graph(*ys: N, since: int = 0) -> list[N]:
    """The ys and every node that they depend on, in serial order: inputs before results.

    since: nodes with a smaller serial are listed, but their inputs are not.
    """
    found: dict[int, Any] = {y.serial: y for y in ys}
    todo = [*found.values()]
    while todo:
        latest = todo.pop()
        if latest.serial < since:
            continue
        for x in latest._a if latest._b is MANY else (latest._a, latest._b):
            x = live(x) if type(x) is Superseded else x
            if isinstance(x, Node) and x.serial not in found:
                found[x.serial] = x
                todo.append(x)
    return [found[serial] for serial in sorted(found)]


def seed(y: Node, g: Any = None, what: str = "the cotangent") -> Any:
    """The cotangent (or tangent) a sweep starts from: g, or 1 for a value of one element."""
    if y._array.dtype.kind != "f":
        raise DTypeError(f"nothing to differentiate: {describe(y)} is not made of real numbers")
    if g is not None:
        return modes.interpreter().seed(g, y._array, what)
    if y._array.size != 1:
        raise ShapeError(
            f"a gradient starts from one number, and this value has shape {y._array.shape}\n"
            "  write  y.sum().backward()   for the gradient of the sum\n"
            "  or     y.backward(g)        with a cotangent g of that shape"
        )
    return np.ones_like(y._array) if y._array.ndim else y._array.dtype.type(1)


class Accumulator:
    """Gradients in progress: one is complete once every later node has added its share."""

    __slots__ = ("active", "interpreter", "owned", "pairs", "todo")

    def __init__(self, active: Collection[int] | None, interpreter: Interpreter) -> None:
        self.active, self.interpreter = active, interpreter
        self.pairs: dict[int, tuple[Any, Any]] = {}  # by serial: the node, and its gradient so far
        self.owned: set[int] = set()  # serials whose gradient is an unshared buffer
        # A heap of negative serials: the latest node comes first. Nodes without operands stay out of it.
        self.todo: list[int] = []

    def wants(self, x: Any) -> bool:
        """Whether x gets a gradient; constants do not."""
        return isinstance(x, Node) and (x.has_gradient if self.active is None else x.serial in self.active)

    def add(self, x: Node, c: Any, label: str) -> None:
        """Add one contribution to the gradient of x."""
        serial, data = x.serial, x._array
        if type(c) is ndarray:
            fits = c.dtype is data.dtype and c.shape == data.shape and c.ndim
        else:
            fits = type(c) is float64 and type(data) is float64
        if not fits:
            if data.dtype.kind != "f":
                return
            c = self.interpreter.reduce_to_shape(c, data, label)
        if serial not in self.pairs:
            if self.active is None or serial in self.active:
                self.pairs[serial] = (x, c)
                if x._a is not None:
                    heappush(self.todo, -serial)
            return
        g = self.pairs[serial][1]
        if serial in self.owned and not isinstance(c, Node):
            g += c
        else:
            self.pairs[serial] = (x, g + c)
            self.owned.discard(serial)

    def so_far(self, x: Node) -> Any:
        """The gradient of x so far, or None."""
        return self.pairs[x.serial][1] if x.serial in self.pairs else None

    def replace(self, x: Node, g: Any) -> None:
        """Take g for the gradient of x so far."""
        self.pairs[x.serial] = (x, g)

    def buffer(self, x: Node) -> Any:
        """The gradient of x so far, as a buffer to add to in place; a list for a node with several outputs."""
        serial = x.serial
        if serial not in self.pairs:
            start: Any = [None] * len(x._array) if type(x._array) is tuple else np.zeros_like(x._array)
            self.pairs[serial] = (x, start)
            if x._a is not None:
                heappush(self.todo, -serial)
        elif serial not in self.owned:
            self.pairs[serial] = (x, np.array(self.pairs[serial][1]))
        self.owned.add(serial)
        return self.pairs[serial][1]


class _Watched(Accumulator):
    """Gradients in progress while a debugger watches."""

    __slots__ = ("debugger", "source")

    def __init__(self, active: Collection[int] | None, interpreter: Interpreter, debugger: Any) -> None:
        super().__init__(active, interpreter)
        self.debugger = debugger
        self.source: Node | None = None  # the node whose rule is called

    def pass_on(self, y: Node) -> None:
        """Note that the next contributions come from y."""
        self.debugger.compare(y)
        self.source = y

    def add(self, x: Node, c: Any, label: str) -> None:
        """Inspect and add one contribution to the gradient of x."""
        if self.source is not None and x._array.dtype.kind == "f":
            c = self.interpreter.reduce_to_shape(c, x._array, label)
            self.debugger.inspect(c, self.source)
        super().add(x, c, label)


def _rules_alone(y: Node) -> bool:
    """Whether `_pull_back` handles a node with parameters: no operand is inside them, no rule adds in place."""
    made_by: Any = y.op
    return made_by.add is None and len(made_by.domain) == (1 if y._b is None else 2)


def _pull_back(y: Node, g: Any, pending: Accumulator) -> None:
    """Pass the gradient of a node on to its operands: the usual case, rules on arrays."""
    made_by: Any = y.op
    a, b, params = y._a, y._b, y.params
    kind, of_a, of_b = type(y), type(a), type(b)
    if of_a is Superseded or of_b is Superseded:
        _pull_back_any(y, g, pending, ())
        return
    output, rules = y._array, made_by.vjps
    x = a._array if of_a is kind else a
    # Without parameters, a plain call: one with ** builds a tuple and a dict first. With parameters,
    # `_pull_back_any` would take 3 µs longer, of the 100 of a small training step.
    if b is None:
        if of_a is kind and rules[0]:
            c = rules[0](g, output, x) if params is None else rules[0](g, output, x, **params)
            pending.add(a, c, made_by.label)
        return
    z = b._array if of_b is kind else b
    if of_a is kind and rules[0] and (pending.active is None or a.serial in pending.active):
        c = rules[0](g, output, x, z) if params is None else rules[0](g, output, x, z, **params)
        pending.add(a, c, made_by.label)
    if of_b is kind and rules[1] and (pending.active is None or b.serial in pending.active):
        c = rules[1](g, output, x, z) if params is None else rules[1](g, output, x, z, **params)
        pending.add(b, c, made_by.label)


def rule_arguments(
    y: Node, alive: Collection[int], interpreter: Interpreter = EAGER
) -> tuple[Any, list[Any], dict[str, Any]]:
    """The arguments of an op's rules: output, inputs, parameters; alive nodes as Values, others as constants."""
    made_by: Any = y.op
    constant = interpreter.constant
    args = [x if not isinstance(x, Node) or x.serial in alive else constant(x) for x in y.operands]
    args, params = restore_parameters(made_by, args, y.params)
    if y.serial not in alive:
        output, params = interpreter.output(y, params)
        return output, args, params
    params = {name: p for name, p in params.items() if name != "saved"}  # it would count as a constant
    return outputs(y), args, params


def outputs(y: Node) -> Any:
    """The output of an op: a Value, or a tuple of Values."""
    if type(y._array) is not tuple:
        return y
    return tuple(record(type(y), ITEM, (y,), {"k": k}) for k in range(len(y._array)))


def _pull_back_any(y: Any, g: Any, pending: Accumulator, alive: Collection[int]) -> None:
    """`_pull_back` for every case: parameters, many inputs, several outputs, rules that run on Values."""
    made_by, interpreter = y.op, pending.interpreter
    if type(y._array) is tuple:  # an output on which nothing depends has one 0, broadcast: rules can tell
        zeros = (np.broadcast_to(part.dtype.type(0), part.shape) for part in y._array)
        g = tuple(zero if c is None else c for c, zero in zip(g, zeros, strict=True))
    output, args, params = rule_arguments(y, alive, interpreter)
    if made_by.variadic:
        wanted = tuple(map(pending.wants, y.operands))
        shares = interpreter.call_joint_rule(made_by, wanted, (g, output, *args), params)
        for x, c, wants in zip(y.operands, shares, wanted, strict=True):
            if wants:
                pending.add(x, c() if callable(c) else c, made_by.label)
        return
    plain = interpreter.on_arrays and not (alive or isinstance(g, Node))
    in_place = made_by.add is not None and (made_by is ITEM or plain)
    for x, rule in zip(y.operands, made_by.vjps, strict=False):  # inputs inside parameters have no rule
        if rule is None or not pending.wants(x):
            continue
        if in_place and isinstance(x._array, (np.ndarray, tuple)):
            made_by.add(pending.buffer(x), g, output, *args, **params)
        else:
            interpreter.accumulate(pending, x, made_by, rule, (g, output, *args), params)


def sweep(y: N, g: Any) -> Iterator[tuple[N, Any]]:
    """Reverse sweep from the cotangent g: (node, its complete gradient) for every node that y depends on.

    Nodes are visited by descending serial, so a node's gradient is complete before it is passed on. Those
    without operands, which pass nothing on, come last.
    In  b = a + a; c = b + b  a sweep that followed edges instead would visit b twice, and pass on
    half of its gradient before the other half has arrived: a would get 2 + 4, not 4.
    Gradients may share memory with each other: call `unaliased` to keep one.
    """
    return sweep_from([(y, g)])


def sweep_from(
    seeds: Iterable[tuple[N, Any]],
    active: Collection[int] | None = None,
    alive: Collection[int] = (),
    ends: Collection[int] = (),
) -> Iterator[tuple[N, Any]]:
    """The reverse sweep from several nodes at once, each with its cotangent.

    active: serials of the nodes that get a gradient (all, by default).
    alive: serials of the nodes that rules get as Values, so that the gradient is itself recorded.
    ends: serials of the nodes where the sweep stops.
    """
    interpreter, debugger = modes.interpreter(), modes.debugger()
    watched = None if debugger is None else _Watched(active, interpreter, debugger)
    pending = watched or Accumulator(active, interpreter)
    usual = interpreter.on_arrays and not alive
    for y, g in seeds:
        pending.add(y, g, "seed")
    pairs, todo = pending.pairs, pending.todo
    while todo:
        serial = -heappop(todo)  # the node that was computed last: its gradient is complete
        pair = pairs.pop(serial)
        x, g = pair
        if type(x._array) is not tuple:  # a hidden node, with the outputs of an op that has several
            yield pair
        if serial in ends or not x.op.vjps:
            continue
        if watched is not None:
            watched.pass_on(x)
        if usual and x._b is not MANY and (x.params is None or _rules_alone(x)):
            try:
                _pull_back(x, g, pending)
            except ArgumentError:  # no rule for the first operand, which may be one that gets no gradient
                _pull_back_any(x, g, pending, alive)
        else:
            _pull_back_any(x, g, pending, alive)
    yield from pairs.values()
