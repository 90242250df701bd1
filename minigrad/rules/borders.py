"""np.pad: an array within a border, in every mode that has a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import op, refuse
from ..engine.sampling import REAL, Call, Draw
from .axes import dispatches
from .indexing import put, scatter
from .rearranging import at
from .shaping import stack

COPYING = ("edge", "reflect", "symmetric", "wrap")
STATISTICS: dict[str, Any] = {"mean": np.mean, "maximum": np.max, "minimum": np.min, "median": np.median}


def _widths(shape: tuple[int, ...], given: Any) -> list[list[Any]]:
    """np.pad's widths as a pair for each axis."""
    if isinstance(given, dict):
        given = [given.get(i, given.get(i - len(shape), 0)) for i in range(len(shape))]
        given = [(w, w) if np.ndim(w) == 0 else w for w in given]
    return np.broadcast_to(np.asarray(given), (len(shape), 2)).tolist()  # type: ignore[no-any-return]


def _inner(shape: tuple[int, ...], pad_width: Any) -> tuple[slice, ...]:
    """The place of x in the padded array."""
    return tuple(slice(w, w + n) for n, (w, _) in zip(shape, _widths(shape, pad_width), strict=True))


def _side(x: Any, axis: int, width: int, mode: str, given: Any, last: bool) -> Any:
    """One side of a computed border. given: the number of entries in a statistic, or the end of a ramp."""
    n = x.shape[axis]
    if mode == "constant":
        return np.broadcast_to(given, [width if i == axis else side for i, side in enumerate(x.shape)])
    if mode == "linear_ramp":
        edge = x[at(axis, x.ndim, -1 if last else 0)]
        ramp = np.linspace(given, edge, width, endpoint=False, axis=axis)
        return np.flip(ramp, axis) if last else ramp
    count = n if given is None else min(given, n)
    near = x[at(axis, x.ndim, slice(n - count, n) if last else slice(0, count))]
    value = STATISTICS[mode](near, axis=axis, keepdims=True)
    return np.broadcast_to(value, [width if i == axis else side for i, side in enumerate(value.shape)])


def _each(shape: tuple[int, ...], given: Any) -> Any:
    """np.pad's numbers for the two ends of each axis, of shape (axes, 2); they may be Values."""
    return np.broadcast_to(stack(given) if isinstance(given, (list, tuple)) else given, (len(shape), 2))


def _add_border(x: Any, pad_width: Any, mode: str, given: Any) -> Any:
    """x within a computed border: axis by axis, as in NumPy."""
    ends = [(None, None)] * x.ndim if given is None else _each(x.shape, given)
    for axis, widths in enumerate(_widths(x.shape, pad_width)):
        left, right = (_side(x, axis, w, mode, ends[axis][k], bool(k)) for k, w in enumerate(widths))
        x = np.concatenate([left, x, right], axis=axis)
    return x


def _odd_weights(n: int, widths: Any, mode: Any) -> tuple[Any, Any, Any]:
    """Which entries of a row of n an odd reflection adds up, to which entry, and with which weight.

    2 x[edge] - x[i], perhaps repeated, takes one inner entry, and the two edges: np.pad itself tells how often.
    """
    first, last, inner = (np.zeros(n, dtype=np.int64) for _ in range(3))
    first[0], inner[1:-1] = 1, 1
    last[-1] = n > 1
    source = np.pad(np.arange(n), widths, mode=mode)
    each = [np.pad(probe, widths, mode=mode, reflect_type="odd") for probe in (first, last, inner)]
    taken = np.concatenate([0 * source, 0 * source + n - 1, source])
    to, weights = np.tile(np.arange(len(source)), 3), np.concatenate(each)
    there = weights != 0
    return taken[there], to[there], weights[there]


