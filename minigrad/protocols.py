"""How NumPy's own functions reach a Value: ufuncs and functions, by NumPy's two protocols.

What stands in the table is recorded; a question about shapes or types is answered plainly; a function that
NumPy itself writes in terms of others is run on Values as it stands; anything else is refused by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import context
from .context import refuse_while_tracing
from .errors import GradientLost, MissingRule
from .op import TABLE, Op
from .rules.composed import COMPOSED
from .rules.nn import logsumexp
from .rules.running import cummax, cummin

_REDUCTIONS: dict[tuple[np.ufunc, str], Any] = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.logical_and, "reduce"): np.all,
    (np.logical_or, "reduce"): np.any,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
    (np.maximum, "accumulate"): cummax,
    (np.minimum, "accumulate"): cummin,
    (np.logaddexp, "reduce"): logsumexp,
}
# Functions that do the same to each of their arguments.
_EACH = {np.atleast_1d, np.atleast_2d, np.atleast_3d}
# What to write instead of functions that fill an array.
_INSTEAD = {
    "np.copyto": "np.broadcast_to(v, shape)   for np.full(shape, v) or np.full_like(x, v)",
    "np.put": "minigrad.put(a, index, v)   for np.put(a, index, v)",
    "np.putmask": "np.where(mask, v, a)   for np.putmask(a, mask, v)",
    "np.place": "np.where(mask, v, a)   for np.place(a, mask, v)",
    "np.linalg.eig": "np.linalg.eigh(a)   where a is symmetric: else its eigenvalues may be complex",
    "np.linalg.eigvals": "np.linalg.eigvalsh(a)   where a is symmetric: else they may be complex",
}
# Questions about a Value that have a plain answer.
_PLAIN = {
    *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.min_scalar_type, np.common_type),
    *(np.iscomplexobj, np.isrealobj, np.may_share_memory, np.shares_memory),
}
# The same, where the answer depends on the data.
_READING = {
    *(np.allclose, np.array_equal, np.array_equiv),
    *(np.array2string, np.array_repr, np.array_str, np.save, np.savez, np.savetxt),
}


class NumPyProtocols:
    """What makes ``np.tanh(v)`` and ``np.sum(v)`` record."""

    __slots__ = ()
    _array: Any

    def _apply(self, record_of: Op, args: Any, kwargs: dict[str, Any]) -> Any:
        """Record a call of an op as the user wrote it."""
        raise NotImplementedError

    def _inputs_alone(self, made_by: Op, inputs: tuple[Any, ...]) -> Any:
        """Record a call of an op with inputs alone."""
        raise NotImplementedError

    def _whole(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Record a call of a function without a rule, where no gradient flows; None if it cannot be."""
        raise NotImplementedError

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            made_by = TABLE.get(ufunc)
            if made_by is not None and made_by.bind is None and not kwargs:
                return self._inputs_alone(made_by, inputs)
        function: Any = ufunc
        if method == "outer":
            a, b = inputs
            return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b, **kwargs)
        if method != "__call__":
            function = _REDUCTIONS.get((ufunc, method))
            kwargs.setdefault("axis", inputs[1] if len(inputs) > 1 else 0)
            inputs = inputs[:1]
        if "out" in kwargs:
            raise GradientLost(
                f"{ufunc.__name__}(..., out=array) would drop the gradient in the array\n"
                "  write  a = a + v   for a += v, or for np.add(a, v, out=a)"
            )
        if function not in TABLE:
            call = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise missing_rule(f"np.{call}")
        return self._apply(TABLE[function], inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        made_by = TABLE.get(function)
        if made_by is not None and made_by.takes_alone(args, kwargs):
            return self._inputs_alone(made_by, args)
        if function in _EACH and len(args) > 1:
            return tuple(function(x) for x in args)
        if function is np.where and len(args) == 1 and not kwargs:  # another function under the same name
            function = np.nonzero
        if function in TABLE:
            return self._apply(TABLE[function], args, kwargs)
        if context.blocks and context.tape() and function not in _PLAIN | _READING:
            found = self._whole(function, args, kwargs)
            if found is not None:
                return found
        if function in COMPOSED:
            return COMPOSED[function].forward(*args, **kwargs)
        if function in _PLAIN:
            return function(*_data_of(args), **_data_of(kwargs))
        if function in _READING:
            refuse_while_tracing(function.__name__)
            return function(*_data_of(args), **_data_of(kwargs))
        try:  # many functions of NumPy are written in terms of others
            return function._implementation(*args, **kwargs)
        except (GradientLost, AttributeError, TypeError) as error:
            raise missing_rule(f"{function.__module__}.{function.__name__}".replace("numpy", "np")) from error


def _data_of(x: Any) -> Any:
    """The data of every Value in a call's arguments."""
    if isinstance(x, (list, tuple)):
        return type(x)(_data_of(item) for item in x)
    if isinstance(x, dict):
        return {key: _data_of(item) for key, item in x.items()}
    return x._array if isinstance(x, NumPyProtocols) else x


def missing_rule(function: str) -> MissingRule:
    """The error for a function that the table does not hold."""
    instead = _INSTEAD.get(
        function, "it with functions that have one (NumPy's arithmetic, reductions, indexing, @)"
    )
    return MissingRule(
        f"{function} has no rule, so its gradient would be lost\n"
        f"  write  {instead}\n"
        f"  or     {function}(v.data)   to leave the graph on purpose"
    )
