"""Windows that slide over an array: views, their transpose `fold`, pooling, and convolution in channels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..engine.op import bilinear, dispatched, linear, moves, op, refuse
from ..engine.sampling import DISTINCT, REAL, Call, Draw

Sides = tuple[int, ...]
_view = np.lib.stride_tricks.sliding_window_view


def _tuple(x: Any) -> tuple[int, ...]:
    return tuple(int(i) for i in np.atleast_1d(x))


@dispatched
def windows(x: Any, window: Sides, stride: Sides) -> Any:
    """All windows over the last axes of x: of shape (…, places, window).

    x: (…, *sides). window, stride: one side and one step per axis. The windows lie wholly within x.
    """
    axes: Any = tuple(range(-len(window), 0))
    view: Any = _view(x, window, axis=axes)
    steps = tuple(slice(None, None, s) for s in stride)
    return view[(Ellipsis, *steps, *(slice(None),) * len(window))]


@dispatched
def fold(g: Any, stride: Sides, sides: Sides) -> Any:
    """The transpose of `windows`: add every window back where it was read, on axes of those sides.

    g: (…, places, window), with one axis of each kind per step in `stride`. Gives (…, *sides).
    """
    d = len(stride)
    lead, places, window = g.shape[: g.ndim - 2 * d], g.shape[g.ndim - 2 * d : g.ndim - d], g.shape[g.ndim - d :]
    y: Any = np.zeros((*lead, *sides), dtype=np.result_type(g))
    for offset in product(*map(range, window)):
        reached = (slice(i, i + s * n, s) for i, s, n in zip(offset, stride, places, strict=True))
        y[(Ellipsis, *reached)] += g[(Ellipsis, *offset)]
    return y


def _window_sides(draw: Draw, sides: Sides) -> tuple[Sides, Sides]:
    return tuple(draw.integer(1, min(n, 3)) for n in sides), tuple(draw.integer(1, 3) for _ in sides)


def _windows(draw: Draw) -> Call:
    lead = draw.shape(max_dims=1)
    sides = draw.choice([(3,), (4,), (2, 3), (3, 1)])
    window, stride = _window_sides(draw, sides)
    return (draw.array(REAL, (*lead, *sides)),), {"window": window, "stride": stride}


def _fold(draw: Draw) -> Call:
    (x,), params = _windows(draw)
    shape = windows(x, **params).shape
    return (draw.array(REAL, shape),), {"stride": params["stride"], "sides": x.shape[-len(params["window"]) :]}


def _sliding_back(g: Any, y: Any, x: Any, window_shape: Any = None, axis: Any = None) -> Any:
    """Several windows on one axis slide one after the other, and are added back one after the other."""
    window = _tuple(window_shape)
    axes = tuple(range(x.ndim)) if axis is None else tuple(i % x.ndim for i in _tuple(axis))
    sides = list(y.shape[: x.ndim])
    for i in reversed(range(len(window))):
        sides[axes[i]] += window[i] - 1
        moved = np.moveaxis(g, axes[i], -2) if axes[i] != g.ndim - 2 else g
        g = np.moveaxis(fold(moved, (1,), (sides[axes[i]],)), -1, axes[i])
    return g


def _sliding(draw: Draw) -> Call:
    x = draw.array(REAL, (*draw.shape(max_dims=1), *draw.choice([(3,), (4,), (2, 3)])))
    axis = draw.integer(-x.ndim, x.ndim - 1)
    window = draw.integer(1, max(x.shape[axis], 1))
    whole = tuple(draw.integer(1, max(n, 1)) for n in x.shape)
    params: Any = draw.choice(
        [
            {"window_shape": window, "axis": axis},
            {"window_shape": whole},
            {"window_shape": (window, 1), "axis": (axis, 0)},
        ]
    )
    return (x,), params


# Pooling, over the last axes.


def _each(x: Any, d: int, what: str) -> Sides:
    """One number per axis, from a number or from one for each axis."""
    sides = tuple(x) if np.ndim(x) else (x,) * d
    whole = all(isinstance(side, (int, np.integer)) for side in sides)
    if not whole or len(sides) != d or min(sides) < (what != "padding"):
        refuse(f"{what} is a whole number, or one for each of {d} axes; got {x!r}")
    return sides


def _pool_call(x: Any, window: Any, stride: Any = None, padding: Any = 0) -> Call:
    window = _tuple(window)
    d = len(window)
    steps = window if stride is None else _each(stride, d, "stride")
    return (x,), {"window": window, "stride": steps, "padding": _each(padding, d, "padding")}


def _add_border(x: Any, padding: Any, value: float) -> Any:
    if not any(padding):
        return x
    return np.pad(x, [(0, 0)] * (x.ndim - len(padding)) + [(p, p) for p in padding], constant_values=value)


def _remove_border(x: Any, padding: Any) -> Any:
    if not any(padding):
        return x
    return x[(Ellipsis, *(slice(p, n - p) for p, n in zip(padding, x.shape[-len(padding) :], strict=True)))]


def _pool_windows(x: Any, window: Any, stride: Any, padding: Any, value: float) -> Any:
    """The windows of x within a border of that value."""
    (_,), given = _pool_call(x, window, stride, padding)
    return windows(_add_border(x, given["padding"], value), given["window"], given["stride"])


def _pool_windows_back(c: Any, x: Any, stride: Any, padding: Any) -> Any:
    """The transpose of `_pool_windows`."""
    sides = tuple(n + 2 * p for n, p in zip(x.shape[-len(stride) :], padding, strict=True))
    return _remove_border(fold(c, stride, sides), padding)


def _inside(window: Any) -> Sides:
    return tuple(range(-len(window), 0))


@dispatched
def max_pool(x: Any, window: Any, stride: Any = None, padding: Any = 0) -> Any:
    """The largest entry of each window over the last axes of x; a border counts as -inf.

    x: (…, *sides). window: a tuple with one side per axis, or one number for one axis. stride: likewise, the
    window's own by default. padding: the width of the border, a number or one per axis.
    """
    return _largest(x, window, stride, padding)


def _largest(x: Any, window: Any, stride: Any = None, padding: Any = 0) -> Any:
    return np.max(_pool_windows(x, window, stride, padding, -np.inf), axis=_inside(_tuple(window)))


@dispatched
def avg_pool(x: Any, window: Any, stride: Any = None, padding: Any = 0) -> Any:
    """The mean of each window over the last axes of x; a border counts as 0. See `max_pool`."""
    return _mean(x, window, stride, padding)


def _mean(x: Any, window: Any, stride: Any = None, padding: Any = 0) -> Any:
    return np.mean(_pool_windows(x, window, stride, padding, 0.0), axis=_inside(_tuple(window)))


def _shares(y: Any, x: Any, window: Any, stride: Any, padding: Any) -> Any:
    """1 at the largest entry of each window; ties share evenly."""
    ties = np.equal(_pool_windows(x, window, stride, padding, -np.inf), np.expand_dims(y, _inside(window)))
    return ties / np.sum(ties, axis=_inside(window), keepdims=True)


def _max_pool_back(g: Any, y: Any, x: Any, window: Any = None, stride: Any = None, padding: Any = 0) -> Any:
    spread = np.expand_dims(g, _inside(window)) * _shares(y, x, window, stride, padding)
    return _pool_windows_back(spread, x, stride, padding)


def _max_pool_along(t: Any, y: Any, x: Any, window: Any = None, stride: Any = None, padding: Any = 0) -> Any:
    shares = _shares(y, x, window, stride, padding)
    return np.sum(_pool_windows(t, window, stride, padding, 0.0) * shares, axis=_inside(window))


def _avg_pool_back(g: Any, y: Any, x: Any, window: Any = None, stride: Any = None, padding: Any = 0) -> Any:
    share = np.expand_dims(g / int(np.prod(window)), _inside(window))
    return _pool_windows_back(np.broadcast_to(share, (*g.shape, *window)), x, stride, padding)


def _pool(domain: Any) -> Callable[[Draw], Call]:
    def calls(draw: Draw) -> Call:
        lead, sides = draw.shape(max_dims=1), draw.choice([(3,), (4,), (2, 3), (3, 3)])
        window, stride = _window_sides(draw, sides)
        padding = tuple(draw.integer(0, w // 2) for w in window)
        return (draw.array(domain, (*lead, *sides)),), {"window": window, "stride": stride, "padding": padding}

    return calls


# Convolution in channels, as in neural networks: the kernel is not flipped.


def _conv_forward(x: Any, kernel: Any, stride: Sides, padding: Sides) -> Any:
    """x: (…, c, *sides), kernel: (o, c, *window). Gives (…, o, *places)."""
    d = kernel.ndim - 2
    seen = windows(_add_border(x, padding, 0.0), kernel.shape[2:], stride)  # (…, c, *places, *window)
    summed = (seen.ndim - 2 * d - 1, *range(seen.ndim - d, seen.ndim))
    y = np.tensordot(seen, kernel, axes=(summed, (1, *range(2, d + 2))))  # (…, *places, o)
    return np.moveaxis(y, -1, -d - 1)


def _conv_x(g: Any, y: Any, x: Any, kernel: Any, stride: Any = 1, padding: Any = 0) -> Any:
    d = len(stride)
    seen = np.tensordot(np.moveaxis(g, -d - 1, -1), kernel, axes=1)  # (…, *places, c, *window)
    return _pool_windows_back(np.moveaxis(seen, -d - 1, -2 * d - 1), x, stride, padding)


def _conv_kernel(g: Any, y: Any, x: Any, kernel: Any, stride: Any = 1, padding: Any = 0) -> Any:
    d = len(stride)
    seen = windows(_add_border(x, padding, 0.0), kernel.shape[2:], stride)
    n = g.ndim
    rest = (*range(n - d - 1), *range(n - d, n))  # all but the channels, which are the same in both
    return np.tensordot(g, seen, axes=(rest, rest))


def _conv_call(d: int) -> Callable[..., Call]:
    def bind(x: Any, kernel: Any, stride: Any = 1, padding: Any = 0) -> Call:
        return (x, kernel), {"stride": _each(stride, d, "stride"), "padding": _each(padding, d, "padding")}

    return bind


def _conv(d: int) -> Callable[[Draw], Call]:
    def calls(draw: Draw) -> Call:
        channels, out = draw.integer(1, 2), draw.integer(1, 2)
        sides = draw.choice([(3,), (4,)] if d == 1 else [(2, 3), (3, 2)])
        window, stride = _window_sides(draw, sides)
        lead = draw.shape(max_dims=1)
        x, kernel = draw.array(REAL, (*lead, channels, *sides)), draw.array(REAL, (out, channels, *window))
        return (x, kernel), {"stride": stride, "padding": draw.integer(0, 1)}

    return calls


def _channels(x: Sides, kernel: Sides) -> str:
    d = len(kernel) - 2
    return (
        f"expected x of shape (…, c, {d} sides) and a kernel (o, c, {d} sides) that fits into it,\n"
        f"got {x} and {kernel}"
    )


def _check_and_convolve(x: Any, kernel: Any, d: int, stride: Any, padding: Any) -> Any:
    if np.ndim(kernel) != d + 2 or np.ndim(x) < d + 1 or np.shape(x)[-d - 1] != np.shape(kernel)[1]:
        raise ValueError(_channels(np.shape(x), np.shape(kernel)))
    return _conv_forward(x, kernel, _each(stride, d, "stride"), _each(padding, d, "padding"))


def _of_windows(d: int, x: Any, kernel: Any, stride: Any = 1, padding: Any = 0) -> Any:
    return _check_and_convolve(x, kernel, d, stride, padding)


@dispatched
def conv1d(x: Any, kernel: Any, stride: Any = 1, padding: Any = 0) -> Any:
    """y[o, p] = Σ x[c, stride p + i] kernel[o, c, i]: a row of windows times a kernel, summed over channels.

    x: (…, c, length). kernel: (o, c, window). Gives (…, o, places). padding: zeros on either side.
    """
    return _check_and_convolve(x, kernel, 1, stride, padding)


@dispatched
def conv2d(x: Any, kernel: Any, stride: Any = 1, padding: Any = 0) -> Any:
    """`conv1d` in two dimensions: x (…, c, h, w), kernel (o, c, u, v); stride, padding: also one per axis."""
    return _check_and_convolve(x, kernel, 2, stride, padding)


# fmt: off
moves(windows, "windows", "y[p,i] = x[stride p + i]",
    lambda g, y, x, window=None, stride=None: fold(g, stride, x.shape[-len(window) :]), calls=_windows,
    is_view=True)
linear(fold, "fold", "y[stride p + i] += g[p,i]",
    lambda g, y, x, stride=None, sides=None: windows(g, x.shape[-len(stride) :], stride), calls=_fold, sums=True,
    selects=True)
# Forward is a view. Backwards, every entry of x sums over all windows that hold it, which no view can do.
moves(_view, "sliding_window_view", "y[p,i] = x[p+i]", _sliding_back, calls=_sliding, is_view=True)
op(max_pool, "max_pool", "y[p] = the largest x of window p", domain=(DISTINCT,), vjp=(_max_pool_back,),
    jvp=(_max_pool_along,), bind=_pool_call, calls=_pool(DISTINCT), selects=True,
    kink="a tie is shared evenly", gives_new=True, meaning=_largest)
linear(avg_pool, "avg_pool", "y[p] = the mean x of window p", _avg_pool_back, bind=_pool_call, calls=_pool(REAL),
    meaning=_mean)
for _function, _d in ((conv1d, 1), (conv2d, 2)):
    bilinear(_function, _function.__name__, "y[o,p] = Σ x[c,p+i] k[o,c,i]", _conv_x, _conv_kernel,
        bind=_conv_call(_d), calls=_conv(_d), expects=_channels, meaning=partial(_of_windows, _d))
