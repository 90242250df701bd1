"""Value: a node of the graph; how an operation is recorded; the backward sweep.

What an operation computes and how it is differentiated stands in `rules/`; what users differentiate with, in
`transforms`. Here is only what every operation shares: wrapping, recording, unbroadcasting, accumulating.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, final

import numpy as np

from . import rules as rules  # the pages fill the table
from .context import tracing
from .conversions import Conversions
from .cotangent import fitted, private, shaped
from .domain import REAL
from .errors import (
    ArgumentError,
    DTypeError,
    GradientLost,
    InPlaceError,
    MinigradError,
    NotALeaf,
    ShapeError,
    describe,
    failure,
)
from .methods import ArrayMethods
from .op import TABLE, Op, op
from .protocols import NumPyProtocols

ndarray, float64 = np.ndarray, np.float64
_new = object.__new__
_serials = count()
_MANY: Final = object()  # in the second slot: the first holds a tuple of all operands

# ---------------------------------------------------------------------------------------------- operators


def _binary(function: np.ufunc, compute: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
    """The method behind an operator of Python. Scalars are what it must be fast for."""
    record_of = TABLE[function]

    def method(self: Value, other: Any) -> Any:
        if type(other) is Value:
            x, y = self._data, other._data
        else:
            if type(other) is not float and type(other) is not int:
                other = _constant(other)
                if other is NotImplemented:
                    return NotImplemented
            x, y = self._data, other
        a, b = self, other
        if swapped:
            a, b, x, y = b, a, y, x
        try:
            data = compute(x, y)
        except Exception as error:
            raise failure(record_of, (a, b), {}, error) from error
        if type(data) is not float64 and data.dtype.kind != "f":
            return _node(data, record_of, (a, b), None)
        node = _new(Value)
        node._data, node._grad, node.op, node._a, node._b = data, None, record_of, a, b
        node.params, node.serial, node.name = None, next(_serials), None
        return node

    return method


def _in_place(method: Callable[[Any, Any], Any], symbol: str) -> Any:
    """v += w is v = v + w, except where that would do less than it does to an array."""

    def in_place(self: Value, other: Any) -> Any:
        if self.op is None and not isinstance(other, Value):
            name = self.name or "w"
            raise InPlaceError(
                f"{name} {symbol}= ... would make a new value and leave this leaf as it was\n"
                f"  write  {name}.data {symbol}= ...   to change the leaf\n"
                f"  or     {name} = {name} {symbol} ...   to compute a new value"
            )
        if any(np.may_share_memory(self._data, x._data) for x in self.inputs if isinstance(self._data, ndarray)):
            raise InPlaceError(
                f"{symbol}= on a view (made by {self.op.label if self.op else '?'}) would not reach "
                "the value it looks into\n  write  y = minigrad.put(y, index, values)"
            )
        return method(self, other)

    return in_place


@final
class Value(ArrayMethods, Conversions, NumPyProtocols):
    """A number or an array that remembers what it was computed from.

    data: anything NumPy makes a real array of; it is copied, and integers become float64.
    name: what pictures, explanations and errors call it.

    `data`, `grad` (None until a backward sweep arrives), `name`; `op` (None for a leaf), `inputs`, `params`;
    `serial`, which grows with every node: serial order is an order in which the graph can be computed.

    Python's operators, NumPy's functions and the usual methods of an array work on it. Raises DTypeError for
    complex numbers, objects and text.
    """

    # A node has at most two operands in nearly every graph: two slots cost less than a tuple.
    __slots__ = ("__weakref__", "_a", "_b", "_data", "_grad", "name", "op", "params", "serial")

    _data: Any
    _grad: Any
    _a: Any
    _b: Any
    op: Op | None
    params: dict[str, Any] | None
    serial: int
    name: str | None

    def __init__(self, data: Any, name: str | None = None) -> None:
        self._data = _leaf_data(data)
        self._grad = self.op = self._a = self._b = self.params = None
        self.serial, self.name = next(_serials), name

    __add__, __radd__ = _binary(np.add, operator.add), _binary(np.add, operator.add, True)
    __sub__, __rsub__ = _binary(np.subtract, operator.sub), _binary(np.subtract, operator.sub, True)
    __mul__, __rmul__ = _binary(np.multiply, operator.mul), _binary(np.multiply, operator.mul, True)
    __truediv__, __rtruediv__ = _binary(np.divide, operator.truediv), _binary(np.divide, operator.truediv, True)
    __pow__, __rpow__ = _binary(np.power, operator.pow), _binary(np.power, operator.pow, True)
    __matmul__, __rmatmul__ = _binary(np.matmul, operator.matmul), _binary(np.matmul, operator.matmul, True)
    __floordiv__ = _binary(np.floor_divide, operator.floordiv)
    __rfloordiv__ = _binary(np.floor_divide, operator.floordiv, True)
    __mod__, __rmod__ = _binary(np.remainder, operator.mod), _binary(np.remainder, operator.mod, True)
    __lt__, __le__ = _binary(np.less, operator.lt), _binary(np.less_equal, operator.le)
    __gt__, __ge__ = _binary(np.greater, operator.gt), _binary(np.greater_equal, operator.ge)
    __eq__, __ne__ = _binary(np.equal, operator.eq), _binary(np.not_equal, operator.ne)
    __and__ = __rand__ = _binary(np.bitwise_and, operator.and_)
    __or__ = __ror__ = _binary(np.bitwise_or, operator.or_)
    __xor__ = __rxor__ = _binary(np.bitwise_xor, operator.xor)
    __iadd__, __isub__ = _in_place(__add__, "+"), _in_place(__sub__, "-")
    __imul__, __itruediv__ = _in_place(__mul__, "*"), _in_place(__truediv__, "/")
    __ipow__, __imatmul__ = _in_place(__pow__, "**"), _in_place(__matmul__, "@")
    __hash__ = object.__hash__

    # fmt: off
    def __neg__(self) -> Value: return self._call(np.negative)
    def __pos__(self) -> Value: return self._call(np.positive)
    def __abs__(self) -> Value: return self._call(np.absolute)
    def __invert__(self) -> Value: return self._call(np.invert)
    def __round__(self, digits: int = 0) -> Value: return self._call(np.round, decimals=digits)
    def __divmod__(self, other: Any) -> tuple[Value, Value]: return self // other, self % other
    # fmt: on

    def __getitem__(self, index: Any) -> Value:
        if isinstance(index, Value) and index._data.dtype.kind not in "iub":
            raise IndexError(f"an index is made of integers, slices or truth values, not of {describe(index)}")
        return _record(_GETITEM, *_lifted((self,), {"index": index}))

    def __iter__(self) -> Iterator[Value]:
        if not self.ndim:
            raise TypeError("a Value of one number has no rows to go through")
        return (self[i] for i in range(len(self)))

    def _apply(self, record_of: Op, args: Any, kwargs: dict[str, Any]) -> Any:
        return _record(record_of, *_lifted(*record_of.arguments(args, kwargs)))

    def _call(self, function: Callable[..., Any], *more: Any, **params: Any) -> Any:
        return _record(TABLE[function], (self, *(_operand(x) for x in more)), params or None)

    # ------------------------------------------------------------------------------ the node in its graph

    @property
    def operands(self) -> tuple[Any, ...]:
        """All it was computed from, plain numbers and arrays included, in order and with repeats."""
        if self._b is _MANY:
            return self._a  # type: ignore[no-any-return]
        if self._b is not None:
            return (self._a, self._b)
        return () if self._a is None else (self._a,)

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The Values it was computed from, in the order of the operands, with repeats; () for a leaf."""
        return tuple(x for x in self.operands if type(x) is Value)

    @property
    def has_gradient(self) -> bool:
        """Whether a gradient can arrive here: a leaf, or computed from Values by an op that has a derivative."""
        return self._a is not None or self.op is None or self.op is _ARGUMENT

    @property
    def data(self) -> Any:
        """The array, or for a scalar the NumPy number. Assigning converts, or refuses what is no real array."""
        self._refuse_while_tracing("data")
        return self._data

    @data.setter
    def data(self, new: Any) -> None:
        if new is not self._data:  # as it is in  w.data -= ...
            self._data = _leaf_data(new)

    @property
    def grad(self) -> Any:
        """The gradient: of a leaf, added up over all sweeps; of an inner node, that of the latest one."""
        if type(self._grad) is tuple:  # as it came from the sweep, where nodes may share it
            self._grad = self._grad[0].copy()
        return self._grad

    @grad.setter
    def grad(self, new: Any) -> None:
        if isinstance(new, Value):
            raise GradientLost("a gradient is a plain array or number\n  write  v.grad = g.data")
        self._grad = None if new is None else shaped(new, self._data, "the gradient")

    def backward(self, g: Any = None) -> None:
        """Add the gradient of this value to the `.grad` of every leaf it was computed from.

        g: the cotangent, of this value's shape; may be left out for a value of one element (then it is 1).
        Saying it twice adds twice. Inner nodes get the gradient of this sweep. Raises ShapeError.
        """
        g = seed(self, g)
        taken, at_leaves = {id(g)}, []
        with np.errstate(divide="ignore", invalid="ignore"):  # infinite slopes are in the table of kinks
            for node, gradient in sweep(self, g):
                if node.op is None:
                    at_leaves.append((node, gradient))
                elif type(gradient) is ndarray:
                    node._grad = (gradient,)
                    taken.add(id(gradient))
                else:
                    node._grad = gradient
        for node, gradient in at_leaves:
            node._grad = private(gradient, taken) if node._grad is None else node.grad + gradient

    def __copy__(self) -> Value:
        return _restored(*self.__reduce__()[1])

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return _restored(*self.__reduce__()[1])

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        if self._a is not None:
            raise NotALeaf(
                f"only a leaf can be copied or pickled, and this value was made by {self.op.label if self.op else ''}\n"
                "  write  Value(v.data)   for a leaf of the same numbers"
            )
        return _restored, (self._data, self.name, self.grad)


