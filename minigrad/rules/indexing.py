"""Reading and writing parts of an array: x[index], its transpose `scatter`, and `put`."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..engine.op import dispatched, linear, op
from ..engine.sampling import DISTINCT, REAL, Call, Draw
from . import vmap_rules
from .axes import dispatches
from .computed_indices import add_computed, read_computed
from .discrete import ascending, ranks
from .draws import integers


def selects_once(index: Any) -> bool:
    """Whether an index selects no entry twice, because it has no integer arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = (int, np.integer, slice, type(None), type(Ellipsis), bool, np.bool_)
    return all(isinstance(part, plain) or np.asarray(part).dtype == bool for part in parts)


def add_at(buffer: Any, index: Any, g: Any) -> None:
    """buffer[index] += g, counting an entry as often as it is selected."""
    if selects_once(index):
        buffer[index] += g
    elif g.size >= max(_MANY, buffer.size / _DENSE) and g.dtype.char in "efd":
        places = _places(buffer.shape, index)
        g = g if g.shape == places.shape else np.broadcast_to(g, places.shape)  # which bincount would copy
        buffer += np.reshape(np.bincount(places.ravel(), g.ravel(), buffer.size), buffer.shape)
    else:
        np.add.at(buffer, index, g)


# np.bincount is 2 to 5 times as fast as np.add.at, but walks through the whole buffer: not for few entries of a
# large one. Measured: its calls cost as much as adding 500 entries one by one, its walk as much as 1 entry of 8.
_MANY, _DENSE = 500, 8


def _places(shape: tuple[int, ...], index: Any) -> Any:
    """The positions that an index reads, in an array of that shape laid out in one row."""
    axis = _one_axis(index)
    picked = None if axis is None else np.asarray(index[axis] if isinstance(index, tuple) else index)
    if picked is not None and len(shape) == 1 and picked.min() >= 0:
        return picked
    numbers = np.arange(math.prod(shape)).reshape(shape)
    if picked is None:
        return numbers[index]
    # In the order of memory, which brackets along a later axis do not keep.
    return np.take(numbers, picked, axis)


def _one_axis(index: Any) -> int | None:
    """The axis on which an index picks with an integer array, if it takes all others whole."""
    parts = index if isinstance(index, tuple) else (index,)
    picked = [i for i, part in enumerate(parts) if not (isinstance(part, slice) and part == slice(None))]
    return picked[0] if len(picked) == 1 and isinstance(parts[picked[0]], (list, np.ndarray)) else None


