"""What the engine itself does with arrays, as nodes: `compile` records, on a tape, all that eager code computes.

Eager code hands arrays to the rules and adds up what they answer. To be computed again on other arrays, and to the
same last bit, each such answer is one step here: the very function that eager code calls, with the same arguments.
Nothing here is met outside of a tape.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np

from . import context
from .context import refuse_while_tracing
from .cotangent import fitted, shaped, unbroadcast
from .domain import REAL
from .node import ARGUMENT, ITEM, Node, linked, placed, record
from .op import Op
from .scopes import serials
from .standing import PythonFloat, plain

# A step that is a call of a function: its parameters say with which arguments, and where Values stand in them.
_CALL = replace(
    ARGUMENT, function=lambda *x: x, label="call", vjps=(), jvps=(), domain=(REAL,), variadic=True, page="call"
)
# The same numbers as a constant to every sweep; what an op handed over to its rule.
HELD = replace(_CALL, label="constant", page="held", variadic=False)
INPUT = replace(HELD, label="input", page="input")
SAVED = replace(_CALL, label="saved", page="saved", variadic=False)


class Place:
    """Where in the arguments of a call the k-th Value stands."""

    __slots__ = ("k",)

    def __init__(self, k: int) -> None:
        self.k = k


@functools.cache
def step_of(function: Callable[..., Any], label: str) -> Op:
    """The op of a node that is a call of the function."""
    return replace(_CALL, function=function, forward=function, label=label)


def is_call(made_by: Op | None) -> bool:
    """Whether a node of that op is the call of a function, with its arguments in the parameters."""
    return made_by is not None and made_by.page == "call"


def _alike(x: Any, items: list[Any]) -> Any:
    """A sequence of the same kind as x."""
    return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)


def lifted(x: Any, found: list[Node]) -> Any:
    """A nesting of arguments with a `Place` for each Value, which are added to those found."""
    if isinstance(x, Node):
        found.append(x)
        return Place(len(found) - 1)
    if isinstance(x, (tuple, list)):
        return _alike(x, [lifted(item, found) for item in x])
    return {key: lifted(item, found) for key, item in x.items()} if type(x) is dict else x


def put_back(x: Any, values: Any) -> Any:
    """The inverse of `lifted`."""
    if type(x) is Place:
        return values[x.k]
    if isinstance(x, (tuple, list)):
        return _alike(x, [put_back(item, values) for item in x])
    return {key: put_back(item, values) for key, item in x.items()} if type(x) is dict else x


def call(kind: Any, function: Callable[..., Any], label: str, args: Any, kwargs: Any) -> Any:
    """What a function gives for the data of its arguments, as one step through which no gradient flows.

    Where no Value is among the arguments, what it gives is plain. Several results are several Values.
    """
    found: list[Node] = []
    places = lifted((tuple(args), kwargs), found)
    data = put_back(places, [plain(x._array) for x in found])
    with np.errstate(all="ignore") if context.is_debugging() else np.errstate():
        result = function(*data[0], **data[1])
    if not found and kind is None:
        return result
    kind = kind or type(found[0])
    made_by = step_of(function, label)
    if isinstance(result, (tuple, list)):
        hidden: Node = linked(kind, tuple(result), made_by, tuple(found), {"call": places})
        parts: list[Any] = [
            None if x is None else record(kind, ITEM, (hidden,), {"k": k}) for k, x in enumerate(result)
        ]
        return _alike(result, parts)
    return linked(kind, as_data(result), made_by, tuple(found), {"call": places})


def as_data(result: Any) -> Any:
    """What a function gave, as the data of a node: an array, or a number of NumPy's or of Python's."""
    if type(result) is float:
        return PythonFloat(result)
    return np.asarray(result)[()] if np.ndim(result) == 0 else np.asarray(result)


def as_constant(x: Any) -> Any:
    """A Value with the same numbers, through which no gradient flows: what an array is to eager code."""
    if not isinstance(x, Node) or not x.has_gradient:
        return x
    return linked(type(x), x._array, HELD, (x,), None)


def saved_of(y: Node) -> Any:
    """What an op handed over to its rule, as a Value."""
    return linked(type(y), y.params["saved"], SAVED, (y,), None) if y.params else None


def _recorded(x: Any) -> bool:
    """Whether a gradient can flow through a Value in a nesting: then rules run on Values in eager code too."""
    if isinstance(x, Node):
        return x.has_gradient
    return any(map(_recorded, x)) if isinstance(x, (tuple, list)) else False


def applied(made_by: Op, rule: Callable[..., Any], args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """``rule(*args, **params)``; on a tape as one step, if eager code would hand it arrays."""
    if not (context.blocks and context.tape()) or any(map(_recorded, args)):
        return rule(*args, **params)
    return call(None, rule, f"d {made_by.label}", args, params)


@functools.cache
def _wanted(rule: Callable[..., Any], wanted: tuple[bool, ...]) -> Callable[..., Any]:
    def some(*args: Any, **params: Any) -> tuple[Any, ...]:
        answers = rule(*args, **params)
        pairs = zip(answers, wanted, strict=True)
        return tuple((c() if callable(c) else c) if wants else None for c, wants in pairs)

    some.__module__ = rule.__module__
    return some


def shares(made_by: Any, pending: Any, y: Node, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """The cotangents that the one rule of an op of many inputs gives."""
    if context.blocks and context.tape():
        rule = _wanted(made_by.vjps[0], tuple(map(pending.wants, y.operands)))
        return applied(made_by, rule, args, params)
    return made_by.vjps[0](*args, **params)


@functools.cache
def _adding(add: Callable[..., Any]) -> Callable[..., Any]:
    def add_into(before: Any, like: Any, *args: Any, **params: Any) -> Any:
        buffer = np.zeros_like(like) if before is None else np.array(before)
        add(buffer, *args, **params)
        return buffer

    return add_into


def met_on_tape(y: Node, alive: Collection[int]) -> tuple[Any, list[Any], dict[str, Any]]:
    """What the rules of an op meet: output, inputs, parameters; what would be data is a constant."""
    made_by: Any = y.op
    operands = [x if not isinstance(x, Node) or x.serial in alive else as_constant(x) for x in y.operands]
    args, params = placed(made_by, operands, y.params)
    lives, several = y.serial in alive, type(y._array) is tuple
    parts = [record(type(y), ITEM, (y,), {"k": k}) for k in range(len(y._array))] if several else [y]
    parts = parts if lives else [as_constant(part) for part in parts]
    if "saved" in params:
        params = {name: p for name, p in params.items() if name != "saved"} | (
            {} if lives else {"saved": saved_of(y)}
        )
    return tuple(parts) if several else parts[0], args, params


def give_on_tape(
    pending: Any, x: Node, made_by: Op, rule: Callable[..., Any], args: tuple[Any, ...], params: dict[str, Any]
) -> None:
    """Add the answer of a rule to the gradient of x, as eager code adds it: in place, where the op does."""
    before = pending.grads.get(x.serial)
    after = added(made_by, before, x, args, params) if made_by.add is not None else None
    if after is None:
        pending.give(x, applied(made_by, rule, args, params), made_by.label)
    elif before is None:
        pending.give(x, after, made_by.label)
    else:
        pending.grads[x.serial] = after


def added(made_by: Any, before: Any, x: Node, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """The gradient so far, with the share of an op that adds in place; None where eager code would not do so."""
    if not isinstance(x._array, np.ndarray) or _recorded(before) or any(map(_recorded, args)):
        return None
    return call(type(x), _adding(made_by.add), f"d {made_by.label}", (before, as_constant(x), *args), params)


def summed_out(c: Any, data: Any, label: str) -> Any:
    """`fitted`, as one step where eager code would do it on arrays."""
    if context.tape() is None or not isinstance(c, Node) or c.has_gradient or np.shape(c._array) == data.shape:
        return fitted(c, data, label)
    return fitted(call(type(c), _unbroadcast, "sum", (c, data.shape, label), {}), data, label)


def _unbroadcast(c: Any, shape: tuple[int, ...], label: str) -> Any:
    return unbroadcast(c, shape, label)


def cotangent_given(g: Node, data: Any, what: str) -> Any:
    """A cotangent that is a Value: on a tape, if it stands for an array, in the shape and the type of the data."""
    if not (context.blocks and context.tape()) or g.has_gradient:
        return g
    return call(type(g), _shaped, "cotangent", (g, data.shape, data.dtype, what), {})


def _shaped(g: Any, shape: tuple[int, ...], dtype: Any, what: str) -> Any:
    return shaped(g, np.empty(shape, dtype), what)


def copied(y: Node) -> Any:
    """A copy that nobody else holds; on a tape, a Value that is one."""
    if not (context.blocks and context.tape()):
        return _copy(y._array)
    return call(type(y), _copy, "copy", (as_constant(y),), {})


def _copy(y: Any) -> Any:
    return np.array(y)[()]


def in_rows(g: Node) -> Node:
    """A gradient as eager code hands it out: what was a view becomes an array of its own, laid out in rows."""
    data = g._array
    if (
        not (context.blocks and context.tape())
        or g.has_gradient
        or type(data) is not np.ndarray
        or data.base is None
        or data.flags.c_contiguous
    ):
        return g
    made: Node = call(type(g), _copy_in_rows, "copy", (g,), {})
    return made


def _copy_in_rows(g: Any) -> Any:
    return g.copy()


class quietly(np.errstate):
    """Without warnings of slopes that are infinite: they are in the table of kinks. Gives the next serial."""

    def __init__(self) -> None:
        super().__init__(divide="ignore", over="ignore", invalid="ignore")

    def __enter__(self) -> int:  # type: ignore[override]
        super().__enter__()
        return next(serials)


def note_sweep(first: int) -> None:
    """On a tape, note that the nodes made since that serial belong to a sweep."""
    if onto := context.tape():
        onto.sweeps.append((first, next(serials)))


def refuse_masks(index: Any) -> None:
    """Raise TracingError for an index that picks as many entries as are true in a Value."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, Node) and part._array.dtype == bool for part in parts):
        refuse_while_tracing(
            "x[mask], whose shape depends on the data,", "np.where(mask, x, 0.0)   to keep the shape"
        )


