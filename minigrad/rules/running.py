"""Running sums and products along an axis: y[i] depends on x[0] to x[i]."""

from __future__ import annotations

import operator
from itertools import accumulate
from typing import Any

import numpy as np

from ..engine.op import dispatched, linear, op
from ..engine.sampling import DISTINCT, REAL, Call, Draw
from . import vmap_rules
from .axes import shift_in, widen
from .discrete import stop_gradient
from .recurrences import recur_back, recurrence


def _along_axis(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    return (x,), {"axis": draw.choice([None, *range(-x.ndim, x.ndim)])}


def _with_nan(draw: Draw) -> Call:
    (x,), params = _along_axis(draw)
    if x.size > 1 and draw.choice([False, True]):
        x = np.array(x)
        x[(0,) * x.ndim] = np.nan
    return (x,), params


def _cumsum_back(g: Any, y: Any, x: Any, axis: int | None = None) -> Any:
    return np.reshape(np.flip(np.cumsum(np.flip(g, axis), axis or 0), axis), x.shape)


# Running products: both directions are one recurrence.


def _cumprod_back(g: Any, y: Any, x: Any, axis: int | None = None) -> Any:
    if axis is None:
        return np.reshape(_cumprod_back(np.ravel(g), np.ravel(y), np.ravel(x), 0), x.shape)
    if not x.size:
        return g
    g, y, x = (np.moveaxis(part, axis, -1) for part in (g, y, x))
    return np.moveaxis(recur_back(x, g) * shift_in(y, 1.0), -1, axis)


def _cumprod_along(t: Any, y: Any, x: Any, axis: int | None = None) -> Any:
    if axis is None:
        return _cumprod_along(np.ravel(t), np.ravel(y), np.ravel(x), 0)
    if not x.size:
        return t
    t, y, x = (np.moveaxis(part, axis, -1) for part in (t, y, x))
    return np.moveaxis(recurrence(x, t * shift_in(y, 1.0)), -1, axis)


def _nancumprod_back(g: Any, y: Any, x: Any, axis: int | None = None) -> Any:
    return np.where(np.isnan(x), 0.0, _cumprod_back(g, y, np.where(np.isnan(x), 1.0, x), axis))


def _nancumprod_along(t: Any, y: Any, x: Any, axis: int | None = None) -> Any:
    lost = np.isnan(x)
    return _cumprod_along(np.where(lost, 0.0, t), y, np.where(lost, 1.0, x), axis)


def _products(x: Any, axis: int | None = None) -> Any:
    """np.cumprod, product by product; not for long rows, whose degrees no proof can follow."""
    rows = np.ravel(x) if axis is None else np.moveaxis(x, axis, -1)
    if not 0 < rows.shape[-1] <= _LONG:
        return NotImplemented
    y = np.stack([*accumulate((rows[..., k] for k in range(rows.shape[-1])), operator.mul)], axis=-1)
    return y if axis is None else np.moveaxis(y, -1, axis)


def _products_with_initial(x: Any, axis: int | None = None, include_initial: bool = False) -> Any:
    y = _products(x, axis or 0)
    if y is NotImplemented or not include_initial:
        return y
    return np.moveaxis(widen(np.moveaxis(y, axis or 0, -1), 1, 0, 1.0), -1, axis or 0)


# The same under the array API's names; they may begin with an empty sum or product.


def _drop_initial(y: Any, axis: int | None, include_initial: bool) -> Any:
    """y without the empty sum or product in front."""
    before: tuple[Any, ...] = (slice(None),) * ((axis or 0) % y.ndim)
    return y[(*before, slice(1, None))] if include_initial else y


def _cumulative_sum_back(g: Any, y: Any, x: Any, axis: int | None = None, include_initial: bool = False) -> Any:
    return _cumsum_back(_drop_initial(g, axis, include_initial), y, x, axis)


def _cumulative_prod_back(g: Any, y: Any, x: Any, axis: int | None = None, include_initial: bool = False) -> Any:
    g, y = (_drop_initial(part, axis, include_initial) for part in (g, y))
    return np.reshape(_cumprod_back(g, y, np.reshape(x, y.shape), axis or 0), x.shape)


def _cumulative_prod_along(t: Any, y: Any, x: Any, axis: int | None = None, include_initial: bool = False) -> Any:
    later = _drop_initial(y, axis, include_initial)
    moved = _cumprod_along(np.reshape(t, later.shape), later, np.reshape(x, later.shape), axis or 0)
    sides = [(0, 0)] * y.ndim
    sides[axis or 0] = (int(include_initial), 0)
    return np.pad(moved, sides)


def _cumulative(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    axis = draw.choice([*range(-x.ndim, x.ndim), *[None] * (x.ndim == 1)])
    return (x,), {"axis": axis, "include_initial": draw.choice([False, True])}


# The largest and the smallest so far: equal entries share evenly, as in np.max.


@dispatched
def cummax(x: Any, axis: int = 0) -> Any:
    """The largest so far along the axis: np.maximum.accumulate."""
    return np.maximum.accumulate(x, axis=axis)


@dispatched
def cummin(x: Any, axis: int = 0) -> Any:
    """The smallest so far along the axis: np.minimum.accumulate."""
    return np.minimum.accumulate(x, axis=axis)


def _so_far(function: Any) -> Any:
    """cummax, as the largest of each beginning of a row: their order does not count."""

    def meaning(x: Any, axis: int = 0) -> Any:
        rows = np.moveaxis(x, axis, -1)
        if not 0 < rows.shape[-1] <= _LONG:
            return NotImplemented
        y = np.stack([function(rows[..., : k + 1], axis=-1) for k in range(rows.shape[-1])], axis=-1)
        return np.moveaxis(y, -1, axis)

    return meaning


def _extreme_parts(y: Any, x: Any, axis: int) -> tuple[Any, Any, Any]:
    """Along the last axis: whether y stays as it was, whether x is y, and how many x are, so far."""
    y, x = (np.moveaxis(part, axis, -1) for part in (y, x))
    stays = np.equal(y, shift_in(y, np.nan))
    there = np.equal(x, y)
    return stays, there, np.maximum(_sum_while(stays, there * 1.0), 1.0)


def _sum_while(stays: Any, t: Any) -> Any:
    """The sum of t along the last axis, begun anew where `stays` is false: it chooses, and multiplies nothing."""
    step = 1
    while step < t.shape[-1]:
        t = t + np.where(stays, widen(t[..., :-step], step, 0), 0.0)
        stays = np.logical_and(stays, widen(stays[..., :-step], step, 0))
        step *= 2
    return t


def _extreme_back(g: Any, y: Any, x: Any, axis: int = 0) -> Any:
    stays, there, count = _extreme_parts(y, x, axis)
    goes_on = shift_in(np.flip(stays, -1), 0.0)
    shares = np.flip(_sum_while(goes_on, np.flip(np.moveaxis(g, axis, -1) / count, -1)), -1)
    return np.moveaxis(np.where(there, shares, 0.0), -1, axis)


def _extreme_along(t: Any, y: Any, x: Any, axis: int = 0) -> Any:
    stays, there, count = _extreme_parts(y, x, axis)
    return np.moveaxis(_sum_while(stays, np.where(there, np.moveaxis(t, axis, -1), 0.0)) / count, -1, axis)


# Running sums of e^x. Divided by e^top, with the largest so far, no term is larger than 1.


@dispatched
def logcumsumexp(x: Any, axis: int = 0) -> Any:
    """ln Σ exp(x) so far along the axis: np.logaddexp.accumulate."""
    return np.logaddexp.accumulate(x, axis=axis)


def _exp_below(x: Any, top: Any) -> Any:
    """exp(x - top); 1 where both are the same infinity."""
    same = np.equal(x, top) & np.isinf(x)
    return np.exp(np.where(same, 0.0, x) - np.where(same, 0.0, top))


def _running_shares(x: Any, axis: int) -> tuple[Any, Any]:
    """Along the last axis: the share of x[i] in the sum so far, and that of all before it."""
    x = np.moveaxis(x, axis, -1)
    top = stop_gradient(cummax(x, axis=-1))
    terms, decay = _exp_below(x, top), _exp_below(shift_in(top, -np.inf), top)
    total = recurrence(decay, terms)
    return terms / total, decay * shift_in(total, 0.0) / total


def _logcumsumexp_back(g: Any, y: Any, x: Any, axis: int = 0) -> Any:
    share, before = _running_shares(x, axis)
    return np.moveaxis(recur_back(before, np.moveaxis(g, axis, -1)) * share, -1, axis)


def _logcumsumexp_along(t: Any, y: Any, x: Any, axis: int = 0) -> Any:
    share, before = _running_shares(x, axis)
    return np.moveaxis(recurrence(before, np.moveaxis(t, axis, -1) * share), -1, axis)


def _extremes(draw: Draw) -> Call:
    x = draw.array(DISTINCT, draw.shape(min_dims=1))
    return (x,), {"axis": draw.integer(-x.ndim, x.ndim - 1)}


_LONG = 256

# fmt: off
linear(np.cumsum, "cumsum", "y[i] = Σ x[j], j ≤ i", _cumsum_back, casts=True, calls=_along_axis, sums=True,
    selects=True, vmap=vmap_rules.along_axis_or_flat, of_ufunc=(np.add, "accumulate"))
op(np.nancumsum, "nancumsum", "y[i] = Σ x[j], j ≤ i, without nan",
    vjp=(lambda g, y, x, axis=None: np.where(np.isnan(x), 0.0, _cumsum_back(g, y, x, axis)),),
    jvp=(lambda t, y, x, axis=None: np.cumsum(np.where(np.isnan(x), 0.0, t), axis),), casts=True, calls=_with_nan,
    selects=True, gives_new=True, vmap=vmap_rules.along_axis_or_flat,
    meaning=lambda x, axis=None: np.cumsum(np.where(np.isnan(x), 0.0, x), axis))
op(np.cumprod, "cumprod", "y[i] = Π x[j], j ≤ i", vjp=(_cumprod_back,), jvp=(_cumprod_along,), calls=_along_axis,
    casts=True, gives_new=True, vmap=vmap_rules.along_axis_or_flat, of_ufunc=(np.multiply, "accumulate"),
    rows="in order", meaning=_products)
op(np.nancumprod, "nancumprod", "y[i] = Π x[j], j ≤ i, without nan", vjp=(_nancumprod_back,),
    jvp=(_nancumprod_along,), casts=True, calls=_with_nan, gives_new=True, vmap=vmap_rules.along_axis_or_flat,
    meaning=lambda x, axis=None: np.cumprod(np.where(np.isnan(x), 1.0, x), axis))
linear(np.cumulative_sum, "cumulative_sum", "y[i] = Σ x[j], j ≤ i", _cumulative_sum_back, calls=_cumulative,
    casts=True, sums=True, selects=True)
op(np.cumulative_prod, "cumulative_prod", "y[i] = Π x[j], j ≤ i", vjp=(_cumulative_prod_back,),
    jvp=(_cumulative_prod_along,), casts=True, calls=_cumulative, gives_new=True, meaning=_products_with_initial)
for _function, _most in ((cummax, "largest"), (cummin, "smallest")):
    op(_function, _function.__name__, f"y[i] = the {_most} x[j], j ≤ i", domain=(DISTINCT,), vjp=(_extreme_back,),
        jvp=(_extreme_along,), calls=_extremes, kink="a tie is shared evenly", gives_new=True,
        selects=True, vmap=vmap_rules.along_axis,
        of_ufunc=(np.maximum if _function is cummax else np.minimum, "accumulate"), rows="in order",
        meaning=_so_far(np.max if _function is cummax else np.min))
op(logcumsumexp, "logcumsumexp", "y[i] = ln Σ e^x[j], j ≤ i", vjp=(_logcumsumexp_back,), jvp=(_logcumsumexp_along,),
    domain=(DISTINCT,), calls=_extremes, kink="equal ∞ share evenly", gives_new=True, vmap=vmap_rules.along_axis,
    of_ufunc=(np.logaddexp, "accumulate"), meaning=lambda x, axis=0: np.log(np.cumsum(np.exp(x), axis=axis)))
