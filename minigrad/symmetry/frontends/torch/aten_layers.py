"""ATen's operations of networks: products, convolutions, pooling, normalising, attention. One row for each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....rules.activations import log_softmax, softmax
from ....rules.layers import layer_norm
from ....rules.windows import avg_pool, max_pool
from ..convolution import convolve, convolve_back, with_gaps


def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    y = x @ np.transpose(weight)
    return y if bias is None else y + bias


def _add_product(bias: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    y = a @ b if alpha == 1 else alpha * (a @ b)
    return y + (bias if beta == 1 else beta * bias)


def _bilinear(a: Any, b: Any, weight: Any, bias: Any = None) -> Any:
    y = np.einsum("...i,oij,...j->...o", a, weight, b)
    return y if bias is None else y + bias


def _channelwise(c: Any, ndim: int) -> Any:
    """One number per channel, beside an array (n, channels, …)."""
    return np.reshape(c, (-1, *(1,) * (ndim - 2)))


# Convolution.


def _each(x: Any, d: int) -> tuple[int, ...]:
    """One number per axis, from one number or from a list of one number."""
    numbers = (x,) if isinstance(x, int) else tuple(x)
    return numbers * d if len(numbers) == 1 else numbers


def _convolution(
    x: Any,
    kernel: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    more: Any,
    groups: int,
) -> Any:
    d = np.ndim(kernel) - 2
    stride, padding, dilation, more = (_each(k, d) for k in (stride, padding, dilation, more))
    kernel = with_gaps(kernel, dilation)
    if transposed:
        y = convolve_back(x, kernel, stride, padding, more, groups)
    else:
        y = convolve(x, kernel, stride, padding, groups)
    return y if bias is None else y + _channelwise(bias, d + 2)


def _forward(
    x: Any, kernel: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    return _convolution(x, kernel, bias, stride, padding, dilation, False, 0, groups)


# Pooling.


def _pool_sides(kernel: Any, stride: Any, padding: Any, d: int) -> tuple[Any, Any, Any]:
    """Window, stride and padding, one number per axis."""
    window = _each(kernel, d)
    return window, _each(stride, d) if stride else window, _each(padding, d)


def _overhang(x: Any, window: Any, stride: Any, padding: Any, ceil_mode: bool) -> list[int]:
    """By how much the last window of each axis reaches beyond the border, in `ceil_mode`."""
    sides = np.shape(x)[np.ndim(x) - len(window) :]
    over = []
    for n, k, s, p in zip(sides, window, stride, padding, strict=True):
        more = -(-(n + 2 * p - k) // s)
        if more * s >= n + p:  # a window that begins beyond x is left out
            more -= 1
        over.append(max(more * s + k - n - 2 * p, 0) if ceil_mode else 0)
    return over


def _max_pool(d: int) -> Callable[..., Any]:
    def pool(
        x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> Any:
        if max(_each(dilation, d)) > 1:
            raise ArgumentError("a maximum with dilation has no counterpart")
        window, steps, border = _pool_sides(kernel, stride, padding, d)
        over = _overhang(x, window, steps, border, ceil_mode)
        if not any(over):
            return max_pool(x, window, steps, border)
        widths = [(0, 0)] * (np.ndim(x) - d) + [(p, p + more) for p, more in zip(border, over, strict=True)]
        return max_pool(np.pad(x, widths, constant_values=-np.inf), window, steps)

    return pool


def _with_places(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as one of a tuple, whose other items only serve ATen's own derivative."""
    return lambda *args: (function(*args), None, None, None, None)


def _avg_pool(d: int) -> Callable[..., Any]:
    def pool(
        x: Any, kernel: Any, stride: Any = (), padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: Any = None,
    ) -> Any:  # fmt: skip
        sides = _pool_sides(kernel, stride, padding, d)
        if any(_overhang(x, *sides, ceil_mode)):
            raise ArgumentError("a mean over windows that are partly outside (ceil_mode) has no counterpart")
        y = avg_pool(x, *sides)
        if divisor_override is not None:
            return y * (math.prod(sides[0]) / divisor_override)
        return y if count_include_pad or not any(sides[2]) else y / avg_pool(np.ones(np.shape(x)[-d:]), *sides)

    return pool


def _shares(n: int, places: int) -> Any:
    """The matrix that averages n entries to that many places, as adaptive pooling cuts them."""
    shares = np.zeros((places, n))
    for k in range(places):
        start, end = k * n // places, -(-(k + 1) * n // places)
        shares[k, start:end] = 1 / (end - start)
    return shares


def _adaptive_avg_pool(x: Any, sizes: Any) -> Any:
    d = len(sizes)
    if all(k == 1 for k in sizes):
        return np.mean(x, axis=tuple(range(-d, 0)), keepdims=True)
    for axis, places in zip(range(-d, 0), sizes, strict=True):
        shares = _shares(np.shape(x)[axis], np.shape(x)[axis] if places is None else places)
        x = np.swapaxes(np.swapaxes(x, axis, -1) @ shares.T, axis, -1)
    return x


