"""What holds for a block of code, in this thread (or task) alone.

Only switches belong here; what they change stands where it happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import TracingError

_tracing: ContextVar[bool] = ContextVar("minigrad_tracing", default=False)


def tracing() -> bool:
    """Whether the graph is being recorded to be run again on other data."""
    return _tracing.get()


def refuse_while_tracing(what: str) -> None:
    """Raise TracingError where the data of one run would be baked into a graph that stands for all data."""
    if tracing():
        raise TracingError(
            f"{what} while tracing: a Value stands for all data, so nothing may depend on this data\n"
            "  write  np.where(condition, a, b)   for a branch"
        )


@contextmanager
def trace() -> Iterator[None]:
    """Record a graph that will be run again on other data.

    Inside, a Value stands for all the data it may ever hold: reading its data, branching on it or
    indexing by it raises TracingError, and comparisons keep the inputs they were computed from.
    """
    token = _tracing.set(True)
    try:
        yield
    finally:
        _tracing.reset(token)