_GETITEM = TABLE[operator.getitem]


def _item(parts: tuple[Any, ...], k: int) -> Any:
    """One output of an op that has several."""
    return parts[k]


def _add_item(buffer: list[Any], g: Any, y: Any, parts: Any, k: int = 0) -> None:
    buffer[k] = g if buffer[k] is None else buffer[k] + g


op(
    _item,
    "item",
    "y = output k",
    domain=(REAL,),
    vjp=(_add_item,),  # the cotangent of a tuple is a list that its items fill, so both rules are one
    jvp=(lambda t, y, parts, k=0: t[k],),
    add=_add_item,
)


def _argument(x: Any) -> Any:
    """Where a value enters a level of differentiation."""
    return x


op(_argument, "argument", "y = x", domain=(REAL,), vjp=(lambda g, y, x: g,), jvp=(lambda t, y, x: t,))
# No user calls these two: they stand outside the table.
_ITEM, _ARGUMENT = TABLE.pop(_item), TABLE.pop(_argument)

# ------------------------------------------------------------------------------------- wrapping and recording


def _constant(x: Any) -> Any:
    """A plain operand as the rules may meet it: a number or an array; NotImplemented for what is neither."""
    if isinstance(x, (int, float, complex, np.number, np.bool_, ndarray)):
        return x
    return np.asarray(x) if isinstance(x, (list, tuple)) else NotImplemented


