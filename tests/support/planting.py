"""Wrong gradients to plant before the diagnosis: what the checker would hand it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.check.diagnosis.diagnosis import Diagnosis, Evidence, diagnose

SHAPES = [(2,), (5,), (3, 4), (4, 4), (2, 3, 4), (1, 5), (5, 1)]
# The ladder's usual bar in float64, a poor one, and one of float32.
BARS = [1e-12, 1e-9, 1e-6]


def planted(
    given: Any,
    derivative: Any,
    x: Any = None,
    *,
    path: str = "x",
    relative: float = 1e-10,
    measured: Any = None,
    **known: Any,
) -> Evidence:
    """Evidence of a wrong gradient: the reference is off by up to a half of its bar, and nan where not measured."""
    given, derivative = np.asarray(given), np.asarray(derivative, dtype=float)
    size = np.abs(derivative)
    bar = relative * np.maximum(size, 1e-3 * size.max(initial=0.0))
    reference = derivative + np.random.default_rng(1).uniform(-0.5, 0.5, derivative.shape) * bar
    if measured is not None:
        unknown = np.ones(derivative.size, dtype=bool)
        unknown[measured] = False
        reference = np.where(unknown.reshape(derivative.shape), np.nan, reference)
    wrong = ~(np.abs(given - reference) <= bar) & np.isfinite(reference)
    x = (
        np.zeros(derivative.shape) + np.arange(1.0, derivative.size + 1).reshape(derivative.shape)
        if x is None
        else x
    )
    return Evidence(path, np.asarray(x, dtype=float), given, reference, bar, wrong, **known)


def said(*args: Any, **known: Any) -> Diagnosis:
    """The diagnosis of a planted mistake."""
    return diagnose(planted(*args, **known))


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers of both signs, half and half, none near 0."""
    rng = np.random.default_rng([seed, *shape])
    signs = rng.permutation(np.where(np.arange(int(np.prod(shape))) % 2, -1.0, 1.0)).reshape(shape)
    return signs * rng.uniform(0.2, 2.0, shape)
