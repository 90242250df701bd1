"""Functions that make derivatives of functions: pure, nestable, and written with the two sweeps alone.

They write no `.grad`, free the graph as they go, and give plain arrays unless the result depends on a Value.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from . import context
from .context import recording
from .cotangent import private
from .errors import ArgumentError, DTypeError, ShapeError, describe
from .taped import copied, in_rows, note_sweep, quietly
from .tree import leaves, tree_map, tree_pairs
from .value import Value, argument, graph, push, seed, sweep_from

Function = Callable[..., Any]


def grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """The gradient of f, as a function of the same arguments.

    f: gives one number. argnums: which positional arguments to differentiate with respect to; a tuple gives a
    tuple. An argument may be a number, an array, a Value, or lists, tuples and dicts of them, nested; its
    gradient has the same nesting, shapes and types (integers count as float64). Where f does not depend on an
    argument, its gradient is zeros. ``cotangent=`` in a call lets f give an array.

    Nests to any order: ``grad(grad(f))``. Raises ShapeError, DTypeError, ArgumentError.
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def gradient(*args: Any, cotangent: Any = None, **kwargs: Any) -> Any:
        return both(*args, cotangent=cotangent, **kwargs)[1]

    return gradient


def value_and_grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Callable[..., tuple[Any, Any]]:
    """The value of f and its gradient (value first), as a function of the same arguments. See `grad`."""
    chosen = numbers(argnums)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, cotangent: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        level = Level(f, args, kwargs, chosen)
        if not isinstance(level.y, (Value, np.ndarray, np.generic, int, float)):
            raise ArgumentError(f"a gradient is of one number, and the function gave {describe(level.y)}")
        if cotangent is None and np.size(level.y) != 1:
            raise ShapeError(
                f"a gradient is of one number, and the function gave shape {np.shape(level.y)}\n"
                "  write  grad(lambda x: f(x).sum())   for the gradient of the sum\n"
                "  or     vjp or jacobian              for a function that gives an array"
            )
        gradients = level.pull(seed(_as_value(level.y), cotangent))
        return level.value(), gradients if isinstance(argnums, tuple) else gradients[0]

    return value_and_gradient


