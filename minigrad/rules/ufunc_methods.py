"""Methods of ufuncs that have no row in the table: those of `np.logaddexp`, and reductions of pieces."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.op import REMEDIES, refuse
from ..engine.sampling import DISTINCT, Call, Draw
from .composed import composed
from .draws import integers
from .indexing import scatter
from .masked_reductions import only, typed
from .reductions import logsumexp

_LN2 = math.log(2.0)


def _method(method: Any, formula: str, calls: Callable[[Draw], Call]) -> Callable[..., Any]:
    """State a method of a ufunc, which also refuses dtype= by name."""

    def state(forward: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, dtype: Any = None, **kwargs: Any) -> Any:
            if dtype is not None:
                name = f"{method.__self__.__name__}.{method.__name__}"
                refuse(f"{name} of a Value does not take dtype=\n  {REMEDIES['dtype']}")
            return forward(*args, **kwargs)

        composed(method, formula, calls)(call)
        return forward

    return state


def _along_axis(draw: Draw) -> Call:
    x = draw.array(DISTINCT, draw.shape(min_dims=1))
    return (x,), {"axis": draw.integer(-x.ndim, x.ndim - 1)}


def _some_along_axis(draw: Draw) -> Call:
    (x,), params = _along_axis(draw)
    more = draw.choice(
        [{}, {"initial": 0.5}, {"where": np.arange(x.size).reshape(x.shape) % 3 != 1, "initial": 0.5}]
    )
    return (x,), {"keepdims": draw.choice([False, True]), **params, **more}


@_method(np.logaddexp2.accumulate, "y[i] = log₂ Σ 2^x[j], j ≤ i", _along_axis)
def _running2(array: Any, axis: int = 0) -> Any:
    return np.logaddexp.accumulate(array * _LN2, axis=axis) / _LN2


@_method(np.logaddexp.reduce, "y = ln Σ e^x", _some_along_axis)
def _total(array: Any, axis: Any = 0, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    y = logsumexp(only(array, where, -np.inf), axis=axis, keepdims=keepdims)
    return y if initial is None else np.logaddexp(y, typed(initial, y.dtype))


@_method(np.logaddexp2.reduce, "y = log₂ Σ 2^x", _some_along_axis)
def _total2(array: Any, axis: Any = 0, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    return _total(array * _LN2, axis, keepdims, None if initial is None else initial * _LN2, where) / _LN2


# Pieces: from each index to the next, or the one entry there if the next index is not larger.


def _pieces(indices: Any, n: int) -> list[tuple[int, int]]:
    starts = np.asarray(indices).tolist()
    if not all(0 <= start < n for start in starts):
        raise IndexError(f"an index of reduceat lies outside of the {n} entries: {starts}")
    return [(a, b if a < b else a + 1) for a, b in zip(starts, [*starts[1:], n], strict=True)]


def _reduceat(reduce: Callable[..., Any]) -> Callable[..., Any]:
    def reduceat(array: Any, indices: Any, axis: int = 0) -> Any:
        x = np.moveaxis(array, axis, 0)
        rows = [reduce(x[a:b], axis=0) for a, b in _pieces(indices, len(x))]
        return np.moveaxis(np.stack(rows) if rows else x[:0], 0, axis)

    return reduceat


def _add_reduceat(array: Any, indices: Any, axis: int = 0) -> Any:
    """Each entry goes to the place of its piece, all in one step."""
    x = np.moveaxis(array, axis, 0)
    pieces = _pieces(indices, len(x))
    taken = np.concatenate([np.arange(0), *(np.arange(a, b) for a, b in pieces)])
    piece = np.repeat(np.arange(len(pieces)), [b - a for a, b in pieces])
    return np.moveaxis(scatter(x[taken], piece, (len(pieces), *x.shape[1:])), 0, axis)


def _reduceat_call(draw: Draw) -> Call:
    x = draw.array(DISTINCT, (draw.integer(2, 4), draw.integer(2, 4)))
    axis = draw.choice([0, 1, -1])
    return (x, integers(draw, 0, x.shape[axis] - 1, (draw.integer(1, 4),))), {"axis": axis}


for _ufunc, _reduce, _symbol in (
    (np.multiply, np.prod, "Π x"), (np.maximum, np.max, "max x"), (np.minimum, np.min, "min x"),
    (np.logaddexp, logsumexp, "ln Σ e^x"),
):  # fmt: skip
    _method(_ufunc.reduceat, f"y[k] = {_symbol}, from index k to the next", _reduceat_call)(_reduceat(_reduce))
_method(np.add.reduceat, "y[k] = Σ x, from index k to the next", _reduceat_call)(_add_reduceat)
