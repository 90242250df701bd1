"""Scopes: names for nodes that were made one after another.

A scope begins and ends with its block; its nodes are those with a serial in between. One of them is marked and
holds the scope: so the scope is freed with the graph, and later nodes cost nothing. `drawing` shows the names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import ArgumentError, describe
from .modes import active_modes, notes
from .modes import innermost_scope as _innermost
from .node import serials

F = TypeVar("F", bound=Callable[..., Any])

# Scopes that wait for a node to mark are among the open blocks: a new node makes one check for both.
waiting = active_modes


class scope:
    """Name the nodes computed inside; pictures draw a box around them.

        with minigrad.scope("encoder"):
            h = np.tanh(x @ w + b)

    name: any string. Scopes nest, and decorate functions: each run has its own box. A scope affects only its
    thread (or task), costs three to five microseconds each time, and is freed with the graph. Raises
    ArgumentError if the name is not a string.
    """

    __slots__ = ("end", "name", "parent", "start")

    name: str
    parent: scope | None  # the scope around it
    start: int
    end: int | None  # the serials start <= serial < end; None until it has ended

    def __init__(self, name: str) -> None:
        if type(name) is not str and not isinstance(name, str):
            raise ArgumentError(
                f'a scope needs a name, got {describe(name)}\n  write  with minigrad.scope("layer 1"):'
            )
        self.name, self.end = name, 0

    def __enter__(self) -> None:
        if self.end is None:
            raise ArgumentError(
                f"scope {self.name!r} is open already\n  write  with minigrad.scope({self.name!r}):   for a new one"
            )
        self.parent = _innermost.get()
        self.start, self.end = next(serials), None
        _innermost.set(self)
        waiting.add(self)

    def __exit__(self, *error: object) -> None:
        self.end = next(serials)
        waiting.discard(self)
        if _innermost.get() is self:  # false where a generator ends its blocks late
            _innermost.set(_open(self.parent))

    def notice(self, node: Any) -> None:
        """Called for each new node while this scope is the innermost: mark it, if this or an outer scope waits.

        A leaf, or a result without a gradient, may be missing from the picture later: it is marked, and the scope
        keeps waiting.
        """
        around: scope | None = self
        while around is not None and around not in waiting:
            around = around.parent
        if around is None:
            return
        notes.add("mark")
        node.mark = mark = Mark()
        mark.scope = self
        if node._a is not None and _has_gradient(node):
            while around is not None:  # one mark serves all outer scopes
                waiting.discard(around)
                around = around.parent

    def __call__(self, function: F) -> F:
        """Wrap a function: each run is a scope of that name."""

        @functools.wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with scope(self.name):
                return function(*args, **kwargs)

        return named  # type: ignore[return-value]


class Mark:
    """Held by a marked node. If it is freed while a scope is open, the next node is marked instead."""

    __slots__ = ("scope",)

    scope: scope

    def __del__(self) -> None:
        still_open = _open(self.scope)
        if still_open is not None:
            waiting.add(still_open)


class ModelPart:
    """A part of a model. Parameters hold it in `mark`, where other nodes hold the mark of a scope.

    kind: layer, neuron. parent: the part around it.
    """

    __slots__ = ("kind", "name", "parent")

    def __init__(self, name: str, kind: str, parent: ModelPart | None = None) -> None:
        self.name, self.kind, self.parent = name, kind, parent


def _has_gradient(node: Any) -> bool:
    """Whether a gradient flows through an op's result. Tries the first two operands first, for speed."""
    kind, one, other = type(node), node._a, node._b
    if (type(other) is kind and other.has_gradient) or (type(one) is kind and one.has_gradient):
        return True
    return any(x.has_gradient for x in node.inputs)


def _open(innermost: scope | None) -> scope | None:
    """This scope or the innermost one around it that has not ended."""
    while innermost is not None and innermost.end is not None:
        innermost = innermost.parent
    return innermost
