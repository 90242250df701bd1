"""What holds for a block of code, in this thread (or task) alone.

Only switches belong here; what they change stands where it happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_tracing: ContextVar[bool] = ContextVar("minigrad_tracing", default=False)


def tracing() -> bool:
    """Whether the graph is being recorded to be run again on other data."""
    return _tracing.get()


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
