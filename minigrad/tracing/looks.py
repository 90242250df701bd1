"""Looks at a Value on a tape besides computing: its class, its text, its length, and its hash.

`isinstance` and `hasattr` answer as for the data that the Value stands for, and raise where they cannot. A text
holds the numbers of one call, so a function that makes one is refused once it returns: an error that it raises
itself, with the text in it, comes first. What is only printed or logged goes nowhere else, and is allowed.
"""

from __future__ import annotations

import ast
import dis
import functools
import sys
from collections.abc import Callable, Iterator
from types import FrameType, MethodType
from typing import Any

from ..engine import modes
from ..engine.call_names import place_of, running_expression
from ..engine.node import Superseded
from ..engine.value import Value
from .placeholders import class_of_data

_OURS = __name__.partition(".")[0]
_SHOWING = {"logging", "warnings", "pdb", "bdb", "code"}  # modules that show texts to a person
_TEXTS = {"__repr__", "__str__", "__format__", "wrapper"}  # methods that put texts together; reprlib's is a wrapper
_PRINT = (
    "print(x)   for the numbers of the call that is traced (a text inside the call of print is allowed)\n"
    "  or     {x.shape}, {x.dtype}   in a text: they belong to the trace\n"
    "  or     str(y)   outside of the function, of its result"
)
_ROWS = "np.ndim(x) > 0   to ask whether x is an array"


# ------------------------------------------------------------------------------------------------- the class


def class_of(x: Any) -> Any:
    """The class that a Value passes for: on a tape, that of the plain data it stands for; not to our own code."""
    if not modes.active_modes or _tape() is None or type(x) is Superseded or x.has_gradient:
        return type(x)
    asked, frame = None, sys._getframe(2)
    while frame.f_globals.get("__name__") == "abc" and frame.f_back is not None:
        asked, frame = frame.f_locals.get("cls"), frame.f_back
    if _is_ours(frame) or isinstance(x._array, tuple):
        return type(x)
    plain = class_of_data(x._array)
    if asked is not None and _is_subclass(type(x), asked) and not _is_subclass(plain, asked):
        _tape().refuse(f"isinstance(x, {asked.__name__})", _ROWS)  # it is true of Value itself
    return plain


def _tape() -> Any:
    """The current tape, or None."""
    onto = modes.interpreter()
    return onto if "looks" in vars(onto) else None


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == _OURS


def _is_subclass(cls: type, asked: Any) -> bool:
    try:
        return issubclass(cls, asked)
    except TypeError:  # a protocol with attributes
        return False


modes.class_of = class_of


# -------------------------------------------------------------------------------------------------- the text


def _noting(method: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(method)
    def text(self: Any, *spec: str) -> str:
        if modes.active_modes and _tape() is not None and _is_used(sys._getframe(1)):
            _tape().looks.append("the text of a Value")
        return method(self, *spec)

    return text


def refuse_texts(tape: Any) -> None:
    """Raise TracingError if the function made a text of numbers on this tape, other than to print it."""
    looks = [*tape.looks]
    tape.looks.clear()
    if looks:
        tape.refuse(looks[0], _PRINT)


def _is_used(frame: FrameType) -> bool:
    """Whether the function gets the text that a frame is making, instead of a person or our own code."""
    for asking in _frames(frame):
        module = str(asking.f_globals.get("__name__", "")).partition(".")[0]
        if module in _SHOWING or module == _OURS or _prints(asking):
            return False
        if asking.f_code.co_name not in _TEXTS:
            return True
    return True


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _prints(frame: FrameType) -> bool:
    """Whether a frame is computing an argument of `print`, or calling it."""
    steps = [*dis.get_instructions(frame.f_code)]
    starts = {_start(x) for x in steps if x.argval == "print" and x.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    first, last = _span(place_of(frame))
    spans = [_span(tuple(x.positions or ())) for x in steps if x.opname.startswith("CALL") and _start(x) in starts]
    return any(start <= first and last <= end for start, end in spans)


def _start(step: dis.Instruction) -> tuple[int, int]:
    return _span(tuple(step.positions or ()))[0]


def _span(place: tuple[int | None, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first and the last place in the source, each as line and column."""
    line, last, start, end = place or (None,) * 4
    return (line or 0, start or 0), (last or 0, end or 0)


for _name in ("__repr__", "__format__"):
    setattr(Value, _name, _noting(getattr(Value, _name)))


# ------------------------------------------------------------------------------------------------ the length


class _OfArrays:
    """A method that a number does not have, if `hasattr` or `getattr` asks on a tape.

    Python itself finds it as before: an error here would let it iterate in another way.
    """

    def __init__(self, name: str, method: Callable[..., Any]) -> None:
        self.name, self.method = name, method

    def __get__(self, x: Any, owner: type) -> Any:
        if x is None:
            return self.method
        if modes.active_modes and not x._array.ndim and _tape() is not None and _is_asked(sys._getframe(1)):
            raise AttributeError(f"a number has no {self.name}", name=self.name, obj=x)
        return MethodType(self.method, x)


def _is_asked(frame: FrameType) -> bool:
    """Whether a frame asks for an attribute by name, and not NumPy or Python in its stead."""
    node, _ = running_expression(frame)
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in ("hasattr", "getattr")
    return isinstance(node, ast.Attribute)


class _Memory:
    """An attribute with the address of an array: a Value has none, and one on a tape must not say so."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, x: Any, owner: type) -> Any:
        if x is not None and modes.active_modes and _tape() is not None and _is_asked(sys._getframe(1)):
            modes.check_read(f"v.{self.name}")
        raise AttributeError(f"a Value has no attribute {self.name!r}", name=self.name, obj=x)


for _name in ("__len__", "__iter__"):
    setattr(Value, _name, _OfArrays(_name, getattr(Value, _name)))
for _name in ("__array_interface__", "__array_struct__"):
    setattr(Value, _name, _Memory(_name))


# -------------------------------------------------------------------------------------------------- the hash


def _hash(self: Any) -> int:
    """By identity; a number of the function's arguments would have the hash of its data."""
    if modes.active_modes and _is_number(self) and not _is_ours(sys._getframe(1)):
        _tape().refuse(
            "a number as a key of a dict or a set", "d[k]   with a static key, such as an integer or text"
        )
    return object.__hash__(self)


def _is_number(x: Any) -> bool:
    """Whether a Value on a tape stands for a plain number."""
    return _tape() is not None and not getattr(x._array, "ndim", 1) and not x.has_gradient


setattr(Value, "__hash__", _hash)  # noqa: B010

__all__ = ["class_of", "refuse_texts"]
