"""Parameters that many pages draw for the calls of their ops."""

from __future__ import annotations

import numpy as np

from ..engine.sampling import Draw, Shape


def draw_axis(draw: Draw, ndim: int) -> int | tuple[int, ...] | None:
    """An axis argument of a reduction: None, an int of either sign, or a tuple."""
    options: list[int | tuple[int, ...] | None] = [None]
    options += [*range(-ndim, ndim)]
    options += [(i, j - ndim) for i in range(ndim) for j in range(ndim) if i != j]
    return draw.choice(options)


def integers(draw: Draw, low: int, high: int, shape: Shape) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """An integer array of that shape with entries from low to high."""
    flat = [draw.integer(low, high) for _ in range(int(np.prod(shape)))]
    return np.array(flat, dtype=np.int64).reshape(shape)
