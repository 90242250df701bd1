"""A function f(params, *data) of JAX: its parameters by path, its data, and its trace as a jaxpr.

It is traced in the types that JAX is set to. To trace it in others, for a moment, would leave arrays that it closes
over in the wrong type in the caches of JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ....errors import ArgumentError, ShapeError, TracingError, describe

BRANCH = (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError)


class TracedFunction:
    """f, its parameters and its data, which it was given.

    params: arrays of float64, by `paths`. symbols: the data that stand for any data, which are traced.
    """

    def __init__(self, f: Callable[..., Any], params: Any, data: Sequence[Any], for_all_data: bool) -> None:
        pairs, self.structure = jax.tree_util.tree_flatten_with_path(params)
        self.f = f
        self.paths = [jax.tree_util.keystr(path) for path, _ in pairs]
        self.given = [_parameter(x, path) for path, (_, x) in zip(self.paths, pairs, strict=True)]
        self.data, self.nesting = jax.tree_util.tree_flatten(tuple(data))
        self.traced_data = [k for k, x in enumerate(self.data) if for_all_data and _is_array(x)]
        for k in self.traced_data:
            _check_symbolic(self.data[k])

    @property
    def params(self) -> list[Any]:
        """The parameters as JAX takes them, in float64."""
        return [np.asarray(jnp.asarray(x), dtype=np.float64) for x in self.given]

    @property
    def symbols(self) -> list[Any]:
        """The data that are traced."""
        return [jnp.asarray(self.data[k]) for k in self.traced_data]

    def nest(self, arrays: Sequence[Any]) -> Any:
        """One array per parameter, nested as the parameters are."""
        return jax.tree_util.tree_unflatten(self.structure, list(arrays))

    def keys(self) -> list[int]:
        """Which data may be keys of random numbers."""
        return [k for k, x in enumerate(self.data) if _is_key(x)]

    def trace(self, draw: int = 0) -> Any:
        """The jaxpr; draw: the number of a set of keys, 0 for the given ones. Raises TracingError, ShapeError."""
        data = list(self.data)
        for k in self.keys() if draw else ():
            data[k] = _another_key(data[k], draw)

        def loss(params: list[Any], symbols: list[Any]) -> Any:
            for k, x in zip(self.traced_data, symbols, strict=True):
                data[k] = x
            return _checked(self.f(self.nest(params), *jax.tree_util.tree_unflatten(self.nesting, data)))

        try:
            return jax.make_jaxpr(loss)([jnp.asarray(x) for x in self.given], self.symbols)
        except BRANCH as error:
            raise TracingError(_refusal(error)) from error


def _is_array(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, jax.Array, float))


def _is_key(x: Any) -> bool:
    """Whether this may be a key of random numbers: of their own type, or two words."""
    if not isinstance(x, (jax.Array, np.ndarray)):
        return False
    return bool(jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)) or (
        x.dtype == np.uint32 and x.ndim > 0 and x.shape[-1] in (2, 4)
    )


def _another_key(key: Any, draw: int) -> Any:
    """Other keys of the same kind."""
    fold = jax.random.fold_in
    for _ in range(key.ndim - (not jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key))):
        fold = jax.vmap(fold, in_axes=(0, None))
    return fold(jnp.asarray(key), draw)


def _parameter(x: Any, path: str) -> Any:
    if isinstance(x, float) or (_is_array(x) and jnp.issubdtype(x.dtype, jnp.floating)):
        return x
    what = f"an array of {x.dtype}" if _is_array(x) else describe(x)
    raise ArgumentError(
        f"params{path} is {what}, and parameters are arrays of floats\n"
        "  write  ties(f, params, *data)   with what is not trained among the data"
    )


def _check_symbolic(x: Any) -> None:
    if not isinstance(x, float) and not jnp.issubdtype(x.dtype, jnp.floating):
        raise ArgumentError(
            "for_all_data= takes data of floats: whole numbers, such as classes, decide which entries are read\n"
            "  write  ties(f, params, *data)   for these data"
        )


def _checked(y: Any) -> Any:
    """A loss as one number without axes."""
    if isinstance(y, tuple):
        raise ArgumentError(
            f"the loss must be one number, got a tuple of {len(y)}\n  write  lambda params, x: f(params, x)[0]"
        )
    if not hasattr(y, "shape") and not isinstance(y, (int, float)):
        raise ArgumentError(f"the loss must be one number, got {describe(y)}")
    if np.size(y) != 1:
        raise ShapeError(
            f"the loss must be one number, got an array of shape {np.shape(y)}\n"
            "  write  lambda params, x: f(params, x).sum()   for the ties of the sum"
        )
    return jnp.reshape(jnp.asarray(y), ())


def _refusal(error: Exception) -> str:
    text = str(error).strip().splitlines()[0]
    return (
        f"JAX cannot trace this function: {type(error).__name__}: {text}\n"
        "  a shape or a branch depends on numbers that are computed; ties needs one graph for all of them\n"
        "  write  jnp.where   for a branch"
    )
