"""Custom ops: `custom` adds one to the table, where it is like any other; `forget` removes it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from ..engine.op import TABLE, Op, Rule, dispatched, op
from ..engine.sampling import REAL, Domain
from ..errors import ArgumentError, MissingRule, NameTaken
from .gradient_types import P, R

Rules = tuple[Rule | None, ...]

# Names that rules use for their own arguments: by position, or by keyword from the op (`saved`).
RESERVED = ("g", "y", "t", "saved")


@dataclass(frozen=True)
class _Registration:
    """How an op came into the table.

    origin: the module that called `custom`, and that of the forward function. wrapped: whether the key of the op
    is a function that `custom` made, and not one of another package. replaced: whether a later op took over its
    name; its function then keeps its rules, for code that still holds it.
    """

    origin: tuple[str, str]
    wrapped: bool
    replaced: bool = False


_REGISTERED: dict[Op, _Registration] = {}


def custom(
    forward: Callable[P, R],
    *,
    vjp: Rules | Rule,
    jvp: Rules | Rule | None = None,
    name: str = "",
    formula: str = "",
    domain: tuple[Domain, ...] | Domain = (),
    **more: Any,
) -> Callable[P, R]:
    """Add a custom op to the table. Returns the function to call, which behaves like any other op.

    forward: computes y from arrays; its parameters without a default are the inputs. A ufunc of another package
    without a rule (``scipy.special.gammaln``), or a function that dispatches by NumPy's protocols, gets the rule
    itself: from then on it is recorded under its own name, wherever it is called with a Value.
    vjp: one rule per input, ``(g, y, *inputs, **params) -> cotangent``, written with functions that have rules
    (then it differentiates to any order); None where no gradient flows; a single rule for a single input.
    jvp: likewise, for forward mode; without it `jacobian`, `hessian` and `hvp` use backward sweeps.
    name: of the op, in pictures, errors and the table (default: that of the function). formula: one line.
    domain: where tests draw inputs from, one per input or one for all. ``**more``: properties of the op, which
    vmap, ties and compile use, and any other argument of `minigrad.engine.op.op`.

    If the same module defined an op of that name before (a notebook cell that runs twice), the new one replaces
    it. `check_op` checks the rules over the domain, `check_graph` in a graph.
    Raises ArgumentError where rules and inputs do not match, NameTaken where another op has that name.

    >>> cube = custom(lambda x: x**3, name="cube", vjp=lambda g, y, x: 3 * g * x**2)
    """
    name = name or getattr(forward, "__name__", type(forward).__name__).removesuffix(" (vectorized)")
    inputs, options = _parameters(name, forward, vjp)
    vjps = _one_per_input(name, "vjp", vjp, inputs)
    jvps = _forward_rules(name, jvp, vjps, inputs)
    _check_options(name, options, [*vjps, *jvps, more.get("add")])
    if not any(vjps):  # a constant: no gradient flows, and no rule limits its parameters
        vjps, jvps, more = (), (), {"options": options, **more}
    more = {"formula": formula or f"y = {name}(x)", "domain": _domains(name, domain, inputs), **more}
    origin = (str(sys._getframe(1).f_globals.get("__name__")), _module(forward))
    function: Callable[P, R] = _insert(name, forward, origin, {"vjp": vjps, "jvp": jvps, **more})
    return function


def forget(function: Callable[..., Any]) -> None:
    """Remove an op that `custom` made from the table: it is then differentiated through the ops in its body.

    A function of another package then has no rule. Raises ArgumentError for any op that `custom` did not make.
    """
    found = TABLE.get(function)
    if found is None or found not in _REGISTERED:
        name = getattr(function, "__name__", repr(function))
        what = "belongs to minigrad's own table" if found else "is not, or no longer, in the table of operations"
        raise ArgumentError(
            f"forget removes ops that custom made, and {name} {what}\n"
            "  write  minigrad.forget(f)   with the function f that custom returned"
        )
    for key in [key for key, record in TABLE.items() if record is found]:
        del TABLE[key]
    del _REGISTERED[found]


def no_jvp(op_name: str, /, *args: object, **params: object) -> NoReturn:
    """Raise MissingRule: the jvp of an op that has none."""
    raise MissingRule(
        f"{op_name} states no jvp, so forward mode has no rule\n"
        "  write  custom(..., jvp=...)\n"
        "  or     vjp, grad, jacobian, hessian or hvp   which need no jvp"
    )


def is_replaced(record: Op) -> bool:
    """Whether a later op took over its name."""
    return record in _REGISTERED and _REGISTERED[record].replaced


def has_jvp(record: Op) -> bool:
    """Whether an op has a rule for forward mode."""
    return not any(getattr(rule, "func", None) is no_jvp for rule in record.jvps)


# ------------------------------------------------------------------------------------------ rules and inputs


def _parameters(name: str, forward: Callable[..., Any], vjp: object) -> tuple[list[str], list[str]]:
    """The names of the inputs, which have no default, and of all other parameters."""
    if isinstance(forward, np.ufunc):
        return [f"x{k + 1}" for k in range(forward.nin)] if forward.nin > 1 else ["x"], []
    try:
        found = inspect.signature(forward).parameters.values()
    except (ValueError, TypeError):  # written in C: as many as there are rules
        return [f"x{k + 1}" for k in range(len(vjp) if isinstance(vjp, tuple) else 1)], []
    if stars := [p.name for p in found if p.kind is p.VAR_POSITIONAL]:
        raise ArgumentError(
            f"a custom op needs a fixed number of inputs, and {name} takes *{stars[0]}\n"
            f"  write  def {name}(a, b): ...   with a name for each input"
        )
    named = [p for p in found if p.kind is not p.VAR_KEYWORD]
    inputs = [p.name for p in named if p.default is p.empty and p.kind is not p.KEYWORD_ONLY]
    if not inputs:
        raise ArgumentError(
            f"{name} has no input: a parameter with a default is a setting, not an input\n"
            f"  write  def {name}(x, ...): ...   with no default for the inputs"
        )
    return inputs, [p.name for p in named if p.name not in inputs]


def _one_per_input(name: str, kind: str, given: Rules | Rule | None, inputs: Sequence[str]) -> Rules:
    """The rules as a tuple. Raises ArgumentError if their number or their arguments do not match the inputs."""
    rules: Rules = (*given,) if isinstance(given, (tuple, list)) else (given,)
    if len(rules) != len(inputs):
        wanted = f"({', '.join(f'rule for {x}' for x in inputs)}{',' * (len(inputs) == 1)})"
        raise ArgumentError(
            f"{name} takes {_list_inputs(inputs)}, and {kind} has {_count(rules, 'rule')}\n"
            f"  write  {kind}={wanted}   and None where no gradient flows\n"
            "  (the inputs are the parameters of the forward function that have no default)"
        )
    first = "g" if kind == "vjp" else "t"
    for x, rule in zip(inputs, rules, strict=True):
        if rule is not None and not _takes(rule, 2 + len(inputs)):
            raise ArgumentError(
                f"the {kind} of {name} for {x} cannot be called with the {2 + len(inputs)} arguments of a rule\n"
                f"  write  lambda {first}, y, {', '.join(inputs)}: ..."
            )
    return rules


def _forward_rules(name: str, jvp: Rules | Rule | None, vjps: Rules, inputs: Sequence[str]) -> Rules:
    """The rules of forward mode: they must let tangents flow where the rules of reverse mode let gradients flow."""
    if jvp is None:
        return (*(rule and functools.partial(no_jvp, name) for rule in vjps),)
    jvps = _one_per_input(name, "jvp", jvp, inputs)
    for x, back, ahead in zip(inputs, vjps, jvps, strict=True):
        if (back is None) != (ahead is None):
            with_rule, without = ("vjp", "jvp") if back else ("jvp", "vjp")
            raise ArgumentError(
                f"{name} has a {with_rule} for {x}, and its {without} for {x} is None: no gradient flows there\n"
                f"  write  a rule in both, or None in both; or leave jvp= out, if there is none yet"
            )
    return jvps


def _check_options(name: str, options: Sequence[str], rules: Sequence[Rule | None]) -> None:
    """Refuse a parameter whose name rules use for something else: it would arrive twice, or be lost."""
    taken = {*RESERVED, *(x for rule in rules if rule for x in _positional(rule))}
    for option in options:
        if option in taken:
            raise ArgumentError(
                f"{name} has a parameter {option!r}, but rules use that name for something else "
                "(g, y, t, saved, and their own inputs)\n"
                f"  write  another name for it, such as  {option}_"
            )


def _takes(rule: Rule, count: int) -> bool:
    """Whether a rule can be called with that many arguments."""
    try:
        inspect.signature(rule).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # written in C, without a signature
        return True
    return True


def _positional(rule: Rule) -> list[str]:
    """The names that a rule gives to its arguments by position."""
    try:
        found = inspect.signature(rule).parameters.values()
    except (ValueError, TypeError):
        return []
    return [p.name for p in found if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty]


def _domains(name: str, given: tuple[Domain, ...] | Domain, inputs: Sequence[str]) -> tuple[Domain, ...]:
    """One domain per input."""
    domains: tuple[Domain, ...] = given if isinstance(given, tuple) else (given,)
    if len(domains) < 2:
        return (domains or (REAL,)) * len(inputs)
    if len(domains) != len(inputs):
        raise ArgumentError(
            f"{name} takes {_list_inputs(inputs)}, and domain has {len(domains)} entries\n"
            "  write  domain=REAL   for all inputs, or a tuple with one for each"
        )
    return domains


def _list_inputs(inputs: Sequence[str]) -> str:
    return f"{_count(inputs, 'input')} ({', '.join(inputs)})"


def _count(what: Sequence[object], noun: str) -> str:
    return f"{len(what)} {noun}{'s' * (len(what) != 1)}"


# ---------------------------------------------------------------------------------------- its place in the table


def _insert(name: str, forward: Any, origin: tuple[str, str], statement: dict[str, Any]) -> Any:
    """Put the op into the table, in place of an earlier one of that name. Returns its function."""
    own = _dispatches(forward) and _is_free(forward, name)
    function = forward if own else _wrapper(forward, name, statement)
    if own and isinstance(forward, np.ufunc) and all(kind.endswith("O") for kind in forward.types):
        statement["forward"] = functools.partial(_as_floats, forward)
    before, table = _earlier(name, function, origin), {**TABLE}
    known = TABLE.get(function)
    for key in (function, *statement.get("aliases", ())):
        if TABLE.get(key) in before:
            del TABLE[key]
    try:
        op(function, name, **statement)
    except BaseException:
        for key in TABLE.keys() - table.keys():
            del TABLE[key]
        TABLE.update(table)
        raise
    for record in before:
        _REGISTERED[record] = replace(_REGISTERED[record], replaced=True)
    made = _REGISTERED.pop(known, None) if known else None
    _REGISTERED[TABLE[function]] = _Registration(origin, made.wrapped if made else not own)
    return function


def _dispatches(forward: object) -> bool:
    """Whether NumPy's protocols pass a call with a Value on to the Value."""
    return isinstance(forward, np.ufunc) or hasattr(forward, "_implementation")


