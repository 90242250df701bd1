"""What to write in place of a call that would lose a gradient.

A conversion such as ``Value.__array__`` only sees that NumPy wants an array. `call_names` finds the function that
the user called, such as ``scipy.linalg.cholesky`` or ``np.r_``; `rules/twins` states what gives the same result.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Hashable
from types import FunctionType
from typing import Any, NamedTuple, NoReturn, cast

import numpy as np

from .array_methods import ArrayMethods
from .call_names import UNRESOLVED, find_frames, name_of_frame, resolve, resolve_call, running_expression
from .conversions import Conversions
from .errors import GradientLost, MinigradError, MissingRule, describe, layout
from .modes import check_read
from .numpy_protocols import NumPyProtocols
from .op import COMPOSED, PAGES, TABLE, TWINS, UNDIFFERENTIATED, UNKNOWN

_OURS = __name__.partition(".")[0]
_INTEGER = "a Value as an integer"


class Refused(NamedTuple):
    """A call that is refused. what: its name with a verb's subject, such as ``np.asarray() of a Value``."""

    what: str
    remedies: list[str]
    code: str = ""  # the user's expression, if it is not a call


def refused_call(what: str) -> Refused:
    """The call behind a conversion, and what to write instead. what: the conversion, if nothing better is known."""
    try:
        return _find_call(what)
    except Exception:  # a stack that nobody thought of must not hide the refusal
        return Refused(what, _twins(what))


def _find_call(what: str) -> Refused:
    user, foreign = find_frames()
    node, assigns = running_expression(user) if user is not None else (None, False)
    code = ast.unparse(node) if node is not None else ""
    called = name_of_frame(foreign) if foreign is not None else ""
    if assigns and not called:
        return Refused("a[i] = v with a Value v", _twins("a[i] = v"), f"{code} = ..." if code else "")
    if isinstance(node, ast.Call):
        name, function = resolve_call(node, user)
        if called and (not name or name.startswith(".")):
            name, function = called, UNRESOLVED
        return _describe_call(name or code, function, what)
    if isinstance(node, ast.Subscript) and not assigns:
        name, _ = resolve(node.value, user)
        if name in TWINS:  # np.r_, np.c_
            return Refused(f"{name}[...] of a Value", _twins(name))
        if not called and what != _INTEGER:
            return Refused("a[v] with a Value v", _twins("a[v]"), code)
    if called and (node is None or called in TWINS):
        return _describe_call(called, UNRESOLVED, what)
    remedies = (_remedies(called, what) if called else []) or _twins(what)
    return Refused(what, remedies, f"{code} = ..." if assigns and code else code)


def _describe_call(name: str, function: Any, what: str) -> Refused:
    """A call of a function that is known by name, and as an object if it is resolved."""
    if function is UNRESOLVED and name.startswith("np."):
        function = functools.reduce(lambda x, part: getattr(x, part, None), name.split(".")[1:], cast(Any, np))
    package = getattr(function, "__module__", "")
    if package in ("builtins", "functools", "itertools") and name not in TWINS:  # list(map(math.exp, vs))
        return Refused(what, _twins(what), f"{name}(...)")
    made_by = TABLE.get(function) if _dispatches(function) else None
    # One that is stated takes a Value in another place, or in a list.
    if what == _INTEGER or name in TWINS or not _dispatches(function):
        return Refused(f"{name}() of a Value", _remedies(name, what))
    # A Value would have been recorded if it did not hide in a list.
    one = made_by is not None and len(made_by.domain) == 1 and not made_by.variadic
    remedy = f"{name}(minigrad.stack(vs))   for a list vs of Values" if one else TWINS["lists"]
    return Refused(f"{name}() of a list with a Value", [remedy])


def _dispatches(function: Any) -> bool:
    """Whether a function of NumPy, or one of ours, passes a call with a Value on to the Value."""
    known = isinstance(function, Hashable) and (function in TABLE or function in COMPOSED)
    return known or hasattr(function, "_implementation")


class NotIterable(MinigradError, RuntimeError):
    """np.nditer of a Value: NumPy would put an error of its own in place of a TypeError such as GradientLost."""


def gradient_lost(value: Any, what: str) -> MinigradError:
    """The error for a conversion of a value that would lose its gradient."""
    found = refused_call(what)
    rows = {"value": describe(value)} | ({"in": found.code[:80]} if found.code else {})
    ways_out = [*found.remedies, "v.item()  or  v.data   to leave the graph on purpose"]
    rows |= {"write": ways_out[0]} | ({"or": "\n         ".join(ways_out[1:])} if ways_out[1:] else {})
    kind = NotIterable if found.what.startswith("np.nditer(") else GradientLost
    return kind(layout(f"{found.what} would drop its gradient", rows))


