"""Ops of a user's own: they stand in the table like any other, for as long as they are registered."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

from .domain import REAL, Domain
from .errors import MissingRule, NameTaken
from .op import TABLE, Op, Rule, dispatched, op


def custom(
    forward: Callable[..., Any],
    *,
    vjp: tuple[Rule | None, ...] | Rule,
    jvp: tuple[Rule | None, ...] | Rule | None = None,
    name: str = "",
    formula: str = "",
    domain: tuple[Domain, ...] = (),
    **more: Any,
) -> Any:
    """An op of your own: gives the function to call, which from then on stands in the table like any other.

    forward: computes y from arrays; its parameters without a default are the inputs.
    vjp: one rule per input, ``(g, y, *inputs, **params) -> cotangent``, written with functions that have rules
    (then it differentiates to any order); a single one for a single input. jvp: likewise, for forward mode.
    name: of the op, in pictures, errors and the table (that of the function). formula: one line.
    domain: where tests draw inputs from. Whether the rules are right is what `check_op` of the function says, by
    which the table's own are checked too; and `check_graph`, of a graph that uses the op.
    Raises NameTaken, if an op of that name is there; `forget` takes one out. ``**more``: as for `op`.
    """
    name = name or forward.__name__
    if any(name in (record.function.__name__, record.label) for record in TABLE.values()):
        raise NameTaken(
            f"an op named {name!r} stands in the table already\n  write  minigrad.forget({name})   first"
        )
    vjps = vjp if isinstance(vjp, tuple) else (vjp,)
    jvps = jvp if isinstance(jvp, tuple) else (jvp or functools.partial(no_jvp, name),) * len(vjps)
    function: Any = dispatched(forward)
    function.__name__ = name
    domains = domain or (REAL,) * len(vjps)
    return op(function, name, formula or f"y = {name}(x)", domain=domains, vjp=vjps, jvp=jvps, **more)


def forget(function: Callable[..., Any]) -> None:
    """Take an op of your own out of the table again: it is then differentiated through what it is made of."""
    for key in [key for key, record in TABLE.items() if record.function is function]:
        del TABLE[key]


def no_jvp(name: str, *args: Any, **params: Any) -> NoReturn:
    """The forward rule of an op that states none."""
    raise MissingRule(f"{name} states no jvp, so forward mode has no rule\n  write  custom(..., jvp=...)")


def has_jvp(record: Op) -> bool:
    """Whether an op has a rule for forward mode."""
    return not any(getattr(rule, "func", None) is no_jvp for rule in record.jvps)
