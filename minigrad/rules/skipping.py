"""NumPy's functions that skip nan: an entry that is nan changes no result and gets no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import op
from ..engine.sampling import DISTINCT, REAL, Call, Domain, Draw
from .axes import merge_axes, split_axes
from .discrete import ranks
from .recurrences import others
from .reductions import over_axes, reduction, spread


def _not_nan(x: Any) -> Any:
    return np.logical_not(np.isnan(x))


def _kept(y: Any, x: Any, axis: Any, ddof: Any = 0) -> Any:
    return _not_nan(x)


def _fill_nan(x: Any, value: float) -> Any:
    return np.where(np.isnan(x), value, x)


def _number(x: Any, axis: Any) -> Any:
    """The number of entries that are not nan, along the axes."""
    return np.sum(_not_nan(x), axis=axis, keepdims=True)


def _deviation(x: Any, axis: Any) -> Any:
    """x - mean, and 0 where x is nan."""
    mean = np.sum(_fill_nan(x, 0.0), axis=axis, keepdims=True) / _number(x, axis)
    return np.where(_not_nan(x), _fill_nan(x, 0.0) - mean, 0.0)


def _winners(y: Any, x: Any, axis: Any) -> Any:
    ties = np.equal(x, y)
    return ties / np.maximum(np.sum(ties, axis=axis, keepdims=True), 1)


def _with_nan(domain: Domain, **options: Any) -> Any:
    """Calls with an axis argument; if there are many entries, one may be nan."""
    whole = over_axes(domain, **options)

    def calls(draw: Draw) -> Call:
        (x,), params = whole(draw)
        axes = range(x.ndim) if params["axis"] is None else np.atleast_1d(params["axis"])
        if int(np.prod([x.shape[i] for i in axes])) > 2 and draw.choice([False, True]):
            x = np.array(x)
            x[(0,) * x.ndim] = np.nan
        return (x,), params

    return calls


_function: Any


def _middle(y: Any, x: Any, axis: Any) -> Any:
    """Half for each of the two places in the middle, which may be the same; nan is sorted to the end."""
    rows = merge_axes(x, axis)
    places, last = 2 * ranks(rows), _number(rows, -1) - 1
    halves = np.equal(places, last - last % 2) * 0.5 + np.equal(places, last + last % 2) * 0.5
    return split_axes(halves * _not_nan(rows), x, axis)


def _nan_to_num(g: Any, y: Any, x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    return np.where(np.isfinite(x), g, 0.0)


# fmt: off
reduction(np.nansum, "nansum", "y = Σ x, without nan", lambda y, x, axis: _not_nan(x),
    selects=True, casts=True, calls=_with_nan(REAL))
reduction(np.nanmean, "nanmean", "y = Σ x / n, without nan", lambda y, x, axis: _not_nan(x) / _number(x, axis),
    selects=True, casts=True, calls=_with_nan(REAL))
reduction(np.nanprod, "nanprod", "y = Π x, without nan",
    lambda y, x, axis: others(_fill_nan(x, 1.0), axis), kept=_kept,
    casts=True, calls=_with_nan(REAL))
for _function, _most in ((np.nanmax, "largest"), (np.nanmin, "smallest")):
    reduction(_function, _function.__name__, f"y = the {_most} of x, without nan", _winners, domain=DISTINCT,
        selects=True, calls=_with_nan(DISTINCT), kink="a tie is shared evenly",
        of_ufunc=(np.fmax if _function is np.nanmax else np.fmin, "reduce"))
reduction(np.nanvar, "nanvar", "y = Σ (x - mean)² / (n - ddof), without nan",
    lambda y, x, axis, ddof=0: _deviation(x, axis) * (2.0 / (_number(x, axis) - ddof)), options={"ddof": (0,)},
    kept=_kept, calls=_with_nan(REAL, ddof=(0,)))
reduction(np.nanstd, "nanstd", "y = √nanvar",
    lambda y, x, axis, ddof=0: spread(y, _deviation(x, axis), axis, _number(x, axis) - ddof),
    domain=DISTINCT, options={"ddof": (0,)}, kept=_kept, calls=_with_nan(DISTINCT, min_dims=2, ddof=(0,)),
    kink="at 0: 0")
reduction(np.nanmedian, "nanmedian", "y = the middle of x in ascending order, without nan", _middle,
    domain=DISTINCT, selects=True, calls=_with_nan(DISTINCT),
    kink="at a tie: each entry keeps its place")
op(np.nan_to_num, "nan_to_num", "y = x where it is finite", vjp=(_nan_to_num,), kink="0 for replaced entries",
    jvp=(_nan_to_num,), selects=True,
    calls=lambda draw: ((draw.array(REAL, draw.shape()),), draw.choice([{}, {"nan": 1.0, "posinf": 2.0}])),
    elementwise=True, gives_new=True)