def _remedies(name: str, what: str) -> list[str]:
    """What to write in place of a call: its twin, or a way to give it a rule."""
    package, _, last = name.rpartition(".")
    if package == "np.ndarray":
        return _remedies(f".{last}", what)
    if found := _twins(name):
        return found
    if package == "math" and what != _INTEGER:
        for short, module in (("np", np), (_OURS, sys.modules[_OURS])):
            twin: Any = vars(module).get(last)
            if twin in TABLE:
                return [f"{short}.{last}(v{', ...' * (len(TABLE[twin].domain) > 1)})"]
    if name.startswith(".") and what != _INTEGER and vars(np).get(last) in TABLE:
        return [f"np.{last}(x, v)   for x.{last}(v)"]
    if what != _INTEGER and package and package.partition(".")[0] not in {*sys.stdlib_module_names, _OURS}:
        return [f"{last} = minigrad.custom({name}, vjp=...)   to give it a rule"]
    return _twins(what)


def _twins(name: str) -> list[str]:
    """The stated twins of a function, or else of its module, or of a method of any object."""
    keys = [name, *(name.rsplit(".", k)[0] for k in range(1, name.count(".") + 1))]
    found = next((TWINS[key] for key in keys if key in TWINS), "")
    return found.format(name=name).splitlines()


def missing_rule(value: Any, function: Any) -> MissingRule:
    """The error for a function of a value that is not in the table."""
    owner = getattr(function, "__self__", None)
    if isinstance(function, np.ufunc):
        name = spelling(function)
    elif isinstance(owner, np.ufunc):
        name = f"{spelling(owner)}.{function.__name__}"
    else:
        name = f"{function.__module__}.{function.__name__}".replace("numpy", "np")
    instead = "it with functions that have one (NumPy's arithmetic, reductions, indexing, @)"
    if isinstance(function, np.ufunc) and name.rpartition(".")[0] in ("", *PAGES):  # not a method of it
        instead = f"minigrad.custom({name}, vjp=...)   to give it one"
    return MissingRule(
        f"{name} has no rule, so its gradient would be lost\n"
        f"  write  {UNDIFFERENTIATED.get(function, UNKNOWN).instead or instead}\n"
        f"  or     {name}(v.data)   to leave the graph on purpose"
    )


def spelling(ufunc: np.ufunc) -> str:
    """The name of a ufunc as users write it: np.sin, scipy.special.psi; without its package if that is unknown."""
    name = ufunc.__name__.removesuffix(" (vectorized)")  # np.frompyfunc adds it
    homes = [home for home in ("numpy", *PAGES) if getattr(sys.modules.get(home), name, None) is ufunc]
    return f"{homes[0]}.{name}".replace("numpy.", "np.") if homes else name


class MissingAttribute(MinigradError, AttributeError):
    """An attribute that arrays have, and a Value does not have."""


class _Absent:
    """An attribute that arrays have: reading it raises MissingAttribute, or TracingError while tracing.

    A ``__getattr__`` would do the same in fewer lines, but with one Python 3.11 reads every slot more slowly.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, value: Any, owner: type) -> NoReturn:
        check_read(f"v.{self.name}")
        way_out = f"v.data.{self.name}   of the plain array, to leave the graph on purpose"
        remedies = [*TWINS.get(f"Value.{self.name}", "").splitlines(), way_out]
        lines = (f"  {'or    ' if k else 'write '} {remedy}" for k, remedy in enumerate(remedies))
        text = "\n".join([f"a Value has no attribute {self.name!r}, which arrays have", *lines])
        raise MissingAttribute(text, name=self.name, obj=value)


def _fact(name: str) -> property:
    """An attribute of the array that depends on its shape and type alone."""
    return property(lambda value: getattr(np.asarray(value._array), name))


Conversions._gradient_lost = gradient_lost
NumPyProtocols._missing_rule = missing_rule
for _name in ("nbytes", "itemsize"):  # they follow from shape and type
    setattr(Conversions, _name, _fact(_name))
for _name in dir(np.ndarray):  # the methods that a Value has come first in its order of bases, or stand there
    if not _name.startswith("_") and not hasattr(Conversions, _name):
        setattr(Conversions, _name, _Absent(_name))
for _method in vars(ArrayMethods).values():  # Python's own errors name it: Value.clip() got an unexpected argument
    if isinstance(_method, FunctionType):
        _method.__qualname__ = f"Value.{_method.__name__}"
