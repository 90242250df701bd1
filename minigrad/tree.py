"""Nested lists, tuples and dicts of arrays: the shape that parameters come in.

A container is a list, a tuple (named ones too) or a dict; all else is a leaf, except None, which stays as it is.
Nothing here knows what a leaf is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any


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


def leaves(tree: Any) -> list[Any]:
    """The leaves of a nesting, from left to right."""
    found: list[Any] = []
    tree_map(lambda leaf, _: found.append(leaf), tree)
    return found
