"""What compiled code knows about functions: which write into a buffer, which give views, how they are spelled.

A function that is not here is called as it is, and what it gives is taken as it comes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import TABLE
from ..rules.discrete import chosen
from ..rules.elementwise import sech2
from ..rules.limits import times
from . import support

SECH2, TIMES, CHOSEN = TABLE[sech2].forward, TABLE[times].forward, TABLE[chosen].forward

# Functions with a twin that writes into an array: its name, and which operands that array may be.
INTO: dict[Callable[..., Any], tuple[str, tuple[int, ...]]] = {
    SECH2: ("sech2_into", (1,)),
    np.where: ("where_into", ()),
    CHOSEN: ("chosen_into", ()),
    support.as_columns: ("as_columns_into", ()),
    support.less_one: ("less_one_into", (0,)),
    support.picked: ("picked_into", ()),
}
# Those of them that act entry by entry.
ENTRYWISE: set[Callable[..., Any]] = {TIMES, SECH2, CHOSEN, np.where, operator.pow}

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
}
# On two numbers, ufuncs that are the operators of NumPy's numbers, ten times slower.
AS_OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}

REDUCTIONS: dict[Callable[..., Any], np.ufunc] = {
    np.sum: np.add,
    np.prod: np.multiply,
    np.max: np.maximum,
    np.min: np.minimum,
    np.any: np.logical_or,
    np.all: np.logical_and,
    np.add.reduce: np.add,
    np.maximum.reduce: np.maximum,
}
VIEWS: set[Callable[..., Any]] = {
    *(np.transpose, np.reshape, np.ravel, np.expand_dims, np.squeeze, np.broadcast_to, np.swapaxes, np.moveaxis),
    *(np.rollaxis, np.flip, np.diagonal, np.matrix_transpose, np.permute_dims),
}
# What never is a view of an argument, nor an argument itself.
GIVES_NEW: set[Callable[..., Any]] = {
    *(np.where, np.concatenate, np.take, np.take_along_axis, np.sort, np.argsort, np.argmax, np.argmin, np.cumsum),
    *(np.cumprod, np.mean, np.var, np.std, np.outer, np.stack, np.vstack, np.hstack, np.zeros_like, np.ones_like),
    *(np.linalg.solve, np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.norm, np.pad, np.roll, np.dot),
    *(*UFUNCS, *REDUCTIONS, operator.pow, TIMES, *INTO),
}


def name_of(function: Callable[..., Any]) -> str | None:
    """How a function of NumPy is written, if it is reached as np.name."""
    name = getattr(function, "__name__", "")
    if getattr(np, name, None) is function:
        return f"np.{name}"
    return f"np.linalg.{name}" if getattr(np.linalg, name, None) is function else None
