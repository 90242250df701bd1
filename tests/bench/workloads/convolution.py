"""A convolution by windows: its squared error, and the gradient of its kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .workload import Call, Workload

IMAGES, CHANNELS, SIDE, KERNELS, WINDOW = 8, 3, 18, 8, 3


def start(dtype: str) -> tuple[list[Any], tuple[Any, ...]]:
    rng = np.random.default_rng(0)
    kernels = (0.2 * rng.normal(size=(KERNELS, CHANNELS, WINDOW, WINDOW))).astype(dtype)
    x = rng.normal(size=(IMAGES, CHANNELS, SIDE, SIDE)).astype(dtype)
    inner = SIDE - WINDOW + 1
    return [kernels], (x, rng.normal(size=(IMAGES, KERNELS, inner, inner)).astype(dtype))


def by_einsum(lib: Any, parameters: list[Any], x: Any, target: Any) -> Any:
    error = lib.xp.einsum("nchwij,ocij->nohw", lib.windows(x, WINDOW), parameters[0]) - target
    return lib.xp.sum(error * error)


def by_hand(parameters: list[Any], x: Any, target: Any) -> Call:
    """As a product of matrices: a row for each window, a column for each kernel."""
    (kernels,) = parameters

    def call() -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(x, (WINDOW, WINDOW), axis=(2, 3))
        rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, CHANNELS * WINDOW * WINDOW)
        error = rows @ kernels.reshape(KERNELS, -1).T - target.transpose(0, 2, 3, 1).reshape(-1, KERNELS)
        gradient = 2 * error.T @ rows
        return (error * error).sum(), gradient.reshape(kernels.shape)

    return call


CONVOLUTION = Workload("convolution by einsum", "both", start, by_einsum, by_hand, {"float64": 1.1})
