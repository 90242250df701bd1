"""Whole matrices of derivatives, made of the two sweeps: jacobian, hessian, and products with the hessian.

Nothing here knows the graph: each row is one sweep back, each column one sweep forward, whichever are fewer.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .transforms import Function, Level, grad, jvp, numbers
from .tree import leaves, tree_map


def jacobian(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """All derivatives of f, as a function of the same arguments: J[i, j] = ∂f[i] / ∂x[j].

    The result is nested like what f gives, each leaf of it like the argument, each leaf of that an array of
    shape (*shape of the output, *shape of the input). argnums: as in `grad`; a tuple gives a tuple.
    Sweeps forward where f has more outputs than inputs, else back. Raises ShapeError, DTypeError.
    """
    chosen = numbers(argnums)

    @functools.wraps(f)
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        level = Level(f, args, kwargs, chosen)
        forward = _size(level.entered) < _size(level.y)
        blocks = iter(_by_columns(level) if forward else _by_rows(level))

        def of_output(y: Any, _: str) -> Any:
            by_argument = tuple(tree_map(lambda x, _: next(blocks), tree) for tree in level.entered)
            return by_argument if isinstance(argnums, tuple) else by_argument[0]

        return tree_map(of_output, level.y)

    return derivatives


def hessian(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """The second derivatives of f, which gives one number, as a function of the same arguments.

    For one array argument of shape s, an array of shape (*s, *s); for nested ones, that nesting twice.
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, x: Any, v: Any) -> Any:
    """The hessian of f at x times v, without the hessian: a sweep forward over the gradient.

    f: gives one number. x: its argument, or a tuple of all its arguments; v: nested and shaped like x, as is the
    result. Costs a few evaluations of the gradient. (Pearlmutter, Fast exact multiplication by the Hessian, 1994.)
    """
    if isinstance(x, tuple):
        return jvp(grad(f, tuple(range(len(x)))), x, v)[1]
    return jvp(grad(f), (x,), (v,))[1]


def _size(tree: Any) -> int:
    return sum(int(np.size(x)) for x in leaves(tree))


def _by_rows(level: Level) -> Iterator[Any]:
    """The blocks ∂(leaf of y) / ∂(leaf of x), all those of the first leaf of y first; a sweep back per row."""
    ys, xs = leaves(level.y), leaves(level.entered)
    for k, y in enumerate(ys):
        rows = [leaves(level.pull(direction)) for direction in _directions(level.y, k)]
        for column, x in enumerate(xs):
            yield _joined([row[column] for row in rows], 0, np.shape(y) + np.shape(x))


def _by_columns(level: Level) -> Iterator[Any]:
    """The same blocks in the same order; a sweep forward per column."""
    ys, xs = leaves(level.y), leaves(level.entered)
    pushed = [
        [leaves(level.push(direction)) for direction in _directions(level.entered, k)] for k in range(len(xs))
    ]
    for row, y in enumerate(ys):
        for x, columns in zip(xs, pushed, strict=True):
            yield _joined([column[row] for column in columns], -1, np.shape(y) + np.shape(x))


def _directions(tree: Any, k: int) -> Iterator[Any]:
    """The directions along each entry of leaf k, nested like the tree."""
    zeros = [np.zeros(np.shape(x)) for x in leaves(tree)]
    for i in range(zeros[k].size):
        one = np.zeros(zeros[k].shape)
        one.reshape(-1)[i] = 1.0
        yield _nested(tree, [*zeros[:k], one, *zeros[k + 1 :]])


def _nested(tree: Any, flat: list[Any]) -> Any:
    """The leaves in the nesting of a tree."""
    parts = iter(flat)
    return tree_map(lambda _, __: next(parts), tree)


def _joined(parts: list[Any], axis: int, shape: tuple[int, ...]) -> Any:
    return np.reshape(np.stack(parts, axis=axis), shape)[()] if parts else np.zeros(shape)
