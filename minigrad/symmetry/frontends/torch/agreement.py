"""Compares the gradient of a recorded loss with that of PyTorch: nothing is claimed where they differ.

They are compared at the start, near it, and at a random point where equal parameters stay equal: there a maximum of
equal entries, whose gradient PyTorch gives to one of them, breaks ties that even shares would keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ....errors import TracingError
from ...loss_graph import Recording

EXACT, ROUNDED = 1e-7, 1e-3  # share of the largest gradient of a tensor; rounded: where it computes in float32
TINY = 1e-9  # share of the largest gradient of all


def check_agreement(recording: Recording, module: Any, parameters: Sequence[Any], rounded: bool) -> None:
    """Raise TracingError if the module gives other gradients, and name the first tensor that differs.

    module: a function of no arguments that returns its loss. rounded: whether it computes in less than float64.
    """
    rng = np.random.default_rng(0)
    values = recording.values
    noise = rng.normal(size=len(values))
    tied_values = np.sin(1e4 * values + 1)  # as random as numbers can be that are equal where the values are
    share = ROUNDED if rounded else EXACT
    first = _difference(recording, module, parameters, values, share)
    near = _difference(recording, module, parameters, values * (1 + 0.1 * noise) + 0.05 * noise, share, finite=True)
    if near:
        raise TracingError(
            f"the gradient of {near} in the traced graph differs from PyTorch's\n"
            "  a trace does not show derivatives of the module's own (autograd.Function, hooks), nor AlphaDropout\n"
            "  if it has none, an operation is recorded wrongly here; nothing is claimed"
        )
    tied = first or _difference(recording, module, parameters, tied_values, share, finite=True)
    if tied:
        raise TracingError(
            f"where parameters are equal, PyTorch's gradient of {tied} depends on their order\n"
            "  as with a maximum of equal entries: PyTorch takes the slope of one of them, which parts them\n"
            "  write  torch.amax   for a maximum that shares its slope"
        )


def _difference(
    recording: Recording, module: Any, parameters: Sequence[Any], values: Any, share: float, finite: bool = False
) -> str:
    """The path of the first parameter whose gradients differ; empty if none does. finite: compare only numbers."""
    ours = recording.split(recording.gradient(values))
    theirs = autograd_gradient(module, parameters, recording.split(values))
    largest = max((np.abs(g[np.isfinite(g)]).max(initial=0) for g in theirs), default=0)
    for path, a, b in zip(recording.paths, ours, theirs, strict=True):
        with np.errstate(all="ignore"):
            close = np.abs(a - b) <= share * np.abs(b[np.isfinite(b)]).max(initial=0) + TINY * largest
        same = close | (a == b) | (np.isnan(a) & np.isnan(b))
        if not (same | (finite & ~(np.isfinite(a) & np.isfinite(b)))).all():
            return path or "the parameters"
    return ""


def autograd_gradient(module: Any, parameters: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
    """The gradients by autograd at these numbers."""
    with torch.inference_mode(False), torch.enable_grad():
        for p, array in zip(parameters, arrays, strict=True):
            p.data.copy_(torch.from_numpy(np.ascontiguousarray(array)))
        loss = module()
        if not loss.requires_grad:
            return [np.zeros(array.shape) for array in arrays]
        grads = torch.autograd.grad(loss, list(parameters), allow_unused=True)
    return [
        np.zeros(x.shape) if g is None else g.detach().numpy().astype(np.float64)
        for g, x in zip(grads, arrays, strict=True)
    ]


def refuse_changing(first: float, module: Any) -> None:
    """Raise TracingError if the module gives another loss when it is called again on the same data."""
    with torch.no_grad():
        second = float(module())
    if first != second and not (np.isnan(first) and np.isnan(second)):
        raise TracingError(
            f"the module gives another loss when it is called again, on the same data: {first!r}, then {second!r}\n"
            "  it draws random numbers or changes a buffer that it reads, so it has no ties of its own\n"
            "  write  module.eval()"
        )
