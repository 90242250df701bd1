"""Convolution of any dimension, with groups, and its transpose, on arrays or Values.

x: (…, channels, *sides). kernel: (channels out, channels in / groups, *window).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...rules.indexing import scatter
from ...rules.windows import conv1d, conv2d, fold, windows


def with_gaps(kernel: Any, dilation: Sequence[int]) -> Any:
    """The kernel with zeros between its entries."""
    if max(dilation, default=1) == 1:
        return kernel
    window = np.shape(kernel)[2:]
    sides = [(n - 1) * k + 1 for n, k in zip(window, dilation, strict=True)]
    return scatter(kernel, (Ellipsis, *(slice(None, None, k) for k in dilation)), (*np.shape(kernel)[:2], *sides))


def convolve(x: Any, kernel: Any, stride: Any, padding: Any, groups: int) -> Any:
    """The convolution of x within a border of zeros. stride, padding: one number per axis of the window."""
    d = np.ndim(kernel) - 2
    if groups == 1 and d <= 2:
        return (conv1d, conv2d)[d - 1](x, kernel, stride, padding)
    border = [(0, 0)] * (np.ndim(x) - d) + [(p, p) for p in padding]
    seen = windows(np.pad(x, border), np.shape(kernel)[2:], stride)  # (…, channels, *places, *window)
    lead, rest = np.shape(seen)[: np.ndim(x) - d - 1], np.shape(seen)[np.ndim(x) - d :]
    seen = np.reshape(seen, (*lead, groups, -1, *rest))
    parts = np.reshape(kernel, (groups, -1, *np.shape(kernel)[1:]))
    place, window = "pqr"[:d], "uvw"[:d]
    y = np.einsum(f"...gc{place}{window},goc{window}->...go{place}", seen, parts)
    return np.reshape(y, (*lead, -1, *rest[:d]))


def convolve_back(x: Any, kernel: Any, stride: Any, padding: Any, more: Any, groups: int) -> Any:
    """A transposed convolution: each entry of x adds a kernel to the result. more: places added at the end."""
    d = np.ndim(kernel) - 2
    lead, places = np.shape(x)[: np.ndim(x) - d - 1], np.shape(x)[np.ndim(x) - d :]
    parts = np.reshape(x, (*lead, groups, -1, *places))
    kernels = np.reshape(kernel, (groups, -1, *np.shape(kernel)[1:]))
    place, window = "pqr"[:d], "uvw"[:d]
    seen = np.einsum(f"...gc{place},gco{window}->...go{place}{window}", parts, kernels)
    seen = np.reshape(seen, (*lead, -1, *places, *np.shape(kernel)[2:]))
    sides = [(n - 1) * s + k for n, s, k in zip(places, stride, np.shape(kernel)[2:], strict=True)]
    y: Any = np.pad(fold(seen, stride, tuple(sides)), [(0, 0)] * (np.ndim(x) - d) + [(0, m) for m in more])
    return y[(Ellipsis, *(slice(p, n + m - p) for p, n, m in zip(padding, sides, more, strict=True)))]
