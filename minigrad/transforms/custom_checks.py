"""The checks that `custom` makes before an op enters the table: its name, inputs, rules and properties.

Each refusal says what to write instead.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

import numpy as np

from ..engine.op import Op, Rule, op
from ..engine.sampling import REAL, Domain
from ..errors import ArgumentError

Rules = tuple[Rule | None, ...]

# Names that rules use for their own arguments: by position, or by keyword from the op (`saved`).
RESERVED = ("g", "y", "t", "saved")

_STATEMENT = {p.name: p.annotation for p in inspect.signature(op).parameters.values() if p.kind is p.KEYWORD_ONLY}
_PROPERTIES = {field.name: field.type for field in fields(Op) if field.default is not MISSING}
# The type of each further argument of `custom`, as text.
_FURTHER: dict[str, Any] = {
    name: kind
    for name, kind in {**_STATEMENT, **_PROPERTIES}.items()
    if name not in ("forward", "domain", "vjp", "jvp")
}


_NONE = inspect.Parameter.empty  # the default of a parameter without one


class Parameters(NamedTuple):
    """The parameters of a forward function: the inputs, and the settings with their defaults."""

    inputs: list[str]
    settings: dict[str, Any]
    any_more: bool = False  # it takes **settings


# --------------------------------------------------------------------------------------------- name and properties


def check_name(name: object) -> None:
    """Refuse a name that does not fit on one line of a picture, an error or compiled source."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ArgumentError(
            f'the name of an op is one line of printable characters, got {name!r}\n  write  name="cube"'
        )


def check_properties(name: str, inputs: Sequence[str], given: dict[str, Any]) -> None:
    """Refuse arguments that `custom` does not have, and values that a property cannot have."""
    for key, value in given.items():
        if key not in _FURTHER:
            close = difflib.get_close_matches(key, _FURTHER, n=1)
            remedy = f"write  {close[0]}=" if close else "leave it out"
            raise ArgumentError(f"custom has no argument {key}=\n  {remedy}")
        if _FURTHER[key] == "bool" and not isinstance(value, (bool, np.bool_)):
            raise ArgumentError(f"{key} of {name} is True or False, got {value!r}\n  write  {key}=True")
    parity = given.get("parity", "")
    if parity not in ("", "odd", "even") or (parity and len(inputs) != 1):
        raise ArgumentError(
            f"the parity of {name} is that of a function of one input, got {parity!r} for {_list_inputs(inputs)}\n"
            '  write  parity="odd"    if f(-x) = -f(x)\n'
            '  or     parity="even"   if f(-x) = f(x); else leave it out'
        )


# --------------------------------------------------------------------------------------------------- parameters


def forward_signature(forward: Callable[..., Any]) -> inspect.Signature | None:
    """The signature of a forward function; None for one in C that states none."""
    try:
        return inspect.signature(forward.pyfunc if isinstance(forward, np.vectorize) else forward)
    except (ValueError, TypeError):
        return None


def parameters_of(name: str, forward: Callable[..., Any], vjp: object) -> Parameters:
    """The inputs of a forward function, which have no default, and its settings: all other parameters."""
    if isinstance(forward, np.ufunc):
        return Parameters([f"x{k + 1}" for k in range(forward.nin)] if forward.nin > 1 else ["x"], {})
    signature = forward_signature(forward)
    if signature is None:  # as many inputs as there are rules
        return Parameters([f"x{k + 1}" for k in range(len(vjp) if isinstance(vjp, tuple) else 1)], {})
    found = signature.parameters.values()
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
    settings = {p.name: p.default for p in named if p.name not in inputs}
    return Parameters(inputs, settings, len(named) < len(found))


# -------------------------------------------------------------------------------------------------------- rules


def one_per_input(name: str, kind: str, given: Rules | Rule | None, inputs: Sequence[str]) -> Rules:
    """The rules as a tuple. Raises ArgumentError if their number does not match the inputs."""
    rules: Rules = (*given,) if isinstance(given, (tuple, list)) else (given,)
    if len(rules) != len(inputs):
        wanted = f"({', '.join(f'rule for {x}' for x in inputs)}{',' * (len(inputs) == 1)})"
        raise ArgumentError(
            f"{name} takes {_list_inputs(inputs)}, and {kind} has {_count(rules, 'rule')}\n"
            f"  write  {kind}={wanted}   and None where no gradient flows\n"
            "  (the inputs are the parameters of the forward function that have no default)"
        )
    return rules


