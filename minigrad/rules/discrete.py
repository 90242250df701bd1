"""Functions whose derivative is zero wherever it exists: comparisons, rounding, positions, shapes.

Their result from a Value is a Value through which no gradient flows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..engine.op import dispatched, piecewise_constant
from ..engine.sampling import BOOLEAN, DISTINCT, REAL, Call, Domain, Draw
from . import vmap_rules
from .draws import draw_axis

_function: Any
_COUNT = Domain("whole, from 0", 0, 5, kind="i")

_ON_FLOATS = {
    np.logical_not: "not {0}",
    np.isnan: "{0} != {0}",
    np.sign: "1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else {signum}({0})",
}


@dispatched
def stop_gradient(x: Any) -> Any:
    """x as a constant: the same numbers, through which no gradient flows."""
    return np.array(x)[()]


@dispatched
def tie_share(y: Any, a: Any, b: Any) -> Any:
    """The share of a in y, the larger or the smaller of a and b: 1 where y is a alone, 1/2 at a tie, else 0."""
    ours = np.equal(y, a)
    ties = ours & np.equal(y, b)
    return ours - 0.5 * ties if ties.any() else ours * 1.0


def _larger(draw: Draw) -> Call:
    a, b = (draw.array(DISTINCT, shape) for shape in draw.shapes(2))
    return (np.maximum(a, b), a, b), {}


def _along_axis(draw: Draw) -> Call:
    x = draw.array(DISTINCT, draw.shape(min_dims=1))
    return (x,), {"axis": draw.integer(-x.ndim, x.ndim - 1)}


def _over_axes(draw: Draw) -> Call:
    x: Any = draw.array(DISTINCT, draw.shape())
    return (x,), {"axis": draw_axis(draw, x.ndim)}


@dispatched
def ascending(x: Any, axis: int = -1) -> Any:
    """The order that sorts x along the axis, equal entries in their order: a stable np.argsort, but faster."""
    order = np.argsort(x, axis=axis)
    there = np.moveaxis(np.take_along_axis(x, order, axis), axis, -1)
    ties = np.equal(there[..., 1:], there[..., :-1]).any()
    return np.argsort(x, axis=axis, stable=True) if ties else order


@dispatched
def ranks(x: Any, axis: int = -1) -> Any:
    """The place that each entry of x has in ascending order along the axis; equal entries keep their order."""
    order = ascending(x, axis)
    places = np.empty_like(order)
    side = np.expand_dims(np.arange(x.shape[axis]), tuple(range(1, x.ndim - axis % x.ndim)))
    np.put_along_axis(places, order, side, axis)
    return places


def _partitioning(draw: Draw) -> Call:
    (x,), params = _along_axis(draw)
    return (x,), {"kth": draw.integer(0, x.shape[params["axis"]] - 1), **params}


def _filled(number: float, x: Any, dtype: Any = None, shape: Any = None) -> Any:
    return np.full(np.shape(x) if shape is None else shape, number)


# fmt: off
for _function, _symbol in (
    (np.greater, ">"), (np.greater_equal, "≥"), (np.less, "<"), (np.less_equal, "≤"), (np.equal, "="),
    (np.not_equal, "≠"), (np.logical_and, "and"), (np.logical_or, "or"), (np.logical_xor, "xor"),
    (np.bitwise_and, "&"), (np.bitwise_or, "|"), (np.bitwise_xor, "^"),
):
    _domain = BOOLEAN if _symbol in "&|^" else DISTINCT
    piecewise_constant(_function, _symbol, f"y = a {_symbol} b", domain=(_domain, _domain),
        commutative=_symbol not in ("<", "≤", ">", "≥"))
for _function, _symbol, _formula in (
    (np.left_shift, "<<", "y = a 2^b, of whole numbers"), (np.right_shift, ">>", "y = ⌊a / 2^b⌋, of whole numbers"),
    (np.gcd, "gcd", "y = the largest divisor of a and b"), (np.lcm, "lcm", "y = the smallest multiple of a and b"),
):
    piecewise_constant(_function, _symbol, _formula, domain=(_COUNT, _COUNT), commutative=_symbol in ("gcd", "lcm"))
for _function in (
    np.floor, np.ceil, np.trunc, np.rint, np.isnan, np.isinf, np.isfinite, np.signbit, np.logical_not, np.iscomplex,
    np.isreal, np.isneginf, np.isposinf,
):
    piecewise_constant(_function, _function.__name__, f"y = {_function.__name__}(x)", elementwise=True,
        on_floats=_ON_FLOATS.get(_function, ""), parity="odd" if _function in (np.trunc, np.rint) else "",
        shape_alone=_function in (np.iscomplex, np.isreal))
piecewise_constant(np.sign, "sign", "y = sign(x)", parity="odd")
piecewise_constant(np.invert, "~", "y = not x", domain=BOOLEAN, involution=True)
piecewise_constant(np.round, "round", "y = x rounded", options=("decimals",), aliases=(np.around,),
    elementwise=True, parity="odd")
piecewise_constant(np.isclose, "isclose", "y = |a - b| small", domain=(REAL, REAL),
    options=("rtol", "atol", "equal_nan"), elementwise=True)
piecewise_constant(np.nonzero, "nonzero", "y, z, … = where x is not 0",
    calls=lambda draw: ((draw.array(REAL, draw.shape(min_dims=1)),), {}), shape_depends_on_data=True)
piecewise_constant(np.searchsorted, "searchsorted", "y = where v belongs in the sorted x", domain=(REAL, REAL),
    options=("side",),
    calls=lambda draw: ((np.arange(4.0), draw.array(REAL, draw.shape())), {"side": draw.choice(["left", "right"])}))
piecewise_constant(np.digitize, "digitize", "y = the bin of x", domain=(REAL, REAL), options=("right",),
    calls=lambda draw: ((draw.array(REAL, draw.shape()), np.arange(-1.0, 3.0)), {"right": draw.choice([False,
    True])}))
piecewise_constant(np.imag, "imag", "y = 0", elementwise=True, shape_alone=True)
piecewise_constant(np.angle, "angle", "y = 0 for x > 0, π for x < 0", options=("deg",), elementwise=True)
piecewise_constant(np.isin, "isin", "y = whether a is among b", domain=(DISTINCT, DISTINCT),
    options=("assume_unique", "invert", "kind"))
for _function in (np.zeros_like, np.ones_like, np.empty_like):
    _what = _function.__name__
    piecewise_constant(_function, _what, "y = an array of the shape of x", options=("dtype", "shape"),
        shape_alone=_function is not np.empty_like,
        meaning=None if _function is np.empty_like else partial(_filled, float(_function is np.ones_like)))
piecewise_constant(stop_gradient, "stop_gradient", "y = x, held constant", elementwise=True, moves=True,
    meaning=lambda x: x, identity=True)
piecewise_constant(tie_share, "tie_share", "y = 1 where x is a, ½ where it is b too",
    domain=(DISTINCT, DISTINCT, DISTINCT), calls=_larger, elementwise=True)
for _function in (np.argmax, np.argmin, np.nanargmax, np.nanargmin):
    piecewise_constant(_function, _function.__name__,
        f"y = where x is {'largest' if 'max' in _function.__name__ else 'smallest'}", domain=DISTINCT,
        options=("axis", "keepdims"), calls=_along_axis, vmap=vmap_rules.along_axis_or_flat, rows="in order")
piecewise_constant(np.argsort, "argsort", "y = the order that sorts x", domain=DISTINCT,
    options=("axis", "kind", "stable"), calls=_along_axis, vmap=vmap_rules.along_axis_or_flat, rows="in order")
piecewise_constant(ascending, "ascending", "y = the order that sorts x, stable", domain=DISTINCT, options=("axis",),
    calls=_along_axis, vmap=vmap_rules.along_axis, rows="in order")
piecewise_constant(ranks, "ranks", "y = the place of each entry in ascending order", domain=DISTINCT,
    options=("axis",), calls=_along_axis, vmap=vmap_rules.along_axis, rows="in order")
piecewise_constant(np.argpartition, "argpartition", "y = an order that puts the k-th in its place", domain=DISTINCT,
    options=("kth", "axis", "kind"), calls=_partitioning, vmap=vmap_rules.along_axis_or_flat, rows="in order")
for _function in (np.any, np.all, np.count_nonzero):
    piecewise_constant(_function, _function.__name__, f"y = {_function.__name__}(x)", options=("axis", "keepdims"),
        calls=_over_axes, symmetric=True, vmap=vmap_rules.reduce_batch,
        of_ufunc={np.any: (np.logical_or, "reduce"), np.all: (np.logical_and, "reduce")}.get(_function))
