"""Pairs the leaves of two nestings that must have the same structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import ShapeError
from .tree import _DICT, _NAMED_TUPLE, _NONE, _SEQUENCE, _kinds, kind_of


def tree_pairs(tree: Any, other: Any, path: str = "") -> list[tuple[Any, Any, str]]:
    """The leaves of two nestings of the same structure, in pairs: (leaf, other leaf, path).

    Dicts are paired by key, in the order of the first. Raises ShapeError with the path where they differ.
    """
    kind, beside = kind_of(tree), kind_of(other)
    if kind is _NONE:
        return []
    if not kind and (not beside or beside is _NONE):
        return [(tree, other, path)]
    keys, items, others = _pair_items(kind, beside, tree, other)
    if others is None:
        where = f" at {path}" if path else ""
        raise ShapeError(f"the containers do not match: expected {_shape(tree)}{where}, got {_shape(other)}")
    found: list[tuple[Any, Any, str]] = []
    for key, a, b in zip(keys, items, others, strict=True):
        here = f"{path}[{key!r}]" if kind.path == "[%r]" else path + kind.path % (key,)
        if _kinds.get(type(a)) is False and _kinds.get(type(b)) is False:
            found.append((a, b, here))
        else:
            found += tree_pairs(a, b, here)
    return found


def _pair_items(kind: Any, beside: Any, tree: Any, other: Any) -> tuple[Sequence[Any], Sequence[Any], Any]:
    """Keys and items of a container, and the items of another one under the same keys; None where they differ."""
    keys, items, _ = kind.split(tree) if kind else ((), (), None)
    if not _are_alike(kind, beside, tree, other):
        return keys, items, None
    there, others, _ = beside.split(other)
    if kind is _SEQUENCE or kind is _NAMED_TUPLE:
        return keys, items, others if len(there) == len(keys) else None
    by_key = dict(zip(there, others, strict=True))
    same = len(there) == len(keys) and all(key in by_key for key in keys)
    return keys, items, [by_key[key] for key in keys] if same else None


def _are_alike(kind: Any, beside: Any, tree: Any, other: Any) -> bool:
    """Whether two containers may be paired: a list with a tuple, other classes with the same one."""
    if kind is _SEQUENCE or kind is _NAMED_TUPLE:
        return beside is _SEQUENCE or beside is _NAMED_TUPLE
    return bool(kind) and kind is beside and (kind is _DICT or type(tree) is type(other))


def items_beside(tree: Any, other: Any) -> dict[Any, Any] | None:
    """The items of another container by their keys, also where keys differ; None if its kind differs."""
    kind = kind_of(other)
    if not _are_alike(kind_of(tree), kind, tree, other):
        return None
    keys, items, _ = kind.split(other)
    return dict(zip(keys, items, strict=True))


def _shape(tree: object) -> str:
    """The outermost nesting in a few words."""
    kind = kind_of(tree)
    if not kind:
        return "one array"
    keys, _, _ = kind.split(tree)
    if kind in (_SEQUENCE, _NAMED_TUPLE):
        return f"a {type(tree).__name__} of {len(keys)}"
    name = "dict" if kind is _DICT else type(tree).__name__
    return "None" if kind is _NONE else f"a {name} of {', '.join(str(kind.path % (k,)).strip('[].') for k in keys)}"
