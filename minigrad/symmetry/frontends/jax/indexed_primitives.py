"""JAX's gather and scatter, at indices that do not depend on the parameters.

JAX itself says which entries they read and write: it gathers and scatters numbers of entries in their place.
So each way to treat an index outside of the array is JAX's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ....errors import ArgumentError
from ....rules.indexing import scatter

SPLIT = 4096


def _numbers(x: Any) -> Any:
    """The number of each entry of an array of that shape."""
    return jnp.arange(np.size(x)).reshape(np.shape(x))


def _refuse_computed(indices: Any) -> None:
    if hasattr(indices, "has_gradient"):
        raise ArgumentError("which entries are read or written depends on the parameters")


def _gather(bind: Callable[..., Any], x: Any, indices: Any, fill_value: Any = None, **params: Any) -> Any:
    _refuse_computed(indices)
    places = np.asarray(bind(_numbers(x), indices, fill_value=-1, **params))
    found = np.reshape(x, -1)[np.maximum(places, 0)]
    return (
        np.where(places < 0, np.nan if fill_value is None else fill_value, found) if (places < 0).any() else found
    )


def _scatter(bind: Callable[..., Any], x: Any, indices: Any, updates: Any, **params: Any) -> Any:
    """x with some entries replaced by others."""
    _refuse_computed(indices)
    places = np.asarray(bind(jnp.full(np.shape(x), -1), indices, _numbers(updates), **params))
    return np.where(places < 0, x, np.reshape(updates, -1)[np.maximum(places, 0)])


def _scatter_add(bind: Callable[..., Any], x: Any, indices: Any, updates: Any, sign: int = 1, **params: Any) -> Any:
    """x with some entries added to it; the slope of the sum in each of them says where it is added."""
    _refuse_computed(indices)
    zeros = jnp.zeros(np.shape(x))
    _, pull = jax.vjp(lambda u: bind(zeros, indices, u, **params), jnp.zeros(np.shape(updates)))

    def read(numbers: Any) -> Any:
        return np.rint(np.asarray(pull(numbers.astype(zeros.dtype))[0])).astype(np.int64).ravel() * sign

    high, low = jnp.divmod(_numbers(x) + 1, SPLIT)  # each small enough for float32
    places = read(high) * SPLIT + read(low) - 1
    kept = np.flatnonzero(places >= 0)
    added = scatter(np.reshape(updates, -1)[kept], (places[kept],), (np.size(x),))
    return x + sign * np.reshape(added, np.shape(x))


# Rows that also take the primitive itself.
INDEXED: dict[str, Callable[..., Any]] = {
    "gather": _gather,
    "scatter": _scatter,
    "scatter-add": _scatter_add,
    "scatter-sub": functools.partial(_scatter_add, sign=-1),
}
