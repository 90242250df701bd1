"""Modes for a block of code, in this thread (or task) only: no_grad, an interpreter, a debugger.

Only the switches and the interface of an interpreter belong here; other files act on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ContextDecorator, nullcontext
from contextvars import ContextVar, Token
from typing import Any, TextIO

import numpy as np

from .broadcasting import copy_like, has_nan, reduce_to_shape, unaliased


class Interpreter:
    """How the engine computes: this class immediately, on arrays. A subclass may record: see `interpreting`.

    The usual cases (float arrays, no open block) ask no interpreter. A node is a Value; `made_by` is its op.
    """

    notice: Callable[[Any], None] | None = None  # called with each new node; a subclass may plug in
    on_arrays = True  # whether rules are called on arrays, unless a gradient is itself recorded
    checkpointing: Any = None  # (inputs) -> the manager around a checkpointed function whose graph must be kept

    # Recording.

    def compute(self, made_by: Any, args: Any, params: dict[str, Any]) -> Any:
        """The output of an op for these data."""
        return made_by.forward(*args, **params)

    def operate(self, made_by: Any, compute: Callable[..., Any], *data: Any) -> tuple[Any, Any]:
        """The output of one of Python's operators, and the op to record for it."""
        return compute(*data), made_by

    def as_array(self, data: Any, made_by: Any) -> Any:
        """The output of an op, as an array."""
        return np.asarray(data)

    def keep(self, made_by: Any, operands: tuple[Any, ...], differentiable: Any) -> tuple[Any, tuple[Any, ...]]:
        """The op and the operands that a new node remembers.

        Where no gradient flows, the inputs are dropped: a list of stored accuracies keeps no graph alive.
        """
        return made_by, operands if differentiable else ()

    def record_opaque(self, kind: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """The node of a NumPy call that has no rule; None to let NumPy compute it."""
        return None

    def enter(self, x: Any) -> Any:
        """The node x as it enters a level of differentiation; its data if no gradient can arrive."""
        return x if x.has_gradient else x._array

    limits: Mapping[str, Callable[..., Any]] = {}  # what mends nan and underflow: `derivative_limits` plugs in
    tame: Mapping[Any, bool] = defaultdict(lambda: True)  # whether an op needs no limits; `steepness` plugs in

    def settle(self, what: str, found: dict[int, Any], *start: Any, noted: str = "") -> dict[int, Any]:
        """What a sweep found, by serial; start is what it started from, noted are the warnings of NumPy."""
        lost = what in self.limits and (noted or any(map(has_nan, found.values())))
        found = self.limits[what](found, *start, noted=noted) if lost else found
        watching = debugger()
        return found if watching is None else watching.conclude(found)

    # Refusing.

    def check_read(self, what: str, lost: bool) -> None:
        """Refuse to read data that may change. lost: the engine refuses anyway, as a gradient would be lost."""

    def check_effect(self, node: Any, what: str) -> None:
        """Refuse to change a node in place, by ``backward()`` or an operator like ``+=``."""
        if (watching := debugger()) is not None:
            watching.notice_effect(node, what)

    def sweeping(self, noted: TextIO) -> AbstractContextManager[Any]:
        """The context manager around a sweep."""
        return ignoring_fp_warnings(noted)

    def seed(self, g: Any, data: Any, what: str) -> Any:
        """The cotangent or tangent to start a sweep, in the shape and type of the data; a node stays as it is."""
        return g if hasattr(g, "has_gradient") else copy_like(g, data, what)

    def constant(self, node: Any) -> Any:
        """The argument of rules for a node that is not differentiated."""
        return node._array

    def output(self, node: Any, params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The same for the output of an op (a tuple if there are several), and its parameters with ``saved``."""
        return node._array, params

    def call_rule(self, made_by: Any, rule: Callable[..., Any], args: Any, params: dict[str, Any]) -> Any:
        """Call a rule."""
        return rule(*args, **params)

    def call_joint_rule(self, made_by: Any, wanted: tuple[bool, ...], args: Any, params: dict[str, Any]) -> Any:
        """Call the one rule for all inputs of an op. wanted: which of the cotangents are used."""
        return made_by.vjps[0](*args, **params)

    def accumulate(self, pending: Any, x: Any, made_by: Any, rule: Any, args: Any, params: dict[str, Any]) -> None:
        """Call a rule and add its result to the gradient of x."""
        pending.add(x, rule(*args, **params), made_by.label)

    # (c, data, label): a cotangent in the shape and type of its data. Not wrapped in a method, to save a call.
    reduce_to_shape: Callable[[Any, Any, str], Any] = staticmethod(reduce_to_shape)

    def finish(self, g: Any, taken: set[int]) -> Any:
        """A gradient or tangent for the caller, who may change it."""
        return unaliased(g, taken)

    def copy(self, y: Any) -> Any:
        """The data of a node, as an unshared array."""
        return np.array(y._array)[()]


EAGER = Interpreter()
_recording: ContextVar[bool] = ContextVar("minigrad_recording", default=True)
# The open scope and the open debugger watch each new node. Both are defined in files that import this one.
innermost_scope: ContextVar[Any] = ContextVar("minigrad_scope", default=None)
_debugger: ContextVar[Any] = ContextVar("minigrad_debugger", default=None)
_interpreter: ContextVar[Interpreter] = ContextVar("minigrad_interpreter", default=EAGER)

# Open blocks of all threads, and waiting scopes: while empty, no mode needs a check. (Adding to a set is atomic.)
active_modes: set[Any] = set()

class_of: Any = type  # the class that a Value passes for; an interpreter may plug in
note_views: Any = None  # set by `in_place`: called with results that may look into the memory of their operands
notes: set[str] = set()  # `mark` and `origin`, once a node has one: few programs use them


class Block(ContextDecorator):
    """A switch for a ``with`` block or a decorated function; it can be reused and nested."""

    def __init__(self, switch: ContextVar[Any], value: Any) -> None:
        self._switch, self._value = switch, value
        self._before: list[tuple[Token[Any], object]] = []

    def __enter__(self) -> None:
        entry = object()
        self._before.append((self._switch.set(self._value), entry))
        active_modes.add(entry)

    def __exit__(self, *error: object) -> None:
        before, entry = self._before.pop()
        active_modes.discard(entry)
        self._switch.reset(before)


def no_grad() -> Block:
    """Compute without recording: Values computed inside keep no inputs, and no gradient flows through them.

    A generator that yields inside leaves it on for its caller, as with any such block: write the yield after it.
    """
    return Block(_recording, False)


def recording() -> AbstractContextManager[Any]:
    """Record, even inside no_grad: differentiating a function needs its graph."""
    return nullcontext() if is_recording() else Block(_recording, True)


def interpreting(by: Interpreter) -> Block:
    """Compute with another interpreter inside ``with``."""
    return Block(_interpreter, by)


def interpreter() -> Interpreter:
    """The current interpreter."""
    return _interpreter.get() if active_modes else EAGER


def is_recording() -> bool:
    """Whether new nodes keep their inputs."""
    return not active_modes or _recording.get()


def debugging_by(debugger: Any) -> Block:
    """Let a debugger watch each new node and each sweep: see `debugging`."""
    return Block(_debugger, debugger)


def debugger() -> Any:
    """The current debugger, or None."""
    return _debugger.get() if active_modes else None


def watch(node: Any, operands: tuple[Any, ...]) -> None:
    """Show a new node to the open scope, debugger and interpreter. Called only while a block is open."""
    if (scope := innermost_scope.get()) is not None:
        scope.notice(node)
    if (debugger := _debugger.get()) is not None:
        debugger.remember(node, operands)
    if (notice := _interpreter.get().notice) is not None:
        notice(node)


def check_read(what: str, lost: bool = False) -> None:
    """Refuse to read data, if the current interpreter does."""
    if active_modes:
        _interpreter.get().check_read(what, lost)


def ignoring_fp_warnings(noted: TextIO) -> np.errstate:
    """Silence warnings of infinite slopes: the table of kinks lists them. noted: gets those of other numbers."""
    return np.errstate(divide="ignore", invalid="ignore", over="log", under="log", call=noted)
