"""Placeholders for plain arguments on a tape: Python numbers, and ops without rules.

On a tape plain arguments are Values through which no gradient flows. Results computed from them alone must run the
same code, and be constants to the same sweeps, as the arrays that they stand for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from ..engine.op import Op


class WeakFloat(float):
    """A Python float on a tape: beside an array, the type of the array wins."""

    dtype, shape, ndim, size = np.dtype(np.float64), (), 0, 1

    def __getitem__(self, index: tuple[()]) -> WeakFloat:
        return self


_WEAK = {WeakFloat, float, int}  # the classes of numbers that take the type of an array beside them


def unwrap_weak_float(x: Any) -> Any:
    """The data of a node as NumPy must receive it."""
    return float(x) if type(x) is WeakFloat else x


def class_of_data(data: Any) -> type:
    """The class that the data of a node has as a plain argument."""
    if isinstance(data, np.ndarray):
        return np.ndarray if data.ndim else data.dtype.type
    return float if isinstance(data, WeakFloat) else type(data)


def apply_as_numpy(compute: Callable[..., Any], *args: Any) -> Any:
    """An operator on Python floats with NumPy's meaning: 1 / 0 is inf, and nothing raises."""
    data = compute(*map(np.float64, args))
    return float(data) if type(data) is np.float64 else data


def apply_operator(compute: Callable[..., Any], *args: Any) -> Any:
    """An operator on the data of nodes on a tape."""
    kinds = {*map(type, args)}
    if kinds.isdisjoint(_WEAK):  # nearly always
        return compute(*args)
    return apply_as_numpy(compute, *args) if kinds <= _WEAK else compute(*map(unwrap_weak_float, args))


def without_rules(made_by: Op, operands: tuple[object, ...], differentiable: object) -> Op:
    """The op of a new node: one without rules where no gradient can arrive."""
    if made_by.label == "argument":
        return made_by
    if differentiable:
        for x in operands:  # a loop, because `any` would build a generator for each node
            if getattr(x, "has_gradient", False):
                return made_by
    return _constant(made_by)


@cache
def by_operator(made_by: Op, compute: Callable[..., Any]) -> Op:
    """The op computed by a Python operator, whose bits may differ from the ufunc's: x ** 2 is a square."""
    return replace(made_by, forward=compute)


@cache
def _constant(made_by: Op) -> Op:
    return replace(made_by, vjps=(), jvps=()) if made_by.vjps else made_by
