"""Compares the gradient of a recorded loss with that of its framework: nothing is claimed where they differ.

They are compared at the start, near it, and at a random point where equal parameters stay equal: there a maximum of
equal entries, whose gradient a framework may give to one of them, breaks ties that even shares would keep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import TracingError
from ..loss_graph import Recording

EXACT, ROUNDED = 1e-7, 1e-3  # share of the largest gradient of a tensor; rounded: where it computes in float32
NOISE = 30  # times what a change of the last digit of the parameters does, where it computes in float32
LAST_DIGIT = 2.0**-23
TINY = 1e-9  # share of the largest gradient of all
LOST = 1e-14  # a framework gives 0 for a softmax that saturates, and the table here what is left

Gradients = Callable[[Sequence[Any]], Sequence[Any]]  # by a framework, one array per parameter, at these arrays


def check_gradients(
    recording: Recording, gradients: Gradients, rounded: bool, framework: str, own: str, even: str
) -> None:
    """Raise TracingError if the framework gives other gradients, and name the first parameter that differs.

    rounded: whether it computes in less than float64; then its noise is measured. own: which derivatives a trace
    does not show. even: how to write a maximum that shares its slope.
    """
    values = recording.values
    noise = np.random.default_rng(0).normal(size=len(values))
    size = float(np.sqrt(np.mean(values**2))) or 0.1
    near_values = values * (1 + 0.1 * noise) + 0.1 * size * noise
    tied_values = size * np.sin(1e4 * values / size + 1)  # as random as can be, and equal where the values are
    first = _difference(recording, gradients, values, rounded)
    near = _difference(recording, gradients, near_values, rounded, finite=True)
    if near:
        raise TracingError(
            f"the gradient of {near} in the traced graph differs from {framework}'s\n"
            f"  a trace does not show derivatives of its own {own}\n"
            "  if it has none, an operation is recorded wrongly here; nothing is claimed"
        )
    tied = first or _difference(recording, gradients, tied_values, rounded, finite=True)
    if tied:
        raise TracingError(
            f"where parameters are equal, {framework}'s gradient of {tied} is not that of exact arithmetic\n"
            "  a maximum of equal entries has the slope of one of them, or numbers so large that rounding decides\n"
            f"  write  {even}   for a maximum that shares its slope\n  or     a smaller start"
        )


def _difference(
    recording: Recording, gradients: Gradients, values: Any, rounded: bool, finite: bool = False
) -> str:
    """The path of the first parameter whose gradients differ; empty if none does. finite: compare only numbers."""
    ours = recording.split(recording.gradient(values))
    theirs = gradients(recording.split(values))
    again = gradients(recording.split(values * (1 + LAST_DIGIT))) if rounded else theirs
    largest = max((_size(g) for g in theirs), default=0)
    for path, a, b, c in zip(recording.paths, ours, theirs, again, strict=True):
        with np.errstate(all="ignore"):
            allowed = (ROUNDED if rounded else EXACT) * _size(b) + TINY * largest + LOST + NOISE * _size(b - c)
            same = (np.abs(a - b) <= allowed) | (a == b) | (np.isnan(a) & np.isnan(b))
        if not (same | (finite & ~(np.isfinite(a) & np.isfinite(b)))).all():
            return path or "the parameters"
    return ""


def _size(g: Any) -> Any:
    """The largest number of an array, without signs."""
    return np.abs(g[np.isfinite(g)]).max(initial=0)
