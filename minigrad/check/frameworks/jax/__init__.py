"""JAX: functions of its arrays, jitted ones, and those with derivatives of their own (custom_vjp, custom_jvp).

Arrays of floats and floats are differentiated, in any pytree; keys, integers and everything else pass through.

As recordings, for `ties`: `symmetry/frontends/jax`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ....engine import tree
from ....errors import ArgumentError
from ..framework import chosen_arguments, parameter_names
from .functions import FunctionOfArrays
from .pytrees import Fixed, hide_others, is_float_array, pack


def adapt(f: Any, args: tuple[Any, ...], argnums: int | Sequence[int] | None) -> FunctionOfArrays:
    """f with the derivatives of JAX; args: its positional arguments, of arrays of JAX or NumPy, and floats."""
    chosen = chosen_arguments(argnums, len(args))
    hidden = tuple(pack(arg, hide_others if n in chosen else Fixed) for n, arg in enumerate(args))
    leaves = [leaf for leaf in tree.leaves(hidden) if not isinstance(leaf, Fixed)]
    if not leaves:
        raise ArgumentError(
            "nothing to differentiate: no argument contains floats\n"
            "  write  jnp.array([1.0, 2.0]) instead of integers"
        )
    narrow = not any(is_float_array(x) and x.dtype == np.float64 for x in leaves)
    return FunctionOfArrays(f, hidden, parameter_names(f, len(args)), narrow)


def as_arrays(f: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arrays of NumPy and floats as arrays of JAX, in the widest type that it has."""

    def convert(x: Any, _: str) -> Any:
        return jnp.asarray(x) if isinstance(x, (float, np.ndarray, np.generic)) else x

    found: tuple[Any, ...] = tree.tree_map(convert, args)
    return found