def _unreflect(x: Any, pad_width: Any, mode: str) -> Any:
    """The transpose of an odd reflection, axis by axis; no entry meets a weight of 0, as inf · 0 would be nan."""
    for axis, widths in enumerate(_widths(x.shape, pad_width)):
        rows, n = np.moveaxis(x, axis, -1), x.shape[axis] - sum(widths)
        taken, to, weights = _odd_weights(n, widths, mode)
        moved = rows[..., to] * weights.astype(x.dtype)
        x = np.moveaxis(scatter(moved, (Ellipsis, taken), (*rows.shape[:-1], n)), -1, axis)
    return x


def _pad_back(
    g: Any,
    y: Any,
    x: Any,
    pad_width: Any = 0,
    mode: Any = "constant",
    constant_values: Any = 0,
    reflect_type: Any = "",
) -> Any:
    if mode == "constant":
        return g[_inner(x.shape, pad_width)]
    if reflect_type == "odd":
        return _unreflect(g, pad_width, mode)
    sources = np.pad(np.reshape(np.arange(x.size), x.shape), pad_width, mode=mode)
    return np.reshape(scatter(np.ravel(g), np.ravel(sources), (x.size,)), x.shape)


def _pad_along(t: Any, y: Any, x: Any, pad_width: Any = 0, constant_values: Any = 0, **params: Any) -> Any:
    return np.pad(t, pad_width, **params)


def _pad_by_moves(
    x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0, reflect_type: str = "even"
) -> Any:
    """np.pad by writing x into a border of numbers, by reading x at plain places, or by weights."""
    if mode == "constant":
        return put(
            np.pad(np.zeros(x.shape), pad_width, constant_values=constant_values), _inner(x.shape, pad_width), x
        )
    if reflect_type == "odd":
        for axis, widths in enumerate(_widths(x.shape, pad_width)):
            weights = np.pad(np.eye(x.shape[axis]), [(0, 0), widths], mode=mode, reflect_type="odd")  # type: ignore[call-overload]
            x = np.moveaxis(np.moveaxis(x, axis, -1) @ weights, -1, axis)
        return x
    return np.ravel(x)[np.pad(np.reshape(np.arange(x.size), x.shape), pad_width, mode=mode)]  # type: ignore[call-overload]


def _pad_call(array: Any, pad_width: Any, mode: Any = "constant", **more: Any) -> Call:
    if more.get("reflect_type") == "even":
        del more["reflect_type"]
    computed = mode in STATISTICS or mode == "linear_ramp" or holds_values(more.get("constant_values", 0))
    if computed:
        name = {"linear_ramp": "end_values", "constant": "constant_values"}.get(mode, "stat_length")
        given = more.pop(name, 0.0 if mode == "linear_ramp" else None)
        array, pad_width, mode = _add_border(array, pad_width, mode, given), 0, "constant"
    elif mode not in ("constant", *COPYING):
        refuse(f"pad of a Value has no rule for mode={mode!r}\n  its border does not depend on the array")
    allowed = {"constant_values"} if mode == "constant" and not computed else set()
    allowed |= {"reflect_type"} if mode in ("reflect", "symmetric") else set()
    for name in more.keys() - allowed:
        refuse(f"pad of a Value does not take {name}= in mode {mode!r}\n  leave it out")
    return (array,), {"pad_width": pad_width, "mode": mode, **more}


def holds_values(x: Any) -> bool:
    """Whether there is a Value in nested lists."""
    if isinstance(x, (list, tuple)):
        return any(map(holds_values, x))
    return dispatches(x)


def _pad(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    each = [(draw.integer(0, 2), draw.integer(0, 4)) for _ in range(x.ndim)]
    widths = draw.choice([each, 1, (2, 1)])
    odd = [{"mode": mode, "reflect_type": "odd"} for mode in ("reflect", "symmetric")]
    mode: dict[str, Any] = draw.choice([{}, {"constant_values": 1.5}, *({"mode": mode} for mode in COPYING), *odd])
    return (x,), {"pad_width": widths, **mode}


# fmt: off
op(np.pad, "pad", "y = x within a border", vjp=(_pad_back,), jvp=(_pad_along,), bind=_pad_call,
    options=("reflect_type", "end_values", "stat_length"), calls=_pad, gives_new=True,
    selects=True, meaning=_pad_by_moves)
