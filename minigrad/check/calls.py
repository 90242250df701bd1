"""A call of an operation, as a user types it: rows of the table by the names users know, and how each is invoked.

What a call is; how one is drawn stands in `draws`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..catalogue import name_of
from ..op import TABLE, Op
from ..rules.indexing import put
from ..value import Value


def select(*xs: Any) -> Any:
    """Conditions, choices, default. NumPy does not ask the default what to do."""
    n = len(xs) // 2
    choices = [Value(x) if isinstance(xs[-1], Value) > isinstance(x, Value) else x for x in xs[n:-1]]
    return np.select(xs[:n], choices, xs[-1])


SPELLINGS: dict[Callable[..., Any], Callable[..., Any]] = {
    operator.getitem: lambda x, index: x[index],
    put: lambda x, values, index: put(x, index, values),
    np.astype: lambda x, dtype: np.astype(x, dtype),
    np.einsum: lambda *factors, subscripts, **how: np.einsum(subscripts, *factors, **how),
    np.average: lambda a, w=None, **params: np.average(a, weights=w, **params),
    np.meshgrid: np.meshgrid,
    np.interp: np.interp,
    np.broadcast_arrays: np.broadcast_arrays,
    np.select: select,
    np.gradient: lambda f, varargs=(), **params: np.gradient(f, *varargs, **params),
    # NumPy asks the first argument alone what to do.
    np.full_like: lambda x, v: np.full_like(Value(x) if isinstance(v, Value) > isinstance(x, Value) else x, v),
}


def called(op: Op) -> str:
    """The function's name, as users know it."""
    return "linalg." * (op.function.__module__ == "numpy.linalg") + op.function.__name__


def invoke(op: Op, inputs: Sequence[Any], params: dict[str, Any], key: Any = None) -> Any:
    """The call as a user types it."""
    function = key or op.function
    if op.variadic and function not in SPELLINGS:
        return function(list(inputs), **params)
    return SPELLINGS.get(function, function)(*inputs, **params)


def operation(of: Callable[..., Any] | Op) -> Op:
    """The record of an op, found by its function."""
    if isinstance(of, Op):
        return of
    if of in TABLE:
        return TABLE[of]
    raise KeyError(f"{getattr(of, '__name__', of)} has no row in the table\n  write  minigrad.ops()   to see it")


def literal(x: Any) -> str:
    """An array or a number of NumPy as source, anything else as its repr."""
    if isinstance(x, np.ndarray):
        kind = "" if x.dtype in (np.float64, np.int64, np.bool_) and x.size else f", dtype=np.{x.dtype}"
        return f"np.array({x.tolist()!r}{kind})"
    return repr(x)


@dataclass(repr=False)
class OpCall:
    """One call of an op, itself a function of the op's inputs: ``check_grads(call, call.args)``.

    inputs: in order, arrays or numbers. params: the rest of the call. seed: of `directions`.
    """

    op: Op
    inputs: tuple[Any, ...]
    params: dict[str, Any]
    seed: int = 0

    @property
    def args(self) -> tuple[Any, ...]:
        """The inputs, as the tuple of positional arguments that a check takes."""
        return self.inputs

    @property
    def __name__(self) -> str:
        """What a report calls it."""
        return called(self.op)

    def __call__(self, *inputs: Any) -> Any:
        """The op of these inputs, all else being as in this call."""
        return invoke(self.op, inputs, self.params)

    def __repr__(self) -> str:
        """The call in one line: inputs first, then parameters by name."""
        inputs = ", ".join(map(literal, self.inputs))
        if self.op.variadic and self.op.function not in SPELLINGS:
            inputs = f"[{inputs}]"
        params = (f"{name}={literal(value)}" for name, value in self.params.items())
        return f"{name_of(self.op)}({', '.join([inputs, *params])})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """As hypothesis and IPython print it: the same."""
        printer.text(repr(self))

    def directions(self) -> Callable[[Any], Any]:
        """For each array asked about, another of its shape: neither even, nor small, nor of one sign."""
        rng = np.random.default_rng(self.seed)

        def direction(like: Any) -> Any:
            shape = np.shape(like)
            return (rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))[()]

        return direction
