"""Quantiles beyond their rows in the table: without nan, of weighted entries, and with a gradient in q.

In q a quantile is a line between neighbours, with the slope to the right at an entry, and to the left at the last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.op import refuse
from ..engine.sampling import DISTINCT, POSITIVE, Call, Draw
from .axes import dispatches, expand, merge_axes
from .borders import holds_values
from .composed import composed
from .discrete import ascending
from .draws import draw_axis
from .shaping import stack
from .statistics import weights_like

# Hyndman and Fan's (α, β): of n entries in order, q lies at n q + α + q (1 - α - β) - 1, counted from 0.
METHODS = {
    "linear": (1.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
    "interpolated_inverted_cdf": (0.0, 1.0),
}


# Methods that take one entry, or the mean of two: of n entries in order, the place in units of q (n - 1).
STEPS: dict[str, Callable[[Any], Any]] = {
    "lower": np.floor,
    "higher": np.ceil,
    "nearest": np.rint,
    "midpoint": lambda place: (np.floor(place) + np.ceil(place)) / 2,
}


def _number_of_entries(rows: Any) -> Any:
    """In each row, without nan."""
    return np.sum(np.logical_not(np.isnan(rows)), axis=-1, keepdims=True)


def _place(q: Any, n: Any, last: Any, method: str) -> Any:
    if method in STEPS:
        return STEPS[method](last * q)
    alpha, beta = METHODS[method]
    return last * q if method == "linear" else n * q + (alpha + q * (1.0 - alpha - beta)) - 1.0


def _between(rows: Any, q: Any, method: str, dtype: Any) -> Any:
    """The q-quantile of each sorted row: between two neighbours. nan comes last and does not count."""
    allowed = np.logical_and(np.greater_equal(q, 0), np.less_equal(q, 1))
    q = np.where(allowed, q, 0.0)
    n = _number_of_entries(rows)
    last = np.maximum(n - 1, 0)
    at = np.clip(_place(q, n, last, method), 0, last)
    low = np.minimum(np.astype(np.floor(at), np.int64), np.maximum(last - 1, 0))
    low_x, high_x = (np.take_along_axis(rows, i, -1) for i in (low, np.minimum(low + 1, last)))
    share, gap = np.astype(at - low, dtype), high_x - low_x
    # As NumPy rounds.
    y = np.where(np.less(share, 0.5), low_x + _part(gap, share), high_x - _part(gap, 1.0 - share))
    return np.where(allowed, y, np.nan)


def _part(gap: Any, share: Any) -> Any:
    """gap share; a share of 0 of an infinite gap is 0."""
    return np.where(np.logical_and(np.isinf(gap), np.equal(share, 0)), 0.0, gap) * share


def _by_weight(rows: Any, w: Any, q: Any) -> Any:
    """The first entry of each sorted row up to which the weights make the share q."""
    total = np.cumsum(np.where(np.isnan(rows), 0.0, w), axis=-1)
    share = total / total[..., -1:]
    before = np.sum(np.less(np.where(np.equal(share, 0), -1.0, share), q), axis=-1, keepdims=True)
    return np.take_along_axis(rows, np.minimum(before, rows.shape[-1] - 1), -1)


def _state(function: Any, formula: str, scale: float, calls: Any, covers: Any, arguments: str) -> None:
    """State a quantile; q counts in units of `scale`. One that does not skip nan gives nan where a row has one."""
    skips = function in (np.nanquantile, np.nanpercentile)

    def forward(
        a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False, weights: Any = None
    ) -> Any:
        q = stack(q) if holds_values(q) and not dispatches(q) else q
        plain_q = np.zeros(q.shape, q.dtype) if dispatches(q) else q
        a, q = (x if hasattr(x, "dtype") else np.asarray(x) for x in (a, q))
        if weights is None and method not in (*METHODS, *STEPS):
            refuse(f"{function.__name__} of a Value does not take method={method!r}{_remedy(skips)}")
        if weights is not None and method != "inverted_cdf":
            raise ValueError(f"method {method!r} does not support weights, 'inverted_cdf' does")
        rows = merge_axes(a, axis)
        order = ascending(rows)
        rows = np.take_along_axis(rows, order, -1)
        if weights is None:
            dtype = function(np.zeros(1, a.dtype), plain_q, method=method).dtype
            ys = [_between(rows, share, method, dtype) for share in np.ravel(q / scale)]
        else:
            w = merge_axes(np.broadcast_to(weights_like(a, weights, axis), a.shape), axis)
            ys = [_by_weight(rows, np.take_along_axis(w, order, -1), share) for share in np.ravel(q / scale)]
        ys = [y[..., 0] if skips else np.where(np.isnan(rows[..., -1]), np.nan, y[..., 0]) for y in ys]
        ys = [expand(y, a, axis, False) if keepdims else y for y in ys]
        return np.reshape(np.stack(ys), q.shape + ys[0].shape)

    composed(function, formula, calls, covers, arguments)(forward)


def _remedy(skips: bool) -> str:
    if skips:
        return "\n  write  np.quantile(row[~np.isnan(row)], q, method=...)   for each row"
    return "\n  write  q.data, as the slope in q is 0 wherever it exists"


def _nan_calls(scale: float) -> Callable[[Draw], Call]:
    def calls(draw: Draw) -> Call:
        x = np.array(draw.array(DISTINCT, (2, draw.integer(2, 3))))
        if draw.choice([False, True]):
            x[0, 0] = np.nan
        shares: list[Any] = [0.0, 0.3, 1.0, [0.2, 0.9]]
        method = draw.choice([*METHODS, *STEPS])
        return (x, np.multiply(draw.choice(shares), scale)), {
            "axis": draw_axis(draw, 2) or None,
            "keepdims": draw.choice([False, True]),
            "method": method,
        }

    return calls


def _weighted_calls(scale: float) -> Callable[[Draw], Call]:
    def calls(draw: Draw) -> Call:
        x, axis = draw.array(DISTINCT, (2, draw.integer(2, 3))), draw.choice([None, 0, 1])
        w = draw.array(POSITIVE, x.shape)
        shares: list[Any] = [0.0, 0.31, 1.0, [0.2, 0.9]]
        q = np.multiply(draw.choice(shares), scale)
        return (x, q), {
            "axis": axis,
            "weights": w,
            "method": "inverted_cdf",
            "keepdims": draw.choice([False, True]),
        }

    return calls


def _beyond_the_row(given: dict[str, Any]) -> bool:
    return given.get("weights") is not None or holds_values(given["q"])


# fmt: off
for _function, _scale, _of in ((np.quantile, 1.0, "q-quantile"), (np.percentile, 100.0, "q-th percentile")):
    _state(_function, f"y = the {_of} of x, weighted, or with a slope in q", _scale, _weighted_calls(_scale),
        _beyond_the_row, "(weights=, q)")
for _function, _scale, _of in ((np.nanquantile, 1.0, "q-quantile"), (np.nanpercentile, 100.0, "q-th percentile")):
    _state(_function, f"y = the {_of} of x, without nan", _scale, _nan_calls(_scale), lambda given: True, "")
