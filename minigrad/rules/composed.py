"""NumPy's functions that can be written with functions that have rules.

They have no rows in the table. This code runs on Values in place of NumPy's own, which fills arrays or needs data
that a Value refuses; derivatives of any order follow from the functions it calls.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ..engine.errors import MinigradError
from ..engine.op import COMPOSED, REMEDIES, refuse
from ..engine.sampling import DISTINCT, POSITIVE, REAL, UNEVEN, Call, Draw
from .axes import dispatches
from .discrete import stop_gradient
from .draws import integers
from .indexing import put
from .matrix_domains import FULL_RANK, SINGULAR_VALUES, stack_of
from .shaping import stack

NUMPY = np.lib.NumpyVersion(np.__version__)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Composed:
    """A function written with others. calls: draws one whole call, positional and named arguments.

    covers: of a function in the table, the calls that its row does not take, by their arguments: {name: x} -> bool.
    arguments: how the docs show these.
    """

    function: Callable[..., Any]
    forward: Callable[..., Any]
    formula: str
    calls: Callable[[Draw], Call]
    covers: Callable[[dict[str, Any]], bool]
    arguments: str


def composed(
    function: Callable[..., Any],
    formula: str,
    calls: Callable[[Draw], Call],
    covers: Callable[[dict[str, Any]], bool] = lambda given: True,
    arguments: str = "",
) -> Callable[[F], F]:
    """Decorate a function that computes the same with others, and has the same parameters."""

    def state(forward: F) -> F:
        COMPOSED[function] = Composed(
            function, _naming_keywords(function, forward), formula, calls, covers, arguments
        )
        return forward

    return state


def _naming_keywords(function: Callable[..., Any], forward: Callable[..., Any]) -> Callable[..., Any]:
    """The same, but it refuses a keyword of NumPy's function that it does not have, unless that says nothing."""

    @functools.wraps(forward)
    def call(*args: Any, **kwargs: Any) -> Any:
        known = _keywords_of(forward) if kwargs else None
        if known is not None:
            for name in kwargs.keys() - known:
                if kwargs.pop(name) is not None:
                    remedy = REMEDIES.get(name) or REMEDIES[""]
                    refuse(f"{function.__name__} of a Value does not take {name}=\n  {remedy}")
        return forward(*args, **kwargs)

    return call


@functools.cache
def _keywords_of(forward: Callable[..., Any]) -> frozenset[str] | None:
    """The names of its parameters; None if it takes any keyword."""
    parameters = inspect.signature(forward).parameters.values()
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return None if open_ended else frozenset(p.name for p in parameters)


def composed_given(
    function: Callable[..., Any], names: Sequence[str], formula: str, calls: Callable[[Draw], Call]
) -> Callable[[F], F]:
    """The same for a function in the table, where it is called with one of these parameters."""
    shown = f"({', '.join(f'{name}=' for name in names)})"
    return composed(function, formula, calls, lambda given: not given.keys().isdisjoint(names), shown)


def any_array(draw: Draw) -> Call:
    """A call with one array that has axes."""
    return (draw.array(REAL, draw.shape(min_dims=1)),), {}


def one_row(draw: Draw) -> Call:
    """A call with one array of one axis."""
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
    (x,), _ = any_array(draw)
    axis = draw.choice([None, *range(-x.ndim, x.ndim)])
    side = x.size if axis is None else x.shape[axis]
    return (integers(draw, 0, 1, (side,)).astype(bool), x), {"axis": axis}


@composed(np.compress, "y = x where the condition holds", _compress_call)
def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    return np.take(a, np.flatnonzero(condition), axis=axis)


def _insert_call(draw: Draw) -> Call:
    (x,), _ = any_array(draw)
    axis = draw.choice([None, *range(-x.ndim, x.ndim)])
    side = x.size if axis is None else x.shape[axis]
    # Before 2.4, NumPy takes a mask for numbers, and warns.
    masks = [integers(draw, 0, 1, (side,)).astype(bool)] if NUMPY >= "2.4.0" else []
    obj = draw.choice([0, -1, [side, 0, side], slice(0, None, 2), *masks])
    values = [draw.array(REAL, ()), draw.array(REAL, (1,) * x.ndim), [draw.array(REAL, (1,) * (x.ndim - 1))]]
    return (x, obj, draw.choice(values)), {"axis": axis}