@dispatched
def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of that shape, with g added at the index: the transpose of reading there."""
    for part in index if isinstance(index, tuple) else ():  # g may be plain where a part of the index is not
        if dispatches(part):
            return part.__array_function__(scatter, (type(part),), (g, index, shape), {})
    buffer = np.zeros(shape, dtype=np.result_type(g))
    add_at(buffer, index, g)
    return buffer


def last_writers(index: Any, shape: tuple[int, ...]) -> Any:
    """1 for each written entry that remains, 0 where a later one replaced it."""
    return _last_writers(shape, isinstance(index, tuple), *(index if isinstance(index, tuple) else (index,)))


@dispatched
def _last_writers(shape: tuple[int, ...], several: bool, *parts: Any) -> Any:
    index = parts if several else parts[0]
    if selects_once(index):
        return np.True_
    last = np.zeros(shape, dtype=np.int64)
    order = np.arange(last[index].size).reshape(last[index].shape)
    last[index] = order
    return np.equal(last[index], order)


def under_ones(c: Any, v: Any) -> Any:
    """c with axes of length 1 in front: values may have more axes than the place that they are written to."""
    return np.reshape(c, (1,) * (v.ndim - c.ndim) + c.shape) if v.ndim > c.ndim else c


@dispatched
def put(x: Any, index: Any, values: Any) -> Any:
    """A copy of x with x[index] = values: assignment for values that have a gradient.

    x: array or Value of shape s. index: anything that x takes in brackets. values: broadcasts to x[index].
    An entry that is written twice keeps the last value, and only that value gets the gradient.
    """
    values = np.asarray(values) if isinstance(values, (list, tuple)) else values
    y = np.array(x)
    y = y.astype(np.result_type(y, values))
    y[index] = values
    return y


def draw_index(draw: Draw, shape: tuple[int, ...]) -> Any:
    """An index for that shape: slices with steps, negative, None, Ellipsis, repeats, masks, mixtures."""
    n = shape[0]
    repeats = integers(draw, -n, n - 1, draw.shape(max_dims=2))
    mask = integers(draw, 0, 1, (n,)).astype(bool)
    whole = integers(draw, 0, 1, shape).astype(bool)
    last = draw.integer(-shape[-1], shape[-1] - 1)
    return draw.choice(
        [
            *(-1, 0, slice(None, None, -1), slice(0, None, 2), Ellipsis, None, mask, whole, repeats),
            *((None, 0), (Ellipsis, last), (slice(1, None), None), (repeats, Ellipsis), (mask, Ellipsis, None)),
            *([0, -1, 0], (Ellipsis, repeats * 0 + last), (slice(None), None, Ellipsis, last)[: len(shape) + 1]),
        ]
    )


def _read(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    return (x,), {"index": draw_index(draw, x.shape)}


def _scatter(draw: Draw) -> Call:
    shape = draw.shape(min_dims=1)
    index = draw_index(draw, shape)
    return (draw.array(REAL, np.zeros(shape)[index].shape),), {"index": index, "shape": shape}


def _put(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    index = draw_index(draw, x.shape)
    shape = draw.choice([(), x[index].shape])
    return (x, draw.array(REAL, shape)), {"index": index}


def _put_call(x: Any, index: Any, values: Any) -> Call:
    """A plain number among the values takes the type of x, as beside any array."""
    if type(values) in (int, float) and hasattr(x, "dtype"):
        values = np.asarray(values, np.result_type(x.dtype, values))
    return (x, values), {"index": index}


def _sort_back(g: Any, y: Any, x: Any, axis: int | None = -1, kind: Any = None, stable: Any = None) -> Any:
    """Move each entry of g to the place that its entry of x came from."""
    if axis is None:
        return np.reshape(_sort_back(g, y, np.ravel(x), 0), x.shape)
    return np.take_along_axis(g, ranks(x, axis), axis)


def _sort_along(t: Any, y: Any, x: Any, axis: int | None = -1, kind: Any = None, stable: Any = None) -> Any:
    if axis is None:
        return _sort_along(np.ravel(t), y, np.ravel(x), 0)
    return np.take_along_axis(t, ascending(x, axis), axis)


def _sort(draw: Draw) -> Call:
    x = draw.array(DISTINCT, draw.shape(min_dims=1))
    return (x,), {"axis": draw.choice([None, *range(-x.ndim, x.ndim)])}


_put_forward: Any = put._implementation  # type: ignore[attr-defined]


# fmt: off
op(operator.getitem, "[…]", "y = x[index]", forward=lambda x, index: x[index],
    vjp=(lambda g, y, x, index=None: scatter(g, index, x.shape),), jvp=(lambda t, y, x, index=None: t[index],),
    add=lambda buffer, g, y, x, index=None: add_at(buffer, index, g), calls=_read, moves=True, is_view=True,
    spelling=lambda x, index: x[index], vmap=vmap_rules.read_batch,
    meaning=lambda x, index: read_computed(x, index))
linear(scatter, "scatter", "y[index] += g", lambda g, y, x, index=None, shape=None: g[index], calls=_scatter,
    sums=True, selects=True, vmap=vmap_rules.write,
    meaning=lambda g, index, shape: add_computed(scatter, g, index, shape))
op(put, "put", "y = x, but y[index] = v", forward=lambda x, values, index: _put_forward(x, index, values),
    vjp=(lambda g, y, x, v, index=None: put(g, index, 0.0), lambda g, y, x, v, index=None: under_ones(
    g[index] * last_writers(index, x.shape), v)),
    jvp=(lambda t, y, x, v, index=None: put(t, index, 0.0), lambda t, y, x, v, index=None: put(np.zeros(x.shape),
    index, t)), bind=_put_call, options=("index", "values"),
    calls=_put, moves=True, gives_new=True, spelling=lambda x, values, index: put(x, index, values))
op(np.sort, "sort", "y = x in ascending order", domain=(DISTINCT,), vjp=(_sort_back,), jvp=(_sort_along,),
    kink="at a tie: each entry keeps its place", calls=_sort, selects=True, gives_new=True,
    rows="in any order",
    vmap=vmap_rules.along_axis_or_flat)
