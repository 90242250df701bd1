"""Nested lists, tuples and dicts of arrays: the shape that parameters come in.

A container is a list, a tuple (named ones too) or a dict; all else is a leaf, except None, which stays as it is.
Nothing here knows what a leaf is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .errors import ShapeError


def tree_map(f: Callable[[Any, str], Any], tree: Any, path: str = "") -> Any:
    """The same nesting with f(leaf, path) in place of each leaf; path reads like the index: ``['w'][0]``."""
    if isinstance(tree, dict):
        new = copy.copy(tree)  # keeps the kind of dict and the order of its keys
        for key, item in tree.items():
            new[key] = tree_map(f, item, f"{path}[{key!r}]")
        return new
    if isinstance(tree, (list, tuple)):
        items = [tree_map(f, item, f"{path}[{i}]") for i, item in enumerate(tree)]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return None if tree is None else f(tree, path)


def tree_pairs(tree: Any, other: Any, path: str = "") -> list[tuple[Any, Any, str]]:
    """The leaves of one nesting beside those of another that must be the same: (leaf, other leaf, path).

    Dicts are paired by key, in the order of the first. Raises ShapeError, naming the place, where they differ.
    """
    if isinstance(tree, dict):
        same, parts = isinstance(other, dict) and other.keys() == tree.keys(), [*tree]
    elif isinstance(tree, (list, tuple)):
        same, parts = isinstance(other, (list, tuple)) and len(other) == len(tree), [*range(len(tree))]
    elif tree is None or not isinstance(other, (dict, list, tuple)):
        return [] if tree is None else [(tree, other, path)]
    else:
        same, parts = False, []
    if not same:
        where = f" at {path}" if path else ""
        raise ShapeError(f"nested unlike what it belongs to: expected {_shape(tree)}{where}, got {_shape(other)}")
    return [pair for part in parts for pair in tree_pairs(tree[part], other[part], f"{path}[{part!r}]")]


def _shape(tree: Any) -> str:
    """The outermost nesting in a few words."""
    if isinstance(tree, dict):
        return f"a dict of {', '.join(map(repr, tree))}"
    return f"a {type(tree).__name__} of {len(tree)}" if isinstance(tree, (list, tuple)) else "one array"


def leaves(tree: Any) -> list[Any]:
    """The leaves of a nesting, from left to right."""
    found: list[Any] = []
    tree_map(lambda leaf, _: found.append(leaf), tree)
    return found