def _operand(x: Any) -> Any:
    """An operand of a function: a Value, or whatever NumPy makes an array of."""
    if type(x) is Value:
        return x
    constant = _constant(x)
    return np.asarray(x) if constant is NotImplemented else constant


def _leaf_data(data: Any) -> Any:
    """The data of a leaf: an array of its own, of floats; a NumPy number for a scalar."""
    if isinstance(data, Value):
        raise DTypeError("a Value cannot hold a Value\n  write  Value(v.data)   for a leaf of the same numbers")
    array = np.array(data)
    if array.dtype.kind in "iub":
        array = array.astype(float64)
    if array.dtype.kind != "f":
        raise DTypeError(
            f"a Value holds real numbers, got {array.dtype} from {type(data).__name__}\n"
            "  complex numbers, objects and text have no gradient here"
        )
    return array if array.ndim else array[()]


def _node(data: Any, record_of: Op, operands: tuple[Any, ...], params: dict[str, Any] | None) -> Any:
    """A node for what an op computed."""
    if type(data) is tuple or type(data) is list:
        return _parts(tuple(data), record_of, operands, params)
    if type(data) is not float64:
        data = np.asarray(data)[()] if not np.ndim(data) else data
        if data.dtype.kind == "c":
            raise DTypeError(failure(record_of, operands, {}, TypeError("complex numbers have no rules here")))
    node = _new(Value)
    node._data, node._grad, node.op, node._a, node._b = data, None, record_of, None, None
    node.params, node.serial, node.name = params, next(_serials), None
    if (record_of.vjps and data.dtype.kind == "f") or tracing():  # else no gradient flows, and no graph is kept
        _link(node, operands)
    return node


def _link(node: Value, operands: tuple[Any, ...]) -> None:
    if len(operands) < 2:
        node._a = operands[0] if operands else None
    elif len(operands) == 2:
        node._a, node._b = operands
    else:
        node._a, node._b = operands, _MANY


