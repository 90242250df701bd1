"""Operators like +=: a new value takes the name on the left, and every other name for the old value is closed.

In NumPy  h += b  changes the array that h, a list or a caller holds. A Value never changes, as the graph needs its
numbers: h gets a new Value, and the old object becomes `Superseded`, whose every use raises. So a name that would
hold other numbers than in NumPy is heard of. Values that look into the same memory are closed with it.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any, NoReturn
from weakref import getweakrefcount, getweakrefs, ref

import numpy as np

from . import modes
from .errors import DTypeError, InPlaceError, ShapeError, describe, layout
from .modes import active_modes
from .node import Node, Superseded
from .value import Value

ndarray, _new = np.ndarray, object.__new__


def _operator(symbol: str, method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The method behind ``v += w``. method: that of ``v + w``."""
    usual = {"symbol": symbol, "line": ""}

    def in_place(self: Any, other: Any) -> Any:
        data = self._array
        if active_modes and type(data) is ndarray:
            modes.interpreter().check_effect(self, f"{symbol}=")
        if self.op is None and not isinstance(other, Node):
            raise _leaf_unchanged(self, symbol)
        if type(data) is not ndarray:  # a number: NumPy, too, makes a new one
            return method(self, other)
        views = _views_of(self, symbol) if data.base is not None or getweakrefcount(data) else ()
        node = _copy(self)
        result = method(node, node if other is self else other)
        if result is NotImplemented:
            return result
        if result._array.shape != data.shape or result._array.dtype != data.dtype:
            result = _like_target(result, self, symbol)
        reason = {"symbol": symbol, "line": result.origin.line} if active_modes and modes.debugger() else usual
        _supersede(self, node, reason)
        for view in views:
            _supersede(view, _copy(view), {**reason, "behind": self.name or "h"})
        return result

    return in_place


def _copy(x: Any) -> Any:
    """A second object for the same node: it keeps the serial, by which sweeps know a node."""
    node = _new(Value)
    node._array, node.op, node.serial = x._array, x.op, x.serial
    node._a, node._b, node.params = x._a, x._b, x.params
    node._grad, node.name = x._grad, x.name
    if x.op is None or modes.notes:
        for note in ("mark", "origin"):
            if hasattr(x, note):
                setattr(node, note, getattr(x, note))
    return node


def _supersede(x: Any, node: Any, reason: dict[str, str]) -> None:
    """Close the object x, and let the node stand for it in the graph.

    Without `_array` and `serial`, code of the engine that did not ask for the node raises, too.
    """
    x._a, x.params = node, reason
    del x._array, x.serial
    x.__class__ = Superseded


def _like_target(result: Any, target: Any, symbol: str) -> Any:
    """The result in the type of the value that it takes the place of, as NumPy's operators in place give it."""
    if result._array.shape != target._array.shape:
        raise ShapeError(
            f"{symbol}= keeps the shape {target.shape}, and the result has the shape {result.shape}\n"
            f"  write  y = y {symbol} ...   for a new value"
        )
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise DTypeError(
            f"{symbol}= keeps the type {target.dtype}, and the result is of type {result.dtype}\n"
            f"  write  y = y {symbol} ...   for a new value"
        )
    return result.astype(target.dtype)


def _leaf_unchanged(leaf: Any, symbol: str) -> InPlaceError:
    name = leaf.name or "w"
    return InPlaceError(
        f"{name} {symbol}= ... would make a new value and leave this leaf unchanged\n"
        f"  write  {name}.data {symbol}= ...   to change the leaf\n"
        f"  or     {name} = {name} {symbol} ...   to compute a new value"
    )


class _View(ref):  # type: ignore[type-arg]
    """A weak reference to some memory, in the slot `view` of a node whose array looks into it.

    value: a weak reference to that node. root: the serial of the node it came from.
    """

    __slots__ = ("root", "value")

    root: int
    value: ref[Any]


