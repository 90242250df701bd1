"""Node: one value in the graph, and how operations are recorded.

`rules/` differentiates operations, `value` is the user's interface, `backward` carries gradients along the nodes.
"""

from __future__ import annotations

from itertools import count
from typing import Any, Final, Self

import numpy as np

from . import modes
from .errors import DTypeError, GradientLost, MinigradError, describe, failure
from .modes import active_modes
from .op import TABLE, Op, op
from .sampling import REAL
from .tree import kind_of, leaves, tree_map

ndarray, float64 = np.ndarray, np.float64
serials = count()  # one for each node, in order of creation
_PLAIN: Final = {int, bool, str, slice, type(...), type(None)}  # parameters in which no node can be
MANY: Final = object()  # in the second slot: the first holds a tuple of all operands


class Node:
    """One value in a graph: its data, and the op and the operands that it was computed from.

    Serials grow with every new node, so inputs come before results. A node never refers to itself, so a graph is
    freed as soon as nothing refers to it.
    """

    # A node has at most two operands in nearly every graph: two slots cost less than a tuple.
    # Only `debug` sets `origin`; a few nodes of each `scope`, and a model's leaves, have a `mark`; views a `_view`.
    __slots__ = ("__weakref__", "_a", "_array", "_b", "_grad", "_view", "mark", "name", "op", "origin", "params",
                 "serial")  # fmt: skip

    _array: Any
    _grad: Any
    _a: Any
    _b: Any
    op: Op | None
    params: dict[str, Any] | None
    serial: int
    name: str | None
    origin: Any
    mark: Any
    _view: Any

    @property
    def operands(self) -> tuple[Any, ...]:
        """All operands, including plain numbers and arrays, in order and with repeats."""
        if self._b is None:
            return () if self._a is None else (live(self._a),)
        found = self._a if self._b is MANY else (self._a, self._b)
        return (*map(live, found),) if Superseded in map(type, found) else found

    @property
    def inputs(self) -> tuple[Self, ...]:
        """The Values it was computed from, in the order of the operands, with repeats; () for a leaf."""
        return tuple(x for x in self.operands if isinstance(x, type(self)))

    @property
    def has_gradient(self) -> bool:
        """Whether a gradient can arrive here: a leaf, or computed from Values by an op that has a derivative."""
        return self.op is None or self.op is ARGUMENT or (self._a is not None and bool(self.op.vjps))


class Superseded(Node):
    """The old object after  v += w: each use raises (see `in_place`), and the one in `_a` stands for its node."""

    __slots__ = ()


def live(x: Any) -> Any:
    """An operand as it is; for an object that was superseded, the one that stands for its node."""
    while type(x) is Superseded:
        x = x._a
    return x


def _item(parts: tuple[Any, ...], k: int) -> Any:
    """One output of an op that has several."""
    return parts[k]


def _add_item(buffer: list[Any], g: Any, y: Any, parts: Any, k: int = 0) -> None:
    buffer[k] = g if buffer[k] is None else buffer[k] + g


def _take_item(t: tuple[Any, ...], y: Any, parts: Any, k: int = 0) -> Any:
    return t[k]


def _argument(x: Any) -> Any:  # the point at which a value enters a level of differentiation
    return x


# The cotangent of a tuple is a list that its items fill: one function is the rule and `add`.
op(_item, "item", "y = output k", domain=(REAL,), vjp=(_add_item,), jvp=(_take_item,), add=_add_item)
op(_argument, "argument", "y = x", domain=(REAL,), vjp=(lambda g, y, x: g,), jvp=(lambda t, y, x: t,))
# Users never call these two, so they are not in the table.
ITEM, ARGUMENT = TABLE.pop(_item), TABLE.pop(_argument)


def record(kind: type[Node], made_by: Op, operands: tuple[Any, ...], params: dict[str, Any] | None) -> Any:
    """Run an op on the data of its operands, and make the node of class `kind` that records it.

    An op with several outputs gives a tuple of nodes. Errors of NumPy are raised with the operands named.
    """
    args = [x._array if type(x) is kind else x for x in operands]
    given: dict[str, Any] = {}
    try:
        if params:
            args, given = restore_parameters(made_by, args, params)
        if active_modes:
            data = modes.interpreter().compute(made_by, args, given)
        else:
            data = made_by.forward(*args, **given) if given else made_by.forward(*args)
    except MinigradError:
        raise
    except Exception as error:
        raise failure(made_by, operands, params or {}, error) from error
    if made_by.saves:
        data, saved = data
        params = {**given, "saved": saved}
    usual = type(data) is float64 or (type(data) is ndarray and data.ndim and data.dtype.kind == "f")
    if usual and made_by.vjps and not active_modes:  # the usual case: a gradient flows, and nothing watches
        made: Any = new_node(kind, data, made_by, operands, params)
    elif isinstance(data, (tuple, list)):
        differentiable = made_by.vjps and modes.is_recording()
        made_by, kept = modes.interpreter().keep(made_by, operands, differentiable)
        hidden = new_node(kind, tuple(data), made_by, kept, params)
        parts = [record(kind, ITEM, (hidden,), {"k": k}) for k in range(len(data))]
        made = type(data)(*parts) if hasattr(data, "_fields") else tuple(parts)
    else:
        made = result_node(kind, data, made_by, operands, params)
    if not made_by.gives_new:
        modes.note_views(made, operands)
    return made


