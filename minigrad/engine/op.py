"""Op: one record per operation, and the table of all records.

An operation *is* a NumPy function (or a function of ours that dispatches like one); its record says how to
differentiate, label and draw inputs for it. Rules are plain NumPy with the arguments ``(g, y, *inputs, **params)``:
on arrays they give numbers, on Values they record a graph of the gradient. Rules never sum out broadcasting, cast
or accumulate: that is the engine's job. ``rules/`` states which functions have rules, `check/op` checks them.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, TypeVar

import numpy as np

from .errors import ArgumentError, NameTaken
from .sampling import REAL, Call, Domain, Draw

Rule = Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])

TABLE: dict[Callable[..., Any], Op] = {}
# NumPy functions, or calls of those in the table, that are computed with ops: see `rules/composed`.
COMPOSED: dict[Callable[..., Any], Any] = {}
# Facts about functions without a derivative: see `rules/undifferentiated`.
UNDIFFERENTIATED: dict[Callable[..., Any], Undifferentiated] = {}
# What to write in place of a function that takes no Value, by its name: see `rules/twins`.
TWINS: dict[str, str] = {}
# The records of forward functions that are not keys of the table.
FORWARDS: dict[Callable[..., Any], Op] = {}
# The function that equals a method of a ufunc, along the axis 0 by default: np.sum for np.add.reduce.
UFUNC_METHODS: dict[tuple[np.ufunc, str], Callable[..., Any]] = {}
# The pages of rules for functions of other packages, by the module of these functions: see `find`.
PAGES: dict[str, str] = {}
# What to write instead of a parameter that an op does not take; "" for all others.
REMEDIES: dict[str, str] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One operation: its function, how to differentiate it, and facts about it that other rooms use."""

    function: Callable[..., Any]  # the key of the table, which a user calls
    forward: Callable[..., Any]  # runs on arrays; returns (y, saved) if `saves`, a tuple for several outputs
    label: str  # in pictures, errors and repr; a symbol is written between its inputs
    formula: str  # one line
    domain: tuple[Domain, ...]  # where tests draw each input from; the last also serves further inputs
    # One rule per input, (g, y, *inputs, **params) -> cotangent; None where no gradient flows; () if the
    # derivative is 0 wherever it exists. If `variadic`, one rule gives all of them, or functions for them.
    vjps: tuple[Rule | None, ...]
    # One per input, (t, y, *inputs, **params) -> tangent of y; they add up. If `variadic`, one: (ts, y, *inputs).
    jvps: tuple[Rule | None, ...]
    variadic: bool  # it takes a sequence of inputs
    saves: bool  # forward also returns data for the rules
    add: Rule | None  # for the first input: (buffer, g, y, *inputs, **params) adds the cotangent in place
    extras: frozenset[str]  # parameters it takes that no rule names: see `options`
    bind: Callable[..., Call] | None  # turns a user's call into (inputs, params), if position does not
    calls: Callable[[Draw], Call]  # draws a whole call, inputs and parameters
    expects: Callable[..., str] | None  # (*shapes) -> why they do not fit, unless the reason is broadcasting
    kink: str  # the derivative at points without a unique one
    page: str  # the page of the table that states it

    # Properties: promises about the function, whatever its derivative. False, "" and None promise nothing.
    elementwise: bool = False  # an output entry depends only on the input entries in its place, once broadcast
    moves: bool = False  # each output entry is 0 or plus or minus an input entry, whatever the data are
    selects: bool = False  # entries that an output is not taken from get a 0, whatever flows back
    sums: bool = False  # each output entry adds input entries with signs; if `bilinear`, products of them
    linear: bool = False  # in all inputs together
    bilinear: bool = False  # linear in each input while the others are fixed
    commutative: bool = False  # swapping the two inputs changes no bit
    symmetric: bool = False  # the order of the entries that a reduction combines only matters for rounding
    rows: Literal["", "in order", "in any order"] = ""  # along the axis, each row depends on the input's row alone
    parity: Literal["", "odd", "even"] = ""  # of one input: f(-x) = -f(x), or f(-x) = f(x)
    is_view: bool = False  # the result may share memory with an input
    gives_new: bool = False  # the result never shares memory with an input
    casts: bool = False  # with dtype=, it computes as if its inputs had that type
    shape_depends_on_data: bool = False  # the numbers in the inputs decide the shape of the output
    vmap: Callable[..., Any] | None = None  # the op for many samples at once: see `rules.vmap_rules`
    # The same function by simpler ones, for proofs: (*inputs, **params) -> y; NotImplemented if not covered.
    meaning: Callable[..., Any] | None = None
    activation: bool = False  # `nn.MLP` offers it by its name
    identity: bool = False  # an output with the shape and the type of the input equals the input
    involution: bool = False  # f(f(x)) = x, where the call has no parameters
    shape_alone: bool = False  # the output depends on the shape and the type of the input, not on its entries
    # Operands that leave the other one unchanged, bit for bit.
    neutral: tuple[float | None, float | None] = (None, None)
    on_floats: str = ""  # the same for Python floats, as text: {0} and {1} are the inputs, {abs} a function
    each: bool = False  # given several arguments, it handles each of them separately
    of_ufunc: tuple[np.ufunc, str] | None = None  # a ufunc and its method that compute the same: (np.add, "reduce")
    spelling: Callable[..., Any] | None = None  # makes a user's call, if not by the function itself

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the function's parameters."""
        return signature_of(self.function)[0]

    @property
    def defaults(self) -> dict[str, Any]:
        """The defaults of the function's parameters."""
        return signature_of(self.function)[2]

    @property
    def options(self) -> frozenset[str]:
        """The parameters it takes besides its inputs: those that its rules and `bind` know by name."""
        return _options(self)

    def __repr__(self) -> str:
        """The label and the formula."""
        return f"<op {self.label}: {self.formula}>"

    def arguments(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Call:
        """A user's call as (inputs, params). Refuses unknown parameters by name."""
        if self.takes_alone(args, kwargs):
            return tuple(args), {}
        given = self.by_name(args) | kwargs
        inputs = self.names[:1] if self.variadic else self.names[: len(self.domain)]
        for name in [*given]:
            if name not in self.options and name not in inputs:
                self._refuse(name, given.pop(name))
        if self.bind is not None:
            return self.bind(**given)
        if missing := [name for name in inputs if name not in given]:
            raise ArgumentError(f"{self.label} is missing its argument {missing[0]!r}")
        operands = tuple(given.pop(name) for name in inputs)
        return (tuple(operands[0]) if self.variadic else operands), given

    def takes_alone(self, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
        """Whether a call has inputs only, the usual case."""
        return not (kwargs or self.bind or self.variadic) and len(args) == len(self.domain)

    def by_name(self, args: Sequence[Any]) -> dict[str, Any]:
        """Positional arguments by the names of their parameters; those of ``*args`` as one tuple."""
        names, star, _ = signature_of(self.function)
        if star:
            before = names.index(star)
            return dict(zip(names, args[:before], strict=False)) | {star: tuple(args[before:])}
        if len(args) > len(names):
            raise ArgumentError(f"{self.label} takes {len(names)} arguments, got {len(args)}")
        return dict(zip(names, args, strict=False))

    def _refuse(self, name: str, value: object) -> None:
        default = self.defaults.get(name, self)
        if not (value is default or (isinstance(value, (str, int)) and value == default) or value is None):
            remedy = REMEDIES.get(name) or REMEDIES[""]
            raise ArgumentError(f"{self.label} of a Value does not take {name}=\n  {remedy}")


def find(function: Any) -> Op | None:
    """The record of a function. Reads the pages of rules for other packages that have been imported by now."""
    for module in PAGES.keys() & sys.modules.keys():
        importlib.import_module(PAGES[module])
    return TABLE.get(function)


@functools.cache
def lookup(name: str) -> Callable[..., Any]:
    """The function with that name in the table: one of ours, as the engine imports no page of rules."""
    return next(function for function in TABLE if function.__name__ == name)


@dataclass(frozen=True, slots=True, eq=False)
class Undifferentiated:
    """Facts about a function without a row, or about its arguments through which no gradient flows."""

    asks: bool = False  # about shapes, types or memory: the answer is plain and does not depend on the numbers
    reads: bool = False  # the answer is plain and depends on the numbers
    writes: bool = False  # it changes an argument, or returns an array to be filled
    shape_depends_on_data: bool = False  # the numbers in its arguments decide the shape of its result
    of_fixed_shape: Callable[..., Any] | None = None  # the same where arguments fix the shape, or NotImplemented
    instead: str = ""  # what to write instead, where a gradient would be lost


UNKNOWN = Undifferentiated()


def undifferentiated(*functions: Callable[..., Any], **facts: Any) -> None:
    """State facts about functions of NumPy that have no derivative. See `Undifferentiated`."""
    for function in functions:
        UNDIFFERENTIATED[function] = replace(UNDIFFERENTIATED.get(function, UNKNOWN), **facts)


def refuse(message: str) -> NoReturn:
    """Raise ArgumentError for a call that no rule covers; for the `bind` of an op."""
    raise ArgumentError(message)


def dispatched(function: F) -> F:
    """Make a function of ours dispatch like NumPy's own: a call with a Value is recorded."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if not issubclass(type(x), np.ndarray) and hasattr(x, "__array_function__"):
                return x.__array_function__(call, (type(x),), args, kwargs)
        return function(*args, **kwargs)

    call._implementation = function  # type: ignore[attr-defined]  # NumPy's name for the same thing
    return call  # type: ignore[return-value]


def op(
    function: F,
    label: str,
    formula: str,
    *,
    domain: Domain | tuple[Domain, ...] = REAL,
    vjp: tuple[Rule | None, ...] | Rule,
    jvp: tuple[Rule | None, ...] | Rule,
    forward: Callable[..., Any] | None = None,
    saves: bool = False,
    add: Rule | None = None,
    aliases: Sequence[Callable[..., Any]] = (),
    bind: Callable[..., Call] | None = None,
    options: Sequence[str] = (),
    calls: Callable[[Draw], Call] | None = None,
    expects: Callable[..., str] | None = None,
    kink: str = "",
    **properties: Any,
) -> F:
    """State an operation: add its record to the table, under its function and each alias. See `Op`."""
    vjps, jvps = (rule if isinstance(rule, tuple) else (rule,) for rule in (vjp, jvp))
    domains = domain if isinstance(domain, tuple) else (domain,) * max(len(vjps), 1)
    if not label or not formula or not domains:
        raise ValueError(f"{function.__name__}: an op needs a label, a formula and a domain")
    record = Op(
        function=function,
        forward=forward if forward is not None else getattr(function, "_implementation", function),
        label=label,
        formula=formula,
        domain=domains,
        vjps=vjps,
        jvps=jvps,
        variadic=callable(vjp),
        saves=saves,
        add=add,
        extras=frozenset(options),
        bind=bind,
        calls=calls or functools.partial(_broadcasting_call, domains),
        expects=expects,
        kink=kink,
        page=_page(),
        **_infer(function, domains, properties),
    )
    keys: tuple[Callable[..., Any], ...] = (function, *aliases)
    for key in keys:
        if key in TABLE:
            raise NameTaken(f"{label}: {key.__name__} is already in the table as {TABLE[key].label}")
        TABLE[key] = record
    if record.forward not in TABLE:
        FORWARDS[record.forward] = record
    if record.of_ufunc is not None:
        UFUNC_METHODS[record.of_ufunc] = function
    return function


def _infer(function: Callable[..., Any], domain: Sequence[Domain], given: dict[str, Any]) -> dict[str, Any]:
    """The given properties, and those that follow from them or from the function being a ufunc."""
    found = {**given}
    if isinstance(function, np.ufunc):
        found.setdefault("gives_new", True)
        found.setdefault("elementwise", function.signature is None and function.nout == 1)
    if found.get("moves"):
        found.setdefault("sums", True)
        found.setdefault("selects", True)
    if found.get("sums") and not found.get("bilinear"):
        found.setdefault("linear", True)
    if found.get("linear") and len(domain) == 1:
        found.setdefault("parity", "odd")
    return found


def diagonal(function: F, label: str, formula: str, *rules: Rule, domain: Any = REAL, **more: Any) -> F:
    """State an elementwise op by its products g·∂y/∂x, one per input. Its result is a new array.

    A cotangent and a tangent are multiplied by the same ∂y/∂x, so one rule is both vjp and jvp.
    """
    return op(function, label, formula, domain=domain, vjp=rules, jvp=rules, **_new({"elementwise": True} | more))


def elementwise(function: F, label: str, formula: str, *partials: Rule, domain: Any = REAL, **more: Any) -> F:
    """State an elementwise op by its partial derivatives ``(y, *inputs) -> ∂y/∂x``, one per input."""

    def scaled(partial: Rule) -> Rule:
        return lambda g, y, *inputs: g * partial(y, *inputs)

    return diagonal(function, label, formula, *map(scaled, partials), domain=domain, **more)


def linear(function: F, label: str, formula: str, rule: Rule, *, domain: Domain = REAL, **more: Any) -> F:
    """State an op that is linear in its one input: its jvp is itself. Its result is a new array."""
    jvp = (lambda t, y, x, **params: function(t, **params),)
    return op(function, label, formula, domain=domain, vjp=(rule,), jvp=jvp, linear=True, **_new(more))


def moves(function: F, label: str, formula: str, rule: Rule, *, domain: Domain = REAL, **more: Any) -> F:
    """State an op of one input whose output entries are input entries or 0: a view where `is_view` says so."""
    return linear(function, label, formula, rule, domain=domain, moves=True, **more)


def bilinear(function: F, label: str, formula: str, *rules: Rule, domain: Any = REAL, **more: Any) -> F:
    """State an op of two inputs whose output entries are sums of products a[i] b[j].

    It is linear in each of them, so its jvp is f(ta, b) + f(a, tb). Its result is a new array.
    """
    jvp = (
        lambda t, y, a, b, **params: function(t, b, **params),
        lambda t, y, a, b, **params: function(a, t, **params),
    )
    known = _new({"bilinear": True, "sums": True} | more)
    return op(function, label, formula, domain=domain, vjp=rules, jvp=jvp, **known)


def piecewise_constant(function: F, label: str, formula: str, *, domain: Any = REAL, **more: Any) -> F:
    """State an op whose derivative is zero wherever it exists: comparisons, rounding, positions."""
    return op(function, label, formula, domain=domain, vjp=(), jvp=(), **_new(more))


def _new(more: dict[str, Any]) -> dict[str, Any]:
    """The properties, with `gives_new` added unless they call the result a view."""
    return {"gives_new": not more.get("is_view", False)} | more


def _page() -> str:
    """The module in which an op is being stated."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"] == __name__:
        frame = frame.f_back
    name = str(frame.f_globals["__name__"])
    return name.partition(".rules.")[2] or name.rpartition(".")[2]


# NumPy states the signatures of its functions in C from 2.4 on; before, `inspect` finds none.
_STATED: dict[Callable[..., Any], Callable[..., Any]] = {
    np.bincount: lambda x, /, weights=None, minlength=0: None,
    np.concatenate: lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    np.dot: lambda a, b, out=None: None,
    np.empty_like: lambda prototype, /, dtype=None, order="K", subok=True, shape=None, *, device=None: None,
    np.inner: lambda a, b, /: None,
    np.vdot: lambda a, b, /: None,
    np.where: lambda condition, x=None, y=None, /: None,
}


# Called when an op first meets parameters, not at import: reading 300 signatures takes time.
@functools.cache
def signature_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], str, dict[str, Any]]:
    """The names of a function's parameters, the one that is ``*args``, and the defaults."""
    if isinstance(function, np.ufunc):
        return tuple(f"x{i + 1}" for i in range(function.nin)), "", {}
    parameters = inspect.signature(_STATED.get(function, function)).parameters.values()
    return (
        tuple(p.name for p in parameters if p.kind is not p.VAR_KEYWORD),
        next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), ""),
        {p.name: p.default for p in parameters if p.default is not p.empty},
    )


@functools.cache
def _options(record: Op) -> frozenset[str]:
    """The parameters that rules take by name, without `saved`, which the op passes to its rules."""
    rules = [rule for rule in (*record.vjps, record.bind) if rule is not None]
    found = [p for rule in rules for p in inspect.signature(rule).parameters.values()]
    named = (p.name for p in found if p.default is not p.empty or p.kind is p.KEYWORD_ONLY)
    return record.extras | frozenset(named) - {"saved"}


def _broadcasting_call(domain: tuple[Domain, ...], draw: Draw) -> Call:
    shapes = draw.shapes(len(domain))
    return tuple(draw.array(d, shape) for d, shape in zip(domain, shapes, strict=True)), {}
