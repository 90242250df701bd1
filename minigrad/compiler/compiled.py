"""compile: turns a function into one that traces when it must and otherwise runs compiled code.

Each call takes a set of buffers from a list and puts it back at the end. So calls from several threads, or nested
calls, use different sets.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

import numpy as np

from ..engine import modes
from ..engine.tree import leaves
from ..engine.value import Value
from ..errors import ArgumentError, Mutated
from ..tracing import is_tracing
from ..tracing.arguments import Described, Describer, fill_holes
from ..tracing.lower import outer_values
from ..tracing.outlines import outline
from ..tracing.program import Program
from ..tracing.tracer import trace_function
from ..transforms.gradient_types import P, R
from .blocking import IN_PYTHON
from .buffers import plan_buffers
from .codegen import names_for_step
from .fallback import Fallback
from .first_calls import Turns, collection_paused
from .guards import Guard, check_inputs
from .model_settings import Settings, while_unchanged
from .names import word_for
from .native import Native
from .native.caller import Caller, called_from_c
from .native.entry import Expected, make_entry
from .native.run import NATIVE, NativeStep, usable
from .options import check_function, check_switches, chosen
from .passes import optimise
from .passes.algebra import constants
from .retraces import Retraces, warn_of_remaking
from .texts import Texts
from .to_graph import as_values

MISS: Any = object()
Q = ParamSpec("Q")
S = TypeVar("S")
Chosen = str | int | Iterable[str | int]  # arguments, by their names or their places


@called_from_c
class Compiled(Caller, Generic[P, R]):
    """A compiled function. See `minigrad.compile`.

    source: the Python code of the latest call. traces: how often the function was traced.
    """

    def __init__(
        self,
        f: Callable[P, R],
        static: Chosen = (),
        donate: Chosen | Value | Iterable[str | int | Value] = (),
        reuse: bool = False,
        cache: int = 16,
        native: bool = True,
    ) -> None:
        functools.update_wrapper(self, check_function(f))
        check_switches(cache, reuse=reuse, native=native)
        static, donate = chosen("static", static), chosen("donate", donate)
        self.f, self.reuse, self.cache_size = f, reuse, cache
        self.options: dict[str, Any] = {
            "static": static,
            "donate": donate,
            "reuse": reuse,
            "cache": cache,
            "native": native,
        }
        self.donate = [x for x in donate if not isinstance(x, Value)]
        self.donated = {x.serial for x in donate if isinstance(x, Value)}
        self._fallback = Fallback(f, bool(donate))
        self.describer = Describer(f, static)
        self.describer.check("donate", self.donate)
        self.traces = 0
        self._settings = Settings()
        self._warnings = Retraces(self.describer)
        self._entries: OrderedDict[Any, Specialization | Uncompiled] = OrderedDict()
        self._latest: Specialization | None = None
        self._lock = threading.Lock()
        self._turns = Turns()
        self._enter: Callable[..., Any] = _miss

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result for these arguments."""
        if modes.active_modes and (is_tracing() or modes.debugger()):
            return self._run_eagerly(args, kwargs)  # type: ignore[no-any-return]
        try:
            result = self._enter(args, kwargs)
        except Exception as error:
            failed = self._fallback.catch(error)
        else:
            return self._look_up_or_trace(args, kwargs) if result is MISS else result  # type: ignore[no-any-return]
        return self._fallback.run(failed, args, kwargs, stacklevel=3)  # type: ignore[no-any-return]

    def _recover(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result after the compiled program, entered from C, raised an error, or that error."""
        return self._fallback.run(self._fallback.catch(error), args, kwargs, stacklevel=3)

    @overload
    def __get__(self, instance: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(self: Compiled[Concatenate[S, Q], R], instance: S, owner: Any = None) -> Callable[Q, R]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Bind to an instance, as a method does."""
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        """The name of the function, and how often it was traced."""
        name = getattr(self.f, "__qualname__", None) or getattr(self.f, "__name__", type(self.f).__name__)
        return f"<compiled {name}, traced {self.traces} time{'s' * (self.traces != 1)}>"

    def __reduce__(self) -> Any:
        """Copy and pickle as function and options, which trace again; a decorated function as its name."""
        name = self.f.__qualname__ if hasattr(self.f, "__qualname__") else ""
        if getattr(sys.modules.get(getattr(self.f, "__module__", None) or ""), name, None) is self:
            return name
        return _compile_again, (self.f, self.options)

    @property
    def source(self) -> str:
        """The Python that the latest call ran."""
        return self._entry().source

    @property
    def native(self) -> Native:
        """Whether the latest call ran natively: true or false, and printed with the reason."""
        return self._entry().native

    @property
    def program(self) -> Program:
        """The steps that the latest call ran."""
        return self._entry().program

    @property
    def graph(self) -> tuple[Value, ...]:
        """The outputs of the recorded graph, gradients included, as Values: for `minigrad.draw`."""
        return self._entry().graph()

    def _entry(self) -> Specialization:
        if self._latest is None:
            raise ArgumentError("nothing is compiled yet: the first call compiles\n  write  f(*args)   first")
        return self._latest

    def _look_up_or_trace(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result if the arguments do not fit the latest entry: look up another one, or trace."""
        given = self.describer.describe(args, kwargs)
        if given.values:
            return self.f(*args, **kwargs)
        if given.mapped:  # the guards take plain arrays
            args, kwargs = fill_holes(given.template, given.inputs)
        entry = self._find(given.key)
        result = MISS if entry is None else self._entering(entry)(args, kwargs)
        if result is MISS:  # or a Value that f closes over changed its shape
            with self._fallback, self._turns.of(given.key):
                if self._find(given.key) is entry:  # else another thread has traced
                    self._trace(given)
            entry = self._find(given.key)
            result = MISS if entry is None else self._entering(entry)(args, kwargs)
        if entry is not None:
            self._note_use(given.key, entry)
        return self.f(*args, **kwargs) if result is MISS else result

    def _entering(self, entry: Specialization | Uncompiled) -> Callable[..., Any]:
        """The call of a trace; after an error of compiled code, the function itself runs."""
        if isinstance(entry, Uncompiled):
            return entry.enter
        return functools.partial(self._fallback.enter, entry.enter)

    def _key(self, arguments: Any) -> Any:
        """The key of a trace: of the arguments, and of the attributes of models that it would read."""
        return (*arguments, self._settings.key(arguments))

    def _find(self, arguments: Any) -> Specialization | Uncompiled | None:
        """The trace for these arguments."""
        with self._lock:
            return self._entries.get(self._key(arguments))

    def _trace(self, given: Described) -> None:
        """Trace, and keep the result."""
        with collection_paused():
            program = trace_function(self.f, given)
            runs_as_it_is = bool(outer_values(program))
            entry = Uncompiled(self.f) if runs_as_it_is else Specialization(self, program, given)
        with self._lock:
            self._settings.add(given.key, program.settings)
            key = self._key(given.key)
            full = len(self._entries) >= self.cache_size and key not in self._entries
            keys = [*self._entries, key] if full else []
            self.traces += not runs_as_it_is
            self._entries[key] = entry
        if runs_as_it_is:
            self._warnings.warn_of_eager(stacklevel=4)
        elif keys:
            self._warnings.warn_of_many(keys, stacklevel=4)
        elif self.traces == 1:
            warn_of_remaking(self.f, given.key, stacklevel=4)

    def _note_use(self, arguments: Any, entry: Specialization | Uncompiled) -> None:
        """Enter by this entry first from now on, and forget the traces that were not used for the longest time."""
        with self._lock:
            key = self._key(arguments)
            self._entries[key] = self._entries.pop(key, entry)  # most recent last
            while len(self._entries) > self.cache_size:
                self._entries.popitem(last=False)
                self._settings.keep(key[:2] for key in self._entries)
            if isinstance(entry, Specialization):
                self._latest, self._enter = entry, entry.enter

    def _run_eagerly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function itself: a trace then records it, and `debug` watches it."""
        if not is_tracing():
            for entry in [*self._entries.values()]:
                entry.check_constants()
        return self.f(*args, **kwargs)


def _compile_again(f: Callable[P, R], options: dict[str, Any]) -> Compiled[P, R]:
    return Compiled(f, **options)


def _miss(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return MISS


class Uncompiled:
    """In the place of a compiled program: the function itself. It closes over a Value whose gradient must flow."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f

    def enter(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The function's result."""
        return self.f(*args, **kwargs)

    def check_constants(self) -> None:
        """Nothing is frozen."""


class Specialization:
    """One compiled program, for arguments of one kind."""

    def __init__(self, compiled: Compiled[..., Any], recorded: Program, given: Described) -> None:
        self.recorded, self.program = recorded, optimise(recorded)
        names = names_for_step()
        donated = frozenset(
            ref
            for ref, path, x in zip(self.program.inputs, given.paths, given.inputs, strict=True)
            if isinstance(x, np.ndarray) and _is_donated(path, compiled)
        )
        donated |= {ref for ref, leaf in self.program.leaves if leaf.serial in compiled.donated}
        stems = [word_for(path, compiled.describer.names) for path in given.paths]
        inputs = {ref: names.take(stem) for ref, stem in zip(self.program.inputs, stems, strict=True)}
        inputs |= {ref: names.take(f"w{k}") for k, (ref, _) in enumerate(self.program.leaves)}
        self.names = inputs
        self.native = usable(given, compiled.options["native"])
        plan = plan_buffers(self.program, donated, compiled.reuse, NATIVE if self.native else IN_PYTHON)
        written = [k for k, ref in enumerate(inputs) if ref in plan.in_place.values()]
        read = [x for x in constants(self.program) if x.ndim] if written else []
        leaves = [leaf for _, leaf in self.program.leaves]
        arrays = [*given.inputs, *(leaf._array for leaf in leaves)]
        if written:
            check_inputs(written, read, arrays)
        guard = functools.partial(Guard, given.template, [*map(outline, arrays)], leaves, written, read)
        self._texts = Texts(self.program, plan, inputs, names, guard, MISS)
        self.frozen = [(x, _fingerprint(x)) for x in constants(recorded)]
        if self.native:
            step = NativeStep(self.program, plan)
            self.native = step.native
            refuse = functools.partial(check_inputs, written, read)
            call = Expected(given.template, given.inputs, leaves, written, refuse, read, recorded.settings)
            self.enter = make_entry(step.executor, call, self.program.outputs, self.enter_in_python, MISS)
        else:
            self.enter = while_unchanged(self._texts.enter, recorded.settings, MISS)
        plan.kinds.forget()
        recorded.forget_samples()  # also those of the program, which shares them
        may_redo = recorded.catches or any(step.checks for step in self.program.steps)
        if may_redo and any(step.draws for step in self.program.steps):
            self.enter = _restoring_generators(self.enter)

    def enter_in_python(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Check the arguments and compute, in Python alone; MISS if something does not fit."""
        return self._texts.enter(args, kwargs)

    @property
    def source(self) -> str:
        """The Python of the program."""
        return self._texts.source

    @property
    def guard(self) -> str:
        """The Python that checks the arguments."""
        return self._texts.guard

    def check_constants(self) -> None:
        """Raise Mutated if an array that the function closes over changed in place since the trace."""
        for x, before in self.frozen:
            if _fingerprint(x) != before:
                raise Mutated(
                    f"an array of shape {x.shape} that a compiled function closes over was changed in place: "
                    "tracing froze it\n  write  f(..., array)   to pass it as an argument"
                )

    def graph(self) -> tuple[Value, ...]:
        """The outputs of the program as Values, recorded step by step."""
        return as_values(self.recorded, self.names)


def _is_donated(path: str, compiled: Compiled[..., Any]) -> bool:
    kind, _, rest = path.partition("[")
    which = rest.partition("]")[0].strip("'")
    names = compiled.describer.names
    if kind == "args":
        k = int(which)
        return k in compiled.donate or (k < len(names) and names[k] in compiled.donate)
    return which in compiled.donate or (which in names and names.index(which) in compiled.donate)


def _fingerprint(x: Any) -> int:
    return hash(x.tobytes())


def _restoring_generators(enter: Callable[..., Any]) -> Callable[..., Any]:
    """enter, which leaves random generators as they were if it raises an error: f draws again then."""

    def restoring(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = [x.bit_generator for x in leaves((args, kwargs)) if isinstance(x, np.random.Generator)]
        states = [x.state for x in given]
        try:
            return enter(args, kwargs)
        except Exception:
            for x, state in zip(given, states, strict=True):
                x.state = state
            raise

    return restoring


@overload
def compile(
    f: Callable[P, R],
    *,
    static: Chosen = ...,
    donate: Chosen | Value | Iterable[str | int | Value] = ...,
    reuse: bool = ...,
    cache: int = ...,
    native: bool = ...,
) -> Compiled[P, R]: ...
@overload
def compile(
    f: None = None,
    *,
    static: Chosen = ...,
    donate: Chosen | Value | Iterable[str | int | Value] = ...,
    reuse: bool = ...,
    cache: int = ...,
    native: bool = ...,
) -> Callable[[Callable[P, R]], Compiled[P, R]]: ...
def compile(
    f: Callable[..., Any] | None = None,
    *,
    static: Chosen = (),
    donate: Chosen | Value | Iterable[str | int | Value] = (),
    reuse: bool = False,
    cache: int = 16,
    native: bool = True,
) -> Any:
    """Compile f to straight-line NumPy with buffers: bit-for-bit the same results, gradients included.

    f: any function that minigrad differentiates, or a derivative: ``compile(value_and_grad(loss))``. The first
    call with new shapes, types or layouts traces it with Values. Works as a decorator, too. Pass data as arguments:
    an array the function closes over is frozen at the first call. Values (model parameters) are read at every call.
    static: names or positions of hashable arguments to fix by value; integers, texts and None always are.
    A float counts as a np.float64 (1 / 0 is inf) that takes the type of an array beside it.
    donate: arguments, and Values that f closes over, whose arrays results may overwrite. reuse: results may be
    buffers that the next call overwrites. cache: how many traces to keep. native: whether the C extension, where
    it is there, runs what it can; `Compiled.native` says whether it does.

    Raises TracingError, ArgumentError, DTypeError, and in a call the errors of NumPy.
    """
    if f is None:
        return functools.partial(compile, static=static, donate=donate, reuse=reuse, cache=cache, native=native)
    return Compiled(f, static, donate, reuse, cache, native)


__all__ = ["Compiled", "compile"]
