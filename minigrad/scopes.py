"""Scopes: names for stretches of the order in which nodes are made, and the serials that are that order.

A scope begins and ends with its block; its nodes are those with a serial in between. One of them is marked: it
holds the scope, so that nothing is left of it when the graph goes, and what is made after it costs nothing.
What a picture makes of the names stands in `drawing`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from itertools import count
from typing import Any, TypeVar

from .errors import ArgumentError, describe

F = TypeVar("F", bound=Callable[..., Any])

serials = count()
# Scopes that wait for a node to mark, of all threads together: while there is none, nobody needs to ask.
# (A set, because adding and discarding are atomic.)
waiting: set[scope] = set()
_innermost: ContextVar[scope | None] = ContextVar("minigrad_scope", default=None)


class scope:
    """Name what is computed inside; pictures draw a box around it.

        with minigrad.scope("encoder"):
            h = np.tanh(x @ w + b)

    name: any text. May be nested, and decorate a function: each run is a box of its own. Holds in this thread
    (or task) alone. Costs three to five microseconds each time; nothing of it outlives the graph. Raises
    ArgumentError for a name that is no text.
    """

    __slots__ = ("end", "name", "parent", "start")

    name: str
    parent: scope | None  # the scope around it
    start: int
    end: int | None  # the serials start <= serial < end; None until it has ended

    def __init__(self, name: str) -> None:
        if type(name) is not str and not isinstance(name, str):
            raise ArgumentError(
                f'a scope has a name, got {describe(name)}\n  write  with minigrad.scope("layer 1"):'
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
        if _innermost.get() is self:  # not so where a generator ends its blocks late
            _innermost.set(_open(self.parent))

    def __call__(self, function: F) -> F:
        """The function, each run of which is a scope of that name."""

        @functools.wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with scope(self.name):
                return function(*args, **kwargs)

        return named  # type: ignore[return-value]


class Mark:
    """What a marked node holds. When it goes while a scope is open, the next node is marked in its place."""

    __slots__ = ("scope",)

    scope: scope

    def __del__(self) -> None:
        still_open = _open(self.scope)
        if still_open is not None:
            waiting.add(still_open)


class Part:
    """A part of a model: what a parameter belongs to stands where others have the mark of a scope.

    kind: layer, neuron. parent: the part around it.
    """

    __slots__ = ("kind", "name", "parent")

    def __init__(self, name: str, kind: str, parent: Part | None = None) -> None:
        self.name, self.kind, self.parent = name, kind, parent


def notice(node: Any) -> None:
    """Called for each new node while some scope waits: mark it, if it is one around this node.

    A leaf, or a result through which no gradient flows, may well be no part of what is drawn later: it is marked,
    and the search goes on.
    """
    around = innermost = _innermost.get()
    while around is not None and around not in waiting:
        around = around.parent
    if innermost is None or around is None:
        return
    node.mark = mark = Mark()
    mark.scope = innermost
    if node._a is not None and _has_gradient(node):
        while around is not None:  # a mark inside marks all that is around it
            waiting.discard(around)
            around = around.parent


def _has_gradient(node: Any) -> bool:
    """Whether a gradient flows through an op's result: on to one of two operands, nearly always."""
    kind, one, other = type(node), node._a, node._b
    if (type(other) is kind and other.has_gradient) or (type(one) is kind and one.has_gradient):
        return True
    return any(x.has_gradient for x in node.inputs)


def _open(innermost: scope | None) -> scope | None:
    """The first that has not ended of a scope and those around it."""
    while innermost is not None and innermost.end is not None:
        innermost = innermost.parent
    return innermost