def check_rule_arguments(name: str, vjps: Rules, jvps: Rules, known: Parameters, more: dict[str, Any]) -> list[str]:
    """The settings that the rules take. Refuses a rule that cannot be called as the op calls it.

    Settings, and `saved`, arrive by name.
    """
    count, saves = 2 + len(known.inputs), bool(more.get("saves"))
    optional, always = _given_to_rules([*vjps, *jvps], known, "bind" in more)
    by_name = ", ".join(["saved"] * saves + optional + always)
    defaults = ["saved=None"] * saves + [f"{key}={known.settings[key]!r}" for key in optional]
    spelled = ", ".join(["y", *known.inputs, *defaults, *["*"][: len(always)], *always])
    for kind, first, rules in (("vjp", "g", vjps), ("jvp", "t", jvps)):
        for x, rule in zip(known.inputs, rules, strict=True):
            if rule is not None and not _takes(rule, count, optional, always, saves):
                raise ArgumentError(
                    f"the {kind} of {name} for {x} cannot be called with the {count} arguments of a rule"
                    + (f", and {by_name} by name" if by_name else "")
                    + f"\n  write  lambda {first}, {spelled}: ..."
                    + "\n  (saved is left out where the rule runs on Values)" * saves
                )
    taken = {x for rule in (*vjps, *jvps) for x in _by_position(rule)[:count]}
    taken |= {*RESERVED, *_by_position(more.get("add"))[: 1 + count]}
    for setting in known.settings:
        if setting in taken:  # it would arrive twice, or be lost
            raise ArgumentError(
                f"{name} has a parameter {setting!r}, but rules use that name for something else "
                "(g, y, t, saved, and their own inputs)\n"
                f"  write  another name for it, such as  {setting}_"
            )
    return [*known.settings] if all(map(_takes_any_setting, (*vjps, *jvps))) else optional + always


def _given_to_rules(rules: Sequence[Rule | None], known: Parameters, bound: bool) -> tuple[list[str], list[str]]:
    """The settings that rules get by name: those that a call may leave out, and those that every call gives.

    bound: whether a `bind` decides which settings a call gives.
    """
    stated = {p.name: p for rule in rules for p in _by_name(rule)}
    optional = [key for key, default in known.settings.items() if default is not _NONE and key in stated]
    always = [key for key, default in known.settings.items() if default is _NONE]
    if bound or known.any_more:
        always += [key for key, p in stated.items() if p.default is _NONE and key not in known.settings]
    return optional, always


def _takes_any_setting(rule: Rule | None) -> bool:
    """Whether a rule takes every setting: it ends in ``**params``, or there is none."""
    return rule is None or any(p.kind is p.VAR_KEYWORD for p in _parameters(rule))


def _takes(rule: Rule, count: int, optional: Sequence[str], always: Sequence[str], saves: bool) -> bool:
    """Whether a rule can be called with that many arguments and these settings, with as few and as many as come."""
    try:
        found = inspect.signature(rule)
        found.bind(*range(count), **dict.fromkeys(always))
        found.bind(*range(count), **dict.fromkeys([*always, *optional, *["saved"] * saves]))
    except TypeError:
        return False
    except ValueError:  # written in C, without a signature
        return True
    return True


def _parameters(rule: Rule | None) -> list[inspect.Parameter]:
    """The parameters of a rule; none for a function in C without a signature."""
    if rule is None:
        return []
    try:
        return [*inspect.signature(rule).parameters.values()]
    except (ValueError, TypeError):
        return []


def _by_name(rule: Rule | None) -> list[inspect.Parameter]:
    """The parameters of a rule that the op gives by name."""
    found = [p for p in _parameters(rule) if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return [p for p in found if p.kind is p.KEYWORD_ONLY or p.default is not _NONE]


def _by_position(rule: Rule | None) -> list[str]:
    """The names that a rule gives to its arguments by position."""
    return [p.name for p in _parameters(rule) if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is _NONE]


def domain_per_input(name: str, given: tuple[Domain, ...] | Domain, inputs: Sequence[str]) -> tuple[Domain, ...]:
    """One domain per input."""
    domains: tuple[Domain, ...] = given if isinstance(given, tuple) else (given,)
    if not all(isinstance(one, Domain) for one in domains):
        raise ArgumentError(
            f'the domain of {name} is a Domain, got {given!r}\n  write  domain=Domain("positive", 0.1, 3.0)'
        )
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