@composed(np.insert, "y = x, with values put in between", _insert_call)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """The same call on the numbers of the entries shows where each entry comes from."""
    values = stack(values) if isinstance(values, (list, tuple)) else values
    n, m = np.size(arr), np.size(values)
    numbers, others = np.arange(n).reshape(np.shape(arr)), np.arange(n, n + m).reshape(np.shape(values))
    entries = np.concatenate([np.ravel(arr), np.ravel(values)])
    kind = np.result_type(arr)  # as in NumPy, the values take the type of the array
    entries = entries.astype(kind) if kind.kind == "f" else entries
    return np.take(entries, np.insert(numbers, obj, others, axis))


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
            y = np.where(condition, _of_each(f(x, *args, **kw), condition.serial) if callable(f) else f, y)
    return y if y.dtype == x.dtype else np.astype(y, x.dtype)


def _of_each(y: Any, before: int) -> Any:
    """y, computed after the step `before`, if each entry depends on the one in its place alone."""
    todo, seen = [y] if dispatches(y) else [], set()
    while todo:
        node = todo.pop()
        if node.serial <= before or node.op is None or node.serial in seen:
            continue
        if not node.op.elementwise:
            refuse(
                f"piecewise takes the {node.op.label} of the entries of a piece, which depend on data\n"
                "  write  np.where(condition, a, b)   with a and b of all entries"
            )
        seen.add(node.serial)
        todo += node.inputs
    return y


def _condition(c: Any, x: Any) -> Any:
    """Truth values for x; those that depend on data while tracing stay a Value, with axes as of x."""
    try:
        return np.asarray(c, dtype=bool)
    except MinigradError:
        return np.reshape(np.not_equal(c, 0), c.shape + (1,) * (x.ndim - c.ndim))


def _choose_call(draw: Draw) -> Call:
    shape = draw.shape()
    choices = [draw.array(REAL, shape) for _ in range(3)]
    mode = draw.choice(["raise", "wrap", "clip"])
    return (integers(draw, 0 if mode == "raise" else -4, 2 if mode == "raise" else 5, shape), choices), {
        "mode": mode
    }


@composed(np.choose, "y[i] = the x with the number a[i], at i", _choose_call)
def _choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    n = len(choices)
    a = np.remainder(a, n) if mode == "wrap" else np.clip(a, 0, n - 1) if mode == "clip" else a
    if mode == "raise" and not dispatches(a) and not np.all((np.asarray(a) >= 0) & (np.asarray(a) < n)):
        raise ValueError("invalid entry in choice array")
    return np.select([np.equal(a, k) for k in range(n)], [*choices])


def _along_axis_call(draw: Draw) -> Call:
    (x,), _ = any_array(draw)
    f = draw.choice([np.sum, np.cumsum, lambda row: np.outer(row, row)])
    return (f, draw.integer(-x.ndim, x.ndim - 1), x), {}


@composed(np.apply_along_axis, "y = f of each row along the axis", _along_axis_call)
def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    rows, axis = np.moveaxis(arr, axis, -1), axis % arr.ndim
    sides = rows.shape[:-1]
    y = np.stack([_of_row(func1d(rows[place], *args, **kwargs)) for place in np.ndindex(sides)])
    y = np.reshape(y, sides + y.shape[1:])
    new = y.ndim - len(sides)
    return np.moveaxis(y, range(len(sides), y.ndim), range(axis, axis + new))


def _of_row(y: Any) -> Any:
    return stack(y) if isinstance(y, (list, tuple)) else y


@composed(np.apply_over_axes, "y = f along one axis after the other", lambda draw: (
    (np.sum, draw.array(REAL, (2, 3, 2)), draw.choice([0, (0, 2), (1, -1)])), {}))  # fmt: skip
def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for axis in map(int, np.atleast_1d(axes)):
        y = func(a, axis)
        if np.ndim(y) not in (a.ndim, a.ndim - 1):
            raise ValueError(f"a function that reduces one axis of {a.ndim} gave {np.ndim(y)} axes")
        a = y if np.ndim(y) == a.ndim else np.expand_dims(y, axis)
    return a


def _shift_call(draw: Draw) -> Call:
    (x,), _ = any_array(draw)
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
    inner = np.diff(np.ravel(ary))
    before, behind = (np.ravel([] if x is None else x) for x in (to_begin, to_end))
    return np.concatenate([np.astype(before, inner.dtype), inner, np.astype(behind, inner.dtype)])


def _unwrap_call(draw: Draw) -> Call:
    (x,), _ = any_array(draw)
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
    start, stop = (np.astype(x, np.float64) if dispatches(x) else np.float64(x) for x in (start, stop))
    start, stop = np.broadcast_arrays(start, stop)
    sign = np.sign(start)
    y = sign * np.logspace(np.log10(sign * start), np.log10(sign * stop), num, endpoint)
    ends = (start[None], y[1 : -1 if endpoint else None], stop[None])[: 3 if endpoint and num > 1 else 2]
    return np.moveaxis(np.concatenate(ends) if num > 0 else y, 0, axis)


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