def _parts(data: tuple[Any, ...], record_of: Op, operands: tuple[Any, ...], params: Any) -> tuple[Any, ...]:
    """Several outputs: a hidden node holds the tuple, and each part is read out of it."""
    if not record_of.vjps and not tracing():
        return tuple(_node(part, record_of, (), params) for part in data)
    hidden = _new(Value)
    hidden._data, hidden._grad, hidden.op, hidden._a, hidden._b = data, None, record_of, None, None
    hidden.params, hidden.serial, hidden.name = params, next(_serials), None
    _link(hidden, operands)
    return tuple(_record(_ITEM, (hidden,), {"k": k}) for k in range(len(data)))


def _record(record_of: Op, operands: tuple[Any, ...], params: dict[str, Any] | None = None) -> Any:
    """Run an op on the data of its operands and remember how it was done."""
    args = [x._data if type(x) is Value else x for x in operands]
    try:
        args, given = _placed(record_of, args, params)
        data = record_of.forward(*args, **given)
    except MinigradError:
        raise
    except Exception as error:
        raise failure(record_of, operands, params or {}, error) from error
    if record_of.saves:
        data, saved = data
        params = {**given, "saved": saved}
    return _node(data, record_of, operands, params)


class _Place:
    """Where, inside a parameter, an input stands: ``x[i]`` with a Value i."""

    def __init__(self, k: int) -> None:
        self.k = k


def _lifted(operands: tuple[Any, ...], params: dict[str, Any]) -> tuple[Op, Any, Any]:
    """Values inside parameters become inputs, after the others, and leave a place behind."""
    found: list[Any] = []

    def lift(x: Any) -> Any:
        if type(x) is Value:
            found.append(x)
            return _Place(len(found) - 1)
        return type(x)(map(lift, x)) if isinstance(x, (tuple, list)) else x

    params = {name: lift(x) for name, x in params.items()}
    return (*map(_operand, operands), *found), params or None


def _placed(record_of: Op, args: list[Any], params: dict[str, Any] | None) -> tuple[list[Any], dict[str, Any]]:
    """The inverse of `_lifted`, on data: inputs proper, and parameters with their inputs in place."""
    arity = len(record_of.domain)
    if not params or record_of.variadic or len(args) <= arity:
        return args, params or {}
    extra = args[arity:]

    def place(x: Any) -> Any:
        if isinstance(x, _Place):
            return extra[x.k]
        return type(x)(map(place, x)) if isinstance(x, (tuple, list)) else x

    return args[:arity], {name: place(x) for name, x in params.items()}


def _restored(data: Any, name: str | None, grad: Any) -> Value:
    leaf = Value(data, name)
    leaf.grad = grad
    return leaf


def argument(x: Any) -> Value:
    """The node at which x enters a level of differentiation: on that level, the end of the way back.

    A Value is the input of its node; over plain numbers (not copied) the node has none, and is a constant to
    every other level.
    """
    if type(x) is Value:
        return _node(x._data, _ARGUMENT, (x,), None)  # type: ignore[no-any-return]
    data = np.asarray(x)
    return _node(data.astype(float64) if data.dtype.kind in "iub" else data, _ARGUMENT, (), None)  # type: ignore


# --------------------------------------------------------------------------------------------- the way back


def graph(y: Value, since: int = 0) -> list[Value]:
    """Every node y depends on, y included, in serial order: inputs stand before what is computed from them.

    since: nodes with a smaller serial are listed, but what they were computed from is not.
    """
    found, todo = {y.serial: y}, [y]
    while todo:
        node = todo.pop()
        for x in node.inputs if node.serial >= since else ():
            if x.serial not in found:
                found[x.serial] = x
                todo.append(x)
    return [found[serial] for serial in sorted(found)]


def seed(y: Value, g: Any = None) -> Any:
    """The cotangent a sweep starts from: g, or 1 for a value of one element."""
    if y._data.dtype.kind != "f":
        raise DTypeError(f"nothing to differentiate: {describe(y)} is not made of real numbers")
    if g is not None:
        return g if type(g) is Value else shaped(g, y._data, "the cotangent")
    if y._data.size != 1:
        raise ShapeError(
            f"a gradient starts from one number, and this value has shape {y.shape}\n"
            "  write  y.sum().backward()   for the gradient of the sum\n"
            "  or     y.backward(g)        with a cotangent g of that shape"
        )
    return np.ones_like(y._data)[()]


