"""Functions that make derivatives of functions: pure, nestable, and written with the sweep alone.

They write no `.grad`, free the graph as they go, and give plain arrays unless the result depends on a Value.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .cotangent import private
from .errors import ArgumentError, DTypeError, describe
from .tree import leaves, tree_map
from .value import Value, argument, graph, seed, sweep


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
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


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., tuple[Any, Any]]:
    """The value of f and its gradient (value first), as a function of the same arguments. See `grad`."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, cotangent: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        given = list(args)
        for n in chosen:
            if not -len(args) <= n < len(args):
                raise ArgumentError(f"argnums={argnums} of a call with {len(args)} positional arguments")
            given[n] = tree_map(functools.partial(_enter, n), args[n])
        entered = [given[n] for n in chosen]
        y = f(*given, **kwargs)
        value, gradients = _pull(y, leaves(entered), cotangent)
        result = tuple(tree_map(lambda x, _: gradients[x.serial], tree) for tree in entered)
        return value, result if isinstance(argnums, tuple) else result[0]

    return value_and_gradient


def _enter(n: int, x: Any, path: str) -> Value:
    """The node at which one argument enters a level of differentiation, and where its sweep ends."""
    x = x if type(x) is Value and x.has_gradient else np.asarray(x.data if type(x) is Value else x)
    if x.dtype.kind not in "fiub":
        raise DTypeError(f"argument {n}{path} has no gradient: {describe(x)}")
    return argument(x)


def _pull(y: Any, entered: list[Value], cotangent: Any) -> tuple[Any, dict[int, Any]]:
    """The value of f and the gradient for each node that entered, by serial."""
    found: dict[int, Any] = {}
    active, alive = _reach(y, entered) if type(y) is Value else (set(), set())
    g = seed(y if type(y) is Value else argument(y), cotangent)
    taken = {id(g)}
    if type(y) is Value and y.serial in active:
        own = {x.serial for x in entered}
        with np.errstate(divide="ignore", invalid="ignore"):  # infinite slopes are in the table of kinks
            found = {node.serial: g for node, g in sweep(y, g, active, alive) if node.serial in own}
    zeros = {x.serial: np.zeros_like(x.data)[()] for x in entered if x.serial not in found}
    gradients = {serial: g if type(g) is Value else private(g, taken) for serial, g in (found | zeros).items()}
    if type(y) is Value and y.serial not in alive:
        y = np.array(y.data)[()]
    return y, gradients


def _reach(y: Value, entered: list[Value]) -> tuple[set[int], set[int]]:
    """Serials of the nodes under y that depend on what entered, and of those that depend on anything else.

    The second kind is alive: a gradient made from it can be differentiated again, by whoever holds that Value.
    In  grad(lambda w: grad(lambda x: w * x * x)(3.0))(2.0)  the inner level is given plain numbers, and w is
    alive in it: were its rules run on numbers, the outer level would see a constant.
    """
    active = {x.serial for x in entered}
    alive = {x.serial for x in entered if x.inputs}
    start = min(active, default=y.serial + 1)
    for node in graph(y, since=start):
        if node.serial in active:
            continue
        inputs = [x.serial for x in node.inputs]
        if not active.isdisjoint(inputs):
            active.add(node.serial)
        foreign = node.has_gradient if node.serial < start else node.op is None
        if foreign or not alive.isdisjoint(inputs):
            alive.add(node.serial)
    return active, alive
