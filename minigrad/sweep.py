"""The sweeps: gradients against the order of the graph, tangents along it.

A rule says what one op does with a cotangent or a tangent; here is what all of them share: the order, summing
out broadcasting, accumulating, and whether rules meet arrays or nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Any, TypeVar

import numpy as np

from . import context, debugging
from .cotangent import fitted, shaped, spread
from .errors import DTypeError, ShapeError, describe
from .node import ITEM, MANY, Node, placed, record
from .taped import applied, cotangent_given, give_on_tape, met_on_tape, shares, summed_out

N = TypeVar("N", bound=Node)
ndarray, float64 = np.ndarray, np.float64


def graph(*ys: N, since: int = 0) -> list[N]:
    """Every node that the ys depend on, they included, in serial order: inputs before what is made of them.

    since: nodes with a smaller serial are listed, but what they were computed from is not.
    """
    found: dict[int, Any] = {y.serial: y for y in ys}
    todo = [*found.values()]
    while todo:
        latest = todo.pop()
        if latest.serial < since:
            continue
        for x in latest._a if latest._b is MANY else (latest._a, latest._b):
            if isinstance(x, Node) and x.serial not in found:
                found[x.serial] = x
                todo.append(x)
    return [found[serial] for serial in sorted(found)]


def seed(y: Node, g: Any = None, what: str = "the cotangent") -> Any:
    """The cotangent (or tangent) a sweep starts from: g, or 1 for a value of one element."""
    if y._array.dtype.kind != "f":
        raise DTypeError(f"nothing to differentiate: {describe(y)} is not made of real numbers")
    if g is not None:
        return cotangent_given(g, y._array, what) if isinstance(g, Node) else shaped(g, y._array, what)
    if y._array.size != 1:
        raise ShapeError(
            f"a gradient starts from one number, and this value has shape {y._array.shape}\n"
            "  write  y.sum().backward()   for the gradient of the sum\n"
            "  or     y.backward(g)        with a cotangent g of that shape"
        )
    return np.ones_like(y._array) if y._array.ndim else y._array.dtype.type(1)


class _Pending:
    """Gradients on their way: complete once every node that was computed later has given its share."""

    __slots__ = ("active", "giver", "grads", "nodes", "owned", "todo")

    def __init__(self, active: Collection[int] | None) -> None:
        self.active = active
        self.giver: Node | None = None  # under `debug`: the node whose rule is being asked
        self.nodes: dict[int, Any] = {}
        self.grads: dict[int, Any] = {}
        self.owned: set[int] = set()  # serials whose gradient is a buffer that nobody else holds
        self.todo: list[int] = []  # a heap of negative serials: the latest node comes first

    def wants(self, x: Any) -> bool:
        """Whether a contribution to the gradient of x would be kept: nobody computes one for a constant."""
        return isinstance(x, Node) and (self.active is None or x.serial in self.active)

    def give(self, x: Node, c: Any, label: str) -> None:
        """Add one contribution to the gradient of x."""
        serial, grads, data = x.serial, self.grads, x._array
        if (type(c) is not float64 or type(data) is not float64) and (
            type(c) is not ndarray or c.dtype is not data.dtype or c.shape != data.shape or not c.ndim
        ):
            if data.dtype.kind != "f":
                return
            c = fitted(c, data, label) if not context.blocks else summed_out(c, data, label)
        if self.giver is not None:
            debugging.inspect(c, self.giver, self.giver.operands)
        if serial not in grads:
            if self.active is None or serial in self.active:
                self.nodes[serial], grads[serial] = x, c
                heappush(self.todo, -serial)
        elif serial in self.owned and not isinstance(c, Node):
            grads[serial] += c
        else:
            grads[serial] = grads[serial] + c
            self.owned.discard(serial)

    def buffer(self, x: Node) -> Any:
        """The gradient of x so far, as a buffer to be added to in place; a list, for a node of several outputs."""
        serial, grads = x.serial, self.grads
        if serial not in grads:
            grads[serial] = [None] * len(x._array) if type(x._array) is tuple else np.zeros_like(x._array)
            self.nodes[serial] = x
            heappush(self.todo, -serial)
        elif serial not in self.owned:
            grads[serial] = np.array(grads[serial])
        self.owned.add(serial)
        return grads[serial]


def _pull_back(y: Node, g: Any, give: Callable[[Any, Any, str], None]) -> None:
    """Hand the gradient of a node on to what it was computed from: the usual case, arrays and no parameters."""
    made_by: Any = y.op
    kind, a, b = type(y), y._a, y._b
    output, rules = y._array, made_by.vjps
    x = a._array if type(a) is kind else a
    if b is None:
        give(a, rules[0](g, output, x), made_by.label)
        return
    z = b._array if type(b) is kind else b
    if type(a) is kind and rules[0]:
        give(a, rules[0](g, output, x, z), made_by.label)
    if type(b) is kind and rules[1]:
        give(b, rules[1](g, output, x, z), made_by.label)


def met(y: Node, alive: Collection[int]) -> tuple[Any, list[Any], dict[str, Any]]:
    """What the rules of an op meet: output, inputs, parameters; Values for what is alive, else their data."""
    made_by: Any = y.op
    output = y._array
    if context.blocks and context.tape():
        return met_on_tape(y, alive)
    args = [x if not isinstance(x, Node) or x.serial in alive else x._array for x in y.operands]
    args, params = placed(made_by, args, y.params)
    if alive and y.serial in alive:
        params = {name: p for name, p in params.items() if name != "saved"}  # it would count as a constant
        several = type(output) is tuple
        output = tuple(record(type(y), ITEM, (y,), {"k": k}) for k in range(len(output))) if several else y
    return output, args, params


def _pull_back_any(y: Node, g: Any, pending: _Pending, alive: Collection[int]) -> None:
    """The same for every case: parameters, many inputs, several outputs, rules that run on Values."""
    made_by: Any = y.op
    if type(y._array) is tuple:
        g = tuple(np.zeros_like(part) if c is None else c for c, part in zip(g, y._array, strict=True))
    output, args, params = met(y, alive)
    if made_by.variadic:
        for x, c in zip(y.operands, shares(made_by, pending, y, (g, output, *args), params), strict=True):
            if pending.wants(x):
                pending.give(x, c() if callable(c) else c, made_by.label)
        return
    in_place = made_by is ITEM or not (alive or isinstance(g, Node))
    for x, rule in zip(y.operands, made_by.vjps, strict=False):  # inputs inside parameters have no rule
        if rule is None or not pending.wants(x):
            continue
        if made_by.add is not None and in_place and isinstance(x._array, (np.ndarray, tuple)):
            made_by.add(pending.buffer(x), g, output, *args, **params)
        elif context.blocks and context.tape():
            give_on_tape(pending, x, made_by, rule, (g, output, *args), params)
        else:
            pending.give(x, rule(g, output, *args, **params), made_by.label)


def sweep(y: N, g: Any) -> Iterator[tuple[N, Any]]:
    """Reverse sweep: pairs (node, complete gradient of y, pulled back from g), for every node y depends on.

    Nodes are visited by descending serial, so a node's gradient is complete before it is passed on.
    In  b = a + a; c = b + b  a sweep that followed edges instead would visit b twice, and hand on
    half of its gradient before the other half has arrived: a would get 2 + 4, not 4.
    Gradients may share memory with each other: whoever keeps one makes it `private`.
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
    alive: serials of the nodes that rules meet as Values, so that the gradient is itself recorded.
    ends: serials of the nodes where the way back ends, whatever they were computed from.
    """
    pending, debug = _Pending(active), context.is_debugging()
    for y, g in seeds:
        pending.give(y, g, "seed")
    nodes, grads, todo, give = pending.nodes, pending.grads, pending.todo, pending.give
    while todo:
        serial = -heappop(todo)  # the node that was computed last: its gradient is complete
        x, g = nodes.pop(serial), grads.pop(serial)
        if type(x._array) is not tuple:  # a hidden node, with the outputs of an op that has several
            yield x, g
        if x._a is None or not x.op.vjps or serial in ends:
            continue
        if debug:
            debugging.compare(x, x.operands)
            pending.giver = x
        if x.params is None and x._b is not MANY and not alive and not (context.blocks and context.tape()):
            _pull_back(x, g, give)
        else:
            _pull_back_any(x, g, pending, alive)


def push(ys: Sequence[N], tangents: dict[int, Any], alive: Collection[int] = ()) -> dict[int, Any]:
    """Forward sweep: tangents by serial, those given and those of every node from which a y is computed.

    Nodes are visited by ascending serial: the same graph, and the same order, the other way round.
    """
    tangents, debug = dict(tangents), context.is_debugging()
    for y in graph(*ys, since=min(tangents)):
        moved = [isinstance(x, Node) and x.serial in tangents for x in y.operands]
        if y.serial not in tangents and any(moved) and y.op is not None and y.op.jvps:
            tangents[y.serial] = t = _pushed(y, moved, tangents, alive)
            if debug:
                debugging.compare(y, y.operands)
                debugging.inspect(t, y, y.operands)
    return tangents


def _pushed(y: Node, moved: list[bool], tangents: dict[int, Any], alive: Collection[int]) -> Any:
    """The tangent of one node, from those of its operands."""
    made_by: Any = y.op
    output, args, params = met(y, alive)
    if made_by.variadic:
        given = [tangents[x.serial] if m else np.zeros(np.shape(x)) for x, m in zip(y.operands, moved, strict=True)]
        moves = [applied(made_by, made_by.jvps[0], (given, output, *args), params)]
    else:
        rules = zip(y.operands, made_by.jvps, moved, strict=False)  # inputs inside parameters have no rule
        given = [(rule, (tangents[x.serial], output, *args)) for x, rule, m in rules if m and rule]
        moves = [applied(made_by, rule, each, params) for rule, each in given]
    if type(y._array) is tuple:
        return tuple(_total([move[k] for move in moves], part) for k, part in enumerate(y._array))
    return _total(moves, y._array)


def _total(shares: list[Any], data: Any) -> Any:
    """The sum of what each input contributes to a tangent, in the shape and type of the data."""
    return spread(sum(shares[1:], start=shares[0]) if shares else np.zeros_like(data), data)
