"""Functions whose result has a shape that depends on numbers: counts in bins, distinct entries, zeros at the ends.

Which entries they take they read once, from the numbers; through the entries taken a gradient flows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.errors import ShapeError
from ..engine.op import dispatched, refuse, undifferentiated
from ..engine.sampling import DISTINCT, REAL, Call, Draw
from .axes import dispatches
from .composed import composed, one_row
from .discrete import ascending
from .draws import integers
from .indexing import scatter


def _bincount_call(draw: Draw) -> Call:
    weights = draw.array(REAL, draw.shape(1, 1))
    return (integers(draw, 0, 3, weights.shape), weights), {"minlength": draw.choice([0, 5])}


@composed(np.bincount, "y[k] = Σ w[i] where x[i] = k", _bincount_call)
def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    x = np.asarray(x)
    if weights is None:
        return np.bincount(x, minlength=minlength)
    weights = np.astype(weights, np.float64)  # as NumPy counts
    return scatter(weights, x, (max(int(x.max(initial=-1)) + 1, minlength),))


@dispatched  # so that compiled code checks them anew
def _counted(x: Any, n: int) -> Any:
    """Whole numbers from 0 to n - 1."""
    if x.size and x.min() < 0:
        raise ShapeError(f"bincount counts whole numbers from 0, got {x.min()}")
    if x.size and x.max() >= n:
        raise ShapeError(
            f"bincount, compiled or under vmap, has a result of length minlength={n}, too short for {x.max()}\n"
            f"  write  np.bincount(x, minlength={x.max() + 1})   or more"
        )
    return x


@dispatched
def _counts(x: Any, n: int) -> Any:
    return np.bincount(x, minlength=n)


def _bincount_of_fixed_shape(x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    """One number for each below minlength, while tracing: then the largest of x is unknown."""
    if not dispatches(x) or not minlength:
        return NotImplemented
    x = _counted(x, minlength)
    if weights is None:
        return _counts(x, minlength)
    weights = weights if dispatches(weights) else np.asarray(weights)
    return scatter(np.astype(weights, np.float64), x, (minlength,))


undifferentiated(np.bincount, of_fixed_shape=_bincount_of_fixed_shape)


def _bins(draw: Draw) -> tuple[Any, Any]:
    """Bins and their range, whose edges keep away from all numbers that are drawn."""
    return draw.choice([(3, (-4.025, 3.925)), (np.array([-4.025, -1.025, 0.525, 4.025]), None)])


def _histogram_call(draw: Draw) -> Call:
    x, (bins, ends) = draw.array(DISTINCT, (draw.integer(3, 6),)), _bins(draw)
    return (x, bins), {"weights": draw.array(REAL, x.shape), "range": ends}


@composed(np.histogram, "y[k] = Σ w[i] where x[i] lies in bin k; and the edges of the bins", _histogram_call)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """The counts have a slope in the weights, the edges in the smallest and the largest entry."""
    edges = _edges(a, bins, range)
    counts = _count([np.ravel(a)], [edges], None if weights is None else np.ravel(weights))
    return (counts / np.diff(edges) / np.sum(counts) if density else counts), edges


def _count(coordinates: list[Any], edges: list[Any], weights: Any) -> Any:
    """The sum of the weights in each bin; without weights, the number of points."""
    places: list[Any] = []
    inside: Any = np.bool_(True)
    for x, ends in zip(coordinates, edges, strict=True):
        place = np.searchsorted(ends, x, side="right") - 1
        place = np.where(np.equal(x, ends[-1]), len(ends) - 2, place)  # the last bin includes its end
        inside = np.logical_and(inside, np.logical_and(np.greater_equal(place, 0), np.less(place, len(ends) - 1)))
        places.append(np.clip(place, 0, len(ends) - 2))
    counted = np.astype(inside, np.int64) if weights is None else np.where(inside, weights, 0.0)
    return scatter(counted, tuple(places), tuple(len(ends) - 1 for ends in edges))


def _edges(a: Any, bins: Any, range: Any) -> Any:
    if not dispatches(a) and not dispatches(bins):
        return np.histogram_bin_edges(a, bins, range)
    if isinstance(bins, str):
        refuse(f"histogram of a Value has no rule for bins={bins!r}\n  write  their number, or their edges")
    if np.ndim(bins):
        return bins if dispatches(bins) else np.asarray(bins)
    low, high = (np.min(a), np.max(a)) if range is None else range
    alike = np.where(np.equal(low, high), 0.5, 0.0)
    edges = np.linspace(low - alike, high + alike, bins + 1)
    return np.astype(edges, a.dtype) if a.dtype.kind == "f" else edges


@composed(np.histogram_bin_edges, "y = the edges of bins", lambda draw: ((draw.array(DISTINCT, (2,)), 3), {}))
def _bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    return _edges(a, bins, range)


def _histogram2d_call(draw: Draw) -> Call:
    x, y, w = (draw.array(DISTINCT, (5,)) for _ in "xyw")
    bins, ends = _bins(draw)
    return (x, y, draw.choice([bins, [bins, bins]])), {
        "weights": w,
        "range": None if ends is None else [ends, ends],
    }


@composed(np.histogram2d, "y[j,k] = Σ w[i] where x[i] lies in bin j and y[i] in bin k", _histogram2d_call)
def _histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    both = [*bins] if hasattr(bins, "__len__") and len(bins) == 2 else [bins, bins]
    edges = [_edges(a, b, r) for a, b, r in zip((x, y), both, range or (None, None), strict=True)]
    counts = _count([x, y], edges, weights)
    if density:
        counts = counts / np.sum(counts) / np.outer(np.diff(edges[0]), np.diff(edges[1]))
    return counts, *edges


def _unique_call(draw: Draw) -> Call:
    return (draw.array(DISTINCT, draw.shape(min_dims=1)),), {"axis": draw.choice([None, 0])}


def _numbered(x: Any, equal_nan: bool) -> Any:
    """Integers in the order of the entries of x, equal where these are: nothing about x but its order is read."""
    order = ascending(np.ravel(x))
    there = np.ravel(x)[order]
    differs = np.not_equal(there[1:], there[:-1])
    if equal_nan:
        differs = np.logical_and(differs, np.logical_not(np.isnan(there[:-1])))  # nan comes last
    steps = np.asarray(np.flatnonzero(differs))
    numbers = np.empty(x.size, dtype=np.int64)
    numbers[np.asarray(order)] = np.searchsorted(steps, np.arange(x.size))
    return np.reshape(numbers, x.shape)


@composed(np.unique, "y = the distinct entries in ascending order", _unique_call)
def _unique(ar: Any, *args: Any, **given: Any) -> Any:
    """The entry that occurs first stands for those that equal it. The other outputs are plain."""
    names = ("return_index", "return_inverse", "return_counts", "axis")
    given = dict(zip(names, args, strict=False)) | given
    axis, with_index = given.get("axis"), given.pop("return_index", False)
    numbers = _numbered(ar, given.pop("equal_nan", True))
    _, first, *others = np.unique(numbers, return_index=True, **given)
    y = np.ravel(ar)[first] if axis is None else np.take(ar, first, axis)
    found = (y, *[first] * bool(with_index), *others)
    return found if len(found) > 1 else y


@composed(np.trim_zeros, "y = x without the zeros at its ends", one_row)
def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    if not {*trim.lower()} <= {"f", "b"}:
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    front, back = "f" in trim.lower(), "b" in trim.lower()
    kept = [slice(None)] * filt.ndim
    for i in range(filt.ndim) if axis is None else [int(k) % filt.ndim for k in np.atleast_1d(axis)]:
        rows = np.reshape(np.moveaxis(np.not_equal(filt, 0), i, 0), (filt.shape[i], -1))
        places = np.asarray(np.flatnonzero(np.any(rows, axis=1)))
        if len(places):
            kept[i] = slice(places[0] if front else None, places[-1] + 1 if back else None)
        else:
            kept[i] = slice(0, 0)
    return filt[tuple(kept)]
