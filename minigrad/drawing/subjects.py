"""What is drawn: a function, a compiled function, a model or function of PyTorch or JAX, recorded as one Value.

Values and models of `nn` are drawn as they are.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from ..check.frameworks.framework import framework_of
from ..engine import modes, tree
from ..engine.value import Value, graph
from ..errors import ArgumentError, MinigradError, describe
from ..symmetry.frontends import record_framework_loss
from ..symmetry.loss_graph import RecordAgain, Recording
from ..tracing.replay import replay
from ..transforms.grad import grad as gradient_of

WAYS = (
    "\n  write  draw(y)                    for a Value"
    "\n  or     draw(model, x, y)          for a model of minigrad or PyTorch"
    "\n  or     draw(f, *arguments)        for a function, compiled or of JAX, too"
)


def record_subject(
    subject: Any, args: Sequence[Any], loss: Callable[..., Any] | None = None, grad: bool = False
) -> Value:
    """The Value that a function makes of these arguments; for a model of PyTorch, of its loss or summed outputs.

    Arrays of floats among the arguments become leaves with the names of the arguments. grad: the Value is the
    gradient by all of them, with the ops that compute it. Raises ArgumentError that says what can be drawn.
    """
    _check(subject, args)
    name = framework_of(subject, tuple(args))
    if name is None:
        return _of_function(subject, args, grad)
    if grad:
        raise ArgumentError(f"grad=True is for functions of NumPy; this one is of {name}")
    return _of_framework(subject, args, loss)


def _check(subject: Any, args: Sequence[Any]) -> None:
    if isinstance(subject, (list, tuple)) and any(isinstance(x, Value) for x in subject):
        raise ArgumentError("draw takes one Value, got several\n  write  draw(sum(values))   for their sum")
    if not callable(subject) or isinstance(subject, type):
        raise ArgumentError(f"draw takes a Value, a model or a function, got {describe(subject)}{WAYS}")
    if not args and _needs_arguments(subject):
        called = _name_of(subject)
        kind = "a model" if hasattr(subject, "parameters") else "a function"
        write = "draw(model, x)" if hasattr(subject, "parameters") else f"draw({called}, *arguments)"
        raise ArgumentError(f"{called} is {kind}, which is drawn at its arguments; got none\n  write  {write}")


def _name_of(f: Any) -> str:
    name = str(getattr(f, "__name__", type(f).__name__))
    return "f" if name == "<lambda>" else name


def _needs_arguments(f: Any) -> bool:
    try:
        needed = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return True
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    variable = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in needed)
    return variable or any(p.kind in kinds and p.default is p.empty for p in needed)


def _of_function(f: Any, args: Sequence[Any], grad: bool) -> Value:
    plain = inspect.unwrap(f) if not isinstance(f, FunctionType) else f  # compiled: what it was compiled from
    leaves: list[Value] = []
    entered = [_entered(x, name, leaves) for x, name in zip(args, _argument_names(plain, len(args)), strict=True)]
    with modes.recording(), np.errstate(all="ignore"):
        y = plain(*entered)
        if grad and isinstance(y, Value):
            y = _gradient(plain, entered, leaves)
    if not isinstance(y, Value):
        raise ArgumentError(
            f"{_name_of(f)} returns {describe(y)}, and draw takes a Value that depends on its arguments"
            "\n  write  draw(lambda *a: f(*a)[0], ...)   for one of several results; arguments are arrays of floats"
        )
    return y


def _gradient(f: Any, entered: Sequence[Any], leaves: Sequence[Value]) -> Value:
    """The gradient by all leaves, end to end in one Value if there are several."""
    structure = tree.flatten(list(entered))[1]
    others = tree.flatten(list(entered))[0]
    own = {leaf.serial: k for k, leaf in enumerate(leaves)}

    def of_leaves(*values: Any) -> Any:
        mixed = [values[own[x.serial]] if isinstance(x, Value) and x.serial in own else x for x in others]
        return f(*structure.unflatten(mixed))

    found = gradient_of(of_leaves, tuple(range(len(leaves))))(*leaves)
    parts = [g if isinstance(g, Value) else Value(g) for g in found]
    for leaf, g in zip(leaves, parts, strict=True):
        if g.op is not None and not g.name:
            g.name = f"∂/∂{leaf.name}"
    if len(parts) == 1:
        return parts[0]
    joined: Any = np.concatenate([np.reshape(g, (-1,)) for g in parts])
    joined.name = "gradient"
    return joined  # type: ignore[no-any-return]


def _argument_names(f: Any, count: int) -> list[str]:
    """The names of the parameters, as far as they have any."""
    try:
        given = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        given = ()  # type: ignore[assignment]
    names: list[str] = []
    for p in given:
        many = p.kind is inspect.Parameter.VAR_POSITIONAL
        names += [f"{p.name}[{k}]" for k in range(count - len(names))] if many else [p.name]
    return [*names, *(f"x{k}" for k in range(len(names), count))][:count]


def _entered(x: Any, name: str, leaves: list[Value]) -> Any:
    """The argument with a named leaf for each number or array of floats."""

    def enter(one: Any, path: str) -> Any:
        if isinstance(one, Value):
            array = one.data
        else:
            array = np.asarray(one)
            if array.dtype.kind != "f":
                return one
        leaves.append(Value(np.array(array), name=f"{name}{path}"))
        return leaves[-1]

    return tree.tree_map(enter, x)


def _of_framework(subject: Any, args: Sequence[Any], loss: Callable[..., Any] | None) -> Value:
    """The loss, or the sum of all outputs, by the same tracing as `ties`."""
    is_model = hasattr(subject, "parameters")
    f = subject if is_model else functools.wraps(subject)(lambda *a: sum_of_all(subject(*a)))
    try:
        recording = record_framework_loss(f, args, loss or (sum_of_all if is_model else None), False)
    except MinigradError as error:
        raise type(error)(str(error).replace("ties(", "draw(").replace("ties follows", "draw follows")) from error
    if recording is None:
        raise ArgumentError(f"{_name_of(subject)} takes no arrays of its framework{WAYS}")
    return _with_named_leaves(recording)


def sum_of_all(outputs: Any) -> Any:
    """The sum of all numbers of nested outputs."""
    parts = [x.sum() if x.ndim else x for x in tree.flatten(outputs)[0]]
    return functools.reduce(lambda a, b: a + b, parts)


def _with_named_leaves(recording: Recording) -> Value:
    """The recorded graph with leaves that have the names of the parameters."""
    named = zip(recording.params, recording.paths, strict=True)
    env: dict[int, Any] = {p.serial: Value(np.array(p._array), name=path) for p, path in named}
    with modes.recording(), np.errstate(all="ignore"):
        found: Value = replay(graph(recording.y), env, RecordAgain())[recording.y.serial]
    return found
