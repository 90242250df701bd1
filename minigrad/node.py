"""Node: what the graph is made of; how an operation is recorded on it; the backward sweep.

What an operation computes and how it is differentiated stands in `rules/`; how a user writes operations, in
`value`. Here is only what every operation shares: linking, ordering, unbroadcasting, accumulating.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, Self, TypeVar

import numpy as np

from . import context, debugging
from . import rules as rules  # the pages fill the table
from .cotangent import fitted, shaped, spread
from .domain import REAL
from .errors import DTypeError, GradientLost, MinigradError, ShapeError, describe, failure
from .op import TABLE, Op, op

ndarray, float64 = np.ndarray, np.float64
serials = count()
MANY: Final = object()  # in the second slot: the first holds a tuple of all operands


N = TypeVar("N", bound="Node")


class Node:
    """One value in a graph: its data, and the op and the operands that it was computed from.

    Every node has a serial, which grows with creation: serial order is an order in which the graph can be
    computed. A node never refers to itself, so a graph is freed the moment its last name goes.
    """

    # A node has at most two operands in nearly every graph: two slots cost less than a tuple.
    # `origin` is set under `debug` alone.
    __slots__ = ("__weakref__", "_a", "_b", "_data", "_grad", "name", "op", "origin", "params", "serial")

    _data: Any
    _grad: Any
    _a: Any
    _b: Any
    op: Op | None
    params: dict[str, Any] | None
    serial: int
    name: str | None
    origin: debugging.Origin

    @property
    def operands(self) -> tuple[Any, ...]:
        """All it was computed from, plain numbers and arrays included, in order and with repeats."""
        if self._b is MANY:
            return self._a  # type: ignore[no-any-return]
        if self._b is not None:
            return (self._a, self._b)
        return () if self._a is None else (self._a,)

    @property
    def inputs(self) -> tuple[Self, ...]:
        """The Values it was computed from, in the order of the operands, with repeats; () for a leaf."""
        return tuple(x for x in self.operands if isinstance(x, type(self)))

    @property
    def has_gradient(self) -> bool:
        """Whether a gradient can arrive here: a leaf, or computed from Values by an op that has a derivative."""
        return self.op is None or self.op is ARGUMENT or (self._a is not None and bool(self.op.vjps))


# ------------------------------------------------------------------------------------------------ recording


def _item(parts: tuple[Any, ...], k: int) -> Any:
    """One output of an op that has several."""
    return parts[k]


def _add_item(buffer: list[Any], g: Any, y: Any, parts: Any, k: int = 0) -> None:
    buffer[k] = g if buffer[k] is None else buffer[k] + g


def _take_item(t: tuple[Any, ...], y: Any, parts: Any, k: int = 0) -> Any:
    return t[k]


def _argument(x: Any) -> Any:
    """The point at which a value enters a level of differentiation."""
    return x


# The cotangent of a tuple is a list, which the items of the tuple fill: the rule and `add` are one.
op(_item, "item", "y = output k", domain=(REAL,), vjp=(_add_item,), jvp=(_take_item,), add=_add_item)
op(_argument, "argument", "y = x", domain=(REAL,), vjp=(lambda g, y, x: g,), jvp=(lambda t, y, x: t,))
# No user calls these two: they stand outside the table.
ITEM, ARGUMENT = TABLE.pop(_item), TABLE.pop(_argument)


def record(kind: type[Node], made_by: Op, operands: tuple[Any, ...], params: dict[str, Any] | None) -> Any:
    """Run an op on the data of its operands, and make the node (of that class) that remembers it.

    Several outputs give a tuple of nodes. Raises what NumPy raised, as an error that names the operands.
    """
    args = [x._data if isinstance(x, Node) else x for x in operands]
    try:
        args, given = placed(made_by, args, params)
        data = made_by.forward(*args, **given)
    except MinigradError:
        raise
    except Exception as error:
        raise failure(made_by, operands, params or {}, error) from error
    if made_by.saves:
        data, saved = data
        params = {**given, "saved": saved}
    if isinstance(data, (tuple, list)):
        differentiable = made_by.vjps and context.is_recording()
        hidden = linked(kind, tuple(data), made_by, operands if differentiable else (), params)
        parts = [record(kind, ITEM, (hidden,), {"k": k}) for k in range(len(data))]
        return type(data)(*parts) if hasattr(data, "_fields") else tuple(parts)
    return node(kind, data, made_by, operands, params)


def node(kind: type[Node], data: Any, made_by: Op, operands: tuple[Any, ...], params: Any = None) -> Any:
    """The node for one array or number that an op computed."""
    if type(data) is not float64 and np.ndim(data) == 0:
        data = np.asarray(data)[()]
    if data.dtype.kind not in "fiub":
        raise failure(made_by, operands, {}, TypeError(f"{data.dtype} has no derivatives here"), DTypeError)
    differentiable = made_by.vjps and data.dtype.kind == "f" and context.is_recording()
    # Where no gradient flows, the inputs are let go: a list of stored accuracies keeps no graph alive.
    return linked(kind, data, made_by, operands if differentiable or context.is_tracing() else (), params)


def linked(kind: type[Node], data: Any, made_by: Op, operands: tuple[Any, ...], params: Any) -> Node:
    """A new node with its slots filled."""
    new = object.__new__(kind)
    new._data, new._grad, new.op, new._a, new._b = data, None, made_by, None, None
    new.params, new.serial, new.name = params, next(serials), None
    if len(operands) > 2 or made_by.variadic:
        new._a, new._b = operands, MANY
    elif operands:
        new._a = operands[0]
        new._b = operands[1] if len(operands) == 2 else None
    if context.blocks and context.is_debugging():
        debugging.remember(new, operands)
    return new


class _Place:
    """Where, inside a parameter, an input stands: ``x[i]`` with a Value i."""

    def __init__(self, k: int) -> None:
        self.k = k


def lifted(operands: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any] | None]:
    """Nodes inside parameters become operands, after the others, and leave a place behind."""
    if not params:
        return operands, None
    found: list[Node] = []
    params = {name: _lift(x, found) for name, x in params.items()}
    return (*operands, *found), params


def placed(made_by: Op, args: list[Any], params: dict[str, Any] | None) -> tuple[list[Any], dict[str, Any]]:
    """The inverse of `lifted`, on data: the inputs proper, and parameters with their own inputs in place."""
    arity = len(made_by.domain)
    if not params or made_by.variadic or len(args) <= arity:
        return args, params or {}
    return args[:arity], {name: _put_back(x, args[arity:]) for name, x in params.items()}


# Written without inner functions: one that calls itself would be a cycle, and keep a graph until it is collected.
def _lift(x: Any, found: list[Node]) -> Any:
    if isinstance(x, Node):
        if x._data.dtype.kind == "f":  # parameters have no rules: refused, not dropped from the gradient
            raise GradientLost(
                f"a parameter has no derivative here, and this one is {describe(x)}\n"
                "  write  v.item()  or  v.data   to leave the graph on purpose"
            )
        found.append(x)
        return _Place(len(found) - 1)
    return type(x)([_lift(item, found) for item in x]) if type(x) in (tuple, list) else x


def _put_back(x: Any, extra: list[Any]) -> Any:
    if type(x) is _Place:
        return extra[x.k]
    return type(x)([_put_back(item, extra) for item in x]) if type(x) in (tuple, list) else x


# ---------------------------------------------------------------------------------------------- the way back


def graph(*ys: N, since: int = 0) -> list[N]:
    """Every node that the ys depend on, they included, in serial order: inputs before what is made of them.

    since: nodes with a smaller serial are listed, but what they were computed from is not.
    """
    found = {y.serial: y for y in ys}
    todo = [*found.values()]
    while todo:
        latest = todo.pop()
        for x in latest.inputs if latest.serial >= since else ():
            if x.serial not in found:
                found[x.serial] = x
                todo.append(x)
    return [found[serial] for serial in sorted(found)]


def seed(y: Node, g: Any = None) -> Any:
    """The cotangent a sweep starts from: g, or 1 for a value of one element."""
    if y._data.dtype.kind != "f":
        raise DTypeError(f"nothing to differentiate: {describe(y)} is not made of real numbers")
    if g is not None:
        return g if isinstance(g, Node) else shaped(g, y._data, "the cotangent")
    if y._data.size != 1:
        raise ShapeError(
            f"a gradient starts from one number, and this value has shape {y._data.shape}\n"
            "  write  y.sum().backward()   for the gradient of the sum\n"
            "  or     y.backward(g)        with a cotangent g of that shape"
        )
    return np.ones_like(y._data)[()]


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

    def pop(self) -> tuple[Any, Any]:
        """The node that was computed last, with its complete gradient."""
        serial = -heappop(self.todo)
        x, g = self.nodes.pop(serial), self.grads.pop(serial)
        if serial in self.owned:
            self.owned.remove(serial)
            if type(x._data) is tuple:
                g = tuple(np.zeros_like(part) if c is None else c for c, part in zip(g, x._data, strict=True))
            elif not g.ndim:
                g = g[()]
        return x, g

    def give(self, x: Node, c: Any, label: str) -> None:
        """Add one contribution to the gradient of x."""
        serial = x.serial
        if self.active is not None and serial not in self.active:
            return
        if type(c) is not float64 or type(x._data) is not float64:
            if x._data.dtype.kind != "f":
                return
            c = fitted(c, x._data, label)
        if self.giver is not None:
            debugging.inspect(c, self.giver, self.giver.operands)
        grads = self.grads
        if serial not in grads:
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
            grads[serial] = [None] * len(x._data) if type(x._data) is tuple else np.zeros_like(x._data)
            self.nodes[serial] = x
            heappush(self.todo, -serial)
        elif serial not in self.owned:
            grads[serial] = np.array(grads[serial])
        self.owned.add(serial)
        return grads[serial]


def _pull_back(y: Node, g: Any, pending: _Pending) -> None:
    """Hand the gradient of a node on to what it was computed from: the usual case, arrays and no parameters."""
    made_by: Any = y.op
    kind, a, b = type(y), y._a, y._b
    x = a._data if type(a) is kind else a
    if b is None:
        pending.give(a, made_by.vjps[0](g, y._data, x), made_by.label)
        return
    z = b._data if type(b) is kind else b
    if type(a) is kind and made_by.vjps[0]:
        pending.give(a, made_by.vjps[0](g, y._data, x, z), made_by.label)
    if type(b) is kind and made_by.vjps[1]:
        pending.give(b, made_by.vjps[1](g, y._data, x, z), made_by.label)


def _met(y: Node, alive: Collection[int]) -> tuple[Any, list[Any], dict[str, Any]]:
    """What the rules of an op meet: output, inputs, parameters; Values for what is alive, else their data."""
    made_by: Any = y.op
    output = y._data
    args = [x if not isinstance(x, Node) or x.serial in alive else x._data for x in y.operands]
    args, params = placed(made_by, args, y.params)
    if y.serial in alive:
        params = {name: p for name, p in params.items() if name != "saved"}  # it would count as a constant
        several = type(output) is tuple
        output = tuple(record(type(y), ITEM, (y,), {"k": k}) for k in range(len(output))) if several else y
    return output, args, params


def _pull_back_any(y: Node, g: Any, pending: _Pending, alive: Collection[int]) -> None:
    """The same for every case: parameters, many inputs, several outputs, rules that run on Values."""
    made_by: Any = y.op
    output, args, params = _met(y, alive)
    if made_by.variadic:
        for x, c in zip(y.operands, made_by.vjps[0](g, output, *args, **params), strict=True):
            if isinstance(x, Node):
                pending.give(x, c, made_by.label)
        return
    in_place = made_by is ITEM or not (alive or isinstance(g, Node))
    for x, rule in zip(y.operands, made_by.vjps, strict=False):  # inputs inside parameters have no rule
        if not isinstance(x, Node) or rule is None:
            continue
        if made_by.add is not None and in_place:
            made_by.add(pending.buffer(x), g, output, *args, **params)
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
    while pending.todo:
        x, g = pending.pop()
        if type(x._data) is not tuple:  # a hidden node, with the outputs of an op that has several
            yield x, g
        if x._a is None or not x.op.vjps or x.serial in ends:
            continue
        if debug:
            debugging.compare(x, x.operands)
            pending.giver = x
        if x.params is None and x._b is not MANY and not alive:
            _pull_back(x, g, pending)
        else:
            _pull_back_any(x, g, pending, alive)


def push(ys: Sequence[N], tangents: dict[int, Any], alive: Collection[int] = ()) -> dict[int, Any]:
    """Forward sweep: tangents by serial, those given and those of every node from which a y is computed.

    Nodes are visited by ascending serial: the same graph, and the same order, the other way round.
    """
    tangents = dict(tangents)
    for y in graph(*ys, since=min(tangents)):
        moved = [isinstance(x, Node) and x.serial in tangents for x in y.operands]
        if y.serial not in tangents and any(moved) and y.op is not None and y.op.jvps:
            tangents[y.serial] = _pushed(y, moved, tangents, alive)
    return tangents


def _pushed(y: Node, moved: list[bool], tangents: dict[int, Any], alive: Collection[int]) -> Any:
    """The tangent of one node, from those of its operands."""
    made_by: Any = y.op
    output, args, params = _met(y, alive)
    if made_by.variadic:
        ts = [
            tangents[x.serial] if moves else np.zeros(np.shape(x))
            for x, moves in zip(y.operands, moved, strict=True)
        ]
        total = made_by.jvps[0](ts, output, *args, **params)
    else:
        shares = [
            rule(tangents[x.serial], output, *args, **params)
            for x, rule, moves in zip(y.operands, made_by.jvps, moved, strict=False)
            if moves and rule is not None
        ]
        total = shares[0] if shares else np.zeros_like(y._data)
        for share in shares[1:]:
            total = total + share
    if type(y._data) is tuple:
        return tuple(spread(t, part) for t, part in zip(total, y._data, strict=True))
    return spread(total, y._data)
