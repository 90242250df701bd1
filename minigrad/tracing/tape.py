"""Records the engine's own array work (calling rules, adding gradients) as graph nodes while tracing.

Eager code calls rules on arrays and adds up their results. To compute the same bits again on other arrays, each
such call is one step here: the same function that eager code calls, with the same arguments.
Only tapes use this module.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from ..engine import modes
from ..engine.broadcasting import copy_like, unbroadcast
from ..engine.node import ARGUMENT, ITEM, Node, new_node, record
from ..engine.op import Op
from ..engine.sampling import REAL
from ..engine.tree import kind_of, leaves
from ..engine.tree_folds import replace_leaves
from .caught import note_error
from .placeholders import WeakFloat

# A step that calls a function; its parameters hold the arguments, with an `ArgumentSlot` for each Value.
_CALL = replace(
    ARGUMENT, function=lambda *x: x, label="call", vjps=(), jvps=(), domain=(REAL,), variadic=True, page="call"
)
# DETACHED: the same numbers, constant for every sweep. SAVED: the data that an op saved for its rule.
DETACHED = replace(_CALL, label="constant", page="held", variadic=False)
INPUT = replace(DETACHED, label="input", page="input")
SAVED = replace(_CALL, label="saved", page="saved", variadic=False)


class ArgumentSlot:
    """The place of the k-th Value in the arguments of a call."""

    __slots__ = ("k",)

    def __init__(self, k: int) -> None:
        self.k = k


@functools.cache
def _slot(k: int) -> ArgumentSlot:
    return ArgumentSlot(k)


@functools.cache
def values_alone(n: int) -> dict[str, Any]:
    """The parameters of a call whose arguments are n Values, and nothing else: one object for all such calls."""
    return {"call": (tuple(map(_slot, range(n))), {})}


class CallStep(Op):
    """The op of a node that calls a function. Its class marks it: users choose the names of pages."""

    __slots__ = ()


@functools.cache
def step_of(function: Callable[..., Any], label: str) -> Op:
    """The op of a node that calls the function."""
    given = {field.name: getattr(_CALL, field.name) for field in fields(Op)}
    return CallStep(**given | {"function": function, "forward": function, "label": label})


def is_call(made_by: Op | None) -> bool:
    """Whether a node of that op calls a function, with the arguments in its parameters."""
    return isinstance(made_by, CallStep)


def lift_values(x: Any, found: list[Node]) -> Any:
    """Replace each Value in nested arguments by an `ArgumentSlot`, and append it to `found`."""

    def lift(leaf: Any) -> Any:
        if not isinstance(leaf, Node):
            return leaf
        found.append(leaf)
        return _slot(len(found) - 1)

    return replace_leaves(x, lift)


def put_back(x: Any, values: Any) -> Any:
    """The inverse of `lift_values`."""
    return replace_leaves(x, lambda leaf: values[leaf.k] if type(leaf) is ArgumentSlot else leaf)


def _data_of(x: Any) -> Any:
    if not isinstance(x, Node):
        return x
    return float(x._array) if type(x._array) is WeakFloat else x._array


def call(kind: Any, function: Callable[..., Any], label: str, args: Any, kwargs: Any) -> Any:
    """Call a function on the data of its arguments, as one step through which no gradient flows.

    Without a Value among the arguments, the result is plain. Several results become several Values.
    """
    args = tuple(args)
    found: Any = [x for x in args if isinstance(x, Node)]
    if not kwargs and len(found) == len(args):  # nearly always
        params, named, found = values_alone(len(args)), {}, args
        data = [float(x._array) if type(x._array) is WeakFloat else x._array for x in found]
    else:
        found = []
        params = {"call": lift_values((args, kwargs), found)}
        data, named = replace_leaves(args, _data_of), replace_leaves(kwargs, _data_of)
    try:
        if modes.debugger():
            with np.errstate(all="ignore"):
                result = function(*data, **named)
        else:
            result = function(*data, **named)
    except Exception as error:
        note_error(error)
        raise
    if not found and kind is None:
        return result
    kind = kind or type(found[0])
    made_by = step_of(function, label)
    if isinstance(result, (tuple, list)):
        hidden: Node = new_node(kind, tuple(result), made_by, tuple(found), params)
        parts: list[Any] = [
            None if x is None else record(kind, ITEM, (hidden,), {"k": k}) for k, x in enumerate(result)
        ]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return new_node(kind, as_data(result), made_by, tuple(found), params)


def as_data(result: Any) -> Any:
    """The result of a function as the data of a node: an array, a NumPy number or a Python float."""
    if type(result) is np.float64 or (type(result) is np.ndarray and result.ndim):  # nearly always
        return result
    if type(result) is float:
        return WeakFloat(result)
    return np.asarray(result)[()] if np.ndim(result) == 0 else np.asarray(result)


def as_constant(x: Any) -> Any:
    """A Value with the same numbers through which no gradient flows: eager code has an array here."""
    if not isinstance(x, Node) or not x.has_gradient:
        return x
    return new_node(type(x), x._array, DETACHED, (x,), None)


def saved_of(y: Node) -> Any:
    """The data that an op saved for its rule, as a Value."""
    return new_node(type(y), y.params["saved"], SAVED, (y,), None) if y.params else None


def any_gradient(args: Iterable[object]) -> bool:
    """Whether a gradient can flow through a Value in arguments: then eager code runs rules on Values, too."""
    for x in args:  # a loop, because `any` would build a generator for each call of a rule
        if isinstance(x, Node):
            if (x.op is None or x.op.vjps) and x.has_gradient:
                return True
        elif kind_of(x) and any(isinstance(v, Node) and v.has_gradient for v in leaves(x)):
            return True
    return False


def beside_values(args: Any, params: dict[str, Any]) -> Any:
    """The arguments of a rule; arrays become Values if a parameter is one, as an array takes no Value as index."""
    found: list[Node] = []
    lift_values(params, found)
    plain = (np.ndarray, np.generic)
    return [
        new_node(type(found[0]), x, DETACHED, (x,), None) if found and isinstance(x, plain) else x for x in args
    ]


@functools.cache
def call_wanted(rule: Callable[..., Any], wanted: tuple[bool, ...]) -> Callable[..., Any]:
    """A rule for all inputs that computes only the wanted cotangents."""

    def some(*args: Any, **params: Any) -> tuple[Any, ...]:
        answers = rule(*args, **params)
        pairs = zip(answers, wanted, strict=True)
        return tuple((c() if callable(c) else c) if wants else None for c, wants in pairs)

    some.__module__ = rule.__module__
    return some


@functools.cache
def add_in_place(add: Callable[..., Any]) -> Callable[..., Any]:
    """A function that returns the gradient so far plus the share of an op that adds in place."""

    def add_into(before: Any, like: Any, /, *args: Any, **params: Any) -> Any:
        buffer = np.zeros_like(like) if before is None else np.array(before)
        add(buffer, *args, **params)
        return buffer

    return add_into


@functools.cache
def another_than_the_op(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, for a call with arguments that its op does not take: passes must not take it for the op."""

    @functools.wraps(function)
    def whole(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return whole


def sum_to_shape(c: Any, shape: tuple[int, ...], label: str) -> Any:
    """`unbroadcast`, as a step."""
    return unbroadcast(c, shape, label)


def cotangent_of_type(g: Any, shape: tuple[int, ...], dtype: Any, what: str) -> Any:
    """`copy_like`, as a step."""
    return copy_like(g, np.empty(shape, dtype), what)


def copy(y: Any) -> Any:
    """An unshared copy."""
    return np.array(y)[()]


def copy_in_rows(g: Any) -> Any:
    """A C-contiguous copy."""
    return g.copy()
