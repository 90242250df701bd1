"""Functions that reduce axes: y has the axes of x except the reduced ones."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.op import dispatched, linear, op
from ..engine.sampling import DISTINCT, REAL, Call, Domain, Draw
from . import vmap_rules
from .activations import softmax
from .axes import expand, merge_axes
from .discrete import stop_gradient
from .draws import draw_axis
from .lengths import direction
from .recurrences import others


def over_axes(domain: Domain, min_dims: int = 0, **options: Any) -> Callable[[Draw], Call]:
    """Calls with an array, an axis argument and keepdims; each option from its choices."""

    def calls(draw: Draw) -> Call:
        x = draw.array(domain, draw.shape(min_dims=min_dims))
        params = {name: draw.choice(choices) for name, choices in options.items()}
        return (x,), {"axis": draw_axis(draw, x.ndim), "keepdims": draw.choice([False, True]), **params}

    return calls


def reduction(
    function: Any,
    label: str,
    formula: str,
    partial: Callable[..., Any],
    *,
    domain: Domain = REAL,
    options: dict[str, Any] | None = None,
    kept: Callable[..., Any] | None = None,
    over: Any = None,
    **more: Any,
) -> None:
    """State a reduction by ``partial(y, x, axis, **options) -> ∂y/∂x``, with y spread over the reduced axes.

    options: the further parameters, each with its default and the choices tests draw from.
    kept: ``(y, x, axis, **options)`` -> which entries the reduction takes: the others get 0, whatever g is there.
    over: the axes that are reduced by default; None for all.
    """
    extra = options or {}

    def weighted(g: Any, y: Any, x: Any, axis: Any, given: Any) -> Any:
        taken = True if kept is None else kept(y, x, axis, **given)
        return (g if taken is True else np.where(taken, g, 0.0)) * partial(y, x, axis, **given)

    def vjp(g: Any, y: Any, x: Any, axis: Any = over, keepdims: bool = False, **given: Any) -> Any:
        return weighted(expand(g, x, axis, keepdims), expand(y, x, axis, keepdims), x, axis, given)

    def jvp(t: Any, y: Any, x: Any, axis: Any = over, keepdims: Any = False, **given: Any) -> Any:
        moved = weighted(t, expand(y, x, axis, keepdims), x, axis, given)
        return np.sum(moved, axis=axis, keepdims=keepdims)

    known: dict[str, Any] = {"gives_new": True, "symmetric": True, "vmap": vmap_rules.reduce_batch} | more
    known.setdefault("calls", over_axes(domain, **extra))
    op(function, label, formula, domain=(domain,), vjp=(vjp,), jvp=(jvp,), options=tuple(extra), **known)


def _count(y: Any, x: Any) -> int:
    """The number of entries of x that reduce to one of y; 1 if there are no entries."""
    return int(x.size // max(y.size, 1)) or 1


def _to_every_entry(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """g in the shape of x: every entry that was reduced gets the cotangent of the result."""
    if isinstance(g, float) and x.size < 4096:  # np.broadcast_to takes four times as long
        return np.full(x.shape, g)
    return np.broadcast_to(expand(g, x, axis, keepdims), x.shape)


def _divide(g: Any, n: float) -> Any:
    """g / n, also where n is beyond the largest float16."""
    return g * (1 / n) if n > 65504 and g.dtype == np.float16 else g / n


def share_ties(y: Any, x: Any, axis: Any) -> Any:
    """1 where x has the value y, divided by the number of such places: ties share evenly."""
    ties = np.equal(x, y)
    return ties / np.sum(ties, axis=axis, keepdims=True)


def _deviation(y: Any, x: Any, axis: Any) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


def spread(y: Any, deviation: Any, axis: Any, n: Any) -> Any:
    """The slope of √(Σ deviation² / n), whose value is y."""
    root = np.sqrt(np.maximum(n, 0)).astype(deviation.dtype)
    return direction(deviation, y * root, axis) / root


def _mean(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    total = np.sum(x, axis=axis, keepdims=keepdims)
    return total / _count(total, x)


def _var(x: Any, axis: Any = None, ddof: float = 0, keepdims: Any = False) -> Any:
    total = np.sum(np.square(x - np.mean(x, axis=axis, keepdims=True)), axis=axis, keepdims=keepdims)
    return total / (_count(total, x) - ddof)


def _std(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return np.sqrt(_var(x, axis, ddof, keepdims))


def _prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    rows = merge_axes(x, axis)
    y = functools.reduce(operator.mul, [rows[..., k] for k in range(rows.shape[-1])], np.ones(rows.shape[:-1]))
    return expand(y, x, axis, False) if keepdims else y


def _shares(y: Any, x: Any, axis: Any) -> Any:
    """softmax(x): exp(x - y) would lose the digits that y rounds away where it is large."""
    top = stop_gradient(np.max(x, axis=axis, keepdims=True))
    below = np.where(np.equal(x, top) & np.isinf(x), 0.0, x - top)
    if not isinstance(x, np.ndarray):  # to have its derivative
        return softmax(below, axis)
    e = np.exp(below)
    return e / np.sum(e, axis=axis, keepdims=True)


@dispatched
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """ln Σ exp(x) over the axes (all by default), with no overflow.

    x: any shape. axis: None, int or tuple. keepdims: keep the reduced axes, with length 1.
    """
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)


# fmt: off
linear(np.sum, "sum", "y = Σ x",
    lambda g, y, x, axis=None, keepdims=False: _to_every_entry(g, x, axis, keepdims),
    calls=over_axes(REAL), casts=True, sums=True, symmetric=True, vmap=vmap_rules.reduce_batch,
    of_ufunc=(np.add, "reduce"))
linear(np.mean, "mean", "y = Σ x / n",
    lambda g, y, x, axis=None, keepdims=False: _to_every_entry(_divide(g, _count(y, x)), x, axis, keepdims),
    calls=over_axes(REAL), casts=True, symmetric=True, meaning=_mean, vmap=vmap_rules.reduce_batch)
for _function, _alias in ((np.max, np.amax), (np.min, np.amin)):
    reduction(_function, "max" if _function is np.max else "min",
        f"y = the {'largest' if _function is np.max else 'smallest'} of x", share_ties, domain=DISTINCT,
        selects=True, kink="a tie is shared evenly", aliases=(_alias,),
        of_ufunc=(np.maximum if _function is np.max else np.minimum, "reduce"))
reduction(np.var, "var", "y = Σ (x - mean)² / (n - ddof)",
    lambda y, x, axis, ddof=0: _deviation(y, x, axis) * (2 / (_count(y, x) - ddof)), options={"ddof": (0, 0.5)},
    parity="even", meaning=_var)
reduction(np.std, "std", "y = √var",
    lambda y, x, axis, ddof=0: spread(y, _deviation(y, x, axis), axis, _count(y, x) - ddof),
    domain=DISTINCT, options={"ddof": (0, 0.5)}, calls=over_axes(DISTINCT, min_dims=2), kink="at 0: 0",
    parity="even", meaning=_std)
# the product of all entries but one may overflow
reduction(np.prod, "prod", "y = Π x", lambda y, x, axis: others(x, axis), meaning=_prod, casts=True,
    of_ufunc=(np.multiply, "reduce"))
reduction(logsumexp, "logsumexp", "y = ln Σ e^x", _shares,
    kink="equal ∞ share evenly",
    meaning=lambda x, axis=None, keepdims=False: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)))
