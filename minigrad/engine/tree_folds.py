"""More ways through pytrees: from the leaves up, as a key to compare by, and with new leaves as fast as possible.

For what `flatten` and `tree_map` do not give.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from .dataclass_trees import data_kind, static_fields
from .tree import Split, _kinds, _refuse_cycle, kind_of

Combine = Callable[[Any, Split, list[Any]], Any]


def tree_fold(
    tree: Any, leaf: Callable[[Any], Any], combine: Combine, kind_of: Callable[[Any], Any] = kind_of
) -> Any:
    """``leaf(x)`` for each leaf, and ``combine(container, split, results of its items)`` for each container.

    kind_of: the kind of what counts as a container, False for leaves. Raises ArgumentError where a container
    contains itself.
    """
    try:
        return _fold(tree, leaf, combine, kind_of)
    except RecursionError:
        _refuse_cycle(tree)
        raise


def _fold(tree: Any, leaf: Any, combine: Any, kind_of: Any) -> Any:
    kind = kind_of(tree)
    if not kind:
        return leaf(tree)
    split = kind.split(tree)
    return combine(tree, split, [_fold(item, leaf, combine, kind_of) for item in split[1]])


def replace_leaves(tree: Any, f: Callable[[Any], Any]) -> Any:
    """The same nesting with f(leaf) in place of each leaf: `tree_map` without paths, for the arguments of ops.

    A named tuple, dataclass or other container whose items all stay is itself kept.
    """
    cls, known = type(tree), _kinds.get
    if cls is tuple:  # these three nearly always: a `Split` would take twice as long
        return tuple([f(x) if known(type(x)) is False else replace_leaves(x, f) for x in tree])
    if cls is list:
        return [f(x) if known(type(x)) is False else replace_leaves(x, f) for x in tree]
    if cls is dict:
        if not tree:
            return {}
        return {key: f(x) if known(type(x)) is False else replace_leaves(x, f) for key, x in tree.items()}
    kind = kind_of(tree)
    if not kind:
        return f(tree)
    _, items, rest = kind.split(tree)
    replaced = [replace_leaves(item, f) for item in items]
    return tree if all(map(operator.is_, replaced, items)) else kind.join(rest, replaced)


def is_nested_list(tree: Any, holds: Callable[[Any], bool]) -> bool:
    """Whether holds(leaf) for each leaf, and all containers are plain lists and tuples, as of numbers for NumPy."""
    return bool(tree_fold(tree, holds, lambda x, _, parts: type(x) in (list, tuple) and all(parts), data_kind))


def tree_key(tree: Any, leaf_key: Callable[[Any], Hashable] | None = None) -> Hashable:
    """A key that is equal for nestings of the same classes, keys and leaves.

    leaf_key: the key of a leaf; by default arrays compare by type, shape and bytes, numbers, texts and other
    constants by what is printed, slices by their ends, and all else by identity. A Module and None are leaves.
    """
    key = leaf_key or key_by_value
    cls: Any = type(tree)
    if cls is tuple or cls is list:  # nearly always, as in `replace_leaves`
        return (cls, *[key(x) if _kinds.get(type(x)) is False else tree_key(x, key) for x in tree])
    if cls is dict:
        return (cls, (*tree,), *[tree_key(x, key) for x in tree.values()])
    kind = data_kind(tree)
    if not kind:
        return key(tree)
    keys, items, _ = kind.split(tree)
    parts = [tree_key(item, key) for item in items]
    fixed = [(name, tree_key(x, key)) for name, x in (static_fields(tree) or {}).items()]
    return (cls, () if isinstance(keys, range) else (*keys,), *parts, *fixed)


# Of these very classes: a subclass may print fewer digits, and two classes may print alike.
_CONSTANTS = frozenset({bool, int, float, complex, str, bytes, type(None), type(...)})


def key_by_value(x: Any) -> Hashable:
    """The key of a leaf, the same for the same numbers."""
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype != object:
        return x.dtype.str, x.shape, x.tobytes()
    if type(x) is slice:
        return slice, key_by_value(x.start), key_by_value(x.stop), key_by_value(x.step)
    return repr(x) if type(x) in _CONSTANTS or isinstance(x, np.dtype) else (type(x).__name__, id(x))
