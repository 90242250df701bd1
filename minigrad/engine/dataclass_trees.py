"""Dataclasses as pytrees: their fields are the items.

A field with ``metadata={"static": True}`` is not a leaf: it is copied unchanged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from . import tree
from .tree import _DICT, _NAMED_TUPLE, _SEQUENCE, Kind, Split, kind_of


def _split_dataclass(x: Any) -> Split:
    fields = [f for f in dataclasses.fields(x) if hasattr(x, f.name)]
    names = [f.name for f in fields if not f.metadata.get("static")]
    fixed = {f.name: getattr(x, f.name) for f in fields if f.metadata.get("static")}
    fixed |= {name: item for name, item in getattr(x, "__dict__", {}).items() if name not in names}
    return names, [getattr(x, name) for name in names], (type(x), names, fixed)


def _join_dataclass(rest: Any, items: Sequence[Any]) -> Any:
    """A new instance, made without ``__init__``: this also works for frozen classes and fields with init=False."""
    cls, names, fixed = rest
    new = object.__new__(cls)
    for name, item in (*fixed.items(), *zip(names, items, strict=True)):
        object.__setattr__(new, name, item)
    return new


_DATACLASS = Kind(_split_dataclass, _join_dataclass, ".%s")
tree._tested.append((dataclasses.is_dataclass, _DATACLASS))


def leaf_class(cls: Any) -> Any:
    """Decorator: a dataclass whose instances are leaves."""
    tree._registered[cls] = False
    tree._kinds.pop(cls, None)
    return cls


def data_kind(x: object) -> Any:
    """The kind of a list, tuple, dict or dataclass; False for all else: leaves, None, a `Module`."""
    kind = kind_of(x)
    of_data = kind is _SEQUENCE or kind is _DICT or kind is _NAMED_TUPLE or kind is _DATACLASS
    return kind if of_data else False


def static_fields(x: Any) -> dict[str, Any] | None:
    """The static fields and other attributes of a dataclass; None for anything else."""
    return _split_dataclass(x)[2][2] if kind_of(x) is _DATACLASS else None
