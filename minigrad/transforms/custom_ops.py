"""Custom ops: `custom` adds one to the table, where it is like any other; `forget` removes it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from ..engine.op import PAGES, TABLE, Op, Rule, dispatched, find, op
from ..engine.sampling import Domain
from ..errors import ArgumentError, MissingRule, NameTaken
from .custom_checks import (
    Rules,
    check_name,
    check_properties,
    check_rule_arguments,
    domain_per_input,
    forward_signature,
    one_per_input,
    parameters_of,
)
from .gradient_types import P, R


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
    without a rule (``scipy.special.ellipk``), or a function that dispatches by NumPy's protocols, gets the rule
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
    check_name(name)
    known = parameters_of(name, forward, vjp)
    check_properties(name, known.inputs, more)
    vjps = one_per_input(name, "vjp", vjp, known.inputs)
    jvps = _forward_rules(name, jvp, vjps, known.inputs)
    more = {**more, "options": [*more.get("options", ()), *check_rule_arguments(name, vjps, jvps, known, more)]}
    if not any(vjps):  # a constant: no gradient flows
        vjps, jvps = (), ()
    more = {"formula": formula or f"y = {name}(x)", "domain": domain_per_input(name, domain, known.inputs), **more}
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


def _forward_rules(name: str, jvp: Rules | Rule | None, vjps: Rules, inputs: list[str]) -> Rules:
    """The rules of forward mode: they must let tangents flow where the rules of reverse mode let gradients flow."""
    if jvp is None:
        return (*(rule and functools.partial(no_jvp, name) for rule in vjps),)
    jvps = one_per_input(name, "jvp", jvp, inputs)
    for x, back, ahead in zip(inputs, vjps, jvps, strict=True):
        if (back is None) != (ahead is None):
            with_rule, without = ("vjp", "jvp") if back else ("jvp", "vjp")
            raise ArgumentError(
                f"{name} has a {with_rule} for {x}, and its {without} for {x} is None: no gradient flows there\n"
                f"  write  a rule in both, or None in both; or leave jvp= out, if there is none yet"
            )
    return jvps


# ---------------------------------------------------------------------------------------- its place in the table


def _insert(name: str, forward: Any, origin: tuple[str, str], statement: dict[str, Any]) -> Any:
    """Put the op into the table, in place of an earlier one of that name. Returns its function."""
    find(forward)  # SciPy's functions may have rules that were not read yet
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
    if isinstance(forward, np.vectorize):  # whose own signature is (*args, **kwargs)
        function.__signature__ = forward_signature(forward)
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
            # A function of another package leaves its name free, but for itself.
            free = record.page in PAGES and record.forward is not getattr(function, "_implementation", function)
            if name in (record.label, record.function.__name__) and not free:
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
