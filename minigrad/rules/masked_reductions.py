"""Reductions of some entries alone: ``where=``, and ``initial=``, which counts as one more entry.

An entry that is left out is replaced by what changes nothing, such as 0 in a sum or -∞ in a maximum, so it gets the
gradient 0 whatever it is. An `initial` that is a Value has a gradient, too; with the largest entry it shares a tie
as in `np.maximum`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.op import TABLE, refuse
from ..engine.sampling import DISTINCT, Call, Draw
from .axes import dispatches, expand, merge_axes
from .composed import composed_given
from .statistics import weights_like

_ALL: Any = np._NoValue  # as NumPy writes an argument that is not given


def only(x: Any, where: Any, fill: float) -> Any:
    """x with `fill` for the entries that are left out; an infinite one is the last number of the type of x."""
    x = _array(x)
    if where is True or where is _ALL:
        return x
    return np.where(_full(where, x), x, fill if x.dtype.kind == "f" else _whole(fill, x.dtype))


def _whole(fill: float, dtype: Any) -> int:
    if dtype.kind == "b":
        return fill > 0
    return int(fill) if np.isfinite(fill) else int(np.iinfo(dtype).max if fill > 0 else np.iinfo(dtype).min)


def _full(where: Any, x: Any) -> Any:
    """The mask in the shape of x, with an error if it has more axes or entries: np.where would widen x."""
    return np.broadcast_to(True if where is _ALL else where, x.shape)


def typed(number: Any, dtype: Any) -> Any:
    """A number, which may be a Value, in that type."""
    return np.astype(number, dtype) if dispatches(number) else np.asarray(number, dtype=dtype)


def _array(x: Any) -> Any:
    """x itself, or an array of plain numbers, of which only the mask may be a Value."""
    return x if dispatches(x) else np.asarray(x)


def _given(function: Any, args: Any, kwargs: Any) -> tuple[Any, Any, Any, dict[str, Any]]:
    """A call as x, where, initial, and the other parameters by their names."""
    given = TABLE[function].by_name(args) | kwargs
    return _array(given.pop(TABLE[function].names[0])), given.pop("where", _ALL), given.pop("initial", _ALL), given


def _masked_call(draw: Draw) -> Call:
    """An array with at least two entries taken along the reduced axes."""
    x = draw.array(DISTINCT, (2, draw.integer(3, 4)))
    mask = np.ones(draw.choice([x.shape, x.shape[1:]]), dtype=bool)
    mask[..., draw.integer(0, 2)] = False
    axis = draw.choice([None, 1, -1, (0, 1)])
    return (x,), {"where": mask, "axis": axis, "keepdims": draw.choice([False, True])}


def _initial_call(draw: Draw) -> Call:
    inputs, params = _masked_call(draw)
    if draw.choice([False, True]):
        del params["where"]
    return inputs, {"initial": draw.choice([-4.0, 0.7, 5.0]), **params}


def _state(
    function: Any, fill: float, join: Callable[..., Any], names: Sequence[str] = ("where", "initial")
) -> None:
    """State a reduction that `fill` does not change and that `join` extends by one number."""

    def forward(*args: Any, **kwargs: Any) -> Any:
        x, where, initial, given = _given(function, args, kwargs)
        needed = function in (np.max, np.min)
        if needed and initial is _ALL and not (where is _ALL or where is True):
            refuse(f"{function.__name__} with where= needs initial=, as in NumPy: there may be no entry to take")
        if needed and not x.size:
            return join(np.sum(x, **given) + fill, typed(initial, x.dtype))  # the sum has the right shape
        y = function(only(x, where, fill), **given)
        return y if initial is _ALL else join(y, typed(initial, y.dtype))

    calls = _initial_call if "initial" in names else _masked_call
    composed_given(function, names, f"{function.__name__} of the entries taken", calls)(forward)


def _skip_nan(function: Any, plain: Any, names: Sequence[str]) -> None:
    """State a reduction that skips nan by the plain one, of the entries that are not nan."""

    def forward(*args: Any, **kwargs: Any) -> Any:
        x, where, initial, given = _given(function, args, kwargs)
        kept = np.logical_and(np.logical_not(np.isnan(x)), _full(where, x))
        return plain(x, where=kept, **given, **({} if initial is _ALL else {"initial": initial}))

    calls = _initial_call if "initial" in names else _masked_call
    composed_given(function, names, f"{function.__name__} of the entries taken", calls)(forward)


# Means and what is made of them: NumPy adds float16 numbers as float32.


def _wide(x: Any) -> Any:
    return np.astype(x, np.float32) if x.dtype == np.float16 else x


def _narrow(y: Any, x: Any) -> Any:
    return np.astype(y, x.dtype) if x.dtype == np.float16 else y


def _count(x: Any, where: Any, axis: Any, keepdims: Any) -> Any:
    """The number of entries taken, as a float."""
    count = np.sum(_full(where, x), axis=axis, keepdims=keepdims)
    return np.astype(count, x.dtype if x.dtype.kind == "f" else np.float64)


def _mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, where: Any = _ALL
) -> Any:
    x = _wide(a)
    total = np.sum(only(x, where, 0.0), axis=axis, dtype=dtype, out=out, keepdims=keepdims)
    return _narrow(total / _count(x, where, axis, keepdims), a)


def _spread(root: bool) -> Callable[..., Any]:
    """The variance or its root: the norm of the deviations, as the slope of a norm at 0 is 0."""

    def spread(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
        where: Any = _ALL, mean: Any = _ALL, correction: Any = _ALL,
    ) -> Any:  # fmt: skip
        x = _wide(a)
        if mean is _ALL:
            mean = _mean(x, axis, dtype, out, True, where)
        rows = merge_axes(only(only(x, where, 0.0) - mean, where, 0.0), axis)
        size = np.linalg.norm(rows, axis=-1) if root else np.sum(rows * rows, axis=-1)
        freedom = np.maximum(_count(x, where, axis, False) - (ddof if correction is _ALL else correction), 0.0)
        y = _narrow(size / (np.sqrt(freedom) if root else freedom), a)
        return expand(y, x, axis, False) if keepdims else y

    return spread


def _average_call(draw: Draw) -> Call:
    x = draw.array(DISTINCT, (2, 3))
    return (x,), {"axis": draw.choice([None, 0, 1]), "returned": False}


def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, **given: Any) -> Any:
    """With the sum of the weights, where that is asked for."""
    y = np.average(a, axis, weights, **given)
    if not returned:
        return y
    ones = np.ones(a.shape, dtype=y.dtype)
    total = np.sum(ones if weights is None else weights_like(a, weights, axis) * ones, axis=axis, **given)
    return y, np.broadcast_to(total, y.shape)


_function: Any
_plain: Any


# fmt: off
_BOTH = ("where", "initial")
_SPREAD = ("where", "mean", "correction")
_state(np.sum, 0.0, np.add)
_state(np.prod, 1.0, np.multiply)
_state(np.max, -np.inf, np.maximum)
_state(np.min, np.inf, np.minimum)
_state(np.any, 0.0, np.logical_or, ("where",))
_state(np.all, 1.0, np.logical_and, ("where",))
for _function, _plain in ((np.nansum, np.sum), (np.nanprod, np.prod), (np.nanmax, np.max), (np.nanmin, np.min)):
    _skip_nan(_function, _plain, _BOTH)
for _function, _plain in ((np.nanmean, np.mean), (np.nanvar, np.var), (np.nanstd, np.std)):
    _skip_nan(_function, _plain, ("where",) if _function is np.nanmean else _SPREAD)
composed_given(np.mean, ("where",), "mean of the entries taken", _masked_call)(_mean)
composed_given(np.var, _SPREAD, "var of the entries taken", _masked_call)(_spread(root=False))
composed_given(np.std, _SPREAD, "std of the entries taken", _masked_call)(_spread(root=True))
composed_given(np.average, ("returned",), "also the sum of the weights", _average_call)(_average)