def vjp(f: Function, *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of f at args, and a function that pulls cotangents back: ``y, pull = vjp(f, *args)``.

    ``pull(g)``, with g nested and shaped like y, gives one gradient per argument, nested like it. It may be
    called as often as you like; the graph is kept as long as `pull` is. Raises ShapeError, DTypeError.
    """
    level = Level(f, args, {}, tuple(range(len(args))))
    return level.value(), level.pull


def jvp(f: Function, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """The value of f at args, and its derivative in the direction of the tangents: ``y, dy = jvp(f, args, ts)``.

    tangents: one per argument, nested and shaped like it. A forward sweep over the recorded graph: one such
    sweep costs about one more evaluation, however many arguments there are. Raises ShapeError, DTypeError.
    """
    level = Level(f, args, {}, tuple(range(len(args))))
    return level.value(), level.push(tangents)


class Level:
    """One level of differentiation: the arguments that entered it, what f made of them, and who depends on whom.

    Each argument enters through a node of its own, so levels that are nested in each other stay apart.
    """

    def __init__(
        self, f: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: tuple[int, ...]
    ) -> None:
        self.start = argument(0.0).serial  # what is older was made outside
        given = list(args)
        for n in argnums:
            if not -len(args) <= n < len(args):
                raise ArgumentError(f"argnums={argnums} of a call with {len(args)} positional arguments")
            given[n] = tree_map(functools.partial(_enter, n), args[n])
        self.entered = [given[n] for n in argnums]
        self.nodes: list[Value] = leaves(self.entered)
        with recording() if context.blocks else nullcontext():
            self.y = f(*given, **kwargs)
        ys = [y for y in leaves(self.y) if type(y) is Value]
        self.active, self.alive = _reach(ys, self.nodes, self.start)
        if not context.is_recording():  # outside of this level: nobody will differentiate the result
            self.alive = set()

    def value(self) -> Any:
        """What f gave: Values where it depends on a Value from outside, arrays of its own elsewhere."""
        return tree_map(lambda y, _: self._plain(y), self.y)

    def _plain(self, y: Any) -> Any:
        return copied(y) if type(y) is Value and y.serial not in self.alive else y

    def pull(self, g: Any) -> tuple[Any, ...]:
        """The gradient for each argument, pulled back from a cotangent nested like y."""
        cotangents = [seed(_as_value(y), c) for y, c, _ in tree_pairs(self.y, g)]
        pairs = [(y, c) for y, c in zip(leaves(self.y), cotangents, strict=True) if type(y) is Value]
        pairs = [(y, c) for y, c in pairs if y.serial in self.active]
        own, taken = {x.serial for x in self.nodes}, {id(c) for c in cotangents}
        with quietly() as first:
            swept = sweep_from(pairs, self.active, self.alive, own)
            found = {x.serial: c for x, c in swept if x.serial in own}
        note_sweep(first)

        def gradient(x: Value, _: str) -> Any:
            c = found.get(x.serial)
            return _own(np.zeros_like(x._array)[()] if c is None else c, taken)

        return tuple(tree_map(gradient, tree) for tree in self.entered)

    def push(self, tangents: Any) -> Any:
        """The tangent of y, nested like it, pushed forward from tangents nested like the arguments."""
        given = {x.serial: seed(x, t, "the tangent") for x, t, _ in tree_pairs(self.entered, tangents)}
        taken = {id(t) for t in given.values()}
        ys = [y for y in leaves(self.y) if type(y) is Value and y.serial in self.active]
        with quietly() as first:
            found = push(ys, given, self.alive) if ys else {}
        note_sweep(first)

        def tangent(y: Any, _: str) -> Any:
            t = found.get(y.serial) if type(y) is Value else None
            return _own(np.zeros_like(_as_value(y)._array)[()] if t is None else t, taken)

        return tree_map(tangent, self.y)


def numbers(argnums: Any) -> tuple[int, ...]:
    """argnums as a tuple."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(isinstance(n, (int, np.integer)) for n in chosen):
        raise ArgumentError(f"argnums is an int or a tuple of ints, got {argnums!r}")
    return chosen


def _as_value(y: Any) -> Value:
    """An output as a Value of real numbers: a constant, where f gave something plain, integers or booleans."""
    if type(y) is Value:
        return y if y.dtype.kind == "f" else argument(y._array)
    return argument(y)


def _own(g: Any, taken: set[int]) -> Any:
    return in_rows(g) if type(g) is Value else private(g, taken)


def _enter(n: int, x: Any, path: str) -> Value:
    """The node at which one argument enters a level of differentiation, and where its sweep ends."""
    x = (
        x
        if type(x) is Value and (x.has_gradient or context.tape())
        else np.asarray(x._array if type(x) is Value else x)
    )
    if x.dtype.kind not in "fiub":
        raise DTypeError(f"argument {n}{path} has no gradient: {describe(x)}")
    return argument(x)


def _reach(ys: list[Value], entered: list[Value], start: int) -> tuple[set[int], set[int]]:
    """Serials of the nodes under the ys that depend on what entered, and of those that depend on anything else.

    The second kind is alive: a gradient made from it can be differentiated again, by whoever holds that Value.
    In  grad(lambda w: grad(lambda x: w * x * x)(3.0))(2.0)  the inner level is given plain numbers, and w is
    alive in it: were its rules run on numbers, the outer level would see a constant.
    """
    active = {x.serial for x in entered}
    alive = {x.serial for x in entered if any(outer.has_gradient for outer in x.inputs)}
    for node in graph(*ys, since=start):
        if node.serial in active:
            continue
        inputs = [x.serial for x in node.inputs]
        if not active.isdisjoint(inputs):
            active.add(node.serial)
        foreign = node.has_gradient if node.serial < start else node.op is None
        if foreign or not alive.isdisjoint(inputs):
            alive.add(node.serial)
    return active, alive
