"""Arguments and results of JAX's functions: any pytree of JAX as one of ours, with the leaves that are numbers.

JAX knows more kinds of nestings than `engine/tree`: classes that a user registered, dataclasses with fields that
are no leaves. They are taken apart by JAX itself, and show the paths that it prints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ....engine import tree


class Fixed:
    """A leaf that is not differentiated (a key, an integer, text): no dataclass, which would be a nesting."""

    def __init__(self, leaf: Any) -> None:
        self.leaf = leaf

    def copy(self, wide: bool) -> Any:
        """Its own copy for one call; wide: floats in float64."""
        if isinstance(self.leaf, np.ndarray):
            return self.leaf.astype(np.float64) if wide and self.leaf.dtype.kind == "f" else self.leaf.copy()
        return self.leaf.astype(np.float64) if wide and is_float_array(self.leaf) else self.leaf


class Pytree:
    """A nesting that JAX took apart: its leaves, the path of each, and its structure."""

    def __init__(self, leaves: Sequence[Any], paths: Sequence[str], structure: Any) -> None:
        self.leaves, self.paths, self.structure = leaves, paths, structure


tree.register(
    Pytree,
    lambda x: (x.paths, x.leaves, (x.paths, x.structure)),
    lambda rest, leaves: Pytree(leaves, *rest),
    path="%s",
)


def pack(x: Any, change: Callable[[Any], Any]) -> Any:
    """A nesting of JAX as a `Pytree`, and a leaf as it is; change: what to put in place of each leaf."""
    pairs, structure = jax.tree_util.tree_flatten_with_path(x)
    if jax.tree_util.treedef_is_leaf(structure) and len(pairs) == 1:
        return change(x)
    return Pytree([change(leaf) for _, leaf in pairs], [jax.tree_util.keystr(path) for path, _ in pairs], structure)


def unpack(x: Any, change: Callable[[Any], Any]) -> Any:
    """The nesting of JAX that was packed; change: what to put in place of each leaf."""
    if not isinstance(x, Pytree):
        return change(x)
    return jax.tree_util.tree_unflatten(x.structure, [change(leaf) for leaf in x.leaves])


def is_float_array(x: Any) -> bool:
    """Whether this is an array of floats, of JAX or NumPy, or a tracer of one."""
    return hasattr(x, "dtype") and bool(jnp.issubdtype(x.dtype, jnp.floating))


def is_differentiated(leaf: Any) -> bool:
    """Whether a leaf is a float, or an array of floats."""
    return isinstance(leaf, float) or is_float_array(leaf)


def hide_others(leaf: Any) -> Any:
    """A leaf, in a `Fixed` unless it is differentiated, or complex, which the check refuses."""
    of_complex = isinstance(leaf, complex) or (
        hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.complexfloating)
    )
    return leaf if of_complex or is_differentiated(leaf) else Fixed(leaf)
