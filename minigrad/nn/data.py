"""Small data sets that no straight line separates, made here and the same every time.

Each gives ``x`` (samples, 2) and ``y`` (samples, 1), with classes 0 and 1. The seed is a whole number, a
`numpy.random.Generator` (which moves on), or None for a draw that cannot be repeated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .init import Seed

Array = npt.NDArray[np.float64]


def xor() -> tuple[Array, Array]:
    """The four corners of the unit square; y is 1 where exactly one coordinate is 1."""
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, np.array([[0.0], [1.0], [1.0], [0.0]])


def two_moons(n: int = 100, noise: float = 0.1, seed: Seed = 0) -> tuple[Array, Array]:
    """Two half circles that reach into each other; n points, half of them (rounded up) of class 0.

    noise: standard deviation of the noise in each coordinate. ValueError for fewer than two points.
    """
    upper, lower = _halves(n)
    rng = np.random.default_rng(seed)
    points = [
        (np.cos(a), np.sin(a)) if first else (1 - np.cos(a), 0.5 - np.sin(a))
        for first, a in ((True, np.linspace(0, np.pi, upper)), (False, np.linspace(0, np.pi, lower)))
    ]
    return _add_noise(points, noise, rng)


def circles(n: int = 100, noise: float = 0.05, factor: float = 0.5, seed: Seed = 0) -> tuple[Array, Array]:
    """A circle of radius 1 (class 0) around one of radius `factor` (class 1); n points.

    noise: standard deviation of the noise in each coordinate. ValueError if the factor is not between 0
    and 1, or for fewer than two points.
    """
    if not 0 < factor < 1:
        raise ValueError(f"factor must be between 0 and 1, got {factor}")
    outer, inner = _halves(n)
    rng = np.random.default_rng(seed)
    points = [
        (radius * np.cos(a), radius * np.sin(a)) for radius, a in ((1.0, _angles(outer)), (factor, _angles(inner)))
    ]
    return _add_noise(points, noise, rng)


def _halves(n: int) -> tuple[int, int]:
    if n < 2:
        raise ValueError(f"two classes need two points or more, got {n}")
    return n - n // 2, n // 2


def _angles(n: int) -> Array:
    return np.linspace(0, 2 * np.pi, n, endpoint=False)


def _add_noise(points: Any, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    if not noise >= 0:
        raise ValueError(f"noise must be 0 or more, got {noise}")
    x = np.concatenate([np.stack(pair, axis=1) for pair in points])
    y = np.concatenate([np.full((len(first), 1), float(k)) for k, (first, _) in enumerate(points)])
    return x + rng.normal(0.0, noise, x.shape), y