# Functions whose results have shapes that depend on the data.
_DEPENDING = {
    *(np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.compress, np.trim_zeros, np.union1d),
    *(np.intersect1d, np.setdiff1d, np.setxor1d, np.unique_values, np.unique_counts, np.unique_all),
    *(np.unique_inverse, np.delete, np.bincount, np.repeat),
}
# Functions that change an array they are given.
_CHANGING = {
    *(np.put_along_axis, np.copyto, np.put, np.putmask, np.place, np.fill_diagonal, np.empty_like, np.resize),
}


def refuse_depending(function: Any) -> None:
    """Raise TracingError, on a tape, for a function whose result has a shape that depends on the data."""
    if function is np.nonzero and context.tape():
        _refuse_depending(function)


def _refuse_depending(function: Any) -> None:
    refuse_while_tracing(
        f"np.{function.__name__}, whose result has a shape that depends on the data,",
        "np.where(mask, x, 0.0)   to keep the shape, or compute it before and give it as an argument",
    )


def whole(kind: type[Node], function: Any, args: Any, kwargs: Any) -> Any:
    """A function of NumPy that has no rule, of Values through which no gradient flows: one step, as it stands.

    None where a gradient flows, or what the function changes would be lost. Raises TracingError.
    """
    found: list[Node] = []
    lifted((list(args), dict(kwargs)), found)
    if any(x.has_gradient for x in found) or not found or function in _CHANGING:
        return None
    if function in _DEPENDING:
        _refuse_depending(function)
    return call(kind, function, function.__name__, args, kwargs)
