"""Watches a function while it is traced for effects that a recorded graph does not have.

Such a function changes a model, draws from a generator that is no argument, catches an error, or keeps a Value.
Each of these raises TracingError, and the trace leaves no mark. The attributes of models that the function reads
are noted: a trace is right only while they stay the same.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any
from weakref import ref

from ..engine.node import Node
from ..engine.tree import leaves
from ..engine.tree_folds import replace_leaves
from ..errors import MinigradError, TracingError
from . import current_tape
from .caught import refuse_caught
from .looks import refuse_texts
from .rng import TracedGenerator
from .state import ABSENT, Change, ModelState, reachable
from .tape import INPUT

_watching: ContextVar[Watch | None] = ContextVar("minigrad_watch", default=None)
_lock = threading.Lock()
_classes: list[Any] = []  # whose attributes are watched
_open = [0]  # how many watches are open, in all threads


class ModelChanged(TracingError):
    """A traced function changed a model, or moved a generator. changes: what it changed."""

    def __init__(self, text: str, changes: Sequence[Change]) -> None:
        super().__init__(text)
        self.changes = tuple(changes)


class Watch:
    """A context for tracing a function: call `run` in place of the function, twice.

    settings: after the block, (model, attribute, value) for all that the function read from models. catches:
    whether it may catch an error.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self.settings: list[tuple[Any, str, Any]] = []
        self.catches = False
        self._first: ModelState | None = None
        self._latest: ModelState | None = None
        self._start = 0  # of the serials of the first run
        self._changes: list[Change] = []  # that the first run made
        self._inputs: list[ref[Any]] = []
        self._reads: dict[tuple[int, str], None] = {}
        self._copied: set[int] = set()  # models
        self._assigned: set[tuple[int, str]] = set()  # attributes that the function set before it read them
        self._names: set[tuple[type, str]] = set()  # of attributes that were read, also from copies

    def __enter__(self) -> Watch:
        with _lock:
            _open[0] += 1
            if _open[0] == 1:
                for cls in _classes:
                    cls.__getattribute__ = _noting_reads(cls)
        return self

    def __exit__(self, kind: Any, *error: object) -> None:
        with _lock:
            _open[0] -= 1
            if not _open[0]:
                for cls in _classes:
                    del cls.__getattribute__
        try:
            if kind is None:
                self._refuse_leaks()
                self._note_settings()
        except TracingError:
            kind = TracingError
            raise
        finally:
            if kind is not None and self._first is not None:
                self._first.restore()
                self._first.plain.restore(self._start)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function on Values. Raises TracingError for what it does besides computing."""
        tape: Any = current_tape()
        self._latest = ModelState({"f": self.f} | _static_arguments(args, kwargs))
        if self._first is None:
            self._first, self._start = self._latest, tape.start
        self._inputs += [ref(_node_of(x)) for x in leaves((args, kwargs)) if _is_input(x)]
        tape.sets_errors, self.catches = self._latest.sets_errors, self._latest.catches
        token = _watching.set(self)
        try:
            result = self.f(*args, **kwargs)
        except TracingError as error:
            if self._changes:  # why the second run makes other steps
                raise _changed(self._changes) from error
            raise
        except ValueError as error:
            if type(error) is ValueError and isinstance(error.__cause__, MinigradError):
                raise error.__cause__ from None  # NumPy put its own in front, of a[0] = x[0]
            raise
        finally:
            _watching.reset(token)
        refuse_caught(tape)
        refuse_texts(tape)
        self._refuse_draws()
        self._refuse_changes(tape.start)
        return result

    def note_read(self, model: Any, name: str, x: Any) -> None:
        """Note that the function read an attribute of a model; all of them, if it copies the model."""
        assert self._latest is not None
        key, names = id(model), [name]
        if name == "__dict__":
            self._copied.add(key)
            names = [*x]
        else:
            self._names.add((type(model), name))
            self._reads[key, name] = None
        before = self._latest.models.get(key)
        if before is not None:
            held = x if name == "__dict__" else {name: x}
            self._assigned |= {(key, each) for each in names if before[2].get(each, held[each]) is not held[each]}

    def _refuse_draws(self) -> None:
        assert self._latest is not None
        if moved := self._latest.moved_generators():
            raise ModelChanged(
                f"the function draws random numbers from {moved[0].path}, and each call would get the same ones\n"
                "  write  f(x, rng)   with a numpy.random.Generator as an argument: each call draws again\n"
                "  or     f(x, noise) with the numbers as an argument",
                moved,
            )

    def _refuse_changes(self, start: int) -> None:
        """Refuse what changes at each run, or holds a Value of the trace. What is computed once may stay."""
        assert self._latest is not None
        changes = [*self._latest.changes()]
        again = self._latest is not self._first
        if changes and (again or any(_is_new(x, start) for c in changes for x in _values_in(c.after))):
            raise _changed(changes)
        self._changes = changes

    def _refuse_leaks(self) -> None:
        """Raise TracingError if a Value of the trace is still alive."""
        kept = None if self._first is None else self._first.plain.kept(self._start)
        alive = any(x() is not None for x in self._inputs)
        if alive:
            gc.collect()  # a function that calls itself holds its variables until then
            alive = any(x() is not None for x in self._inputs)
        if alive or kept:
            values = (found.path for found in reachable({"f": self.f}) if _is_new(found.thing, self._start))
            place = next(values, kept or "")
            raise TracingError(
                f"the function kept a Value of the trace{f' in {place}' if place else ''}: later calls would not "
                "change it\n  write  return y, kept   and store it outside of the function"
            )

    def _note_settings(self) -> None:
        models = {} if self._latest is None else self._latest.models
        read = {**self._reads}
        for key in self._copied & models.keys():
            model, _, attributes = models[key]
            read |= {(key, name): None for name in attributes if (type(model), name) in self._names}
        for key, name in read:
            if key in models and (key, name) not in self._assigned:
                model, _, attributes = models[key]
                x = attributes.get(name, _class_attribute(model, name))
                if x is not ABSENT and getattr(model, name, ABSENT) is x:
                    self.settings.append((model, name, x))


def _changed(changes: Sequence[Change]) -> ModelChanged:
    return ModelChanged(
        f"the function changes {changes[0].path}, and compiled code would not\n"
        "  write  y, new = f(x, old)   to pass it as an argument and return what it becomes\n"
        "  or     minigrad.nn.train_step(...)   which carries the arrays of a model from step to step",
        changes,
    )


def watch_attributes(cls: type) -> None:
    """Note reads of the attributes of models of this class while a function is traced."""
    _classes.append(cls)


def _noting_reads(cls: Any) -> Callable[[Any, str], Any]:
    def read(self: Any, name: str) -> Any:
        x = super(cls, self).__getattribute__(name)
        watch = _watching.get()
        if watch is not None:
            watch.note_read(self, name, x)
        return x

    return read


def _class_attribute(model: Any, name: str) -> Any:
    """An attribute of the class that is neither a method nor a property."""
    x = next((vars(cls)[name] for cls in type(model).__mro__ if name in vars(cls)), ABSENT)
    return ABSENT if hasattr(type(x), "__get__") else x


def _static_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    given = {f"argument {k}": x for k, x in enumerate(args)} | kwargs
    return replace_leaves(given, lambda x: None if _is_input(x) else x)  # type: ignore[no-any-return]


def _is_input(x: object) -> bool:
    return (isinstance(x, Node) and x.op is INPUT) or isinstance(x, TracedGenerator)


def _node_of(x: Any) -> Node:
    node: Node = x.node if isinstance(x, TracedGenerator) else x
    return node


def _is_new(x: object, start: int) -> bool:
    return isinstance(x, Node) and x.serial >= start


def _values_in(x: Any) -> list[Any]:
    return leaves([*x] if isinstance(x, (set, frozenset)) else x)


__all__ = ["ModelChanged", "Watch", "watch_attributes"]
