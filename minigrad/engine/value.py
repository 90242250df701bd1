"""Value: a node that Python's operators and NumPy's functions work on.

The user's interface: `node` records operations, `backward` carries gradients, `rules/` differentiates each op.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from io import StringIO
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np

from . import modes
from .array_methods import ArrayMethods
from .backward import graph, seed, sweep, sweep_from
from .broadcasting import copy_like, has_nan, unaliased
from .conversions import Conversions, DType
from .errors import DTypeError, GradientLost, IndexingError, NotALeaf, describe, failure
from .modes import active_modes, check_read, ignoring_fp_warnings
from .node import ARGUMENT, Node, lift_inputs, operate, record, result_node, serials
from .numpy_protocols import NumPyProtocols
from .op import TABLE, Op

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Value", "argument", "graph", "seed", "serials", "sweep", "sweep_from"]

ndarray, float64 = np.ndarray, np.float64
Operator: TypeAlias = "Callable[[Value, ArrayLike], Value]"


def _binary(function: np.ufunc, compute: Callable[[Any, Any], Any], swapped: bool = False) -> Operator:
    """The method behind a Python operator. It must be fast for scalars above all."""
    made_by, new = TABLE[function], object.__new__
    flat, repeats = not made_by.vjps, function is np.multiply

    def method(self: Value, other: Any) -> Any:
        if type(other) is Value:
            x, y = self._array, other._array
        else:
            if type(other) is not float and type(other) is not int:
                other = _constant(other, self if repeats else None)
                if other is NotImplemented:
                    return NotImplemented
            x, y = self._array, other
        a, b = self, other
        if swapped:
            a, b, x, y = b, a, y, x
        if active_modes:
            return operate(Value, made_by, compute, (a, b))
        try:
            data = compute(x, y)
        except Exception as error:
            raise failure(made_by, (a, b), {}, error) from error
        if flat or (type(data) is not float64 and data.dtype.kind != "f"):
            return result_node(Value, data, made_by, (a, b))
        made = new(Value)
        # Three at a time: assigning five at once builds a tuple.
        made._array, made.op, made.serial = data, made_by, next(serials)
        made._a, made._b = a, b
        made._grad = made.params = made.name = None
        return made

    return method


def _unary(function: np.ufunc, compute: Callable[[Any], Any]) -> Callable[[Value], Value]:
    """The method behind an operator of one operand."""
    made_by = TABLE[function]
    return lambda self: operate(Value, made_by, compute, (self,))


@final
class Value(Node, ArrayMethods, Conversions[DType], NumPyProtocols):
    """A number or an array that remembers how it was computed.

    data: anything that NumPy converts to an array of real numbers; it is copied, and integers become float64.
    name: shown in pictures, explanations and errors.

    Attributes: `data`, `grad` (None before the first backward sweep), `name`; `op` (None for a leaf), `inputs`,
    `params`; `serial`, which grows with every node, so inputs come before results.

    Python's operators, NumPy's functions and the usual methods of an array work on it. Raises DTypeError for
    complex numbers, objects and text.
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise DTypeError(f"a name must be a string, got {describe(name)}")
        self._array = _leaf_data(data)
        self._grad = self.op = self._a = self._b = self.params = None
        self.serial, self.name = next(serials), name
        if active_modes:
            modes.watch(self, ())

    __add__, __radd__ = _binary(np.add, operator.add), _binary(np.add, operator.add, True)
    __sub__, __rsub__ = _binary(np.subtract, operator.sub), _binary(np.subtract, operator.sub, True)
    __mul__, __rmul__ = _binary(np.multiply, operator.mul), _binary(np.multiply, operator.mul, True)
    __truediv__ = _binary(np.divide, operator.truediv)
    __rtruediv__ = _binary(np.divide, operator.truediv, True)
    __pow__, __rpow__ = _binary(np.power, operator.pow), _binary(np.power, operator.pow, True)
    __matmul__, __rmatmul__ = _binary(np.matmul, operator.matmul), _binary(np.matmul, operator.matmul, True)
    __floordiv__ = _binary(np.floor_divide, operator.floordiv)
    __rfloordiv__ = _binary(np.floor_divide, operator.floordiv, True)
    __mod__, __rmod__ = _binary(np.remainder, operator.mod), _binary(np.remainder, operator.mod, True)
    __lt__, __le__ = _binary(np.less, operator.lt), _binary(np.less_equal, operator.le)
    __gt__, __ge__ = _binary(np.greater, operator.gt), _binary(np.greater_equal, operator.ge)
    __eq__, __ne__ = _binary(np.equal, operator.eq), _binary(np.not_equal, operator.ne)  # type: ignore[assignment]
    __and__ = __rand__ = _binary(np.bitwise_and, operator.and_)
    __or__ = __ror__ = _binary(np.bitwise_or, operator.or_)
    __xor__ = __rxor__ = _binary(np.bitwise_xor, operator.xor)
    __lshift__, __rlshift__ = _binary(np.left_shift, operator.lshift), _binary(np.left_shift, operator.lshift, True)
    __rshift__, __rrshift__ = (
        _binary(np.right_shift, operator.rshift),
        _binary(np.right_shift, operator.rshift, True),
    )
    __hash__ = object.__hash__

    __neg__, __pos__ = _unary(np.negative, operator.neg), _unary(np.positive, operator.pos)
    __abs__ = _unary(np.absolute, operator.abs)

    # fmt: off
    def __invert__(self) -> Value: return self._call(np.invert)
    def __round__(self, digits: int = 0) -> Value: return self._call(np.round, decimals=digits)
    def __divmod__(self, other: ArrayLike) -> tuple[Value, Value]: return self // other, self % other
    def __rdivmod__(self, other: Any) -> tuple[Value, Value]: return other // self, other % self
    def __trunc__(self) -> Value: return self._call(np.trunc)
    def __floor__(self) -> Value: return self._call(np.floor)
    def __ceil__(self) -> Value: return self._call(np.ceil)
    def __copy__(self) -> Value: return _restore(*self.__reduce__()[1]) if self.op is None else self
    def __deepcopy__(self, memo: dict[int, Any]) -> Value: return _restore(*self.__reduce__()[1])
    # fmt: on

    def __getitem__(self, index: Any) -> Value:
        if isinstance(index, Value) and index._array.dtype.kind not in "iub":
            raise IndexingError(f"an index is made of integers, slices or truth values, not of {describe(index)}")
        if type(index) is int or type(index) is slice:  # as in a loop over rows: no Values to look for
            return record(Value, _GETITEM, (self,), {"index": index})  # type: ignore[no-any-return]
        return self._record(_GETITEM, (self,), {"index": index})  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Value]:
        if not self.ndim:
            raise TypeError("a Value of one number has no rows to iterate over")
        return (self[i] for i in range(len(self)))

    def _record(self, made_by: Op, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        return record(Value, made_by, *lift_inputs(operands, params))

    def _apply(self, made_by: Op, args: Any, kwargs: dict[str, Any]) -> Any:
        operands, params = made_by.arguments(args, kwargs)
        return self._record(made_by, (*[_operand(x, made_by) for x in operands],), params)

    def _inputs_alone(self, made_by: Op, inputs: tuple[Any, ...]) -> Any:
        for x in inputs:
            if type(x) is not Value and type(x) is not ndarray:
                inputs = (*[_operand(x, made_by) for x in inputs],)
                break
        return record(Value, made_by, inputs, None)

    def _call(self, function: Callable[..., Any], *more: Any, **params: Any) -> Value:
        made_by = TABLE[function]
        y: Value = record(Value, made_by, (self, *(_operand(x, made_by) for x in more)), params or None)
        return y

    @property
    def data(self) -> Any:
        """The array, or the NumPy number of a scalar. Assigning converts to real numbers, or raises DTypeError.

        A sweep reads the data as they are then: change them after the sweep, not before.
        (`minigrad.debug` raises where an array changed in between.)
        """
        if active_modes:
            check_read("data")
        return self._array

    @data.setter
    def data(self, new: Any) -> None:
        if active_modes:
            modes.interpreter().check_effect(self, "data =")
        if new is not self._array:  # as it is in  w.data -= ...
            self._array = _leaf_data(new)

    @property
    def grad(self) -> Any:
        """The gradient: the sum over all sweeps for a leaf, that of the latest sweep for an inner node."""
        if type(self._grad) is tuple:  # straight from the sweep: nodes may share it
            self._grad = self._grad[0].copy()
        return self._grad

    @grad.setter
    def grad(self, new: object) -> None:
        if isinstance(new, Value):
            raise GradientLost("a gradient is a plain array or number\n  write  v.grad = g.data")
        self._grad = None if new is None else copy_like(new, self._array, "the gradient")

    def backward(self, g: ArrayLike | None = None) -> None:
        """Add the gradient of this value to the `.grad` of every leaf it was computed from.

        g: the cotangent, of this value's shape; 1 by default, for a value of one element.
        Calling it twice adds the gradient twice. Inner nodes keep the gradient of the latest sweep. Gradients are
        plain numbers: to differentiate them, write `grad`. Raises ShapeError, GradientLost.
        """
        if active_modes:
            modes.interpreter().check_effect(self, "backward()")
        if isinstance(g, Value):
            raise GradientLost("backward() takes a plain cotangent\n  write  y.backward(g.data)")
        g = seed(self, g)
        if not self.has_gradient:
            raise GradientLost("backward() of what was not recorded\n  write  its computation outside of no_grad()")
        taken, at_leaves, tame, asked, noted = {id(g)}, [], True, modes.interpreter(), StringIO()
        with ignoring_fp_warnings(noted):
            for node, gradient in sweep(self, g):
                if node.op is None:
                    at_leaves.append((node, gradient))
                    continue
                tame = tame and asked.tame[node.op]
                if type(gradient) is ndarray:
                    node._grad = (gradient,)
                    taken.add(id(gradient))
                else:
                    node._grad = gradient
        if modes.debugger() or (not tame and (noted.tell() or any(has_nan(c) for _, c in at_leaves))):
            found = {x.serial: c for x, c in at_leaves}
            found = asked.settle("gradients", found, [(self, g)], None, (), (), noted=noted.getvalue())
            at_leaves = [(x, found[x.serial]) for x, _ in at_leaves]
        for node, gradient in at_leaves:
            node._grad = unaliased(gradient, taken) if node._grad is None else node.grad + gradient

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        if self.op is not None:
            raise NotALeaf(
                f"only a leaf can be copied or pickled, and this is {describe(self)}\n"
                "  write  Value(v.data)   for a leaf of the same numbers"
            )
        return _restore, (self._array, self.name, self.grad)


_GETITEM = TABLE[operator.getitem]


def _constant(x: Any, factor: Any = None) -> Any:
    """A plain operand as a number or an array, or NotImplemented: [0] * n is a longer list, if n is whole."""
    if type(x) is ndarray or isinstance(x, (float, int, np.number, np.bool_)):
        return x
    if isinstance(x, (np.matrix, np.ma.MaskedArray)):
        raise DTypeError(
            f"no rule covers {type(x).__name__}: its operators differ from those of an array\n"
            "  write  np.asarray(m)   for the plain array"
        )
    if isinstance(x, complex):
        return np.complex128(x)
    repeats = factor is not None and not factor.ndim and factor.dtype.kind in "iu"
    data = isinstance(x, ndarray if repeats else (ndarray, list, tuple)) or hasattr(type(x), "__pandas_priority__")
    return np.asarray(x) if data else NotImplemented


def _operand(x: Any, made_by: Op) -> Any:
    """An operand of a function: a Value, or anything that NumPy converts to an array."""
    if type(x) is Value or type(x) is ndarray:
        return x
    constant = _constant(x)
    # In an elementwise op, a plain number takes the type of the arrays beside it.
    kept = constant is not NotImplemented and made_by.elementwise
    return constant if kept or isinstance(constant, np.generic) else np.asarray(x)


def _leaf_data(data: ArrayLike) -> Any:
    """The data of a leaf: an unshared float array, or a NumPy number for a scalar."""
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


def _restore(data: Any, name: str | None, grad: Any) -> Value:
    leaf = Value(data, name)
    leaf.grad = grad
    return leaf


def argument(x: object) -> Value:
    """The node at which x enters a level of differentiation; the reverse sweep of that level ends here.

    A Value is the input of its node. Plain numbers are not copied; their node has no input, and every other level
    treats it as a constant.
    """
    if type(x) is Value:
        return result_node(Value, x._array, ARGUMENT, (x,))  # type: ignore[no-any-return]
    data = np.asarray(x)
    return result_node(Value, data.astype(float64) if data.dtype.kind in "iub" else data, ARGUMENT, ())  # type: ignore