def _is_free(forward: Callable[..., Any], name: str) -> bool:
    """Whether a function that dispatches has no rule, or one that `custom` gave it before under that name."""
    known = TABLE.get(forward)
    return known is None or (known in _REGISTERED and (known.label == name or not _REGISTERED[known].wrapped))


def _wrapper(forward: Any, name: str, statement: dict[str, Any]) -> Any:
    """A function that computes the same, and passes a call with a Value on to the Value."""
    function: Any = dispatched(forward)
    if statement.get("saves"):  # it returns (y, saved), and callers want y
        statement["forward"] = forward
        function = dispatched(functools.wraps(forward)(lambda *args, **params: forward(*args, **params)[0]))
    function.__name__ = name
    return function


def _as_floats(ufunc: np.ufunc, *xs: Any) -> Any:
    """The results of a ufunc on Python objects (``np.frompyfunc``), as floats."""
    found = ufunc(*xs)
    return tuple(np.asarray(y, float)[()] for y in found) if ufunc.nout > 1 else np.asarray(found, float)[()]


def _earlier(name: str, function: object, origin: tuple[str, str]) -> list[Op]:
    """The ops of that name that the same module defined before. Raises NameTaken for all others of that name."""
    found = []
    for record in dict.fromkeys(TABLE.values()):
        made = _REGISTERED.get(record)
        if made is None:
            if name in (record.label, record.function.__name__):
                raise NameTaken(
                    f"minigrad's own table has an op named {name!r} already\n"
                    "  write  custom(..., name=...)   with a name that is free"
                )
        elif record.function is function or (record.label == name and not made.replaced):
            if made.origin != origin:
                raise NameTaken(
                    f"there is an op named {record.label!r} already, which module {made.origin[0]} defined\n"
                    "  write  custom(..., name=...)   with a name that is free\n"
                    "  or     minigrad.forget(f)      first, with the function f that custom returned there"
                )
            found.append(record)
    return found


def _module(forward: object) -> str:
    """The module of a forward function; empty if it is no Python function."""
    return forward.__module__ or "" if inspect.isfunction(forward) else ""