class _Pending:
    """Gradients on their way: complete once every node that was computed later has given its share."""

    __slots__ = ("active", "grads", "nodes", "owned", "todo")

    def __init__(self, y: Value, g: Any, active: Collection[int] | None) -> None:
        self.active = active
        self.nodes = {y.serial: y}
        self.grads = {y.serial: g}
        self.owned: set[int] = set()  # serials whose gradient is a buffer that nobody else holds
        self.todo = [-y.serial]  # a heap: the latest node comes first

    def pop(self) -> tuple[Value, Any]:
        """The latest node, with its complete gradient."""
        serial = -heappop(self.todo)
        node, g = self.nodes.pop(serial), self.grads.pop(serial)
        if type(node._data) is tuple:
            g = tuple(np.zeros_like(part) if c is None else c for c, part in zip(g, node._data, strict=True))
        return node, g

    def give(self, x: Value, c: Any, label: str) -> None:
        """Add one contribution to the gradient of x."""
        serial = x.serial
        if self.active is not None and serial not in self.active:
            return
        if type(c) is not float64 or type(x._data) is not float64:
            if x._data.dtype.kind != "f":
                return
            c = fitted(c, x._data, label)
        grads = self.grads
        if serial not in grads:
            self.nodes[serial], grads[serial] = x, c
            heappush(self.todo, -serial)
        elif serial in self.owned and type(c) is not Value:
            grads[serial] += c
        else:
            grads[serial] = grads[serial] + c
            self.owned.discard(serial)

    def buffer(self, x: Value) -> Any:
        """The gradient of x so far, as a buffer to be added to in place; a list, for a node of several outputs."""
        serial, grads = x.serial, self.grads
        if serial not in grads:
            grads[serial] = [None] * len(x._data) if type(x._data) is tuple else np.zeros_like(x._data)
            self.nodes[serial] = x
            heappush(self.todo, -serial)
        elif serial not in self.owned:
            grads[serial] = grads[serial].copy()
        self.owned.add(serial)
        return grads[serial]


def _pull_back(node: Value, g: Any, pending: _Pending) -> None:
    """Hand the gradient of a node on to what it was computed from: the usual case, numbers and no parameters."""
    op: Any = node.op
    a, b = node._a, node._b
    x = a._data if type(a) is Value else a
    if b is None:
        pending.give(a, op.vjps[0](g, node._data, x), op.label)
        return
    y = b._data if type(b) is Value else b
    if type(a) is Value and op.vjps[0]:
        pending.give(a, op.vjps[0](g, node._data, x, y), op.label)
    if type(b) is Value and op.vjps[1]:
        pending.give(b, op.vjps[1](g, node._data, x, y), op.label)


def _pull_back_any(node: Value, g: Any, pending: _Pending, alive: Collection[int]) -> None:
    """The same for every case: parameters, many inputs, several outputs, rules that run on Values."""
    op: Any = node.op
    operands, y = node.operands, node._data
    args = [x if type(x) is not Value or x.serial in alive else x._data for x in operands]
    args, params = _placed(op, args, node.params)
    if node.serial in alive:
        params = {name: p for name, p in params.items() if name != "saved"}  # it would be a constant
        y = tuple(_record(_ITEM, (node,), {"k": k}) for k in range(len(y))) if type(y) is tuple else node
    if op.variadic:
        rule = op.vjps[0]
        for x, c in zip(operands, rule(g, y, *args, **params), strict=True):
            if type(x) is Value:
                pending.give(x, c, op.label)
        return
    for x, rule in zip(operands, op.vjps, strict=False):  # inputs inside parameters have no rule
        if type(x) is not Value or rule is None:
            continue
        if op.add is not None and (type(x._data) is tuple or not (type(g) is Value or alive)):
            op.add(pending.buffer(x), g, y, *args, **params)
        else:
            pending.give(x, rule(g, y, *args, **params), op.label)


def sweep(
    y: Value, g: Any, active: Collection[int] | None = None, alive: Collection[int] = ()
) -> Iterator[tuple[Value, Any]]:
    """Reverse sweep: pairs (node, complete gradient of y, pulled back from g), for every node y depends on.

    Nodes are visited by descending serial, so a node's gradient is complete before it is passed on.
    In  b = a + a; c = b + b  a sweep that followed edges instead would visit b twice, and hand on
    half of its gradient before the other half has arrived: a would get 2 + 4, not 4.

    active: serials of the nodes that get a gradient (all, by default).
    alive: serials of the nodes that rules meet as Values, so that the gradient is itself recorded.
    Gradients may share memory with each other: whoever keeps one makes it `private`.
    """
    pending = _Pending(y, g, active)
    while pending.todo:
        node, g = pending.pop()
        yield node, g
        if node._a is None:
            continue
        if node.params is None and node._b is not _MANY and not alive:
            _pull_back(node, g, pending)
        else:
            _pull_back_any(node, g, pending, alive)