def _adaptive_max_pool(x: Any, sizes: Any) -> tuple[Any, Any]:
    d = len(sizes)
    sides = np.shape(x)[-d:]
    if any(n % k for n, k in zip(sides, sizes, strict=True)):
        raise ArgumentError(f"an adaptive maximum from {sides} to {tuple(sizes)} places has windows that overlap")
    return max_pool(x, tuple(n // k for n, k in zip(sides, sizes, strict=True))), None


# Normalising.


def _batch_norm(
    x: Any, scale: Any, shift: Any, mean: Any, variance: Any, training: bool, momentum: Any, eps: float, *_: Any
) -> Any:
    ndim = np.ndim(x)
    if training or mean is None:
        y = layer_norm(x, axis=(0, *range(2, ndim)), eps=eps)
    else:
        y = (x - _channelwise(mean, ndim)) * _channelwise(1 / np.sqrt(variance + eps), ndim)
    return _scaled(y, *(None if c is None else _channelwise(c, ndim) for c in (scale, shift)))


def _scaled(y: Any, scale: Any, shift: Any) -> Any:
    y = y if scale is None else y * scale
    return y if shift is None else y + shift


def _layer_norm(x: Any, shape: Any, scale: Any = None, shift: Any = None, eps: float = 1e-5, *_: Any) -> Any:
    scale, shift = 1.0 if scale is None else scale, 0.0 if shift is None else shift
    return layer_norm(x, scale, shift, axis=tuple(range(-len(shape), 0)), eps=eps)


def _group_norm(x: Any, groups: int, scale: Any = None, shift: Any = None, eps: float = 1e-5, *_: Any) -> Any:
    shape = np.shape(x)
    y = np.reshape(layer_norm(np.reshape(x, (shape[0], groups, -1)), eps=eps), shape)
    return _scaled(y, *(None if c is None else _channelwise(c, len(shape)) for c in (scale, shift)))


# Attention and dropout.


def _attention(
    q: Any, k: Any, v: Any, mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False, scale: Any = None,
    enable_gqa: bool = False, draw: Any = None,
) -> Any:  # fmt: skip
    if enable_gqa:  # several heads of q share one of k and v
        k, v = (np.repeat(x, np.shape(q)[-3] // np.shape(x)[-3], axis=-3) for x in (k, v))
    scores = q @ np.swapaxes(k, -1, -2) * (1 / math.sqrt(np.shape(q)[-1]) if scale is None else scale)
    if is_causal:
        mask = np.tri(*np.shape(scores)[-2:], dtype=bool)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype.kind == "b" else scores + mask
    weights = softmax(scores, -1)
    return (weights if draw is None else weights * draw(np.shape(weights))) @ v


# Where dropout is on, `draw` gives a node for its mask, of mean 1: without dropout it is 1.


def _dropout(x: Any, p: float, train: Any, draw: Any = None) -> Any:
    return x if draw is None else x * draw(np.shape(x))


def _native_dropout(x: Any, p: float, train: Any, draw: Any = None) -> tuple[Any, Any]:
    return _dropout(x, p, train, draw), None


# fmt: off
LAYERS: dict[str, Callable[..., Any]] = {
    "linear": _linear,
    "matmul": lambda a, b: a @ b,
    "mm": lambda a, b: a @ b,
    "bmm": lambda a, b: a @ b,
    "mv": lambda a, b: a @ b,
    "dot": lambda a, b: a @ b,
    "bilinear": _bilinear,
    "addmm": _add_product,
    "baddbmm": _add_product,
    "einsum": lambda subscripts, xs, path=None: np.einsum(subscripts, *xs),
    "convolution": _convolution,
    "conv1d.default": _forward,
    "conv2d.default": _forward,
    "conv3d.default": _forward,
    "max_pool1d": _max_pool(1),
    "max_pool2d": _max_pool(2),
    "max_pool3d": _max_pool(3),
    "max_pool2d_with_indices": _with_places(_max_pool(2)),
    "max_pool3d_with_indices": _with_places(_max_pool(3)),
    "avg_pool1d": _avg_pool(1),
    "avg_pool2d": _avg_pool(2),
    "avg_pool3d": _avg_pool(3),
    "adaptive_avg_pool1d": _adaptive_avg_pool,
    "adaptive_avg_pool2d": _adaptive_avg_pool,
    "_adaptive_avg_pool2d": _adaptive_avg_pool,
    "adaptive_max_pool2d": _adaptive_max_pool,
    "adaptive_max_pool3d": _adaptive_max_pool,
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit": _with_places(_batch_norm),
    "_native_batch_norm_legit_functional": _with_places(_batch_norm),
    "_native_batch_norm_legit.no_stats": lambda x, scale, shift, training, momentum, eps:
        (_batch_norm(x, scale, shift, None, None, True, momentum, eps), None, None),
    "_native_batch_norm_legit_no_training": lambda x, scale, shift, mean, variance, momentum, eps:
        (_batch_norm(x, scale, shift, mean, variance, False, momentum, eps), None, None),
    "layer_norm": _layer_norm,
    "native_layer_norm": _with_places(_layer_norm),
    "group_norm": _group_norm,
    "native_group_norm": lambda x, scale, shift, n, c, area, groups, eps:
        (_group_norm(x, groups, scale, shift, eps), None, None),
    "softmax.int": lambda x, dim, dtype=None: softmax(x, dim),
    "_softmax": lambda x, dim, half_to_float: softmax(x, dim),
    "log_softmax.int": lambda x, dim, dtype=None: log_softmax(x, dim),
    "_log_softmax": lambda x, dim, half_to_float: log_softmax(x, dim),
    "scaled_dot_product_attention": _attention,
    "dropout": _dropout,
    "native_dropout": _native_dropout,
    "bernoulli.p": lambda x, p, draw: draw(np.shape(x), p),
}