def _note_views(made: Any, operands: tuple[Any, ...]) -> None:
    """Give each result of an op that looks into the memory of an operand its `view`."""
    for y in made if isinstance(made, tuple) else (made,):
        if type(data := y._array) is not ndarray:
            continue
        memory = data.base
        if type(memory) is not ndarray or memory.base is not None:  # not simply a view of an array that owns it
            memory = _memory_of(data)
        for x in operands:
            if type(x) is Value and (x._array is memory or _memory_of(x._array) is memory):
                y._view = view = _View(memory)
                of_view = x.op is not None and not x.op.gives_new and hasattr(x, "_view")
                view.value, view.root = ref(y), x._view.root if of_view else x.serial
                break


def _memory_of(data: Any) -> Any:
    """The array behind all views of one memory."""
    base = getattr(data, "base", None)
    while base is not None:
        data, base = base if isinstance(base, ndarray) else data, getattr(base, "base", None)
    return data


def _views_of(v: Any, symbol: str) -> list[Any]:
    """The Values that look into the memory of v. Refuses a v that does so itself: y[0] of a matrix, y.T."""
    if hasattr(v, "_view"):
        name = v.name or "y"
        raise InPlaceError(
            f"{symbol}= on a view (made by {v.op.label}) would not reach the value behind it\n"
            f"  write  {name} = {name} {symbol} ...   if that value is not read again\n"
            "  or     x = minigrad.put(x, index, values)   for the value x behind it"
        )
    looking = [view for view in getweakrefs(_memory_of(v._array)) if type(view) is _View and view.root == v.serial]
    return [value for view in looking if type(value := view.value()) is Value]


def _refuse(x: Any, *_: Any, **__: Any) -> NoReturn:
    """Raise for any use of a superseded value."""
    symbol, line, name = x.params["symbol"], x.params["line"], x.name or _variable(x)
    changed = x.params.get("behind", name)
    where = "on the value behind this view" if "behind" in x.params else "under another name"
    write = f"{changed} = {changed} {symbol} ...   in place of  {changed} {symbol}= ..."
    raise InPlaceError(
        layout(
            f"{name} is used after {symbol}= {where}: NumPy would have changed it, and a Value never changes",
            {"value": describe(x._a), **({"line": line} if line else {}), "write": write},
            "" if line else "with minigrad.debug():   this error names the line",
        )
    )


def _variable(x: Any) -> str:
    """The user's name for x, if a function that is running has one."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        ours = frame.f_globals.get("__name__", "").split(".")[0] == "minigrad"
        if not ours and not frame.f_code.co_filename.startswith((sys.prefix, sys.base_prefix)):
            for name, value in frame.f_locals.items():
                if value is x:
                    return str(name)
        frame = frame.f_back
    return "y"


def _attribute(x: Any, name: str) -> NoReturn:
    """Refuse what only a Value has; Python and others ask any object for names like ``__wrapped__``."""
    if name.startswith("__"):
        raise AttributeError(name)
    _refuse(x)


def _text(x: Any) -> str:
    return f"<Value of shape {x._a.shape}, superseded by {x.params['symbol']}=>"


def _formatted(x: Any, spec: str) -> str:
    return _refuse(x) if spec else _text(x)


modes.note_views = _note_views
for _name in dir(operator):  # __iadd__ and others, where a Value has __add__
    if _name.startswith("__i") and hasattr(operator, f"__{_name[3:]}") and hasattr(Value, f"__{_name[3:]}"):
        _symbol = getattr(operator, _name).__doc__.split()[-2]  # "Same as a += b."
        setattr(Value, _name, _operator(_symbol.removesuffix("="), getattr(Value, f"__{_name[3:]}")))

_KEPT = {"__init__", "__hash__", "__slots__", "__doc__", "__module__", "__class_getitem__"}
for _class in Value.__mro__:
    if _class not in (Node, object):
        for _name, _method in vars(_class).items():
            if _name.startswith("__") and callable(_method) and _name not in _KEPT:
                setattr(Superseded, _name, _refuse)
for _name, _method in {"getattr": _attribute, "repr": _text, "format": _formatted}.items():
    setattr(Superseded, f"__{_name}__", _method)
for _name in ("setattr", "contains"):  # without the second, Python would turn the error into "is not iterable"
    setattr(Superseded, f"__{_name}__", _refuse)
