"""jacobian, hessian, and hessian-vector products, built from the two sweeps.

Nothing here touches the graph. One backward sweep gives a row, one forward sweep a column; the direction with fewer
sweeps is taken. If an op has no rule for forward mode (a custom op with a vjp alone), all sweeps go backward.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from ..engine.tree import flatten, leaves, tree_map
from ..errors import MissingRule
from .grad import Function, Level, argnums_tuple, grad, holds_arguments
from .gradient_types import P


def jacobian(f: Callable[P, Any], argnums: int | tuple[int, ...] = 0) -> Callable[P, Any]:
    """All derivatives of f, as a function of the same arguments: J[i, j] = ∂f[i] / ∂x[j].

    The result is nested like the output of f; each of its leaves is nested like the argument and holds arrays of
    shape (*output shape, *input shape). argnums: as in `grad`; a tuple gives a tuple.
    Sweeps forward if f has more outputs than inputs and every op in it has a jvp, else backward.
    Raises ShapeError, DTypeError.
    """
    chosen = argnums_tuple(argnums)

    @functools.wraps(f)
    def derivatives(*args: P.args, **kwargs: P.kwargs) -> Any:
        level = Level(f, args, kwargs, chosen)
        blocks = iter(_blocks(level))

        def of_output(y: Any, _: str) -> Any:
            by_argument = tuple(tree_map(lambda x, _: next(blocks), tree) for tree in level.inputs)
            return by_argument if isinstance(argnums, tuple) else by_argument[0]

        return tree_map(of_output, level.y)

    return derivatives


def hessian(f: Callable[P, Any], argnums: int | tuple[int, ...] = 0) -> Callable[P, Any]:
    """The second derivatives of f, which returns one number, as a function of the same arguments.

    An array argument of shape s gives an array of shape (*s, *s). For a dict of parameters it gives a dict of
    dicts: ``hessian(f)(p)["x"]["y"]`` is ∂²f/∂x∂y.
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, x: Any, v: Any) -> Any:
    """The hessian of f at x times v, by a forward sweep over the gradient; never builds the hessian.

    f: returns one number. x: its argument, or a tuple of all its arguments; v: nested and shaped like x, as is the
    result. Costs a few evaluations of the gradient; twice as many if an op has no jvp: then all sweeps go
    backward. (Pearlmutter, Fast exact multiplication by the Hessian, 1994.)
    """
    several = holds_arguments(x)
    args, directions = (x, v) if several else ((x,), (v,))
    chosen = tuple(range(len(args)))
    level = Level(grad(f, chosen), args, {}, chosen)
    try:
        products = level.push(directions)
    except MissingRule:
        products = level.push_by_pulls(directions)
    return products if several else products[0]


def _size(tree: object) -> int:
    return sum(int(np.size(x)) for x in leaves(tree))


def _blocks(level: Level) -> list[Any]:
    """The blocks ∂(leaf of y) / ∂(leaf of x), those of the first leaf of y first, by as few sweeps as possible."""
    if _size(level.inputs) < _size(level.y):
        with suppress(MissingRule):
            return [*_by_columns(level)]
    return [*_by_rows(level)]


def _by_rows(level: Level) -> Iterator[Any]:
    """The blocks ∂(leaf of y) / ∂(leaf of x), those of the first leaf of y first; one backward sweep per row."""
    ys, xs = leaves(level.y), leaves(level.inputs)
    for k, y in enumerate(ys):
        rows = [leaves(level.pull(direction)) for direction in _directions(level.y, k)]
        for column, x in enumerate(xs):
            yield _join_blocks([row[column] for row in rows], 0, np.shape(y) + np.shape(x))


def _by_columns(level: Level) -> Iterator[Any]:
    """The same blocks in the same order; one forward sweep per column."""
    ys, xs = leaves(level.y), leaves(level.inputs)
    pushed = [[leaves(level.push(direction)) for direction in _directions(level.inputs, k)] for k in range(len(xs))]
    for row, y in enumerate(ys):
        for x, columns in zip(xs, pushed, strict=True):
            yield _join_blocks([column[row] for column in columns], -1, np.shape(y) + np.shape(x))


def _directions(tree: Any, k: int) -> Iterator[Any]:
    """The directions along each entry of leaf k, nested like the tree."""
    found, structure = flatten(tree)
    zeros = [np.zeros(np.shape(x)) for x in found]
    for i in range(zeros[k].size):
        one = np.zeros(zeros[k].shape)
        one.reshape(-1)[i] = 1.0
        yield structure.unflatten([*zeros[:k], one, *zeros[k + 1 :]])


def _join_blocks(parts: list[Any], axis: int, shape: tuple[int, ...]) -> Any:
    return np.reshape(np.stack(parts, axis=axis), shape)[()] if parts else np.zeros(shape)
