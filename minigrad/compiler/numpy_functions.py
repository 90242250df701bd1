"""Facts about functions for compiled code: which can write into a buffer, which return views, their spelling.

A function that is not listed here is called as it is; nothing is assumed about its result.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.op import FORWARDS, TABLE, Op
from ..rules.discrete import tie_share
from ..rules.elementwise import sech2
from ..rules.limits import bounded
from . import runtime

SECH2, BOUNDED, TIE_SHARE = TABLE[sech2].forward, TABLE[bounded].forward, TABLE[tie_share].forward

# Functions with a twin that writes into an array: the twin's name, and the operands that the array may be.
INTO: dict[Callable[..., Any], tuple[str, tuple[int, ...]]] = {
    SECH2: ("sech2_into", (1,)),
    BOUNDED: ("bounded_into", (0,)),
    np.where: ("where_into", ()),
    TIE_SHARE: ("tie_share_into", ()),
    runtime.as_columns: ("as_columns_into", ()),
    runtime.reshaped: ("reshaped_into", ()),
    runtime.less_one: ("less_one_into", (0,)),
    runtime.pick: ("pick_into", ()),
    runtime.placed: ("placed_into", ()),
    runtime.plus_at: ("plus_at_into", (0,)),
}
# Operators of Python, as they act on arrays.
UFUNCS: dict[Callable[..., Any], np.ufunc] = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.floordiv: np.floor_divide,
    operator.mod: np.remainder,
    operator.matmul: np.matmul,
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
    operator.eq: np.equal,
    operator.ne: np.not_equal,
    operator.and_: np.bitwise_and,
    operator.or_: np.bitwise_or,
    operator.xor: np.bitwise_xor,
    operator.lshift: np.left_shift,
    operator.rshift: np.right_shift,
}
SYMBOLS: dict[Callable[..., Any], str] = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.matmul: "@",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
    operator.and_: "&",
    operator.or_: "|",
    operator.xor: "^",
    operator.lshift: "<<",
    operator.rshift: ">>",
}
# Ufuncs that, on two numbers, equal an operator of NumPy's numbers but are ten times slower.
AS_OPERATORS = {UFUNCS[f]: SYMBOLS[f] for f in (operator.add, operator.sub, operator.mul, operator.truediv)}


def record_of(function: Callable[..., Any]) -> Op | None:
    """The record of a function in the table, of a forward function, or of an operator of Python."""
    function = np.power if function is operator.pow else UFUNCS.get(function, function)
    return TABLE.get(function) or FORWARDS.get(function)


def is_elementwise(function: Callable[..., Any]) -> bool:
    """Whether an output entry depends only on the input entries in its place."""
    record = record_of(function)
    if record is None:
        return isinstance(function, np.ufunc) and function.signature is None and function.nout == 1
    return record.elementwise


def is_view(function: Callable[..., Any]) -> bool:
    """Whether the result may be a view of the first argument."""
    record = record_of(function)
    return record is not None and record.is_view


def gives_new(function: Callable[..., Any]) -> bool:
    """Whether the result is never an argument nor a view of one; False for functions without a record."""
    record = record_of(function)
    known = isinstance(function, np.ufunc) or function in INTO or reducing_ufunc(function) is not None
    return known or (record is not None and record.gives_new)


def reducing_ufunc(function: Callable[..., Any]) -> np.ufunc | None:
    """The ufunc whose ``reduce`` gives the same bits as a NumPy function; None for any other function."""
    if getattr(function, "__name__", "") == "reduce" and isinstance(
        ufunc := getattr(function, "__self__", None), np.ufunc
    ):
        return ufunc
    record = TABLE.get(function)
    if record is None or record.of_ufunc is None or numpy_spelling(function) is None:
        return None
    ufunc, method = record.of_ufunc
    return ufunc if method == "reduce" else None


def numpy_spelling(function: Callable[..., Any]) -> str | None:
    """The spelling of a NumPy function, np.name or np.linalg.name; None for any other."""
    name = getattr(function, "__name__", "")
    if getattr(np, name, None) is function:
        return f"np.{name}"
    return f"np.linalg.{name}" if getattr(np.linalg, name, None) is function else None


def name_of(function: Callable[..., Any]) -> str:
    """The name of a function; for the forward function of an op, that of the op's function."""
    record = record_of(function)
    return getattr(function if record is None else record.function, "__name__", "k")
