"""Gradients for the leaves that a function closes over: what `backward` computes, without writing it anywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from . import context
from .context import recording
from .taped import copied, note_sweep, quietly
from .transforms import Function, _as_value, _reach
from .value import Value, seed, serials, sweep_from


def value_and_leaf_grads(f: Function, xs: Sequence[Value]) -> Callable[..., tuple[Any, list[Any]]]:
    """The value of f and its gradient for each of the leaves xs, as a function of the same arguments.

    f: gives one number. A leaf that it does not depend on has None. The gradients are for reading: they may share
    memory with each other. Raises ShapeError.
    """
    own = {x.serial for x in xs}

    @functools.wraps(f)
    def value_and_gradients(*args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
        start = next(serials)
        with recording() if context.blocks else nullcontext():
            y = _as_value(f(*args, **kwargs))
        active, _ = _reach([y], [*xs], start)
        with quietly() as first:
            swept = sweep_from([(y, seed(y))], active, (), own)
            found = {x.serial: c for x, c in swept if x.serial in own}
        note_sweep(first)
        return copied(y), [found.get(x.serial) for x in xs]

    return value_and_gradients
