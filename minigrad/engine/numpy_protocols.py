"""How NumPy's ufuncs and functions reach a Value, by NumPy's two protocols.

A function in the table is recorded; a question about shapes or types gets a plain answer; a function that NumPy
writes in terms of others runs on Values unchanged; any other is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from . import modes
from .errors import ArgumentError, GradientLost
from .modes import active_modes, check_read
from .op import COMPOSED, REMEDIES, TABLE, UFUNC_METHODS, UNDIFFERENTIATED, UNKNOWN, Op, find
from .tree import tree_map


class NumPyProtocols:
    """Records calls like ``np.tanh(v)`` and ``np.sum(v)``."""

    __slots__ = ()
    __pandas_priority__ = 5000  # more than a DataFrame's: pandas leaves its operators to a Value
    _array: Any

    # The error for a function without a rule, and a call with dtype=. `refusals` and `typed_calls` define them.
    _missing_rule: ClassVar[Callable[[Any, Any], Exception]]
    _call_in_dtype: ClassVar[Callable[..., Any]]

    def _apply(self, record_of: Op, args: Any, kwargs: dict[str, Any]) -> Any:
        """Record a call of an op as the user wrote it."""
        raise NotImplementedError

    def _inputs_alone(self, made_by: Op, inputs: tuple[Any, ...]) -> Any:
        """Record a call of an op that has no parameters."""
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
            function = UFUNC_METHODS.get((ufunc, method), getattr(ufunc, method))
            kwargs = {"axis": 0} | {k: x for k, x in kwargs.items() if k == "axis" or x is not None}
        if "out" in kwargs:
            remedy = REMEDIES["where" if "where" in kwargs else "ufunc.out"]
            raise GradientLost(f"{ufunc.__name__}(..., out=array) would drop the gradient in the array\n  {remedy}")
        if function in TABLE or function in COMPOSED or find(function) is not None:
            return self.__array_function__(function, (), inputs, kwargs)
        found = None if method == "at" else modes.interpreter().record_opaque(type(self), function, inputs, kwargs)
        if found is None:
            raise self._missing_rule(function)
        return found

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        made_by = TABLE.get(function)
        if made_by is not None and made_by.takes_alone(args, kwargs):
            return self._inputs_alone(made_by, args)
        if made_by is not None and made_by.each and len(args) > 1:
            return tuple(function(x) for x in args)
        if function is np.where and len(args) == 1 and not kwargs:  # another function under the same name
            function, made_by = np.nonzero, TABLE[np.nonzero]
        composed, refused = COMPOSED.get(function), False
        if made_by is not None:
            try:
                return self._apply(made_by, args, kwargs)
            except (ArgumentError, GradientLost):
                if composed is None or not composed.covers(made_by.by_name(args) | kwargs):
                    composed, refused = None, True
        known = UNDIFFERENTIATED.get(function, UNKNOWN)
        if active_modes and not (known.asks or known.reads):
            found = modes.interpreter().record_opaque(type(self), function, args, kwargs)
            if found is not None:
                return found
        if refused:
            return self._call_in_dtype(made_by, args, kwargs)
        if composed:
            return composed.forward(*args, **kwargs)
        if known.asks or known.reads:
            if known.reads:
                check_read(function.__name__)
            return function(*_data_of(args), **(kwargs and _data_of(kwargs)))
        try:  # many functions of NumPy are written in terms of others
            return function._implementation(*args, **kwargs)
        except (GradientLost, AttributeError, TypeError) as error:
            raise self._missing_rule(function) from error


def _data_of(x: Any) -> Any:
    """The data of every Value in a call's arguments."""
    return tree_map(lambda leaf, _: leaf._array if isinstance(leaf, NumPyProtocols) else leaf, x)
