"""Node: what the graph is made of, and how an operation is recorded on it.

What an operation computes and how it is differentiated stands in `rules/`; how a user writes it down, in
`value`; how gradients travel along the nodes, in `sweep`.
"""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np

from . import context, debugging, scopes
from . import rules as rules  # the pages fill the table
from .domain import REAL
from .errors import DTypeError, GradientLost, MinigradError, describe, failure
from .op import TABLE, Op, op
from .scopes import serials, waiting
from .standing import loose, plain, without_rules

ndarray, float64 = np.ndarray, np.float64
MANY: Final = object()  # in the second slot: the first holds a tuple of all operands


class Node:
    """One value in a graph: its data, and the op and the operands that it was computed from.

    Every node has a serial, which grows with creation: serial order is an order in which the graph can be
    computed. A node never refers to itself, so a graph is freed the moment its last name goes.
    """

    # A node has at most two operands in nearly every graph: two slots cost less than a tuple.
    # `origin` is set under `debug` alone, `mark` in a few nodes of each `scope`, and in a model's leaves.
    __slots__ = ("__weakref__", "_a", "_array", "_b", "_grad", "mark", "name", "op", "origin", "params", "serial")

    _array: Any
    _grad: Any
    _a: Any
    _b: Any
    op: Op | None
    params: dict[str, Any] | None
    serial: int
    name: str | None
    origin: debugging.Origin
    mark: scopes.Mark | scopes.Part

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


def _item(parts: tuple[Any, ...], k: int) -> Any:
    """One output of an op that has several."""
    return parts[k]


def _add_item(buffer: list[Any], g: Any, y: Any, parts: Any, k: int = 0) -> None:
    buffer[k] = g if buffer[k] is None else buffer[k] + g


def _take_item(t: tuple[Any, ...], y: Any, parts: Any, k: int = 0) -> Any:
    return t[k]


def _argument(x: Any) -> Any:  # the point at which a value enters a level of differentiation
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
    args = [x._array if type(x) is kind else x for x in operands]
    args = [*map(plain, args)] if context.blocks else args
    given = params or {}
    try:
        if params:
            args, given = placed(made_by, args, params)
        data = made_by.forward(*args, **given)
    except MinigradError:
        raise
    except Exception as error:
        raise failure(made_by, operands, params or {}, error) from error
    if made_by.saves:
        data, saved = data
        params = {**given, "saved": saved}
    if type(data) is ndarray and data.ndim and data.dtype.kind == "f" and made_by.vjps and not context.blocks:
        return linked(kind, data, made_by, operands, params)  # what nearly always happens
    if isinstance(data, (tuple, list)):
        differentiable = made_by.vjps and context.is_recording()
        kept = operands if differentiable or context.is_tracing() else ()
        hidden = linked(kind, tuple(data), without_rules(made_by, operands, differentiable), kept, params)
        parts = [record(kind, ITEM, (hidden,), {"k": k}) for k in range(len(data))]
        return type(data)(*parts) if hasattr(data, "_fields") else tuple(parts)
    return node(kind, data, made_by, operands, params)


def node(kind: type[Node], data: Any, made_by: Op, operands: tuple[Any, ...], params: Any = None) -> Any:
    """The node for one array or number that an op computed."""
    if type(data) is not float64:
        data = loose(data, made_by is ARGUMENT) if context.blocks else np.asarray(data)
        data = data if data.ndim else data[()]
    if data.dtype.kind not in "fiub":
        raise failure(made_by, operands, {}, TypeError(f"{data.dtype} has no derivatives here"), DTypeError)
    differentiable = made_by.vjps and data.dtype.kind == "f" and context.is_recording()
    # Where no gradient flows, the inputs are let go: a list of stored accuracies keeps no graph alive.
    made_by = without_rules(made_by, operands, differentiable) if context.blocks else made_by
    return linked(kind, data, made_by, operands if differentiable or context.is_tracing() else (), params)


def linked(kind: type[Node], data: Any, made_by: Op, operands: tuple[Any, ...], params: Any) -> Node:
    """A new node with its slots filled."""
    new = object.__new__(kind)
    new._array, new.op, new.serial = data, made_by, next(serials)
    new._grad = new._a = new._b = new.name = None
    new.params = params
    if len(operands) > 2 or made_by.variadic or type(data) is tuple:
        new._a, new._b = operands, MANY
    elif operands:
        new._a = operands[0]
        new._b = operands[1] if len(operands) == 2 else None
    if waiting:
        scopes.notice(new)
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
        if x._array.dtype.kind == "f":  # parameters have no rules: refused, not dropped from the gradient
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
