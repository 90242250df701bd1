"""Every kind of container that may hold two arrays, w and b: how to make one, and how to take both out."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from minigrad import Value
from minigrad.nn import Module

Pair = namedtuple("Pair", ["w", "b"])


@dataclass
class Layer:
    w: Any
    b: Any


@dataclass(frozen=True)
class Frozen:
    w: Any
    b: Any
    name: str = field(default="layer", metadata={"static": True})


@dataclass(frozen=True, slots=True)
class Slotted:
    w: Any
    b: Any


@dataclass
class Computed:
    w: Any
    b: Any = field(init=False)

    def __post_init__(self) -> None:
        self.b = "set by __init__"


class Affine(Module):
    def __init__(self, w: Any, b: Any) -> None:
        self.kind, self.w, self.held, self.rate = "affine", Value(w), [{"b": Value(b)}], 0.5


class Outer(Module):
    def __init__(self, w: Any, b: Any) -> None:
        self.inner, self.rest = Affine(w, b), (Layer(1.5, "text"),)


def computed(w: Any, b: Any) -> Computed:
    made = Computed(w)
    made.b = b
    return made


def by_name(x: Any) -> tuple[Any, Any]:
    return x.w, x.b


def by_key(x: Any) -> tuple[Any, Any]:
    return x["w"], x["b"]


def in_affine(x: Any) -> tuple[Any, Any]:
    return x.w, x.held[0]["b"]


KINDS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any], tuple[Any, Any]]]] = {
    "list": (lambda w, b: [w, b], tuple),
    "tuple": (lambda w, b: (w, b), tuple),
    "nested": (lambda w, b: {"p": [Layer(w, None), (b,)]}, lambda x: (x["p"][0].w, x["p"][1][0])),
    "named tuple": (Pair, by_name),
    "dict": (lambda w, b: {"w": w, "b": b}, by_key),
    "ordered dict": (lambda w, b: OrderedDict(w=w, b=b), by_key),
    "default dict": (lambda w, b: defaultdict(list, w=w, b=b), by_key),
    "dataclass": (Layer, by_name),
    "frozen dataclass": (Frozen, by_name),
    "dataclass with slots": (Slotted, by_name),
    "dataclass with init=False": (computed, by_name),
    "module": (Affine, in_affine),
    "module in a module": (Outer, lambda x: in_affine(x.inner)),
}
kinds = pytest.mark.parametrize("kind", KINDS)
# Those whose items may be anything: a module makes Values of them.
data_kinds = pytest.mark.parametrize("kind", [kind for kind in KINDS if "module" not in kind])
