"""Gradients for leaves that a function closes over: the same as by `backward`, but returned, not written."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

from ..engine.modes import interpreter, recording
from ..engine.value import Value, seed, serials, sweep_from
from .grad import _as_value, _reach
from .gradient_types import P


def value_and_leaf_grads(f: Callable[P, Any], xs: Sequence[Value]) -> Callable[P, tuple[Any, list[Any]]]:
    """The value of f and its gradient for each of the leaves xs, as a function of the same arguments.

    f: returns one number. The gradient is None for a leaf on which it does not depend. Do not change the gradients
    in place: they may share memory. Raises ShapeError.
    """
    own = {x.serial for x in xs}

    @functools.wraps(f)
    def value_and_gradients(*args: P.args, **kwargs: P.kwargs) -> tuple[Any, list[Any]]:
        start = next(serials)
        with recording():
            y = _as_value(f(*args, **kwargs))
        active, _ = _reach([y], [*xs], start)
        noted, sweep = StringIO(), ([(y, seed(y))], active, (), own)
        with interpreter().sweeping(noted):
            found = {x.serial: c for x, c in sweep_from(*sweep) if x.serial in own}
            found = interpreter().settle("gradients", found, *sweep, noted=noted.getvalue())
        return interpreter().copy(y), [found.get(x.serial) for x in xs]

    return value_and_gradients
