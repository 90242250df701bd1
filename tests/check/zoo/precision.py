"""Derivatives of single numbers that are right in double numbers: the same code does something else in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Subject, normal, positive

SINGLE = np.float32


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_vjp(g: Any, x: Any) -> Any:
    return g / (1 + np.exp(-x))


def with_threshold(g: Any, x: Any) -> Any:
    """1 from a threshold on that comes from the type: for single numbers it is too low."""
    return g * np.where(x > -np.log(np.finfo(x.dtype).eps) / 4, 1, 1 / (1 + np.exp(-x))).astype(x.dtype)


def logistic(x: Any) -> Any:
    return np.sum(np.logaddexp(0, -x))


def logistic_grad(x: Any) -> Any:
    return -1 / (1 + np.exp(x))


def with_overflow(x: Any) -> Any:
    with np.errstate(all="ignore"):
        return -np.exp(-x) / (1 + np.exp(-x))


def cubic(x: Any, y: Any) -> Any:
    return np.sum(x**3 * y)


def cubic_grad(x: Any, y: Any) -> Any:
    return 3 * x**2 * y, x**3


def in_halves(d: Any) -> Any:
    """Single numbers, computed with half of their digits."""
    return d if d.dtype == np.float64 else d.astype(np.float16).astype(d.dtype)


SINE = Subject(
    "sine of single numbers",
    lambda x: np.sin(x),
    (normal(951, 5).astype(SINGLE),),
    "vjp",
    lambda g, x: g * np.cos(x),
    digits=1e-6,
)
SOFTPLUS = Subject(
    "softplus of single numbers",
    softplus,
    (np.array([-2.0, 0.3, 4.5, 3.0], SINGLE),),
    "vjp",
    softplus_vjp,
    digits=1e-6,
)
LOGISTIC = Subject(
    "logistic loss of single numbers",
    logistic,
    (np.array([-100.0, 1.0, 2.0], SINGLE),),
    "grad",
    logistic_grad,
    digits=1e-6,
)
CUBIC = Subject(
    "cubes of single numbers",
    cubic,
    (positive(952, 4).astype(SINGLE), normal(953, 4).astype(SINGLE)),
    "grad",
    cubic_grad,
    digits=1e-6,
)
FORWARD = Subject("tangents of single numbers", lambda x: np.tanh(x), (normal(954, 2, 3).astype(SINGLE),), "jvp",
                  lambda args, ts: (1 - np.tanh(args[0]) ** 2) * ts[0], digits=1e-6)  # fmt: skip

SUBJECTS = [SINE, SOFTPLUS, LOGISTIC, CUBIC, FORWARD]

MISTAKES = [
    SINE.wrong("another branch for single numbers", "precision",
               lambda g, x: g * (np.cos(x) if x.dtype == np.float64 else np.sin(x))),
    SOFTPLUS.wrong("a threshold from the type", "precision", with_threshold, index=(2,)),
    CUBIC.slip("the second in half precision", "precision", in_halves, at=1),
    FORWARD.wrong("no slope for single numbers", "precision",
                  lambda args, ts: (1 - np.tanh(args[0]) ** 2 * (args[0].dtype == np.float64)) * ts[0]),
    LOGISTIC.wrong("overflow of single numbers", "nan", with_overflow),
]  # fmt: skip
