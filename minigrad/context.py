"""What holds for a block of code, in this thread (or task) alone: no_grad, debug, trace.

Only switches belong here; what they change stands where it happens.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import Any

from .errors import TracingError

_recording: ContextVar[bool] = ContextVar("minigrad_recording", default=True)
_debugging: ContextVar[bool] = ContextVar("minigrad_debugging", default=False)
_tracing: ContextVar[Any] = ContextVar("minigrad_tracing", default=False)  # False, True or a Tape

# The blocks that are open, of all threads together: while there is none, nobody needs to ask which.
# (A set, because adding and discarding are atomic: a counter would need a lock.)
blocks: set[Any] = set()


class Block(ContextDecorator):
    """A switch that holds inside ``with``, or in a function it decorates; it may be used again, also nested."""

    def __init__(self, switch: ContextVar[Any], value: Any) -> None:
        self._switch, self._value = switch, value
        self._before: list[tuple[Token[Any], object]] = []

    def __enter__(self) -> None:
        entry = object()
        self._before.append((self._switch.set(self._value), entry))
        blocks.add(entry)

    def __exit__(self, *error: object) -> None:
        before, entry = self._before.pop()
        blocks.discard(entry)
        self._switch.reset(before)


def no_grad() -> Block:
    """Compute without recording: what is made inside is a Value that was computed from nothing."""
    return Block(_recording, False)


def recording() -> Block:
    """Record, also inside a block of no_grad: a function that is being differentiated must be."""
    return Block(_recording, True)


def debug() -> Block:
    """Remember the line of the user's code behind every node, and stop at the first thing that goes wrong.

    Raises NonFinite at the first nan or inf, forwards or backwards, and Mutated where an array was changed in
    place between the two; both name the op, the line and the operands. Costs several times the computation.
    """
    return Block(_debugging, True)


def trace() -> Block:
    """Record a graph that will be run again on other data.

    Inside, a Value stands for all the data it may ever hold: reading its data, branching on it or
    indexing by it raises TracingError, and comparisons keep the inputs they were computed from.
    """
    return Block(_tracing, True)


class Tape:
    """What is noted while everything is recorded, the engine's own work on arrays too: see `taping`.

    sweeps: the first and the last serial of each sweep. draws: nodes that must be computed even if nobody uses
    them, for a random generator moves on with each.
    """

    def __init__(self) -> None:
        self.sweeps: list[tuple[int, int]] = []
        self.draws: list[Any] = []


def taping(onto: Tape) -> Block:
    """Trace, and record what the engine computes on plain arrays as well: gradients become part of the graph."""
    return Block(_tracing, onto)


def tape() -> Tape | None:
    """The tape that everything is recorded on, if there is one."""
    onto = _tracing.get() if blocks else None
    return onto if isinstance(onto, Tape) else None


def is_recording() -> bool:
    """Whether what is computed remembers its inputs."""
    return not blocks or _recording.get()


def is_debugging() -> bool:
    """Whether nodes remember their line, and numbers are watched."""
    return bool(blocks) and _debugging.get()


def is_tracing() -> bool:
    """Whether the graph is being recorded to be run again on other data."""
    return bool(blocks) and bool(_tracing.get())


def refuse_while_tracing(what: str, remedy: str = "np.where(condition, a, b)   for a branch") -> None:
    """Raise TracingError where the data of one run would be baked into a graph that stands for all data."""
    if is_tracing():
        raise TracingError(
            f"{what} while tracing: a Value stands for all data, so nothing may depend on this data\n"
            f"  write  {remedy}"
            + ("\n  or     minigrad.compile(f, static=...)   for an argument that decides" if tape() else "")
        )
