"""np.pad: an array within a border, of every mode that has a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domain import REAL, Call, Draw
from ..op import op, refuse
from .indexing import scatter
from .rearranging import at

COPYING = ("edge", "reflect", "symmetric", "wrap")
STATISTICS: dict[str, Any] = {"mean": np.mean, "maximum": np.max, "minimum": np.min, "median": np.median}


def _widths(shape: tuple[int, ...], given: Any) -> list[list[Any]]:
    """A pair for each axis, of what np.pad is given for all or for each."""
    if isinstance(given, dict):
        given = [given.get(i, given.get(i - len(shape), 0)) for i in range(len(shape))]
        given = [(w, w) if np.ndim(w) == 0 else w for w in given]
    return np.broadcast_to(np.asarray(given), (len(shape), 2)).tolist()  # type: ignore[no-any-return]


def _inner(shape: tuple[int, ...], pad_width: Any) -> tuple[slice, ...]:
    """Where x stands in what np.pad made of it."""
    return tuple(slice(w, w + n) for n, (w, _) in zip(shape, _widths(shape, pad_width), strict=True))


def _side(x: Any, axis: int, width: int, mode: str, given: Any, last: bool) -> Any:
    """One side of a computed border. given: how many entries a statistic is of, or where a ramp ends."""
    n = x.shape[axis]
    if mode == "linear_ramp":
        edge = x[at(axis, x.ndim, -1 if last else 0)]
        ramp = np.linspace(given, edge, width, endpoint=False, axis=axis)
        return np.flip(ramp, axis) if last else ramp
    count = n if given is None else min(given, n)
    near = x[at(axis, x.ndim, slice(n - count, n) if last else slice(0, count))]
    value = STATISTICS[mode](near, axis=axis, keepdims=True)
    return np.broadcast_to(value, [width if i == axis else side for i, side in enumerate(value.shape)])


def _composed(x: Any, pad_width: Any, mode: str, given: Any) -> Any:
    """x within a border that is computed: axis by axis, as NumPy does it."""
    ends = [(given, given)] * x.ndim if given is None else _widths(x.shape, given)
    for axis, widths in enumerate(_widths(x.shape, pad_width)):
        left, right = (_side(x, axis, w, mode, ends[axis][k], bool(k)) for k, w in enumerate(widths))
        x = np.concatenate([left, x, right], axis=axis)
    return x


def _pad_back(g: Any, y: Any, x: Any, pad_width: Any = 0, mode: Any = "constant", constant_values: Any = 0) -> Any:
    if mode == "constant":
        return g[_inner(x.shape, pad_width)]
    sources = np.pad(np.reshape(np.arange(x.size), x.shape), pad_width, mode=mode)
    return np.reshape(scatter(np.ravel(g), np.ravel(sources), (x.size,)), x.shape)


def _pad_along(t: Any, y: Any, x: Any, pad_width: Any = 0, mode: Any = "constant", constant_values: Any = 0) -> Any:
    return np.pad(t, pad_width, mode=mode)


def _pad_call(array: Any, pad_width: Any, mode: Any = "constant", **more: Any) -> Call:
    if more.pop("reflect_type", "even") != "even":
        refuse("pad of a Value does not take reflect_type=\n  write  2 * np.pad(x, w, 'edge') - np.pad(x, w, mode)")
    if mode in STATISTICS or mode == "linear_ramp":
        given = more.pop("end_values", 0.0) if mode == "linear_ramp" else more.pop("stat_length", None)
        array, pad_width, mode = _composed(array, pad_width, mode, given), 0, "constant"
    elif mode not in ("constant", *COPYING):
        refuse(f"pad of a Value has no rule for mode={mode!r}\n  what it puts there depends on nothing")
    for name in more.keys() & {"end_values", "stat_length"}:
        refuse(f"pad of a Value does not take {name}= in mode {mode!r}\n  leave it out")
    return (array,), {"pad_width": pad_width, "mode": mode, **more}


def _pad(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    each = [(draw.integer(0, 2), draw.integer(0, 4)) for _ in range(x.ndim)]
    widths = draw.choice([each, 1, (2, 1)])
    mode: dict[str, Any] = draw.choice([{}, {"constant_values": 1.5}, *({"mode": mode} for mode in COPYING)])
    return (x,), {"pad_width": widths, **mode}


op(
    np.pad,
    "pad",
    "y = x within a border",
    domain=(REAL,),
    vjp=(_pad_back,),
    jvp=(_pad_along,),
    bind=_pad_call,
    options=("reflect_type", "end_values", "stat_length"),
    calls=_pad,
)
