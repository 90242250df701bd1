"""Calls of NumPy with dtype=: the same call of inputs in that type, where that computes the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from .numpy_protocols import NumPyProtocols
from .op import Op

_WEAK = (int, float)  # they take the type of the others


def call_in_dtype(value: Any, made_by: Op, args: Any, kwargs: dict[str, Any]) -> Any:
    """A call that the op refuses, with its inputs in the type dtype=; refused again if that is not the same.

    NumPy casts the inputs of a ufunc if it has a loop of that type, and no float to an integer; a function casts
    its input if its row says so. NumPy sums large arrays in pieces as it casts, so a sum may differ by rounding.
    """
    given = made_by.by_name(args) | kwargs
    dtype = given.pop("dtype", None)
    if dtype is None or not (made_by.casts or isinstance(made_by.function, np.ufunc)):
        return value._apply(made_by, args, kwargs)
    inputs = [_array(given.pop(name, None)) for name in made_by.names[: len(made_by.domain)]]
    if not (made_by.casts or _has_loop(made_by.function, inputs, np.dtype(dtype))):
        return value._apply(made_by, args, kwargs)
    return made_by.function(*(x if type(x) in _WEAK else x.astype(dtype) for x in inputs), **given)


def _has_loop(ufunc: Any, inputs: list[Any], dtype: np.dtype[Any]) -> bool:
    fits = f"{dtype.char * len(inputs)}->{dtype.char}" in ufunc.types
    return fits and all(np.can_cast(np.result_type(x), dtype, "same_kind") for x in inputs)


def _array(x: Any) -> Any:
    return x if type(x) in _WEAK or hasattr(x, "astype") else np.asarray(x)


NumPyProtocols._call_in_dtype = call_in_dtype
