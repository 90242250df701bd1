"""NumPy's functions that can be written with functions that have rules.

They have no rows in the table. This code runs on Values in place of NumPy's own, which fills arrays or needs data
that a Value refuses; derivatives of any order follow from the functions it calls.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ..engine.errors import MinigradError
from ..engine.op import COMPOSED, refuse
from ..engine.sampling import DISTINCT, POSITIVE, REAL, UNEVEN, Call, Draw
from .axes import dispatches, merge_axes
from .discrete import stop_gradient
from .draws import draw_axis, integers
from .indexing import put, scatter
from .systems import FULL_RANK, SINGULAR_VALUES, stack_of

NUMPY = np.lib.NumpyVersion(np.__version__)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Composed:
    """A function written with others. calls: draws one whole call, positional and named arguments."""

    function: Callable[..., Any]
    forward: Callable[..., Any]
    formula: str
    calls: Callable[[Draw], Call]


def composed(function: Callable[..., Any], formula: str, calls: Callable[[Draw], Call]) -> Callable[[F], F]:
    """Decorate a function that computes the same with others, and has the same parameters."""

    def state(forward: F) -> F:
        COMPOSED[function] = Composed(function, forward, formula, calls)
        return forward

    return state


def _any(draw: Draw) -> Call:
    return (draw.array(REAL, draw.shape(min_dims=1)),), {}


def _row(draw: Draw) -> Call:
    return (draw.array(REAL, draw.shape(1, 1)),), {}


def _blocks(draw: Draw) -> Call:
    n, m = draw.integer(1, 2), draw.integer(1, 2)
    row = [draw.array(REAL, (n, m)), draw.array(REAL, (n, 1))]
    return (draw.choice([[row[0][0], 2.0], [row, [draw.array(REAL, (m + 1,))]], row[0]]),), {}


def _depth(x: Any) -> int:
    return 1 + _depth(x[0]) if isinstance(x, list) else 0


def _most_axes(x: Any) -> int:
    return max(map(_most_axes, x)) if isinstance(x, list) else np.ndim(x)


def _join_blocks(x: Any, ndim: int) -> Any:
    if isinstance(x, list):
        return np.concatenate([_join_blocks(part, ndim) for part in x], axis=-_depth(x))
    return np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x))


@composed(np.block, "y = the blocks, joined along the last axes", _blocks)
def _block(arrays: Any) -> Any:
    return _join_blocks(arrays, max(_depth(arrays), _most_axes(arrays)))


def _compress_call(draw: Draw) -> Call:
    (x,), _ = _any(draw)
    axis = draw.choice([None, *range(-x.ndim, x.ndim)])
    side = x.size if axis is None else x.shape[axis]
    return (integers(draw, 0, 1, (side,)).astype(bool), x), {"axis": axis}


@composed(np.compress, "y = x where the condition holds", _compress_call)
def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    return np.take(a, np.flatnonzero(condition), axis=axis)


def _insert_call(draw: Draw) -> Call:
    (x,), _ = _any(draw)
    axis = draw.choice([None, *range(-x.ndim, x.ndim)])
    side = x.size if axis is None else x.shape[axis]
    # Before 2.4, NumPy takes a mask for numbers, and warns.
    masks = [integers(draw, 0, 1, (side,)).astype(bool)] if NUMPY >= "2.4.0" else []
    obj = draw.choice([0, -1, [side, 0, side], slice(0, None, 2), *masks])
    return (x, obj, draw.choice([draw.array(REAL, ()), draw.array(REAL, (1,) * x.ndim)])), {"axis": axis}


@composed(np.insert, "y = x, with values put in between", _insert_call)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """The same call on the numbers of the entries shows where each entry comes from."""
    n, m = np.size(arr), np.size(values)
    numbers, others = np.arange(n).reshape(np.shape(arr)), np.arange(n, n + m).reshape(np.shape(values))
    entries = np.concatenate([np.ravel(arr), np.ravel(values)])
    kind = np.result_type(arr)  # as in NumPy, the values take the type of the array
    entries = entries.astype(kind) if kind.kind == "f" else entries
    return np.take(entries, np.insert(numbers, obj, others, axis))


def _bincount_call(draw: Draw) -> Call:
    weights = draw.array(REAL, draw.shape(1, 1))
    return (integers(draw, 0, 3, weights.shape), weights), {"minlength": draw.choice([0, 5])}


@composed(np.bincount, "y[k] = Σ w[i] where x[i] = k", _bincount_call)
def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    x = np.asarray(x)
    if weights is None:
        return np.bincount(x, minlength=minlength)
    return scatter(weights, x, (max(int(x.max(initial=-1)) + 1, minlength),))


def _piecewise_call(draw: Draw) -> Call:
    x = draw.array(DISTINCT, draw.shape())
    return (x, [x < 0, x > 1], [np.exp, lambda x: x * x, 0.5][: draw.integer(2, 3)]), {}


@composed(np.piecewise, "y = f(x) where its condition holds", _piecewise_call)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    if x.dtype.kind != "f":
        refuse(f"piecewise of {x.dtype} numbers gives {x.dtype} numbers\n  write  np.astype(x, float)   first")
    several = isinstance(condlist, (list, tuple)) or np.ndim(condlist) > 0
    one = not several or (np.ndim(condlist[0]) == 0 and x.ndim > 0)  # as in NumPy
    conditions = [_condition(c, x) for c in ([condlist] if one else condlist)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~functools.reduce(np.logical_or, conditions))
    y = np.zeros_like(x)
    for condition, f in zip(conditions, funclist, strict=True):
        if not dispatches(condition):
            y = put(y, condition, f(x[condition], *args, **kw) if callable(f) else f)
        else:  # nobody knows which entries it selects, so f gets them all
            y = np.where(condition, f(x, *args, **kw) if callable(f) else f, y)
    return y


def _condition(c: Any, x: Any) -> Any:
    """Truth values for x; those that depend on data while tracing stay a Value, with axes as of x."""
    try:
        return np.asarray(c, dtype=bool)
    except MinigradError:
        return np.reshape(np.not_equal(c, 0), c.shape + (1,) * (x.ndim - c.ndim))


def _shift_call(draw: Draw) -> Call:
    (x,), _ = _any(draw)
    return (x,), {"axes": draw.choice([None, 0, -1, tuple(range(x.ndim))])}


def _half(x: Any, axes: Any, round_up: bool) -> tuple[list[int], list[int]]:
    which = [*range(x.ndim)] if axes is None else [int(i) for i in np.atleast_1d(axes)]
    return [(x.shape[i] + round_up) // 2 for i in which], which


@composed(np.fft.fftshift, "y = x, rolled by half", _shift_call)
def _fftshift(x: Any, axes: Any = None) -> Any:
    return np.roll(x, *_half(x, axes, False))


@composed(np.fft.ifftshift, "y = x, rolled back by half", _shift_call)
def _ifftshift(x: Any, axes: Any = None) -> Any:
    return np.roll(x, *_half(x, axes, True))


def _ediff1d_call(draw: Draw) -> Call:
    ends = draw.array(REAL, draw.shape(1, 1))
    return (draw.array(REAL, draw.shape(min_dims=1)),), draw.choice([{}, {"to_begin": ends}, {"to_end": ends}])


@composed(np.ediff1d, "y[i] = x[i+1] - x[i]", _ediff1d_call)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [x for x in (to_begin, np.diff(np.ravel(ary)), to_end) if x is not None]
    return np.concatenate([np.ravel(x) for x in parts])


def _unwrap_call(draw: Draw) -> Call:
    (x,), _ = _any(draw)
    return (3.0 * x,), {"axis": draw.integer(-x.ndim, x.ndim - 1), **draw.choice([{}, {"period": 4.3}])}


@composed(np.unwrap, "y = x + whole periods, so that it jumps by less than half of one", _unwrap_call)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    x, half = np.moveaxis(p, axis, -1), period / 2
    step = stop_gradient(np.diff(x))
    turned = np.remainder(step + half, period) - half
    turned = np.where(np.equal(turned, -half) & np.greater(step, 0), half, turned)  # half a turn up stays
    added = np.where(np.less(np.abs(step), half if discont is None else discont), 0.0, turned - step)
    return np.moveaxis(np.concatenate([x[..., :1], x[..., 1:] + np.cumsum(added, axis=-1)], axis=-1), -1, axis)


def _geomspace_call(draw: Draw) -> Call:
    a, b = (draw.array(POSITIVE, shape) for shape in draw.shapes(2))
    a, b = draw.choice([(a, b), (-a, -b)])
    return (a, b), {"num": draw.integer(1, 4), "endpoint": draw.choice([True, False]), "axis": draw.choice([0, -1])}


@composed(np.geomspace, "y[i] = a (b / a)^(i / (n - 1))", _geomspace_call)
def _geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    if dtype is not None:
        refuse("geomspace of a Value does not take dtype=\n  leave it out")
    start, stop = np.broadcast_arrays(
        *(x if hasattr(x, "shape") else np.asarray(x, dtype=np.float64) for x in (start, stop))
    )
    sign = np.sign(start)
    y = sign * np.logspace(np.log10(sign * start), np.log10(sign * stop), num, endpoint)
    ends = (start[None], y[1 : -1 if endpoint else None], stop[None])[: 3 if endpoint and num > 1 else 2]
    return np.moveaxis(np.concatenate(ends) if num > 0 else y, 0, axis)


def _nan_ranks_call(scale: float) -> Callable[[Draw], Call]:
    def calls(draw: Draw) -> Call:
        x = np.array(draw.array(DISTINCT, (2, draw.integer(2, 3))))
        if draw.choice([False, True]):
            x[0, 0] = np.nan
        shares: list[Any] = [0.0, 0.3, 1.0, [0.2, 0.9]]
        return (x, np.multiply(draw.choice(shares), scale)), {
            "axis": draw_axis(draw, 2) or None,
            "keepdims": draw.choice([False, True]),
        }

    return calls


@composed(np.nanquantile, "y = the q-quantile of x, without nan", _nan_ranks_call(1.0))
def _nanquantile(a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    if method != "linear":
        refuse(f"nanquantile of a Value takes only method='linear', got {method!r}")
    rows = np.sort(merge_axes(a, axis), axis=-1)  # nan comes last
    last = np.maximum(np.sum(~np.isnan(rows), axis=-1, keepdims=True) - 1, 0)

    def one(share: float) -> Any:
        at = share * last
        low = np.astype(np.floor(at), np.int64)
        low_x, high_x = (np.take_along_axis(rows, i, -1)[..., 0] for i in (low, np.minimum(low + 1, last)))
        return low_x + (high_x - low_x) * (at - low)[..., 0]

    y = np.stack([one(float(share)) for share in np.ravel(q)])
    if keepdims:
        y = np.expand_dims(y, tuple(1 + i % a.ndim for i in np.atleast_1d(range(a.ndim) if axis is None else axis)))
    return np.reshape(y, np.shape(q) + y.shape[1:])


@composed(np.nanpercentile, "y = the q-th percentile of x, without nan", _nan_ranks_call(100.0))
def _nanpercentile(a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    return _nanquantile(a, np.divide(q, 100.0), axis, method=method, keepdims=keepdims)


@composed(np.vander, "y[i,j] = x[i]^(n-1-j)", lambda draw: (_row(draw)[0], {"N": draw.choice([None, 0, 1, 4])}))
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    n = len(x) if N is None else N
    if n < 1:
        return np.zeros((len(x), 0)) * np.expand_dims(x, -1)
    column = np.expand_dims(x, -1)
    y = np.cumprod(np.concatenate([column**0, *[column] * (n - 1)], axis=-1), axis=-1)
    return y if increasing else np.flip(y, -1)


@composed(np.polyder, "the coefficients of p'", lambda draw: (_row(draw)[0], {"m": draw.integer(0, 2)}))
def _polyder(p: Any, m: int = 1) -> Any:
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composed(np.polyint, "the coefficients of ∫p", lambda draw: (_row(draw)[0], {"m": draw.integer(0, 2)}))
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    constants = np.zeros(m) if k is None else np.broadcast_to(k, (m,))
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p


def _polyfit_call(draw: Draw) -> Call:
    x = np.arange(4.0) + 0.1 * draw.array(REAL, (4,))
    return (x, draw.array(REAL, draw.choice([(4,), (4, 2)])), draw.integer(0, 2)), {}


@composed(np.polyfit, "the coefficients of the polynomial nearest to the points", _polyfit_call)
def _polyfit(x: Any, y: Any, deg: int, rcond: Any = None) -> Any:
    x, y = (z if hasattr(z, "dtype") else np.asarray(z, dtype=np.float64) for z in (x, y))
    powers = np.vander(x, deg + 1)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    c = np.linalg.lstsq(powers / scale, y, len(x) * np.finfo(x.dtype).eps if rcond is None else rcond)[0]
    return (c.T / scale).T


# From NumPy 2.4 on it is trunc itself; before, it fills an array.
if NUMPY < "2.4.0":

    @composed(np.fix, "y = x, rounded towards 0", lambda draw: ((draw.array(UNEVEN, draw.shape()),), {}))
    def _fix(x: Any) -> Any:
        return np.trunc(x)


def _cond_call(draw: Draw) -> Call:
    rows = draw.integer(1, 2)
    a = stack_of(draw, SINGULAR_VALUES, rows, rows, 3.0 * (1 + np.arange(rows)))
    return (a,), {"p": draw.choice([None, 2, -2, 1, -1, "fro", np.inf])}


@composed(np.linalg.cond, "y = |A| |A⁻¹|", _cond_call)
def _cond(x: Any, p: Any = None) -> Any:
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


def _tensorsolve_call(draw: Draw) -> Call:
    n = draw.integer(1, 2)
    a = stack_of(draw, FULL_RANK, 2 * n, 2 * n, 3.0).reshape(-1, 2 * n, 2 * n)[0]
    return (a.reshape(2, n, n, 2), draw.array(REAL, (2, n))), draw.choice([{}, {"axes": (2,)}] if n == 2 else [{}])


@composed(np.linalg.tensorsolve, "y = the tensor with A y = b", _tensorsolve_call)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        kept = [i for i in range(a.ndim) if i not in axes]
        a = np.transpose(a, (*kept, *axes))
    shape = a.shape[b.ndim :]
    n = int(np.prod(shape))
    return np.reshape(np.linalg.solve(np.reshape(a, (-1, n)), np.ravel(b)), shape)


def _tensorinv_call(draw: Draw) -> Call:
    n, ind = draw.integer(1, 2), draw.choice([1, 2])
    a = stack_of(draw, FULL_RANK, 2 * n, 2 * n, 3.0).reshape(-1, 2 * n, 2 * n)[0]
    return (a.reshape((2 * n, n, 2) if ind == 1 else (2, n, n, 2)),), {"ind": ind}


@composed(np.linalg.tensorinv, "y = the inverse of A as a matrix of tensors", _tensorinv_call)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    n = int(np.prod(a.shape[ind:]))
    return np.reshape(np.linalg.inv(np.reshape(a, (n, n))), a.shape[ind:] + a.shape[:ind])