def operate(kind: type[Node], made_by: Op, compute: Any, operands: tuple[Any, ...]) -> Any:
    """Run one of Python's operators on the data of its operands, and make the node that records it."""
    data: Any = [x._array if type(x) is kind else x for x in operands]
    try:
        data, made_by = modes.interpreter().operate(made_by, compute, *data)
    except Exception as error:
        raise failure(made_by, operands, {}, error) from error
    return result_node(kind, data, made_by, operands)


def result_node(kind: type[Node], data: Any, made_by: Op, operands: tuple[Any, ...], params: Any = None) -> Any:
    """The node for one array or number that an op computed."""
    interpreter = modes.interpreter()
    if type(data) is not float64:
        data = interpreter.as_array(data, made_by)
        data = data if data.ndim else data[()]
    if data.dtype.kind not in "fiub":
        raise failure(made_by, operands, {}, TypeError(f"{data.dtype} has no derivatives here"), DTypeError)
    differentiable = made_by.vjps and data.dtype.kind == "f" and modes.is_recording()
    made_by, kept = interpreter.keep(made_by, operands, differentiable)
    return new_node(kind, data, made_by, kept, params, operands)


def new_node(kind: type[Node], data: Any, made_by: Op, operands: Any, params: Any, given: Any = ()) -> Node:
    """A new node with its slots filled. given: all operands, for those that watch."""
    new = object.__new__(kind)
    new._array, new.op, new.serial = data, made_by, next(serials)
    new._grad = new._a = new._b = new.name = None
    new.params = params
    if len(operands) > 2 or made_by.variadic or type(data) is tuple:
        new._a, new._b = operands, MANY
    elif operands:
        new._a = operands[0]
        new._b = operands[1] if len(operands) == 2 else None
    if active_modes:
        modes.watch(new, given or operands)
    return new


class _Place:
    """The place of an input inside a parameter: ``x[i]`` with a Value i."""

    def __init__(self, k: int) -> None:
        self.k = k


def lift_inputs(operands: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any] | None]:
    """Move nodes inside parameters to the end of the operands, and leave a place for each."""
    if not params:
        return operands, None
    found: list[Node] = []

    def lift(x: Node) -> _Place:
        if x._array.dtype.kind == "f":  # parameters have no rules: refused, not dropped from the gradient
            raise GradientLost(
                f"a parameter has no derivative here, and this one is {describe(x)}\n"
                "  write  v.item()  or  v.data   to leave the graph on purpose"
            )
        found.append(x)
        return _Place(len(found) - 1)

    params = {name: x if type(x) in _PLAIN else _replace(x, Node, lift) for name, x in params.items()}
    return (*operands, *found), params


def restore_parameters(made_by: Op, args: list[Any], params: Any) -> tuple[list[Any], dict[str, Any]]:
    """The inverse of `lift_inputs`, on data: the inputs of the op, and parameters with their values put back."""
    arity = len(made_by.domain)
    if not params or made_by.variadic or len(args) <= arity:
        return args, params or {}
    return args[:arity], {name: _replace(x, _Place, lambda p: args[arity + p.k]) for name, x in params.items()}


def _replace(x: Any, cls: type, f: Any) -> Any:
    """A parameter with f(leaf) for each leaf of a class; a dict, dataclass or module without one stays the same."""
    if isinstance(x, cls):
        return f(x)
    if type(x) in (tuple, list):  # an axis or an index, in many ops: `tree_map` takes several times as long
        return type(x)([item if type(item) in _PLAIN else _replace(item, cls, f) for item in x])
    inside = leaves(x) if kind_of(x) else ()
    return tree_map(lambda leaf, _: _replace(leaf, cls, f), x) if any(isinstance(v, cls) for v in inside) else x
