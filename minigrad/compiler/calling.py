"""compile: a function that traces when it must, and else runs what was compiled.

Buffers belong to a call: it takes a set of them from a list, and puts it back at its end. Calls from several
threads, or from inside one another, take different sets.
"""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from .. import context
from ..errors import ArgumentError, Mutated
from ..value import Value
from .arguments import Described, Describer, names_of
from .drawing import as_values
from .guards import Guard
from .passes import optimised
from .passes.algebra import constants
from .plan import planned
from .program import Program
from .reading import outer
from .source import Writer
from .tracing import traced

MISS: Any = object()


class Compiled:
    """A compiled function. See `minigrad.compile`.

    source: the Python that runs, of the latest call. traces: how often the function was traced.
    """

    def __init__(
        self, f: Callable[..., Any], static: Any = (), donate: Any = (), reuse: bool = False, cache: int = 16
    ) -> None:
        functools.update_wrapper(self, f)
        self.f, self.reuse, self.cache_size = f, reuse, cache
        self.options = {"static": static, "donate": donate, "reuse": reuse, "cache": cache}
        given = (donate,) if isinstance(donate, (str, int, Value)) else tuple(donate)
        self.donate = [x for x in given if not isinstance(x, Value)]
        self.donated = {x.serial for x in given if isinstance(x, Value)}
        self.describer = Describer(f, static)
        self.describer.check("donate", self.donate)
        self.traces = 0
        self._told = False  # that integers are static
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._latest: Entry | None = None
        self._lock = threading.Lock()
        self._enter: Callable[..., Any] = _miss

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives for these arguments."""
        if context.blocks and (context.is_tracing() or context.is_debugging()):
            return self._eagerly(args, kwargs)
        result = self._enter(args, kwargs)
        return self._anew(args, kwargs) if result is MISS else result

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Bound to an instance, as a method is."""
        return self if instance is None else functools.partial(self, instance)

    def __reduce__(self) -> Any:
        """Copied and pickled as its function and options, which trace anew; a decorated one by its name."""
        name = self.f.__qualname__ if hasattr(self.f, "__qualname__") else ""
        if getattr(sys.modules.get(self.f.__module__ or ""), name, None) is self:
            return name
        return _again, (self.f, self.options)

    @property
    def source(self) -> str:
        """The Python that the latest call ran."""
        return self._entry().source

    @property
    def program(self) -> Program:
        """The steps that the latest call ran."""
        return self._entry().program

    @property
    def graph(self) -> tuple[Value, ...]:
        """The outputs of the recorded graph, gradients included, as Values: for `minigrad.draw`."""
        return self._entry().graph()

    def _entry(self) -> Entry:
        if self._latest is None:
            raise ArgumentError(
                "nothing is compiled yet: that happens at the first call\n  write  f(*args)   first"
            )
        return self._latest

    def _anew(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same where the arguments do not fit what ran last: look it up, or trace."""
        given = self.describer.describe(args, kwargs)
        if given.values:
            return self.f(*args, **kwargs)
        with self._lock:
            entry = self._entries.get(given.key)
        result = MISS if entry is None else entry.enter(args, kwargs)
        if entry is None or result is MISS:  # a Value that f closes over may have another shape now
            program = traced(self.f, given)
            if outer(program):
                return self.f(*args, **kwargs)
            self._tell_of_integers(given.key)
            entry = Entry(self, program, given)
            result = entry.enter(args, kwargs)
            with self._lock:
                self.traces += 1
                self._entries[given.key] = entry
        with self._lock:
            self._entries[given.key] = self._entries.pop(given.key, entry)  # the latest is the last
            while len(self._entries) > self.cache_size:
                self._entries.popitem(last=False)
            self._latest, self._enter = entry, entry.enter
        return result

    def _tell_of_integers(self, key: Hashable) -> None:
        """Warn, once, when the cache is full of traces that differ in integers alone: a counter, perhaps."""
        with self._lock:
            full = len(self._entries) >= self.cache_size and key not in self._entries and not self._told
            names = self.describer.varying([*self._entries, key]) if full else []
            self._told = self._told or bool(names)
        if names:
            warnings.warn(
                f"traced anew for each of {self.cache_size + 1} integers as argument {', '.join(names)}: "
                "an integer is static, each value is compiled by itself\n"
                f"  write  float({names[0]})   or an array, for an input that may change from call to call",
                RuntimeWarning,
                stacklevel=4,
            )

    def _eagerly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Inside a trace, the function is part of it; under `debug`, what it watches is watched."""
        if not context.is_tracing():
            for entry in self._entries.values():
                entry.check_constants()
        return self.f(*args, **kwargs)


def _again(f: Callable[..., Any], options: dict[str, Any]) -> Compiled:
    return Compiled(f, **options)


def _miss(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return MISS


class Entry:
    """One program, compiled: for arguments of one kind."""

    def __init__(self, compiled: Compiled, recorded: Program, given: Described) -> None:
        self.recorded, self.program = recorded, optimised(recorded)
        names = names_of(given.paths, compiled.f)
        donated = frozenset(
            ref
            for ref, path, x in zip(self.program.inputs, given.paths, given.inputs, strict=True)
            if isinstance(x, np.ndarray) and _is_donated(path, compiled)
        )
        donated |= {ref for ref, leaf in self.program.leaves if leaf.serial in compiled.donated}
        inputs = dict(zip(self.program.inputs, names, strict=True))
        inputs |= {ref: f"w{k}" for k, (ref, _) in enumerate(self.program.leaves)}
        self.names = inputs
        plan = planned(self.program, donated, compiled.reuse)
        notes = [f"w{k}: {_told(leaf)}, read at each call" for k, (_, leaf) in enumerate(self.program.leaves)]
        writer = Writer(self.program, plan, inputs, notes)
        written = [k for k, ref in enumerate(inputs) if ref in plan.in_place.values()]
        guard = Guard(given.template, given.inputs, [leaf for _, leaf in self.program.leaves], written)
        self.source = writer.text()
        self.guard = guard.text()
        self.frozen = [(x, _print(x)) for x in constants(recorded)]
        recorded.forget_samples()  # of the program too, which shares them
        self.enter = _executed(self.source, self.guard, writer.names, guard.names)

    def check_constants(self) -> None:
        """Raise Mutated where an array that the function closes over was changed in place since it was traced."""
        for x, before in self.frozen:
            if _print(x) != before:
                raise Mutated(
                    f"an array of shape {x.shape} that a compiled function closes over was changed in place: "
                    "it was frozen when the function was traced\n  write  f(..., array)   for an argument"
                )

    def graph(self) -> tuple[Value, ...]:
        """The outputs of the program as Values, recorded step by step."""
        return as_values(self.recorded, self.names)


def _told(leaf: Any) -> str:
    name = f"{leaf.name} " if leaf.name else ""
    return f"a Value {name}{np.shape(leaf._array)} that the function closes over"


def _is_donated(path: str, compiled: Compiled) -> bool:
    kind, _, rest = path.partition("[")
    which = rest.partition("]")[0].strip("'")
    names = compiled.describer.names
    if kind == "args":
        k = int(which)
        return k in compiled.donate or (k < len(names) and names[k] in compiled.donate)
    return which in compiled.donate or (which in names and names.index(which) in compiled.donate)


def _print(x: Any) -> int:
    return hash(x.tobytes())


def _executed(source: str, guard: str, names: dict[str, Any], guard_names: dict[str, Any]) -> Callable[..., Any]:
    step_names = {**names}
    exec(compile(source, "<compiled by minigrad>", "exec"), step_names)
    entry_names = {**guard_names, "make": step_names["make"], "free": [], "MISS": MISS}
    exec(compile(guard, "<guard by minigrad>", "exec"), entry_names)
    enter: Callable[..., Any] = entry_names["enter"]
    return enter


def compiled(
    f: Callable[..., Any] | None = None,
    *,
    static: Any = (),
    donate: Any = (),
    reuse: bool = False,
    cache: int = 16,
) -> Any:
    """f as straight-line NumPy with buffers: the same results to the last bit, gradients included.

    f: any function that minigrad differentiates, or a derivative: ``compile(value_and_grad(loss))``. It is traced
    with Values at the first call with arguments of new shapes, types or layouts. As a decorator too.
    static: names or places of arguments that are fixed by value, hashable; integers, texts and None are anyway.
    A float counts as a np.float64 (1 / 0 is inf) that takes on the type of an array beside it.
    donate: those whose arrays may be overwritten by results, and Values that f closes over. reuse: results may be
    buffers, overwritten by the next call. cache: how many traces are kept.

    Raises TracingError, ArgumentError, DTypeError; in a call, what NumPy raises there.
    """
    if f is None:
        return functools.partial(compiled, static=static, donate=donate, reuse=reuse, cache=cache)
    return Compiled(f, static, donate, reuse, cache)


__all__ = ["Compiled", "compiled"]
