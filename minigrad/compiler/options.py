"""Checks the arguments of `compile` itself, so that a wrong one is told when it is written and not at a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from ..engine.value import Value
from ..errors import ArgumentError, describe

F = TypeVar("F", bound=Callable[..., Any])


def check_function(f: F) -> F:
    """f. Raises ArgumentError if it cannot be called."""
    if not callable(f):
        raise ArgumentError(
            f"compile takes a function, got {_shown(f)}\n"
            "  write  minigrad.compile(f)(x)   to call the compiled function; compile(f(x)) passes on a result"
        )
    return f


def check_switches(cache: Any, **switches: Any) -> None:
    """Raise ArgumentError for a cache that is no count, or a switch that is neither True nor False."""
    if type(cache) is not int or cache < 0:
        raise ArgumentError(f"cache= is how many traces to keep, got {cache!r}\n  write  cache=16")
    for name, x in switches.items():
        if not isinstance(x, (bool, np.bool_)):
            raise ArgumentError(f"{name}= is True or False, got {_shown(x)}\n  write  {name}=True")


def chosen(option: str, given: Any) -> tuple[Any, ...]:
    """The arguments that static= or donate= names, one by one. Raises ArgumentError for anything but names."""
    kinds = (str, int, Value) if option == "donate" else (str, int)
    several = isinstance(given, Iterable) and not isinstance(given, (str, Value, np.ndarray, Mapping))
    found = tuple(given) if several else (given,)
    for x in found:
        if isinstance(x, bool) or not isinstance(x, kinds):
            more = ", and Values that the function closes over" if option == "donate" else ""
            raise ArgumentError(
                f"{option}= takes names or positions of arguments{more}, got {_shown(x)}\n"
                f'  write  {option}="x"   or {option}=(0, "y")   for several; leave it out for none'
            )
    return found


def _shown(x: object) -> str:
    """A short text as it is written, and the kind of any other object."""
    return repr(x) if x is None or (isinstance(x, (str, int, float)) and len(repr(x)) < 50) else describe(x)


__all__ = ["check_function", "check_switches", "chosen"]
