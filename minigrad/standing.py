"""What stands for plain arguments on a tape: numbers of Python, and ops without rules.

There plain arguments are Values too, through which no gradient flows: what is computed from them alone must meet
the same code, and be a constant to the same sweeps, as the arrays that they stand for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from . import context
from .op import Op


class PythonFloat(float):
    """A float of Python on a tape: where it meets an array, the type of the array wins."""

    dtype, shape, ndim, size = np.dtype(np.float64), (), 0, 1

    def __getitem__(self, index: tuple[()]) -> PythonFloat:
        return self


def plain(x: Any) -> Any:
    """What NumPy is to see of the data of a node."""
    return float(x) if type(x) is PythonFloat else x


def loosely(compute: Callable[..., Any], *args: Any) -> Any:
    """An operator on floats of Python, with NumPy's meaning: 1 / 0 is inf, and nothing raises."""
    data = compute(*map(np.float64, args))
    return float(data) if type(data) is np.float64 else data


def operated(compute: Callable[..., Any], *args: Any) -> Any:
    """An operator on the data of nodes, as they are on a tape."""
    numbers = all(type(x) in (PythonFloat, float, int) for x in args)
    return loosely(compute, *args) if numbers else compute(*map(plain, args))


def loose(data: Any, enters: bool) -> Any:
    """What an op gave, as an array; on a tape, a float of Python stays one until it enters a level."""
    if type(data) in (float, PythonFloat) and not enters and context.tape():
        return PythonFloat(data)
    return np.asarray(data)


def without_rules(made_by: Op, operands: tuple[Any, ...], differentiable: Any) -> Op:
    """The op of a new node: on a tape, one without rules where no gradient can arrive."""
    if (
        made_by.label == "argument"
        or context.tape() is None
        or (differentiable and any(getattr(x, "has_gradient", False) for x in operands))
    ):
        return made_by
    return _constant(made_by)


@cache
def _constant(made_by: Op) -> Op:
    return replace(made_by, vjps=(), jvps=()) if made_by.vjps else made_by
