"""Op: one record per operation, and the table they stand in.

An operation *is* a NumPy function (or a function of ours that dispatches like one); its record says how to
differentiate, label and draw inputs for it. Rules are plain NumPy with the arguments ``(g, y, *inputs, **params)``:
on arrays they give numbers, on Values they record a graph of the gradient. No rule sums out broadcasting, casts or
accumulates: that is done once, by the sweep. Which functions have rules is said in ``rules/``, not here.
"""

from __future__ import annotations

import functools
import inspect
import operator
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import numpy as np

from .domain import Call, Domain, Draw
from .errors import ArgumentError, NameTaken

Rule = Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])

TABLE: dict[Callable[..., Any], Op] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One operation: what it computes, how it is differentiated, what it is called.

    function   the key of the table; what a user calls
    forward    what runs on arrays; gives (y, saved) if `saves`, a tuple if there are several outputs
    label      what pictures, errors and repr call it; a symbol is written between its inputs
    formula    one line
    domain     where each input may be drawn from, one per input (the last serves all others too)
    vjps       one rule per input, None where no gradient flows: ``(g, y, *inputs, **params) -> cotangent``;
               a single rule for a sequence of inputs (`variadic`), giving all cotangents at once, or
               functions without arguments that compute one each: they are called for what has a gradient;
               empty where the derivative is zero wherever it exists
    jvps       likewise for tangents: ``(t, y, *inputs, **params) -> tangent of y``, summed over the inputs;
               of a variadic op ``(ts, y, *inputs, **params)``, with one tangent per input
    add        optional, for the first input: ``(buffer, g, y, *inputs, **params)`` adds the cotangent in place
    extras     parameters it takes that no rule names (see `options`)
    bind       turns a user's call into (inputs, params), where that is not just a matter of position
    calls      draws one whole call, inputs and parameters
    expects    optional, ``(*shapes)``: says what was wrong with them; without, that they did not broadcast
    analytic   whether the forward function also is right on complex numbers
    kink       what the derivative is where there is no unique one
    page       the page of the table it was stated on
    """

    function: Callable[..., Any]
    forward: Callable[..., Any]
    label: str
    formula: str
    domain: tuple[Domain, ...]
    vjps: tuple[Rule | None, ...]
    jvps: tuple[Rule | None, ...]
    variadic: bool
    saves: bool
    add: Rule | None
    extras: frozenset[str]
    bind: Callable[..., Call] | None
    calls: Callable[[Draw], Call]
    expects: Callable[..., str] | None
    analytic: bool
    kink: str
    page: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the function's parameters."""
        return _signature(self.function)[0]

    @property
    def defaults(self) -> dict[str, Any]:
        """The defaults of the function's parameters."""
        return _signature(self.function)[2]

    @property
    def options(self) -> frozenset[str]:
        """The parameters it takes besides its inputs: those that its rules and `bind` know by name."""
        return _options(self)

    def __repr__(self) -> str:
        """The label and the formula."""
        return f"<op {self.label}: {self.formula}>"

    def arguments(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Call:
        """A user's call as (inputs, params); a parameter the rule does not know is refused by name."""
        if self.takes_alone(args, kwargs):
            return tuple(args), {}
        given = self._by_name(args) | kwargs
        inputs = self.names[:1] if self.variadic else self.names[: len(self.domain)]
        for name in [*given]:
            if name not in self.options and name not in inputs:
                self._refuse(name, given.pop(name))
        if self.bind is not None:
            return self.bind(**given)
        if missing := [name for name in inputs if name not in given]:
            raise ArgumentError(f"{self.label} misses its argument {missing[0]!r}")
        operands = tuple(given.pop(name) for name in inputs)
        return (tuple(operands[0]) if self.variadic else operands), given

    def takes_alone(self, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
        """Whether a call is inputs and nothing else, as nearly always."""
        return not (kwargs or self.bind or self.variadic) and len(args) == len(self.domain)

    def _by_name(self, args: Sequence[Any]) -> dict[str, Any]:
        """Positional arguments by the names of their parameters; those of ``*args`` as one tuple."""
        names, star, _ = _signature(self.function)
        if star:
            before = names.index(star)
            return dict(zip(names, args[:before], strict=False)) | {star: tuple(args[before:])}
        if len(args) > len(names):
            raise ArgumentError(f"{self.label} takes {len(names)} arguments, got {len(args)}")
        return dict(zip(names, args, strict=False))

    def _refuse(self, name: str, value: Any) -> None:
        default = self.defaults.get(name, self)
        if not (value is default or (isinstance(value, (str, int)) and value == default) or value is None):
            remedy = "write  a = f(...)  instead of filling an array" if name == "out" else "leave it out"
            raise ArgumentError(f"{self.label} of a Value does not take {name}=\n  {remedy}")


def refuse(message: str) -> NoReturn:
    """For the `bind` of an op: a call that has no rule, refused by name."""
    raise ArgumentError(message)


def dispatches(x: Any) -> bool:
    """Whether NumPy hands its functions over to x: a Value, for those that know no such class."""
    return hasattr(x, "__array_function__") and not isinstance(x, (np.ndarray, np.generic))


def dispatched(function: F) -> F:
    """Make a function of ours dispatch like NumPy's own: called with a Value, it is recorded."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if type(x) is not np.ndarray and hasattr(x, "__array_function__") and not isinstance(x, np.ndarray):
                return x.__array_function__(call, (type(x),), args, kwargs)
        return function(*args, **kwargs)

    call._implementation = function  # type: ignore[attr-defined]  # NumPy's name for the same thing
    return call  # type: ignore[return-value]


def op(
    function: F,
    label: str,
    formula: str,
    *,
    domain: tuple[Domain, ...],
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
    analytic: bool = True,
    kink: str = "",
) -> F:
    """State an operation: put its record into the table, under its function and each alias. See `Op`."""
    if not label or not formula or not domain:
        raise ValueError(f"{function.__name__}: an op needs a label, a formula and a domain")
    variadic = callable(vjp)
    vjps, jvps = (rule if isinstance(rule, tuple) else (rule,) for rule in (vjp, jvp))
    record = Op(
        function=function,
        forward=forward if forward is not None else getattr(function, "_implementation", function),
        label=label,
        formula=formula,
        domain=domain,
        vjps=vjps,
        jvps=jvps,
        variadic=variadic,
        saves=saves,
        add=add,
        extras=frozenset(options),
        bind=bind,
        calls=calls or functools.partial(_broadcasting_call, domain),
        expects=expects,
        analytic=analytic,
        kink=kink,
        page=_page(),
    )
    keys: tuple[Callable[..., Any], ...] = (function, *aliases)
    for key in keys:
        if key in TABLE:
            raise NameTaken(f"{label}: {key.__name__} already stands in the table as {TABLE[key].label}")
        TABLE[key] = record
    return function


def diagonal(function: F, label: str, formula: str, *rules: Rule, domain: Any, **more: Any) -> F:
    """State an elementwise op by its products g·∂y/∂x, one per input.

    Elementwise, a cotangent and a tangent meet the same number ∂y/∂x: one rule is both vjp and jvp.
    """
    domains = domain if isinstance(domain, tuple) else (domain,) * len(rules)
    return op(function, label, formula, domain=domains, vjp=rules, jvp=rules, **more)


def elementwise(
    function: F,
    label: str,
    formula: str,
    *partials: Rule,
    domain: Any,
    product: Callable[[Any, Any], Any] = operator.mul,
    **more: Any,
) -> F:
    """State an elementwise op by its partial derivatives ``(y, *inputs) -> ∂y/∂x``, one per input.

    product: multiplies them by the cotangent; `times` where the derivative can be infinite.
    """

    def scaled(partial: Rule) -> Rule:
        return lambda g, y, *inputs: product(g, partial(y, *inputs))

    return diagonal(function, label, formula, *map(scaled, partials), domain=domain, **more)


def linear(function: F, label: str, formula: str, rule: Rule, *, domain: Domain, **more: Any) -> F:
    """State an op that is linear in its one input: its jvp is itself."""
    jvp = (lambda t, y, x, **params: function(t, **params),)
    return op(function, label, formula, domain=(domain,), vjp=(rule,), jvp=jvp, **more)


def bilinear(function: F, label: str, formula: str, *rules: Rule, domain: Any, **more: Any) -> F:
    """State an op that is linear in each of two inputs: its jvp is f(ta, b) + f(a, tb)."""
    jvp = (
        lambda t, y, a, b, **params: function(t, b, **params),
        lambda t, y, a, b, **params: function(a, t, **params),
    )
    return op(function, label, formula, domain=domain, vjp=rules, jvp=jvp, **more)


def constant(function: F, label: str, formula: str, *, domain: Any, **more: Any) -> F:
    """State an op whose derivative is zero wherever it exists: comparisons, rounding, positions."""
    domains = domain if isinstance(domain, tuple) else (domain,)
    return op(function, label, formula, domain=domains, vjp=(), jvp=(), **more)


def _page() -> str:
    """The module in which an op is being stated."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"] == __name__:
        frame = frame.f_back
    return str(frame.f_globals["__name__"]).rpartition(".")[2]


# Asked for when it is first called with parameters, not at import: looking 300 functions over takes its time.
@functools.cache
def _signature(function: Callable[..., Any]) -> tuple[tuple[str, ...], str, dict[str, Any]]:
    """Of a function's parameters: the names, which of them is ``*args``, the defaults."""
    if isinstance(function, np.ufunc):
        return tuple(f"x{i + 1}" for i in range(function.nin)), "", {}
    parameters = inspect.signature(function).parameters.values()
    return (
        tuple(p.name for p in parameters if p.kind is not p.VAR_KEYWORD),
        next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), ""),
        {p.name: p.default for p in parameters if p.default is not p.empty},
    )


@functools.cache
def _options(record: Op) -> frozenset[str]:
    """The parameters that rules take by name; `saved` is between an op and its rule."""
    rules = [rule for rule in (*record.vjps, record.bind) if rule is not None]
    found = [p for rule in rules for p in inspect.signature(rule).parameters.values()]
    named = (p.name for p in found if p.default is not p.empty or p.kind is p.KEYWORD_ONLY)
    return record.extras | frozenset(named) - {"saved"}


def _broadcasting_call(domain: tuple[Domain, ...], draw: Draw) -> Call:
    shapes = draw.shapes(len(domain))
    return tuple(draw.array(d, shape) for d, shape in zip(domain, shapes, strict=True)), {}
