"""Signatures of functions, those of NumPy's functions in C and of its ufuncs included."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

# NumPy states the signatures of its functions in C from 2.4 on; before, `inspect` finds none.
_STATED: dict[Callable[..., Any], Callable[..., Any]] = {
    np.bincount: lambda x, /, weights=None, minlength=0: None,
    np.concatenate: lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    np.dot: lambda a, b, out=None: None,
    np.empty_like: lambda prototype, /, dtype=None, order="K", subok=True, shape=None, *, device=None: None,
    np.inner: lambda a, b, /: None,
    np.vdot: lambda a, b, /: None,
    np.where: lambda condition, x=None, y=None, /: None,
}


# Called when an op first meets parameters, not at import: reading 300 signatures takes time.
@functools.cache
def signature_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], str, dict[str, Any]]:
    """The names of a function's parameters, the one that is ``*args``, and the defaults."""
    if isinstance(function, np.ufunc):
        return tuple(f"x{i + 1}" for i in range(function.nin)), "", {}
    parameters = inspect.signature(_STATED.get(function, function)).parameters.values()
    return (
        tuple(p.name for p in parameters if p.kind is not p.VAR_KEYWORD),
        next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), ""),
        {p.name: p.default for p in parameters if p.default is not p.empty},
    )
